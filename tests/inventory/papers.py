"""Documents that post themselves, as purchasing does: each verb with the entry that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from inventory.services.receiving import ReceiptLine, receive_stock
from inventory.services.returning import ReturnLine, WentBack, return_to_supplier, reverse_receipt
from inventory.services.revaluing import Corrected, Correction, correct_receipts
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries

_number = count(1)
TODAY = date(2026, 11, 22)
AGAINST = "bank"
"""The other side of every entry here: an account that nothing else in these tests moves."""


def post(document: str, amount: Decimal, *, day: date = TODAY) -> None:
    """Have the stock account changed by what a document says."""
    post_entries(
        entries=[
            NewEntry(
                key=f"{document}:{next(_number)}",
                kind="paper",
                document=document,
                date=day,
                text="",
                lines=[EntryLine(account="inventory", amount=amount), EntryLine(account=AGAINST, amount=-amount)],
            )
        ],
        actor="test",
    )


def take_in(
    place: Any, *lines: tuple[Any, int, str], document: str = "receipt:GR-1", **kwargs: Any
) -> dict[int, Decimal]:
    """Have goods received, (item, units, value) line by line, and posted; answers the values by line."""
    values = receive_stock(
        location=place,
        lines=[
            ReceiptLine(item_id=item.pk, quantity=quantity, value=Decimal(value), line=number, **kwargs)
            for number, (item, quantity, value) in enumerate(lines, 1)
        ],
        document=document,
        actor="test",
        self_posted=True,
    ).values
    post(document, sum(values.values(), Decimal(0)))
    return values


def take_back(document: str, lines: Sequence[int] | None = None) -> list[WentBack]:
    """Have a receipt reversed and posted."""
    gone = reverse_receipt(document=document, lines=lines, actor="test")
    post(document, -sum((x.stock_value for x in gone), Decimal(0)))
    return gone


def send_back(place: Any, *lines: ReturnLine, document: str = "supplier_return:RV-1") -> list[WentBack]:
    """Have goods returned to the supplier and posted."""
    gone = return_to_supplier(location=place, lines=lines, document=document, actor="test")
    post(document, -sum((x.stock_value for x in gone), Decimal(0)))
    return gone


def correct(*corrections: Correction, document: str = "supplier_invoice:17") -> list[Corrected]:
    """Have receipts corrected and posted."""
    shares = correct_receipts(corrections=corrections, document=document, reason="invoice_price", actor="ana")
    post(document, sum((x.to_stock for x in shares), Decimal(0)))
    return shares
