"""What people post themselves: entries that belong to no document's verb."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from retailhub.accounting.models import JournalEntry
from retailhub.accounting.services.entries import NewEntry, NotReversible
from retailhub.accounting.services.posting import post_entries, reverse_entry
from retailhub.core.errors import Invalid, NotFound, Offence

MANUAL = "manual"


def post_by_hand(*, entry: NewEntry, actor: str) -> JournalEntry:
    """Have the entry in the journal as one made by hand. Raises what `post_entries` raises, and Invalid for nothing."""
    entries = post_entries(entries=[replace(entry, kind=MANUAL)], actor=actor)
    if not entries:
        raise Invalid(
            "Nothing is moved by this entry.",
            errors=[Offence(pointer="/entries/0/lines", code="empty", detail="every line is zero")],
        )
    return entries[0]


def reverse_by_hand(*, number: str, date: date, actor: str, text: str = "") -> JournalEntry:
    """Have an entry made by hand taken back.

    Raises NotReversible for what a document posted: that is taken back by the document's own verb, which puts goods and
    debts right too.
    """
    entry = JournalEntry.objects.filter(number=number).first()
    if entry is None:
        raise NotFound(f"there is no entry {number}")
    if entry.kind != MANUAL:
        raise NotReversible(f"{number} was posted by {entry.document or entry.kind}: take it back there.")
    return reverse_entry(key=entry.key, date=date, actor=actor, text=text)
