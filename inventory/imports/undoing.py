"""Imports taken back: what items and stock were before, as far as nobody touched them since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from inventory.models import Item, StockMovement
from inventory.services.cataloguing import ItemDraft, upsert_items
from inventory.services.removing import remove_unused_items
from inventory.services.reversing import reverse_adjustments
from retailhub.core.imports.targets import Desk, Verdict, Written
from retailhub.core.text import sku_key

Snapshot = dict[str, Any]
_PLAIN = ("name", "status", "price", "currency", "cost", "reorder_point", "weight_grams")
_AMOUNTS = ("price", "cost")
_GONE = "there is no such item any more"


def snapshots(verdicts: Iterable[Verdict]) -> dict[str, Snapshot]:
    """Hold the items of the rows and answer what they are now, by the key of their SKU, as JSON."""
    keys = {sku_key(verdict.row.values["sku"]) for verdict in verdicts}
    return {item.sku_key: _snapshot(item) for item in _held(sku_key__in=keys)}


def trace_of(before: Snapshot | None, after: Snapshot) -> Snapshot:
    """Answer what a row wrote: everything of a new item, of another one the fields that are not as they were."""
    if before is None:
        return {"id": after["id"], "now": after}
    changed = [name for name, value in after.items() if before[name] != value]
    return {
        "id": after["id"],
        "was": {name: before[name] for name in changed},
        "now": {name: after[name] for name in changed},
    }


def take_items_back(written: Sequence[Written], desk: Desk) -> None:
    """Give items their values from before the import, and remove those it made, where nobody touched either since."""
    held = {item.pk: item for item in _held(pk__in=[row.trace["id"] for row in written])}
    now = {pk: _snapshot(item) for pk, item in held.items()}
    made, changed = list[Written](), list[Written]()
    for row in written:
        pk = row.trace["id"]
        if pk not in now:
            row.keep("", "", _GONE)
            continue
        touched = [name for name, value in row.trace["now"].items() if now[pk][name] != value]
        for name in touched:
            row.keep(name, "" if name == "cost" else now[pk][name], "this was changed since")
        if not touched:
            (changed if "was" in row.trace else made).append(row)
    if changed:
        drafts = [_draft(held[row.trace["id"]].sku, row.trace["was"]) for row in changed]
        for row, result in zip(changed, upsert_items(drafts=drafts, actor=desk.actor), strict=True):
            if result.refusal:
                for reason in [offence.detail for offence in result.refusal.errors] or [result.refusal.detail]:
                    row.keep("", "", reason)
    used = remove_unused_items(item_ids=[row.trace["id"] for row in made])
    for row in made:
        if row.trace["id"] in used:
            row.keep("sku", held[row.trace["id"]].sku, f"the item is in use: {used[row.trace['id']]}")


def take_counts_back(written: Sequence[Written], desk: Desk) -> None:
    """Reverse the movements that counts made, where the goods did not move since; a count that moved nothing stays."""
    ids = [row.trace["movement"] for row in written]
    movements = {m.pk: m for m in StockMovement.objects.filter(pk__in=ids).select_related("item", "from_location")}
    allowed = []
    for row in written:
        if desk.principal.may("stock:write", location=row.trace["location"]):
            allowed.append(row)
        else:
            row.keep("location", row.trace["location"], "you may not change stock at this place")
    stay = reverse_adjustments(
        movement_ids=[row.trace["movement"] for row in allowed], actor=desk.actor, note=f"Import {desk.source} undone"
    )
    for row in allowed:
        if reason := stay.get(row.trace["movement"]):
            row.keep("sku", movements[row.trace["movement"]].item.sku, reason)


def _held(**which: Any) -> list[Item]:
    return list(
        Item.objects.filter(**which)
        .select_related("category__parent")
        .prefetch_related("barcodes")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )


def _snapshot(item: Item) -> Snapshot:
    path = [item.category.parent.name] if item.category and item.category.parent else []
    return {
        "id": item.pk,
        **{name: _json(getattr(item, name)) for name in _PLAIN},
        "category": [*path, item.category.name] if item.category else [],
        "barcodes": sorted(code.code for code in item.barcodes.all()),
    }


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _draft(sku: str, was: Mapping[str, Any]) -> ItemDraft:
    values: dict[str, Any] = {
        name: Decimal(value) if name in _AMOUNTS and value is not None else value for name, value in was.items()
    }
    return ItemDraft(sku=sku, **values)
