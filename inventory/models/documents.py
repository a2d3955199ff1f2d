"""Papers of the stock room: adjustments, counts, moves and receipts without a purchase order, and transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class StockDocumentQuerySet(models.QuerySet["StockDocument"]):
    def for_principal(self, principal: Principal, scope: str = "stock:read") -> StockDocumentQuerySet:
        codes = principal.places(scope)
        return self if codes is None else self.filter(location__code__in=codes)


class StockDocument(models.Model):
    """Why somebody changed stock at one place: an adjustment, a count, a move between buckets or a receipt."""

    class Kind(models.TextChoices):
        ADJUSTMENT = "adjustment", "Adjustment"
        MOVE = "move", "Move"
        RECEIPT = "receipt", "Receipt"

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=12)
    note = models.TextField(blank=True)
    lines = models.JSONField(default=list, help_text="What was asked, line by line; the movements are the result.")
    actor = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    objects = models.Manager.from_queryset(StockDocumentQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        return f"{self.kind}:{self.number}"


class TransferQuerySet(models.QuerySet["Transfer"]):
    def for_principal(self, principal: Principal, scope: str = "stock:read") -> TransferQuerySet:
        codes = principal.places(scope)
        if codes is None:
            return self
        return self.filter(Q(origin__code__in=codes) | Q(destination__code__in=codes))


class Transfer(models.Model):
    """Goods that one of our places sends to another: reserved when ready, in transit when shipped."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        READY = "ready", "Ready"
        IN_TRANSIT = "in_transit", "In transit"
        PART_RECEIVED = "part_received", "Partly received"
        RECEIVED = "received", "Received"
        CANCELLED = "cancelled", "Cancelled"

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.DRAFT: {Status.READY, Status.CANCELLED},
        Status.READY: {Status.IN_TRANSIT, Status.CANCELLED},
        Status.IN_TRANSIT: {Status.PART_RECEIVED, Status.RECEIVED},
        Status.PART_RECEIVED: {Status.PART_RECEIVED, Status.RECEIVED},
    }

    number = models.CharField(max_length=20, unique=True)
    origin = models.ForeignKey("inventory.Location", models.PROTECT, related_name="transfers_out")
    destination = models.ForeignKey("inventory.Location", models.PROTECT, related_name="transfers_in")
    status = models.CharField(max_length=14, choices=Status.choices, default=Status.DRAFT)
    note = models.TextField(blank=True)
    actor = models.CharField(max_length=200)
    due = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    shipped_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager.from_queryset(TransferQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(origin=F("destination")), name="transfer_goes_somewhere"),
            models.CheckConstraint(
                condition=Q(shipped_at__isnull=False) | Q(status__in=["draft", "ready", "cancelled"]),
                name="transfer_on_the_road_was_shipped",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        return f"transfer:{self.number}"


class TransferLine(models.Model):
    """How many units of an item a transfer moves, and what arrived of them."""

    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="+")
    quantity = models.IntegerField()
    shipped = models.IntegerField(default=0)
    received = models.IntegerField(default=0)
    damaged = models.IntegerField(default=0, help_text="Arrived, but damaged.")
    lost = models.IntegerField(default=0, help_text="Written off on the road.")

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transfer", "line"], name="transfer_line_once"),
            models.UniqueConstraint(fields=["transfer", "item"], name="transfer_names_an_item_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="transfer_quantity_is_positive"),
            models.CheckConstraint(
                condition=Q(shipped__gte=0, shipped__lte=F("quantity"), received__gte=0, damaged__gte=0, lost__gte=0)
                & Q(shipped__gte=F("received") + F("damaged") + F("lost")),
                name="transfer_receives_no_more_than_was_shipped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id}"
