"""Changes to an order that somebody asked for and nobody has decided on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Proposal(models.Model):
    """A change to a sent order that waits: a buyer's that needs approval, or a supplier's that needs a buyer."""

    class By(models.TextChoices):
        BUYER = "buyer", "Buyer"
        SUPPLIER = "supplier", "Supplier"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        SUPERSEDED = "superseded", "Superseded"

    order = models.ForeignKey("purchasing.PurchaseOrder", models.CASCADE, related_name="proposals")
    by = models.CharField(max_length=8, choices=By.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    changes = models.JSONField(help_text="As `amend_purchase_order` takes them.")
    reason = models.CharField(max_length=200, blank=True)
    value_after = models.CharField(max_length=40, blank=True, help_text="Net in home currency, once it holds.")
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(db_default=Now())
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order", "by"], condition=Q(state="open"), name="proposal_one_open_per_order_and_side"
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(decided_at__isnull=False), name="proposal_decided_has_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} wants {self.order_id} changed"
