"""Posting and closing at the same moment: once per key, and nothing behind a closed door."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from retailhub.accounting.models import JournalEntry, Period
from retailhub.accounting.queries import balance
from retailhub.accounting.services import closing, posting
from retailhub.accounting.services.closing import close_period
from retailhub.accounting.services.exporting import export_journal
from retailhub.accounting.services.posting import KeyTaken, PeriodClosed, post_entries
from tests.factories.accounting import new_entry, posted
from tests.races.crowd import MeetingPoint, after, crowd, deadlocks, failures, together  # noqa: F401

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _alone(settings: Any) -> None:
    """Leave out what the other apps prove and post, until the books were looked at: `deadlocks` comes after this."""
    settings.ACCOUNTING_PROOFS = "tests.accounting.provers.NOTHING"
    settings.ACCOUNTING_BEFORE_CLOSING = "tests.accounting.provers.NOBODY"


END = date(2026, 10, 31)


def close() -> Any:
    return close_period(start=date(2026, 10, 1), today=date(2026, 11, 1), actor="closer")


def test_eight_under_one_key_make_one_entry() -> None:
    answers = crowd(8, lambda number: posted("receipt:GR-1", date=END))

    assert not failures(answers)
    assert len({entry.pk for entry in answers}) == 1
    assert JournalEntry.objects.count() == 1
    assert Period.objects.count() == 1


def test_eight_contents_under_one_key_make_one_entry() -> None:
    answers = crowd(8, lambda number: posted("receipt:GR-1", f"{number + 1}.00"))

    assert not failures(answers, KeyTaken)
    assert len([a for a in answers if isinstance(a, KeyTaken)]) == 7
    assert JournalEntry.objects.count() == 1


def test_keys_in_opposite_order_do_not_wait_for_each_other_for_ever() -> None:
    keys = [f"receipt:GR-{number}" for number in range(20)]

    def post(number: int) -> Any:
        mine = keys if number % 2 else keys[::-1]
        return post_entries(entries=[new_entry(key) for key in mine], actor="test")

    answers = crowd(6, post)

    assert not failures(answers)
    assert JournalEntry.objects.count() == 20


def post_while_closing() -> tuple[Any, Decimal]:
    """Let somebody close the month between the writing of an entry and its commit; answer what he closed it at."""
    posted("earlier", date=date(2026, 10, 1))
    written, point = threading.Event(), MeetingPoint(2)

    def post() -> Any:
        with transaction.atomic():
            entry = posted("late", date=END)
            written.set()
            point.meet()
            return entry

    def close_then_look() -> Decimal:
        written.wait(10)
        close()
        seen = balance("inventory", until=END)
        point.meet()
        return seen

    entry, seen = together(post, close_then_look)
    return entry, seen


def test_what_a_month_was_closed_at_stays() -> None:
    entry, seen = post_while_closing()

    assert isinstance(entry, JournalEntry)
    assert seen == balance("inventory", until=END) == 240


def test_without_the_lock_an_entry_comes_in_after_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "LOCK", "SELECT 1")

    _entry, seen = post_while_closing()

    assert seen == 120
    assert balance("inventory", until=END) == 240


def post_against_a_quick_closer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let somebody close the month after the books were read and before the entry is written."""
    read, point = threading.Event(), MeetingPoint(2)

    def wait_for_closer() -> None:
        read.set()
        point.meet()

    after(monkeypatch, "retailhub.accounting.services.posting._read_books", wait_for_closer, once=True)

    def close_soon() -> None:
        read.wait(10)
        close()
        point.meet()

    answer, _ = together(lambda: posted("late", date=END), close_soon)
    assert Period.objects.get(start=date(2026, 10, 1)).is_closed
    return answer


def test_who_was_first_to_read_the_books_may_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(post_against_a_quick_closer(monkeypatch), JournalEntry)


def test_without_the_readers_lock_the_database_still_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "LOCK", "SELECT 1")

    answer = post_against_a_quick_closer(monkeypatch)

    assert isinstance(answer, IntegrityError)
    assert "journal_entry_in_open_period" in str(answer)
    assert not JournalEntry.objects.exists()


def test_a_crowd_that_posts_while_the_month_is_closed() -> None:
    def act(number: int) -> Any:
        return close() if number == 4 else posted(f"receipt:GR-{number}", date=END)

    answers = crowd(8, act)

    assert not failures(answers, PeriodClosed)
    entries = JournalEntry.objects.count()
    assert entries + len([a for a in answers if isinstance(a, PeriodClosed)]) == 7
    assert balance("inventory", until=END) == 120 * entries


def test_an_export_is_of_one_moment() -> None:
    post_entries(entries=[new_entry(f"receipt:{n}", text="x" * 2_000) for n in range(60)], actor="test")

    export = export_journal(form="csv")
    first = next(export.pieces)
    together(lambda: posted("receipt:late"))
    text = first + "".join(export.pieces)

    assert text.count("\r\n") == 1 + 2 * 60
    assert "receipt:late" not in text
    assert "receipt:late" in "".join(export_journal(form="csv").pieces)


def test_an_export_that_nobody_reads_to_its_end_lets_go_of_its_transaction() -> None:
    post_entries(entries=[new_entry(f"receipt:{n}", text="x" * 2_000) for n in range(60)], actor="test")

    export = export_journal(form="csv")
    next(export.pieces)
    assert connection.in_atomic_block
    export.pieces.close()

    assert not connection.in_atomic_block
    assert posted("receipt:next").pk
