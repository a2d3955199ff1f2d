"""Orders and what was said and done about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from inventory.models import StockPoolLocation
from orders.models.shipments import Shipment
from retailhub.core.money import MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class Status(models.TextChoices):
    OPEN = "open", "Open: nothing reserved"
    HELD = "held", "Held"
    ALLOCATED = "allocated", "Allocated"
    PART_ALLOCATED = "part_allocated", "Partly allocated"
    PICKING = "picking", "Picking"
    PART_SHIPPED = "part_shipped", "Partly shipped"
    SHIPPED = "shipped", "Shipped"
    READY_FOR_PICKUP = "ready_for_pickup", "Ready for pickup"
    COLLECTED = "collected", "Collected"
    CANCELLED = "cancelled", "Cancelled"
    CLOSED = "closed", "Closed"


WAITING = frozenset({Status.OPEN, Status.ALLOCATED, Status.PART_ALLOCATED})
"""States between which an order moves by itself as its stock comes and goes."""

MOVES: dict[str, set[str]] = {
    Status.OPEN: {Status.ALLOCATED, Status.PART_ALLOCATED, Status.HELD, Status.CANCELLED},
    Status.PART_ALLOCATED: {Status.OPEN, Status.ALLOCATED, Status.HELD, Status.PART_SHIPPED, Status.CANCELLED},
    Status.ALLOCATED: {
        Status.OPEN,
        Status.PART_ALLOCATED,
        Status.HELD,
        Status.PART_SHIPPED,
        Status.SHIPPED,
        Status.CANCELLED,
    },
    Status.HELD: {Status.OPEN, Status.PART_ALLOCATED, Status.ALLOCATED, Status.PART_SHIPPED, Status.CANCELLED},
    Status.PART_SHIPPED: {Status.PART_SHIPPED, Status.SHIPPED, Status.HELD},
    Status.SHIPPED: {Status.CLOSED},
}


class OrderQuerySet(models.QuerySet["Order"]):
    def for_principal(self, principal: Principal, scope: str = "orders:read") -> OrderQuerySet:
        """Keep the orders of the principal's channel that touch his places: sold from a pool that holds one of them,
        to be collected there, or shipped from there."""
        codes = principal.places(scope)
        rows = self.filter(channel__code=principal.channel) if principal.channel else self
        if codes is None:
            return rows
        if not codes:
            return rows.none()
        pools = StockPoolLocation.objects.filter(location__code__in=codes)
        sent = Shipment.objects.filter(order=OuterRef("pk"), location__code__in=codes)
        return rows.filter(Q(channel__pool__in=pools.values("pool")) | Q(pickup_location__in=codes) | Q(Exists(sent)))


class Order(models.Model):
    """What a customer ordered on one channel; a fact, kept whatever our stock says."""

    number = models.CharField(max_length=20, unique=True)
    channel = models.ForeignKey("orders.SalesChannel", models.PROTECT, related_name="orders", db_index=False)
    external_reference = models.CharField(max_length=120)
    status = models.CharField(max_length=16, choices=Status.choices)
    currency = models.CharField(max_length=3)
    customer = models.ForeignKey("customers.Customer", models.PROTECT, null=True, blank=True, related_name="orders")
    placed_at = models.DateTimeField(help_text="When the customer ordered.")
    received_at = models.DateTimeField(db_default=Now(), help_text="When we heard of it.")
    shipping_method = models.CharField(max_length=80, blank=True)
    shipping_address = models.JSONField(default=dict, blank=True)
    pickup_location = models.CharField(max_length=32, blank=True)
    shipping_price = MoneyField(default=0)
    lines_total = MoneyField(default=0, help_text="Sum of the lines after discounts, as the channel prices them.")
    tax_total = MoneyField(default=0, help_text="Tax, inside the total or on top as the channel's prices are.")
    total = MoneyField(default=0, help_text="What the customer pays.")
    prices_include_tax = models.BooleanField(default=True)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what makes a repeated order the same order.")
    external_version = models.CharField(max_length=64, blank=True, help_text="The channel's version last applied.")
    held_reason = models.CharField(max_length=200, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    actor = models.CharField(max_length=200)
    updated_at = models.DateTimeField(db_default=Now())

    objects = models.Manager.from_queryset(OrderQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "external_reference"], name="order_once_per_channel_reference"),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(cancelled_at__isnull=False), name="order_cancelled_has_a_time"
            ),
            *never_nan("total", "lines_total", "tax_total", "shipping_price", table="order"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["placed_at"], name="order_by_time"),
            models.Index(
                fields=["status", "-id"],
                condition=~Q(status__in=["shipped", "closed", "cancelled", "collected"]),
                name="order_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        """How the ledger names this order."""
        return f"order:{self.number}"


class OrderLine(models.Model):
    """One line of an order: units of an item at a price. `item` is empty only while a channel's SKU is unmapped."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", db_index=False)
    line = models.PositiveIntegerField()
    item = models.ForeignKey("inventory.Item", models.PROTECT, null=True, blank=True, related_name="order_lines")
    sku = models.CharField(max_length=64, help_text="As the channel wrote it.")
    external_id = models.CharField(max_length=120, blank=True, help_text="The channel's own id of this line.")
    quantity = models.IntegerField()
    cancelled = models.IntegerField(default=0)
    shipped = models.IntegerField(default=0)
    unit_price = MoneyField()
    discount = MoneyField(default=0, help_text="An amount off this line.")
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0, help_text="A fraction: 0.2 is 20 %.")

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "line"], name="order_line_once"),
            models.CheckConstraint(
                condition=Q(
                    quantity__gt=0, cancelled__gte=0, shipped__gte=0, quantity__gte=F("cancelled") + F("shipped")
                ),
                name="order_line_ships_no_more_than_ordered",
            ),
            *never_nan("unit_price", "discount", "tax_rate", table="order_line"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"

    @property
    def open_quantity(self) -> int:
        return self.quantity - self.cancelled - self.shipped


class OrderLinePart(models.Model):
    """How many units of an item one kit of an order line holds, as the catalogue said when it was ordered.

    A kit may be put together differently while its orders are under way. A line of an ordinary item has no parts.
    """

    order = models.ForeignKey(Order, models.CASCADE, related_name="parts", db_index=False)
    line = models.PositiveIntegerField()
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="ordered_in_kits")
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["line", "item"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "line", "item"], name="order_line_names_a_part_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_line_part_quantity_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id} in each of line {self.line}"


class Payment(models.Model):
    """Money a customer paid or promised for an order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="payments")
    method = models.CharField(max_length=60)
    amount = MoneyField()
    reference = models.CharField(max_length=120, blank=True)
    captured = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_is_not_negative"),
            *never_nan("amount", table="payment"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} by {self.method}"


class OrderEvent(models.Model):
    """One entry of an order's timeline: who did what and when, after it was placed."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=30)
    text = models.TextField()
    data = models.JSONField(default=dict, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
