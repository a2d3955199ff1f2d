"""What happened in the shop, in order, for whoever checks on it. Times are real ones, whatever the clock says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from channels.sandbox_shop.clock import stamp

STOCK_WRITE = "stock_write"  # a figure came in and was applied
STOCK_REFUSED = "stock_refused"  # a figure came in and was refused
STOCK_SET = "stock_set"  # somebody changed the figure behind everybody's back
SALE = "sale"
SALE_REFUSED = "sale_refused"
RESTOCK = "restock"
CANCELLATION = "cancellation"
FULFILMENT = "fulfilment"
REQUEST = "request"
MESSAGE = "message"


def received_now() -> str:
    return stamp(datetime.now(UTC))


def write(db: sqlite3.Connection, kind: str, data: Mapping[str, Any], *, at: str | None = None) -> None:
    db.execute(
        "INSERT INTO journal (at, kind, data) VALUES (?, ?, ?)",
        (at or received_now(), kind, json.dumps(data, ensure_ascii=False)),
    )


def entries(db: sqlite3.Connection, *, since: int, kinds: list[str], most: int) -> list[dict[str, Any]]:
    """Entries after number `since`, oldest first; no kinds means all kinds."""
    rows = db.execute(
        "SELECT seq, at, kind, data FROM journal"
        " WHERE seq > ? AND (? = '[]' OR kind IN (SELECT value FROM json_each(?))) ORDER BY seq LIMIT ?",
        (since, json.dumps(kinds), json.dumps(kinds), most),
    )
    return [{"seq": row["seq"], "at": row["at"], "kind": row["kind"], **json.loads(row["data"])} for row in rows]
