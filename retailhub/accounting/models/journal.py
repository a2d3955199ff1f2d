"""The journal: entries of lines that add up to nothing, kept so by the database."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from retailhub.accounting.models.triggers import BOOKS_LOCK, no_truncate
from retailhub.accounting.reading import has_the_books
from retailhub.core.money import MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal

# These run inside the database, so that no door, console or restored script can leave the books crooked.
_IS_BALANCED = """
    SELECT count(*), coalesce(sum(amount), 0) INTO lines, total FROM accounting_journalline WHERE entry_id = NEW.id;
    IF lines <> NEW.line_count OR total <> 0 THEN
        RAISE EXCEPTION 'journal_entry_is_balanced: entry % has % of % lines, which add up to %',
            NEW.number, lines, NEW.line_count, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_is_balanced';
    END IF;
    RETURN NULL;
"""
_OF_ITS_ENTRY = """
    SELECT n.entry_id, n.line INTO odd FROM new_lines n
    WHERE n.line > (SELECT e.line_count FROM accounting_journalentry e WHERE e.id = n.entry_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal_line_belongs_to_its_entry: entry % has no line %', odd.entry_id, odd.line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_line_belongs_to_its_entry';
    END IF;
    RETURN NULL;
"""
# The lock comes first and the question after it: whoever waited for a closing sees what it closed.
_IN_OPEN_PERIOD = f"""
    PERFORM pg_advisory_xact_lock_shared({BOOKS_LOCK});
    SELECT max("end") INTO through FROM accounting_period WHERE state = 'closed';
    IF NEW.date <= through THEN
        RAISE EXCEPTION 'journal_entry_in_open_period: the books are closed through %, the entry is dated %',
            through, NEW.date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_in_open_period';
    END IF;
    RETURN NEW;
"""  # noqa: S608  a constant of our own


class JournalEntryQuerySet(models.QuerySet["JournalEntry"]):
    def for_principal(self, principal: Principal, scope: str = "accounting:read") -> JournalEntryQuerySet:
        """Keep all or nothing: there is one journal for the house, for those who hold the scope everywhere."""
        return self if has_the_books(principal, scope) else self.none()


class JournalEntry(models.Model):
    """What a document did to the books on a day. Never changed, never deleted: a wrong one is reversed."""

    number = models.CharField(max_length=20, unique=True)
    key = models.CharField(max_length=200, unique=True, help_text="Posting the same key twice changes nothing.")
    kind = models.CharField(max_length=40)
    document = models.CharField(max_length=80, blank=True, help_text="What it was posted for, such as receipt:GR-12.")
    date = models.DateField()
    document_date = models.DateField(
        help_text="The day that was asked for; the entry stands on a later one where its period was closed."
    )
    text = models.TextField(blank=True)
    actor = models.CharField(max_length=200)
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversed_by")
    line_count = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64, help_text="Checksum of what was posted; `verify_all` takes it anew.")
    recorded_at = models.DateTimeField(db_default=Now())

    objects = models.Manager.from_queryset(JournalEntryQuerySet)()

    class Meta:
        verbose_name_plural = "journal entries"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(line_count__gte=2), name="journal_entry_has_two_sides"),
            models.CheckConstraint(condition=Q(date__gte=F("document_date")), name="journal_entry_moves_only_forward"),
            models.CheckConstraint(
                condition=~Q(key="") & ~Q(actor="") & ~Q(kind=""), name="journal_entry_says_what_and_who"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["date", "id"], name="journal_entry_by_date"),
            models.Index(fields=["document", "id"], name="journal_entry_by_document"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            no_truncate("the journal"),
            pgtrigger.Trigger(
                name="in_open_period",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("through", "date")],
                func=_IN_OPEN_PERIOD,
            ),
            pgtrigger.Trigger(
                name="is_balanced",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                declare=[("lines", "bigint"), ("total", "numeric")],
                func=_IS_BALANCED,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class JournalLineQuerySet(models.QuerySet["JournalLine"]):
    def for_principal(self, principal: Principal, scope: str = "accounting:read") -> JournalLineQuerySet:
        return self if has_the_books(principal, scope) else self.none()


class JournalLine(models.Model):
    """One account's part of an entry, in the home currency: debit above zero, credit below."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="lines", db_index=False)
    line = models.PositiveIntegerField()
    account = models.ForeignKey("accounting.Account", models.PROTECT, related_name="lines", db_index=False)
    amount = MoneyField(help_text="Debit above zero, credit below.")
    location = models.CharField(max_length=40, blank=True)
    party = models.CharField(max_length=120, blank=True, help_text="With whom, such as supplier:ACME.")
    reference = models.CharField(
        max_length=120, blank=True, help_text="The open item it opens or settles, such as receipt:GR-12#3."
    )
    original_amount = MoneyField(null=True, blank=True)
    original_currency = models.CharField(max_length=3, blank=True)
    memo = models.TextField(blank=True)

    objects = models.Manager.from_queryset(JournalLineQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "line"], name="journal_line_once_per_entry"),
            models.CheckConstraint(condition=Q(line__gte=1), name="journal_line_counts_from_one"),
            models.CheckConstraint(condition=~Q(amount=0), name="journal_line_is_not_zero"),
            models.CheckConstraint(
                condition=Q(original_amount__isnull=True, original_currency="")
                | (Q(original_amount__isnull=False) & Q(original_currency__regex=r"^[A-Z]{3}$")),
                name="journal_line_original_has_a_currency",
            ),
            *never_nan("amount", "original_amount", table="journal_line"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "reference"], name="journal_line_by_reference"),
            models.Index(fields=["account", "party"], name="journal_line_by_party"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            no_truncate("the journal"),
            pgtrigger.Trigger(
                name="of_its_entry",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="new_lines"),  # type: ignore[no-untyped-call]
                declare=[("odd", "record")],
                func=_OF_ITS_ENTRY,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} on account {self.account_id}"

    @property
    def credit(self) -> Decimal:
        """The amount as a credit is written: above zero."""
        amount: Decimal = self.amount
        return -amount
