"""What needs a person: one queue for everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from retailhub.core.money import MoneyField, never_nan

if TYPE_CHECKING:
    from datetime import datetime

    from retailhub.core.access import Principal


class AttentionQuerySet(models.QuerySet["Attention"]):
    def for_principal(self, principal: Principal) -> AttentionQuerySet:
        """Keep the rows whose scope and location the principal holds."""
        if not principal.may("work:read"):
            return self.none()
        allowed = Q(pk__in=[])
        for grant in principal.grants:
            granted = Q(scope__in=grant.scopes)
            if grant.locations is not None:
                granted &= Q(location="") | Q(location__in=grant.locations)
            allowed |= granted
        rows = self.filter(allowed)
        return rows.filter(channel__in=["", principal.channel]) if principal.channel else rows

    def open(self, *, at: datetime) -> AttentionQuerySet:
        return self.filter(resolved_at__isnull=True).filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=at))

    def at_place(self, place: str) -> AttentionQuerySet:
        """Keep what happens at this place and what happens at none in particular; everything when none is named."""
        return self.filter(location__in=["", place]) if place else self


class Attention(models.Model):
    """Something that needs a person: what, about which document, since when, money at risk, and the next step."""

    kind = models.CharField(max_length=40, help_text="oversold, short, discrepancy, dead_letter, ...")
    subject = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    document = models.CharField(max_length=80, help_text="What it is about, such as order:1042.")
    location = models.CharField(max_length=32, blank=True)
    channel = models.CharField(max_length=32, blank=True)
    scope = models.CharField(max_length=40, help_text="Who can settle it: the scope it takes.")
    at_risk = MoneyField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    step_label = models.CharField(max_length=60, blank=True)
    step_url = models.CharField(max_length=300, blank=True)
    raised_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True, blank=True)
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=200, blank=True)

    objects = models.Manager.from_queryset(AttentionQuerySet)()

    class Meta:
        verbose_name = "attention"
        verbose_name_plural = "attention"
        ordering: ClassVar = ["-raised_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "document", "location", "channel"],
                condition=Q(resolved_at__isnull=True),
                name="attention_one_open_per_kind_and_document",
            ),
            *never_nan("at_risk", table="attention"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"

    def is_for(self, principal: Principal) -> bool:
        """Whether the principal sees the row and can settle it: what `for_principal` asks, of one row."""
        if principal.channel and self.channel not in {"", principal.channel}:
            return False
        return principal.may("work:read") and principal.may(self.scope, location=self.location or None)
