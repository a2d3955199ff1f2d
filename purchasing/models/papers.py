"""Papers that travel to suppliers, and what happened to every document of buying."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Sending(models.Model):
    """One paper on its way to a supplier. Its states are the same by whatever way it travels."""

    class Kind(models.TextChoices):
        ORDER = "order", "Order"
        REVISION = "revision", "Revised order"
        CANCELLATION = "cancellation", "Cancellation"
        DISPUTE = "dispute", "Dispute"
        CLAIM = "claim", "Claim"

    class State(models.TextChoices):
        WAITING = "waiting", "Waits to be sent"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        FAILED = "failed", "Failed"

    document = models.CharField(max_length=80, help_text="What it is about, such as po:PO-12.")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    revision = models.PositiveSmallIntegerField(null=True, blank=True)
    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, related_name="sendings")
    transport = models.CharField(max_length=20, help_text="email, ...: which transport takes it.")
    address = models.CharField(max_length=300)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    file = models.FileField(upload_to="papers/%Y/%m/", blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    due_at = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField(null=True, blank=True)
    actor = models.CharField(max_length=200)
    made_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=False) | Q(state__in=["waiting", "failed"]), name="sending_sent_has_a_time"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="sending_due"),
            models.Index(fields=["document"], name="sending_by_document"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.document}"


class BuyingEvent(models.Model):
    """One entry of the timeline of a purchase order, receipt, invoice or supplier."""

    document = models.CharField(max_length=80)
    kind = models.CharField(max_length=30)
    text = models.TextField()
    data = models.JSONField(default=dict, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        indexes: ClassVar = [models.Index(fields=["document", "id"], name="buying_event_by_document")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
