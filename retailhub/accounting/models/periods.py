"""Months of the books: open, or closed for good unless the latest one is opened again for a reason."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from retailhub.accounting.models.triggers import no_truncate


def last_day(month: date) -> date:
    """Answer the last day of the date's month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


class Period(models.Model):
    """A month of the books. The database refuses entries dated in it, or before it, once it is closed."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    start = models.DateField(unique=True)
    end = models.DateField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN, db_default=State.OPEN)
    closed_by = models.CharField(max_length=200, blank=True, db_default="")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-start"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="period_ends_after_its_start"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True, closed_by="")
                | (Q(state="closed", closed_at__isnull=False) & ~Q(closed_by="")),
                name="period_closed_says_by_whom",
            ),
            ExclusionConstraint(
                name="period_days_belong_to_one",
                expressions=[
                    (
                        Func("start", "end", RangeBoundary(inclusive_upper=True), function="daterange"),
                        RangeOperators.OVERLAPS,
                    )
                ],
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(name="keeps_its_days", fields=["start", "end"]),
            pgtrigger.Protect(name="not_deleted", operation=pgtrigger.Delete),
            no_truncate("the periods"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """How a period is named at the doors: 2026-11."""
        return f"{self.start:%Y-%m}"

    @property
    def is_closed(self) -> bool:
        return self.state == self.State.CLOSED


class PeriodChange(models.Model):
    """Somebody closed a period, or opened it again and said why. Never changed, never deleted."""

    class Act(models.TextChoices):
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Reopened"

    period = models.ForeignKey(Period, models.PROTECT, related_name="changes")
    act = models.CharField(max_length=8, choices=Act.choices)
    actor = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(act="closed") | (Q(act="reopened") & ~Q(reason="")), name="period_reopened_for_a_reason"
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            no_truncate("the history of the periods"),
        ]

    def __str__(self) -> str:
        return f"{self.act} by {self.actor}"
