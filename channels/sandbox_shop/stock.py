"""Figures from outside: absolute, versioned, compare-and-set; one outcome for each."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from typing import Any

from channels.sandbox_shop import journal, reading
from channels.sandbox_shop.listings import listing_or_refusal, refused_entry
from channels.sandbox_shop.refusals import Refusal

BATCH = 250


def apply_stock(
    db: sqlite3.Connection, wanted: list[dict[str, Any]], *, now: str, key: str, received_at: str, failing: int
) -> list[dict[str, Any]]:
    """Set each figure or say why not; entries do not depend on each other.

    An entry is stale when its version is older than the one applied last, or when `expected` is not the present
    figure. With `failing` n, every n-th entry is left undone (0: none).
    """
    results = []
    times_named = Counter(str(entry.get("listing_id")) for entry in wanted)
    for position, entry in enumerate(wanted, start=1):
        named = {"listing_id": reading.echo(entry.get("listing_id"))}
        try:
            if failing and position % failing == 0:
                raise Refusal(503, "temporarily_unavailable", "Try this entry again.")
            if times_named[str(entry.get("listing_id"))] > 1:
                raise Refusal(422, "duplicate_entry", "This listing is in the request twice.", field="listing_id")
            result = named | _apply(db, entry, now=now)
        except Refusal as refusal:
            result = refused_entry(named, refusal)
        kind = journal.STOCK_WRITE if result["outcome"] in ("applied", "unchanged") else journal.STOCK_REFUSED
        told = {field: reading.echo(entry.get(field)) for field in ("version", "quantity", "expected")}
        journal.write(db, kind, told | result | {"key": key}, at=received_at)
        results.append(result)
    return results


def _apply(db: sqlite3.Connection, entry: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    listing_id = reading.text(entry, "listing_id", most=40)
    quantity = reading.whole(entry, "quantity", least=0, most=reading.MAX_QUANTITY)
    version = reading.whole(entry, "version", least=1, most=reading.MAX_VERSION)
    most = reading.MAX_QUANTITY
    expected = reading.whole_or_null(entry, "expected", least=-most, most=most)
    row = listing_or_refusal(db, listing_id)
    holds = {"sku": row["sku"], "actual": row["quantity"], "actual_version": row["version"]}
    if version < row["version"]:
        return holds | {"outcome": "stale", "code": "older_version"}
    if expected is not None and expected != row["quantity"]:
        return holds | {"outcome": "stale", "code": "expected_differs"}
    db.execute(
        "UPDATE listing SET quantity = ?, version = ?, updated_at = ? WHERE id = ?", (quantity, version, now, row["id"])
    )
    return {
        "outcome": "unchanged" if quantity == row["quantity"] else "applied",
        "sku": row["sku"],
        "before": row["quantity"],
        "actual": quantity,
        "actual_version": version,
    }
