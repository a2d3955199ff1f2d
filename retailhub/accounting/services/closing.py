"""Closing a period for good, and opening the latest one again for a reason."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from retailhub.accounting.models import Period, PeriodChange
from retailhub.accounting.models.periods import last_day
from retailhub.accounting.models.triggers import BOOKS_LOCK
from retailhub.accounting.registry import closing_steps
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.sql import rows
from retailhub.core.text import clean_text
from retailhub.core.transactions import retried

LOCK = f"SELECT pg_advisory_xact_lock({BOOKS_LOCK})"
"""Waits for everybody who is posting, and keeps others from it. The race in the tests takes it away."""


class PeriodNotOver(DomainError):
    """A month is closed after its last day."""

    code = "period_not_over"


class EarlierPeriodOpen(DomainError):
    """Periods are closed in their order."""

    code = "earlier_period_open"


class NotTheLatestClosed(DomainError):
    """Only the latest closed period is opened again."""

    code = "not_the_latest_closed"


def close_period(*, start: date, today: date, actor: str) -> Period:
    """Have the period that begins on `start` closed: no entry gets a date in it or before it any more.

    First every registered step posts what the books still lack for it, each in transactions of its own. Closing what
    is closed changes nothing. Raises PeriodNotOver, and EarlierPeriodOpen naming the periods that come first.
    """
    end = _end_of(start)
    if today <= end:
        raise PeriodNotOver(f"{start:%Y-%m} ends on {end}; it can be closed from the day after.", end=str(end))
    known = Period.objects.filter(start=start).first()
    if known is not None and known.is_closed:
        return known
    _refuse_earlier(start)
    for step in closing_steps():
        step(until=end)
    return _close(start, end, actor)


@retried()
def _close(start: date, end: date, actor: str) -> Period:
    rows(LOCK)
    period, _ = Period.objects.get_or_create(start=start, defaults={"end": end})
    if period.is_closed:
        return period
    _refuse_earlier(start)
    period.state, period.closed_by, period.closed_at = Period.State.CLOSED, actor, timezone.now()
    period.save(update_fields=["state", "closed_by", "closed_at"])
    PeriodChange.objects.create(period=period, act=PeriodChange.Act.CLOSED, actor=actor)
    return period


@retried()
def reopen_period(*, start: date, reason: str, actor: str) -> Period:
    """Have the latest closed period open again; who did it and why is kept.

    Raises NotTheLatestClosed naming the one that would have to be opened first, and Invalid without a reason.
    """
    reason = clean_text(reason)
    if not reason:
        raise Invalid(
            "Opening a period again takes a reason.",
            errors=[Offence(pointer="/reason", code="blank", detail="say why it is opened again")],
        )
    rows(LOCK)
    period = Period.objects.filter(start=start).first()
    if period is None:
        raise NotFound(f"there is no period that begins on {start}")
    latest = Period.objects.filter(state=Period.State.CLOSED).order_by("-start").first()
    if latest is None or latest.pk != period.pk:
        raise NotTheLatestClosed(
            f"The latest closed period is {latest}." if latest else "No period is closed.",
            latest=latest.code if latest else None,
        )
    period.state, period.closed_by, period.closed_at = Period.State.OPEN, "", None
    period.save(update_fields=["state", "closed_by", "closed_at"])
    PeriodChange.objects.create(period=period, act=PeriodChange.Act.REOPENED, actor=actor, reason=reason)
    return period


def _end_of(start: date) -> date:
    if start.day != 1:
        raise Invalid(f"{start} is not the first day of a month.")
    return last_day(start)


def _refuse_earlier(start: date) -> None:
    earlier = [
        period.code for period in Period.objects.filter(start__lt=start, state=Period.State.OPEN).order_by("start")
    ]
    if earlier:
        raise EarlierPeriodOpen(
            f"Close {earlier[0]} first.",
            errors=[
                Offence(pointer="/period", code="earlier_period_open", detail=f"{code} is open") for code in earlier
            ],
        )
