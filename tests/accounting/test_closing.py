"""Closing periods for good, in order, and opening the latest one again for a reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from retailhub.accounting.models import JournalEntry, Period, PeriodChange
from retailhub.accounting.services.closing import (
    EarlierPeriodOpen,
    NotTheLatestClosed,
    PeriodNotOver,
    close_period,
    reopen_period,
)
from retailhub.accounting.services.posting import PeriodClosed
from retailhub.core.errors import Invalid, NotFound
from tests.factories.accounting import posted

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER = (date(2026, month, 1) for month in (10, 11, 12))
LATER = date(2027, 1, 5)


def close(start: date, **given: Any) -> Period:
    return close_period(**{"start": start, "today": LATER, "actor": "ann", **given})


def test_a_closed_period_takes_no_entry() -> None:
    posted("a", date=date(2026, 10, 15))

    period = close(OCTOBER)

    assert (period.code, period.is_closed, period.closed_by) == ("2026-10", True, "ann")
    assert period.closed_at is not None
    assert [(c.act, c.actor) for c in PeriodChange.objects.all()] == [("closed", "ann")]
    for day in (date(2026, 10, 31), date(2026, 9, 1)):
        with pytest.raises(PeriodClosed):
            posted(f"{day}", date=day)
    assert posted("next", date=NOVEMBER).date == NOVEMBER


def test_closing_twice_changes_nothing(stepped: list[date]) -> None:
    close(OCTOBER)
    again = close(OCTOBER, actor="bob")

    assert again.closed_by == "ann"
    assert PeriodChange.objects.count() == 1
    assert stepped == [date(2026, 10, 31)]


def test_steps_post_what_the_books_lack_first(stepped: list[date]) -> None:
    close(OCTOBER)

    assert stepped == [date(2026, 10, 31)]
    assert JournalEntry.objects.get().date == date(2026, 10, 31)


def test_a_month_is_closed_after_its_last_day(stepped: list[date]) -> None:
    for today in (date(2026, 10, 1), date(2026, 10, 31)):
        with pytest.raises(PeriodNotOver):
            close(OCTOBER, today=today)
    with pytest.raises(Invalid):
        close(date(2026, 10, 2))

    assert not stepped
    assert not Period.objects.exists()
    assert close(OCTOBER, today=NOVEMBER).is_closed


def test_periods_are_closed_in_their_order(stepped: list[date]) -> None:
    posted("a", date=OCTOBER)
    posted("b", date=NOVEMBER)

    with pytest.raises(EarlierPeriodOpen) as refusal:
        close(DECEMBER)

    assert [error.detail for error in refusal.value.errors] == ["2026-10 is open", "2026-11 is open"]
    assert not stepped
    assert not PeriodChange.objects.exists()


def test_only_the_latest_closed_period_is_opened_again() -> None:
    close(OCTOBER)
    close(NOVEMBER)

    with pytest.raises(NotTheLatestClosed) as refusal:
        reopen_period(start=OCTOBER, reason="late invoice", actor="bob")
    period = reopen_period(start=NOVEMBER, reason="late invoice", actor="bob")

    assert refusal.value.details == {"latest": "2026-11"}
    assert (period.is_closed, period.closed_by, period.closed_at) == (False, "", None)
    change = PeriodChange.objects.first()
    assert change is not None
    assert (change.period, change.act, change.actor, change.reason) == (period, "reopened", "bob", "late invoice")
    assert posted("late", date=date(2026, 11, 30)).date == date(2026, 11, 30)
    with pytest.raises(PeriodClosed):
        posted("later", date=date(2026, 10, 30))
    assert close(NOVEMBER).is_closed


def test_opening_again_takes_a_reason_and_something_closed() -> None:
    close(OCTOBER)
    posted("a", date=NOVEMBER)

    for reason in ("", "  "):
        with pytest.raises(Invalid):
            reopen_period(start=OCTOBER, reason=reason, actor="bob")
    with pytest.raises(NotTheLatestClosed):
        reopen_period(start=NOVEMBER, reason="x", actor="bob")
    with pytest.raises(NotFound):
        reopen_period(start=DECEMBER, reason="x", actor="bob")
    assert PeriodChange.objects.count() == 1
