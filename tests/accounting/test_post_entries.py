"""Posting: balanced, once per key, in an open period, or refused by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailhub.accounting.models import ROLES, Account, JournalEntry, JournalLine, Period
from retailhub.accounting.services.posting import (
    EntryLine,
    KeyTaken,
    NotReversible,
    PeriodClosed,
    Unbalanced,
    UnknownAccount,
    post_entries,
    reverse_entry,
)
from retailhub.core.errors import Invalid, NotFound
from tests.factories.accounting import NOVEMBER, new_entry, posted, two_lines

pytestmark = pytest.mark.django_db


def lines_of(entry: JournalEntry) -> list[tuple[str | None, Decimal]]:
    return [(line.account.role, line.amount) for line in entry.lines.order_by("line")]


def close(month: date, end: date) -> None:
    Period.objects.update_or_create(
        start=month, defaults={"end": end, "state": "closed", "closed_by": "x", "closed_at": "2026-12-01T00:00Z"}
    )


def test_the_chart_has_every_role_once() -> None:
    assert set(Account.objects.values_list("role", flat=True)) == set(ROLES)
    assert Account.objects.count() == len(ROLES)


def test_an_entry_says_what_a_document_did_to_the_books() -> None:
    entry = posted(
        "receipt:GR-12", reference="receipt:GR-12#1", party="supplier:ACME", location="lyon", memo="12 lamps"
    )

    assert entry.number.startswith("JE-")
    assert (entry.kind, entry.document, entry.date, entry.document_date, entry.actor) == (
        "receipt", "receipt:GR-12", NOVEMBER, NOVEMBER, "test",
    )  # fmt: skip
    assert lines_of(entry) == [("inventory", Decimal(120)), ("grni", Decimal(-120))]
    credit = entry.lines.get(line=2)
    assert (credit.reference, credit.party, credit.location, credit.memo) == (
        "receipt:GR-12#1", "supplier:ACME", "lyon", "12 lamps",
    )  # fmt: skip
    assert Period.objects.get().code == "2026-11"


def test_an_account_of_ones_own_is_named_by_its_number() -> None:
    Account.objects.create(number="6100.2", name="Rent", kind="expense")

    entry = posted("manual:1", debit="6100.2", credit="bank")

    assert entry.lines.get(line=1).account.name == "Rent"


def test_foreign_amounts_stand_beside() -> None:
    line = two_lines("90.00", original_amount=Decimal("-100.00"), original_currency="USD")

    entry = posted("x:1", lines=line)

    assert entry.lines.get(line=2).original_amount == Decimal(-100)


def test_zero_lines_are_left_out_and_entries_of_nothing_too() -> None:
    zero = EntryLine(account="rounding", amount=Decimal("0.00"))
    entries = [
        new_entry("a", lines=[zero, *two_lines()]),
        new_entry("b", lines=[zero, zero]),
        new_entry("c", lines=[]),
    ]

    (entry,) = post_entries(entries=entries, actor="test")

    assert entry.key == "a"
    assert lines_of(entry) == [("inventory", Decimal(120)), ("grni", Decimal(-120))]
    assert JournalEntry.objects.count() == 1
    assert post_entries(entries=[], actor="test") == []


def test_the_same_key_twice_changes_nothing() -> None:
    first = posted()

    again = post_entries(entries=[new_entry(), new_entry()], actor="somebody else")

    assert again == [first, first]
    assert again[0].actor == "test"
    assert JournalLine.objects.count() == 2


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "120.01"},
        {"text": "Something else"},
        {"date": date(2026, 11, 13)},
        {"document": "receipt:GR-2"},
        {"kind": "other"},
        {"credit": "payable"},
        {"reference": "receipt:GR-1#1"},
        {"party": "supplier:ACME"},
        {"memo": "x"},
        {"location": "lyon"},
    ],
)
def test_another_content_under_a_key_is_refused(other: dict[str, Any]) -> None:
    posted()

    with pytest.raises(KeyTaken) as refusal:
        post_entries(entries=[new_entry("fresh"), new_entry(**other)], actor="test")

    assert [error.pointer for error in refusal.value.errors] == ["/entries/1/key"]
    assert JournalEntry.objects.count() == 1
    with pytest.raises(KeyTaken):
        post_entries(entries=[new_entry("twin"), new_entry("twin", "1.00")], actor="test")


def test_an_entry_that_does_not_add_up_is_refused_by_name() -> None:
    crooked = [EntryLine(account="inventory", amount=Decimal(5)), EntryLine(account="grni", amount=Decimal("-4.99"))]

    with pytest.raises(Unbalanced) as refusal:
        post_entries(entries=[new_entry("a"), new_entry("b", lines=crooked)], actor="test")

    (error,) = refusal.value.errors
    assert (error.pointer, error.extra) == ("/entries/1/lines", {"difference": "0.01"})
    assert "entry b" in error.detail
    assert not JournalEntry.objects.exists()


def test_an_unknown_account_is_refused_by_name() -> None:
    with pytest.raises(UnknownAccount) as refusal:
        post_entries(entries=[new_entry(debit="petty_cash", credit="99")], actor="test")

    assert [(e.pointer, e.extra["account"]) for e in refusal.value.errors] == [
        ("/entries/0/lines/0/account", "petty_cash"),
        ("/entries/0/lines/1/account", "99"),
    ]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"key": " "}, "/entries/0/key"),
        ({"key": "k" * 192, "document": "x"}, "/entries/0/key"),
        ({"kind": ""}, "/entries/0/kind"),
        ({"document": "d" * 81}, "/entries/0/document"),
        ({"text": "a\0b"}, "/entries/0/text"),
        ({"reference": "\ud800"}, "/entries/0/lines/1/reference"),
        ({"party": "p" * 121}, "/entries/0/lines/1/party"),
        ({"amount": "1.005"}, "/entries/0/lines/0/amount"),
        ({"amount": "NaN"}, "/entries/0/lines/0/amount"),
        ({"amount": "1e13"}, "/entries/0/lines/0/amount"),
        ({"lines": [EntryLine(account="bank", amount=1.5)]}, "/entries/0/lines/0/amount"),
        (
            {"lines": two_lines("1", original_amount=Decimal(1), original_currency="XYZW")},
            "/entries/0/lines/1/original_currency",
        ),
        ({"lines": two_lines("1", original_amount=Decimal(1))}, "/entries/0/lines/1/original_amount"),
    ],
)
def test_what_no_journal_can_hold_is_refused_with_its_place(given: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        post_entries(entries=[new_entry(**given)], actor="test")

    assert pointer in [error.pointer for error in refusal.value.errors]
    assert not JournalEntry.objects.exists()


def test_a_closed_date_is_refused_or_moved_to_the_first_open_day() -> None:
    october = posted("old", date=date(2026, 10, 31))
    close(date(2026, 10, 1), date(2026, 10, 31))
    late = {"date": date(2026, 10, 30)}

    with pytest.raises(PeriodClosed) as refusal:
        post_entries(entries=[new_entry("fits"), new_entry("late", **late)], actor="test")
    moved = posted("late", **late, or_first_open=True)
    ancient = posted("ancient", date=date(2019, 1, 1), or_first_open=True)

    assert [error.pointer for error in refusal.value.errors] == ["/entries/1/date"]
    assert (moved.date, moved.document_date) == (date(2026, 11, 1), date(2026, 10, 30))
    assert ancient.date == date(2026, 11, 1)
    assert posted("old", date=date(2026, 10, 31)) == october  # posted before it was closed: nothing new
    assert posted("late", **late, or_first_open=True) == moved
    assert not JournalEntry.objects.filter(key="fits").exists()


def test_a_reversal_turns_every_sign_once() -> None:
    entry = posted("receipt:GR-1", reference="receipt:GR-1#1", party="supplier:ACME")

    reversal = reverse_entry(key="receipt:GR-1", date=date(2026, 12, 1), actor="ann")
    again = reverse_entry(key="receipt:GR-1", date=date(2026, 12, 1), actor="ann")

    assert again == reversal
    assert (reversal.reverses, reversal.document, reversal.kind) == (entry, entry.document, entry.kind)
    assert lines_of(reversal) == [("inventory", Decimal(-120)), ("grni", Decimal(120))]
    assert reversal.lines.get(line=2).reference == "receipt:GR-1#1"
    with pytest.raises(KeyTaken):
        reverse_entry(key="receipt:GR-1", date=date(2026, 12, 2), actor="ann")
    with pytest.raises(NotReversible):
        reverse_entry(key=reversal.key, date=date(2026, 12, 2), actor="ann")
    with pytest.raises(NotFound):
        reverse_entry(key="nothing", date=date(2026, 12, 2), actor="ann")


def test_a_hundred_entries_take_as_many_statements_as_one() -> None:
    counts = []
    for count in (1, 100):
        entries = [new_entry(f"{count}:{number}", reference=f"x#{number}") for number in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as sent:
            assert len(post_entries(entries=entries, actor="test")) == count
        counts.append(len(sent))

    assert counts == [4, 4]


def test_yen_have_no_places(settings: Any) -> None:
    settings.HOME_CURRENCY = "JPY"

    entry = posted("yen", "1200")

    assert entry.lines.get(line=1).amount == 1200
    with pytest.raises(Invalid) as refusal:
        posted("more yen", "1200.50")
    assert {error.code for error in refusal.value.errors} == {"not_rounded"}


def test_the_last_day_there_is_can_be_dated() -> None:
    assert posted("last", date=date.max).date == date.max
    assert Period.objects.get().end == date.max
