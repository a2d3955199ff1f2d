"""What channels told us, as it came in."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class InboxMessage(models.Model):
    """One verified message of a channel, raw, and what became of it. A webhook is a hint: the object is fetched."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        APPLIED = "applied", "Applied"
        SUPERSEDED = "superseded", "Superseded: something newer was applied already"
        QUARANTINED = "quarantined", "Quarantined"

    account = models.ForeignKey("channels.Account", models.CASCADE, related_name="inbox", db_index=False)
    event_id = models.CharField(max_length=200)
    topic = models.CharField(max_length=80)
    external_id = models.CharField(max_length=120, blank=True)
    version = models.CharField(max_length=64, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)
    received_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "event_id"], name="inbox_event_once")]
        indexes: ClassVar = [models.Index(fields=["due_at"], condition=Q(state="pending"), name="inbox_to_do")]

    def __str__(self) -> str:
        return f"{self.topic} {self.external_id}"
