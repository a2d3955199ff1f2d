"""What each channel should be told about stock, what it was told, and the log that proves it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class StockIntent(models.Model):
    """The stock figure of one listing: wanted, sent and confirmed versions. One row per listing, newest wins."""

    class State(models.TextChoices):
        IDLE = "idle", "In step"
        DUE = "due", "To be pushed"
        SENDING = "sending", "Being pushed"
        UNSURE = "unsure", "Sent, answer unknown"
        REFUSED = "refused", "Refused by the channel"

    listing = models.OneToOneField("channels.Listing", models.CASCADE, related_name="intent")
    account = models.ForeignKey("channels.Account", models.CASCADE, related_name="intents", db_index=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DUE)
    wanted_version = models.BigIntegerField(default=1)
    sent_version = models.BigIntegerField(default=0)
    confirmed_version = models.BigIntegerField(default=0)
    sent_quantity = models.IntegerField(null=True, blank=True)
    confirmed_quantity = models.IntegerField(
        null=True, blank=True, help_text="What the channel shows, as far as we know: its last answer less what it sold."
    )
    stale_in_a_row = models.PositiveSmallIntegerField(default=0)
    stale_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when the channel holds another figure than we thought; its orders are read before it is told.",
    )
    # Falling figures go first, zero first of all: 0 will be zero, 1 falls, 2 rises or is unknown.
    urgency = models.PositiveSmallIntegerField(default=1)
    key = models.UUIDField(null=True, blank=True, help_text="Idempotency key of the call under way.")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now(), help_text="Not before this.")
    wanted_at = models.DateTimeField(db_default=Now(), help_text="When the oldest change not yet confirmed came.")
    wanted_again_at = models.DateTimeField(
        null=True, blank=True, help_text="When the oldest change since the figure in flight was claimed came."
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="Of the channel's last answer; empty once it sold something since."
    )
    lag_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="From the change to the channel's answer, last time."
    )
    error = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(confirmed_version__lte=F("sent_version"), sent_version__lte=F("wanted_version")),
                name="stock_intent_versions_in_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "urgency", "due_at"],
                condition=~Q(state__in=["idle", "refused"]),
                name="stock_intent_to_do",
            ),
        ]

    def __str__(self) -> str:
        return f"listing {self.listing_id}: {self.state}"


class Recount(models.Model):
    """All figures of an account are to be looked at anew, in the order of its listings; gone once the last one was."""

    account = models.OneToOneField("channels.Account", models.CASCADE, related_name="recount")
    done_to = models.BigIntegerField(default=0, help_text="Listings up to this id were looked at.")
    anyway = models.BooleanField(default=False, help_text="Told also where the channel has confirmed the figure.")
    wanted_at = models.DateTimeField(help_text="When the oldest change that asks for this came.")

    def __str__(self) -> str:
        return f"account {self.account_id} past listing {self.done_to}"


class PushLog(models.Model):
    """One figure told to a channel and what it answered."""

    account = models.ForeignKey("channels.Account", models.CASCADE, related_name="pushes", db_index=False)
    listing = models.ForeignKey("channels.Listing", models.CASCADE, related_name="pushes")
    version = models.BigIntegerField()
    quantity = models.IntegerField()
    outcome = models.CharField(max_length=12)
    detail = models.TextField(blank=True)
    took_ms = models.PositiveIntegerField(default=0)
    lag_ms = models.PositiveIntegerField(null=True, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="push_log_by_account")]

    def __str__(self) -> str:
        return f"{self.quantity} to listing {self.listing_id}: {self.outcome}"
