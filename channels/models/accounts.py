"""How to reach a channel, and how well that goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class AccountQuerySet(models.QuerySet["Account"]):
    def for_principal(self, principal: Principal, scope: str = "channels:read") -> AccountQuerySet:
        if not principal.may(scope):
            return self.none()
        return self.filter(channel__code=principal.channel) if principal.channel else self


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange("kind", "base_url", "state", "buffer", "share_percent")),
    fields=["channel", "kind", "base_url", "state", "state_reason", "buffer", "share_percent"],
)
class Account(models.Model):
    """A sales channel's connection: which connector, where, with which secrets, and its health."""

    class State(models.TextChoices):
        SETUP = "setup", "Being set up: nothing is written to the channel"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused: orders are taken, nothing is written"

    channel = models.OneToOneField("orders.SalesChannel", models.PROTECT, related_name="account")
    kind = models.CharField(max_length=40, help_text="The connector: sandbox, ...; desk has none.")
    base_url = models.CharField(max_length=300, blank=True)
    credentials = models.JSONField(default=dict, blank=True, help_text="Secrets; never shown again.")
    options = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SETUP)
    state_reason = models.CharField(max_length=300, blank=True)
    # What of our stock this channel may see, for every listing that does not say otherwise.
    buffer = models.PositiveIntegerField(default=0, help_text="Units kept back per listing.")
    share_percent = models.PositiveSmallIntegerField(default=100)
    # Health
    failures_in_a_row = models.PositiveIntegerField(default=0)
    open_again_at = models.DateTimeField(null=True, blank=True, help_text="No call before this: rate limit or breaker.")
    last_push_at = models.DateTimeField(null=True, blank=True)
    last_order_at = models.DateTimeField(null=True, blank=True)
    last_pull_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    pushing_until = models.DateTimeField(null=True, blank=True, help_text="Lease of the one worker that pushes stock.")
    pushing_token = models.UUIDField(null=True, blank=True)

    objects = models.Manager.from_queryset(AccountQuerySet)()

    class Meta:
        ordering: ClassVar = ["channel__code"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(share_percent__lte=100), name="account_share_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return str(self.channel)


class Cursor(models.Model):
    """How far a stream of a channel has been read; moves only after its page is stored."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="cursors")
    stream = models.CharField(max_length=40)
    value = models.TextField(blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    swept_at = models.DateTimeField(null=True, blank=True, help_text="Last full sweep with overlap.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "stream"], name="cursor_one_per_stream")]

    def __str__(self) -> str:
        return f"{self.stream} at {self.value}"
