"""Freight, duty and the like that become part of what goods cost."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from purchasing.models.orders import PurchaseCharge
from retailhub.core.money import MoneyField, never_nan


class LandedCost(models.Model):
    """One amount spread over received goods: an estimate from the order, or what was billed in the end."""

    class Kind(models.TextChoices):
        ESTIMATE = "estimate", "Estimate, accrued at receipt"
        ACTUAL = "actual", "Billed"

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    code = models.CharField(max_length=20)
    basis = models.CharField(max_length=8, choices=PurchaseCharge.Basis.choices)
    amount = MoneyField(help_text="Home currency, whole cents; a later correction may be negative.")
    invoice_charge = models.ForeignKey(
        "purchasing.InvoiceCharge", models.PROTECT, null=True, blank=True, related_name="landed_costs"
    )
    order_charge = models.ForeignKey(PurchaseCharge, models.PROTECT, null=True, blank=True, related_name="landed_costs")
    note = models.CharField(max_length=200, blank=True, help_text="Why another basis had to serve, for one.")
    actor = models.CharField(max_length=200)
    posted_at = models.DateTimeField(db_default=Now())
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversed_by")

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [*never_nan("amount", table="landed_cost")]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        return f"landed_cost:{self.number}"


class LandedCostShare(models.Model):
    """What one receipt line bears of a landed cost, and how much of that went to stock and to goods sold since."""

    landed_cost = models.ForeignKey(LandedCost, models.CASCADE, related_name="shares")
    receipt_line = models.ForeignKey("purchasing.ReceiptLine", models.PROTECT, related_name="landed_shares")
    quantity = models.IntegerField(help_text="Net of what went back.")
    amount = MoneyField()
    to_stock = MoneyField(default=0)
    to_sold = MoneyField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["landed_cost", "receipt_line"], name="landed_share_once"),
            models.CheckConstraint(
                condition=Q(amount=F("to_stock") + F("to_sold")), name="landed_share_goes_to_stock_or_sold"
            ),
            *never_nan("amount", "to_stock", "to_sold", table="landed_share"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} on {self.receipt_line_id}"
