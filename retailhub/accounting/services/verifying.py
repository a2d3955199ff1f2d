"""Proof that the journal is what was posted, and that it agrees with the documents it was posted for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from retailhub.accounting.models import JournalLine
from retailhub.accounting.proving import at_one_moment, compare
from retailhub.accounting.services.entries import fingerprint
from retailhub.core.sql import rows
from retailhub.core.verifying import Breach


def verify() -> list[Breach]:
    """Answer every entry and account that is not as it must be; nothing, when all is well.

    All is read as of one moment, so that work going on beside it is no breach.
    """
    with at_one_moment():
        return [*_crooked(), *_changed(), *_after_closing(), *_unproved()]


def _crooked() -> Iterator[Breach]:
    for number, expected, lines, total in rows(
        """SELECT e.number, e.line_count, count(l.id), coalesce(sum(l.amount), 0)
           FROM accounting_journalentry e LEFT JOIN accounting_journalline l ON l.entry_id = e.id
           GROUP BY e.id HAVING count(l.id) <> e.line_count OR coalesce(sum(l.amount), 0) <> 0 ORDER BY e.id"""
    ):
        yield Breach(
            check="entry balances", subject=number, expected=f"{expected} lines, 0", found=f"{lines} lines, {total}"
        )


_CONTENT = (
    "entry_id", "entry__number", "entry__fingerprint", "entry__kind", "entry__document", "entry__document_date",
    "entry__text", "entry__reverses_id", "account_id", "amount", "location", "party", "reference", "memo",
    "original_amount", "original_currency",
)  # fmt: skip


def _changed() -> Iterator[Breach]:
    """Take every entry's checksum anew: triggers keep entries as they were, unless somebody switched them off."""
    lines = JournalLine.objects.order_by("entry_id", "line").values_list(*_CONTENT)
    for _, group in groupby(lines.iterator(chunk_size=5_000), key=itemgetter(0)):
        content = list(group)
        _pk, number, mark, kind, document, document_date, text, reverses_id = content[0][:8]
        found = fingerprint(
            kind=kind,
            document=document,
            document_date=document_date,
            text=text,
            reverses_id=reverses_id,
            lines=[line[8:] for line in content],
        )
        if found != mark:
            yield Breach(check="entry unchanged", subject=number, expected=mark[:12], found=found[:12])


def _after_closing() -> Iterator[Breach]:
    for number, day, through in rows(
        """SELECT e.number, e.date, p.end FROM accounting_journalentry e
           JOIN accounting_period p ON p.state = 'closed' AND e.date <= p.end AND e.recorded_at > p.closed_at
           ORDER BY e.id"""
    ):
        yield Breach(check="closed period", subject=number, expected=f"dated after {through}", found=day)


def _unproved() -> Iterator[Breach]:
    for proved in compare():
        if proved.expected != proved.found:
            yield Breach(
                check="journal",
                subject=f"account {proved.account.number} {proved.account.name}",
                place=proved.reference,
                expected=proved.expected,
                found=proved.found,
            )
