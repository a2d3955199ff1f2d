"""Promises: goods kept for a document, demand that waits for goods, and goods on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def for_principal(self, principal: Principal, scope: str = "stock:read") -> ReservationQuerySet:
        codes = principal.places(scope)
        return self if codes is None else self.filter(location__code__in=codes)

    def open(self) -> ReservationQuerySet:
        return self.filter(open_quantity__gt=0)


class Reservation(models.Model):
    """Units of an item at a location that are promised to one line of a document, until consumed or released."""

    document = models.CharField(max_length=80)
    line = models.PositiveIntegerField(default=1)
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="reservations", db_index=False)
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="reservations", db_index=False)
    pool = models.ForeignKey(
        "inventory.StockPool", models.PROTECT, related_name="+", null=True, blank=True, db_index=False,
        help_text="From which places it may be served should these goods turn out missing.",
    )  # fmt: skip
    quantity = models.IntegerField()
    consumed = models.IntegerField(default=0)
    released = models.IntegerField(default=0)
    open_quantity = models.GeneratedField(
        expression=F("quantity") - F("consumed") - F("released"), output_field=models.IntegerField(), db_persist=True
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = models.Manager.from_queryset(ReservationQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["document", "line", "item", "location"], name="reservation_one_per_line_item_and_location"
            ),
            models.CheckConstraint(
                condition=Q(
                    quantity__gt=0, consumed__gte=0, released__gte=0, quantity__gte=F("consumed") + F("released")
                ),
                name="reservation_is_used_at_most_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                F("item"),
                F("location"),
                condition=Q(quantity__gt=F("consumed") + F("released")),
                name="reservation_open",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False, quantity__gt=F("consumed") + F("released")),
                name="reservation_expiring",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.open_quantity} for {self.document}"


class WaitingDemand(models.Model):
    """Units that a document line still waits for; served oldest promise first when goods arrive in its pool."""

    document = models.CharField(max_length=80)
    line = models.PositiveIntegerField(default=1)
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="waiting", db_index=False)
    pool = models.ForeignKey("inventory.StockPool", models.PROTECT, related_name="waiting", null=True, db_index=False)
    location = models.ForeignKey(
        "inventory.Location",
        models.PROTECT,
        related_name="waiting",
        null=True,
        db_index=False,
        help_text="Only goods at this place serve it; empty: any place of the pool.",
    )
    supply = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text="Only goods received for this purchase line serve it, such as po:PO-12#3.",
    )
    quantity = models.IntegerField(help_text="Still waited for.")
    promised_at = models.DateTimeField(help_text="The older the promise, the sooner it is served.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "line", "item"], name="waiting_demand_one_per_line_and_item"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="waiting_demand_is_not_negative"),
            models.CheckConstraint(
                condition=Q(pool__isnull=False) | Q(location__isnull=False), name="waiting_demand_says_where"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["item", "promised_at", "id"], condition=Q(quantity__gt=0), name="waiting_demand_in_turn"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} waits for {self.quantity}"


class IncomingSupply(models.Model):
    """Units of an item on their way to a location: an open purchase order line or a transfer on the road."""

    document = models.CharField(max_length=80)
    line = models.PositiveIntegerField(default=1)
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="incoming")
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="incoming", db_index=False)
    quantity = models.IntegerField()
    due = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "incoming supply"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "line", "item"], name="incoming_one_per_line_and_item"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="incoming_is_not_negative"),
        ]
        indexes: ClassVar = [models.Index(fields=["location", "item"], name="incoming_by_location")]

    def __str__(self) -> str:
        return f"{self.quantity} from {self.document}"
