"""The stock ledger: levels that can be locked, and movements that are never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from retailhub.core.money import CostField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class Bucket(models.TextChoices):
    SELLABLE = "sellable", "Sellable"
    DAMAGED = "damaged", "Damaged"
    ON_HOLD = "on_hold", "On hold"


class Reason(models.TextChoices):
    """Why goods moved. The first five are what a person may give for an adjustment."""

    OPENING = "opening", "Opening stock"
    COUNT = "count", "Count"
    DAMAGE = "damage", "Damage"
    LOSS = "loss", "Loss"
    FOUND = "found", "Found"
    CORRECTION = "correction", "Correction"
    RECEIPT = "receipt", "Receipt"
    SALE = "sale", "Sale"
    RETURN = "return", "Return"
    TRANSFER = "transfer", "Transfer"
    QUALITY = "quality", "Quality check"
    QUARANTINE = "quarantine", "Quarantine"
    DISPLAY = "display", "Display"
    RELEASED = "released", "Released for sale"
    REVERSAL = "reversal", "Reversal"


class StockLevelQuerySet(models.QuerySet["StockLevel"]):
    def for_principal(self, principal: Principal, scope: str = "stock:read") -> StockLevelQuerySet:
        codes = principal.places(scope)
        return self if codes is None else self.filter(location__code__in=codes)


class StockLevel(models.Model):
    """How many base units of one item stand at one location, by state, and how many of them are promised.

    Written by `inventory.services.ledger` alone, with the movements that explain it.
    """

    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="levels")
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="levels")
    sellable = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    damaged = models.IntegerField(default=0)
    on_hold = models.IntegerField(default=0)
    safety = models.PositiveIntegerField(default=0, help_text="Kept back from every channel.")
    on_hand = models.GeneratedField(
        expression=F("sellable") + F("damaged") + F("on_hold"), output_field=models.IntegerField(), db_persist=True
    )
    available = models.GeneratedField(
        expression=F("sellable") - F("reserved"), output_field=models.IntegerField(), db_persist=True
    )

    objects = models.Manager.from_queryset(StockLevelQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "location"], name="stock_level_one_per_item_and_location"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, reserved__lte=F("sellable")), name="stock_level_promises_are_covered"
            ),
            models.CheckConstraint(condition=Q(damaged__gte=0, on_hold__gte=0), name="stock_level_never_negative"),
        ]
        indexes: ClassVar = [models.Index(fields=["location", "item"], name="stock_level_by_location")]

    def __str__(self) -> str:
        return f"item {self.item_id} at location {self.location_id}"


class StockMovementQuerySet(models.QuerySet["StockMovement"]):
    def for_principal(self, principal: Principal, scope: str = "stock:read") -> StockMovementQuerySet:
        codes = principal.places(scope)
        if codes is None:
            return self
        return self.filter(Q(from_location__code__in=codes) | Q(to_location__code__in=codes))


class StockMovement(models.Model):
    """Goods that went from one place and bucket to another, with their value. Never changed, never deleted."""

    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="movements")
    from_location = models.ForeignKey(
        "inventory.Location", models.PROTECT, related_name="movements_out", db_index=False
    )
    from_bucket = models.CharField(max_length=8, choices=Bucket.choices, default=Bucket.SELLABLE)
    to_location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="movements_in", db_index=False)
    to_bucket = models.CharField(max_length=8, choices=Bucket.choices, default=Bucket.SELLABLE)
    quantity = models.IntegerField()
    value = CostField(help_text="What these units are worth, in the home currency.")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    document = models.CharField(max_length=80, help_text="What moved them, such as order:1042.")
    line = models.PositiveIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    key = models.CharField(max_length=120, null=True, blank=True, unique=True)
    self_posted = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Its document posts to the journal itself; the stock summary leaves it out.",
    )
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversed_by")
    returns = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="returned_by",
        db_index=False,
        help_text="The receipt whose goods went back to the supplier.",
    )
    occurred_at = models.DateTimeField(help_text="When it happened in the world.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="When we wrote it down.")

    objects = models.Manager.from_queryset(StockMovementQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="movement_quantity_is_positive"),
            models.CheckConstraint(
                condition=~Q(from_location=F("to_location"), from_bucket=F("to_bucket")), name="movement_goes_somewhere"
            ),
            models.CheckConstraint(condition=Q(value__gte=0), name="movement_value_is_not_negative"),
            *never_nan("value", table="movement"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["item", "-id"], name="movement_by_item"),
            models.Index(fields=["document"], name="movement_by_document"),
            models.Index(fields=["returns"], condition=Q(returns__isnull=False), name="movement_returns"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'pgtrigger: Cannot truncate the stock ledger';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id}: {self.from_location_id} to {self.to_location_id}"
