"""Entries as callers post them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from retailhub.accounting.models import JournalEntry
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries

_OF_A_LINE = ("reference", "party", "memo", "location", "original_amount", "original_currency")
NOVEMBER = date(2026, 11, 12)


def two_lines(
    amount: str = "120.00", *, debit: str = "inventory", credit: str = "grni", **about: Any
) -> list[EntryLine]:
    """Answer an amount that goes from one account to another; what else is said is said of the credit line."""
    return [
        EntryLine(account=debit, amount=Decimal(amount)),
        EntryLine(account=credit, amount=-Decimal(amount), **about),
    ]


def new_entry(key: str = "receipt:GR-1", amount: str = "120.00", **given: Any) -> NewEntry:
    """Answer goods received for so much, not yet invoiced."""
    about = {name: given.pop(name) for name in _OF_A_LINE if name in given}
    sides = {name: given.pop(name) for name in ("debit", "credit") if name in given}
    return NewEntry(
        **{
            "key": key,
            "kind": "receipt",
            "document": key,
            "date": NOVEMBER,
            "text": "Goods received",
            "lines": two_lines(amount, **sides, **about),
            **given,
        }
    )


def posted(*args: Any, **given: Any) -> JournalEntry:
    """Have such an entry in the journal."""
    (entry,) = post_entries(entries=[new_entry(*args, **given)], actor="test")
    return entry
