"""Goods that are on their way: what a purchase order still brings, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.models import IncomingSupply
from retailhub.core.sql import OneTrip
from retailhub.core.transactions import retried


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one line of a document still brings: `quantity` is what is open now, 0 when nothing comes any more."""

    document: str
    line: int
    item_id: int
    location_id: int
    quantity: int
    due: datetime | None = None


@retried()
def expect_supply(*, lines: Sequence[Expected]) -> None:
    """Set what is open and when it is due, absolutely, for each (document, line): new lines, changed ones, closed ones.

    A line that brings another item now brings nothing of the old one. The caller holds the document; receipts lower
    what is open by themselves (`ReceiptLine.incoming`). One statement; nothing is published.
    """
    last = {(line.document, line.line): line for line in lines}
    ordered = [last[key] for key in sorted(last)]
    if not ordered:
        return
    trip = OneTrip()
    # What the line brought of another item is another row than the one written below.
    trip.add(
        """UPDATE inventory_incomingsupply s SET quantity = 0
           FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS v(document, line, item_id)
           WHERE s.document = v.document AND s.line = v.line AND s.item_id <> v.item_id AND s.quantity > 0""",
        [[x.document for x in ordered], [x.line for x in ordered], [x.item_id for x in ordered]],
    )
    trip.insert(
        IncomingSupply,
        {
            "document": [x.document for x in ordered],
            "line": [x.line for x in ordered],
            "item": [x.item_id for x in ordered],
            "location": [x.location_id for x in ordered],
            "quantity": [x.quantity for x in ordered],
            "due": [x.due for x in ordered],
        },
        ending="""ON CONFLICT (document, line, item_id) DO UPDATE SET location_id = excluded.location_id,
                      quantity = excluded.quantity, due = excluded.due""",
    )
    trip.run()
