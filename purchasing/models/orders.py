"""Purchase orders: what we ordered, in which revision, and what became of every line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from retailhub.core.money import CostField, MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class OrderStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waits for approval"
    APPROVED = "approved", "Approved, not sent"
    ISSUED = "issued", "Sent"
    ACKNOWLEDGED = "acknowledged", "Confirmed by the supplier"
    PART_RECEIVED = "part_received", "Partly received"
    RECEIVED = "received", "Received"
    CLOSED = "closed", "Closed"
    CLOSED_SHORT = "closed_short", "Closed short"
    CANCELLED = "cancelled", "Cancelled"
    ON_HOLD = "on_hold", "On hold"


ORDER_MOVES: dict[str, set[str]] = {
    OrderStatus.DRAFT: {OrderStatus.SUBMITTED, OrderStatus.APPROVED, OrderStatus.CANCELLED},
    OrderStatus.SUBMITTED: {OrderStatus.APPROVED, OrderStatus.DRAFT, OrderStatus.CANCELLED, OrderStatus.ON_HOLD},
    OrderStatus.APPROVED: {
        OrderStatus.ISSUED,
        OrderStatus.SUBMITTED,
        OrderStatus.DRAFT,
        OrderStatus.CANCELLED,
        OrderStatus.ON_HOLD,
    },
    OrderStatus.ISSUED: {
        OrderStatus.ACKNOWLEDGED,
        OrderStatus.PART_RECEIVED,
        OrderStatus.RECEIVED,
        OrderStatus.CANCELLED,
        OrderStatus.CLOSED_SHORT,
        OrderStatus.ON_HOLD,
    },
    OrderStatus.ACKNOWLEDGED: {
        OrderStatus.PART_RECEIVED,
        OrderStatus.RECEIVED,
        OrderStatus.CANCELLED,
        OrderStatus.CLOSED_SHORT,
        OrderStatus.ON_HOLD,
        # a revision that he has to confirm anew
        OrderStatus.ISSUED,
    },
    OrderStatus.PART_RECEIVED: {
        OrderStatus.PART_RECEIVED,
        OrderStatus.RECEIVED,
        OrderStatus.CLOSED_SHORT,
        OrderStatus.ON_HOLD,
        # a receipt that is reversed
        OrderStatus.ISSUED,
        OrderStatus.ACKNOWLEDGED,
    },
    OrderStatus.RECEIVED: {
        OrderStatus.CLOSED,
        # a receipt that is reversed, or a revision that orders more
        OrderStatus.PART_RECEIVED,
        OrderStatus.ISSUED,
        OrderStatus.ACKNOWLEDGED,
    },
    OrderStatus.CLOSED_SHORT: {OrderStatus.CLOSED, OrderStatus.PART_RECEIVED},
    # others are to come for goods that went back
    OrderStatus.CLOSED: {OrderStatus.PART_RECEIVED},
    OrderStatus.ON_HOLD: {
        OrderStatus.SUBMITTED,
        OrderStatus.APPROVED,
        OrderStatus.ISSUED,
        OrderStatus.ACKNOWLEDGED,
        OrderStatus.PART_RECEIVED,
        OrderStatus.CANCELLED,
    },
}

OPEN = frozenset({OrderStatus.ISSUED, OrderStatus.ACKNOWLEDGED, OrderStatus.PART_RECEIVED})
"""States in which goods are expected and may be received."""


class PurchaseOrderQuerySet(models.QuerySet["PurchaseOrder"]):
    def for_principal(self, principal: Principal, scope: str = "purchasing:read") -> PurchaseOrderQuerySet:
        """Keep the orders for the principal's places."""
        if principal.channel:
            return self.none()
        codes = principal.places(scope)
        return self if codes is None else self.filter(ship_to__code__in=codes)

    def open(self) -> PurchaseOrderQuerySet:
        return self.filter(status__in=OPEN)


class PurchaseOrder(models.Model):
    """What we ask one supplier to deliver to one place. Once sent it changes only by numbered revisions."""

    number = models.CharField(max_length=20, unique=True)
    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, related_name="orders")
    ship_to = models.ForeignKey("inventory.Location", models.PROTECT, related_name="purchase_orders")
    status = models.CharField(max_length=14, choices=OrderStatus.choices, default=OrderStatus.DRAFT)
    held_from = models.CharField(max_length=14, blank=True, help_text="The state to go back to when released.")
    held_reason = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(
        max_digits=19, decimal_places=9, default=1, help_text="Home currency for one unit, frozen when sent."
    )
    payment_days = models.PositiveSmallIntegerField(default=30)
    expected_on = models.DateField(null=True, blank=True)
    supplier_reference = models.CharField(max_length=80, blank=True, help_text="The supplier's number for this order.")
    external_reference = models.CharField(max_length=120, blank=True, help_text="Its number where it came from.")
    note = models.TextField(blank=True, help_text="Printed for the supplier.")
    revision = models.PositiveSmallIntegerField(default=0, help_text="0 until it is sent.")
    net_total = MoneyField(default=0, help_text="Of lines and charges, without tax, in the order's currency.")
    approved_total = MoneyField(default=0, help_text="The net total in home currency that was approved.")
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())
    submitted_by = models.CharField(max_length=200, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=200, blank=True)

    objects = models.Manager.from_queryset(PurchaseOrderQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(rate__gt=0), name="purchase_order_rate_is_positive"),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=False)
                | Q(status__in=["draft", "submitted", "approved", "cancelled", "on_hold"]),
                name="purchase_order_sent_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=False) | Q(status__in=["draft", "submitted", "cancelled", "on_hold"]),
                name="purchase_order_approved_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=False) | ~Q(status__in=["closed", "closed_short", "cancelled"]),
                name="purchase_order_over_has_a_time",
            ),
            models.UniqueConstraint(
                fields=["supplier", "external_reference"],
                condition=~Q(external_reference=""),
                name="purchase_order_once_per_external_reference",
            ),
            *never_nan("net_total", "approved_total", "rate", table="purchase_order"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status", "-id"],
                condition=~Q(status__in=["closed", "closed_short", "cancelled"]),
                name="purchase_order_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        """How the ledger names this order."""
        return f"po:{self.number}"


_OPEN_QUANTITY = Greatest(F("quantity") - F("cancelled") - F("received") - F("rejected") + F("replacement_due"), 0)


class PurchaseOrderLine(models.Model):
    """Units of an item we ordered and what became of them, all in base units.

    `price` is net for one purchase unit of pack_numerator / pack_denominator base units, in the order's currency.
    """

    order = models.ForeignKey(PurchaseOrder, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="purchase_lines")
    supplier_sku = models.CharField(max_length=64, blank=True)
    description = models.CharField(max_length=200, blank=True)
    quantity = models.IntegerField(help_text="Ordered.")
    cancelled = models.IntegerField(default=0)
    confirmed = models.IntegerField(null=True, blank=True, help_text="What the supplier said he will deliver.")
    received = models.IntegerField(default=0, help_text="Accepted into stock, whatever its state.")
    rejected = models.IntegerField(default=0, help_text="Damaged, wrong or refused: counted, and not ours to pay.")
    returned = models.IntegerField(default=0, help_text="Of what was received, sent back.")
    replacement_due = models.IntegerField(default=0, help_text="Promised in place of what was rejected or returned.")
    invoiced = models.IntegerField(default=0, help_text="On posted invoices.")
    credited = models.IntegerField(default=0)
    open_quantity = models.GeneratedField(
        expression=_OPEN_QUANTITY, output_field=models.IntegerField(), db_persist=True
    )
    price = CostField()
    discount_percent = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    price_source = models.CharField(max_length=10, blank=True, help_text="quote, contract, list, last or hand.")
    pack_code = models.CharField(max_length=20, blank=True)
    pack_numerator = models.PositiveIntegerField(default=1)
    pack_denominator = models.PositiveIntegerField(default=1)
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0)
    expected_on = models.DateField(null=True, blank=True)
    confirmed_on = models.DateField(null=True, blank=True)
    over_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    over_units = models.PositiveIntegerField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["order", "line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "line"], name="purchase_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, cancelled__gte=0, cancelled__lte=F("quantity")),
                name="purchase_line_cancels_no_more_than_ordered",
            ),
            models.CheckConstraint(
                condition=Q(
                    received__gte=0,
                    rejected__gte=0,
                    returned__gte=0,
                    returned__lte=F("received"),
                    replacement_due__gte=0,
                ),
                name="purchase_line_returns_no_more_than_received",
            ),
            models.CheckConstraint(
                condition=Q(invoiced__gte=0, credited__gte=0, credited__lte=F("invoiced")),
                name="purchase_line_credits_no_more_than_invoiced",
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="purchase_line_price_is_not_negative"),
            models.CheckConstraint(
                condition=Q(pack_numerator__gt=0, pack_denominator__gt=0), name="purchase_line_pack_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100),
                name="purchase_line_discount_is_a_percentage",
            ),
            *never_nan("price", "discount_percent", "tax_rate", table="purchase_line"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} line {self.line}"

    def net_amount(self, quantity: int) -> Decimal:
        """Answer the exact, unrounded net price of so many base units after discount, in the order's currency."""
        packs = Decimal(quantity) * self.pack_denominator / self.pack_numerator
        net: Decimal = packs * self.price * (100 - self.discount_percent) / 100
        return net


class PurchaseCharge(models.Model):
    """A charge agreed with an order: freight, duty, insurance. `landed` ones become part of what the goods cost."""

    class Treatment(models.TextChoices):
        LANDED = "landed", "Part of the cost of the goods"
        EXPENSE = "expense", "Expense"

    class Basis(models.TextChoices):
        EQUAL = "equal", "Equally per line"
        QUANTITY = "quantity", "By quantity"
        VALUE = "value", "By value"
        WEIGHT = "weight", "By weight"
        VOLUME = "volume", "By volume"

    order = models.ForeignKey(PurchaseOrder, models.CASCADE, related_name="charges")
    code = models.CharField(max_length=20, help_text="freight, insurance, duty, packing, other")
    amount = MoneyField(help_text="Net, in the order's currency.")
    invoiced = MoneyField(default=0)
    treatment = models.CharField(max_length=8, choices=Treatment.choices, default=Treatment.LANDED)
    basis = models.CharField(max_length=8, choices=Basis.choices, default=Basis.VALUE)
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "code"], name="purchase_charge_once_per_code"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="purchase_charge_is_not_negative"),
            *never_nan("amount", "invoiced", table="purchase_charge"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.amount}"


class PurchaseRevision(models.Model):
    """An order as it was sent: number, every line, and what differs from the one before. Never changed."""

    order = models.ForeignKey(PurchaseOrder, models.CASCADE, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    snapshot = models.JSONField()
    changes = models.JSONField(default=list, help_text="[pointer, before, after] of everything that changed.")
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=200)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["order", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "number"], name="purchase_revision_once")]

    def __str__(self) -> str:
        return f"revision {self.number}"


class ApprovalBand(models.Model):
    """Who has to approve orders up to a value. The lowest band that fits an order decides."""

    up_to = MoneyField(null=True, blank=True, help_text="Net, in home currency; empty: without limit.")
    category = models.ForeignKey(
        "inventory.Category", models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Only orders with goods of this category; empty: all.",
    )  # fmt: skip
    buyer = models.CharField(max_length=200, blank=True, help_text="Only orders of this person; empty: everybody's.")
    by_another = models.BooleanField(default=True, help_text="Whoever wrote the order may not approve it.")
    role = models.CharField(max_length=20, blank=True, help_text="Only people in this role may approve; empty: any.")

    class Meta:
        ordering: ClassVar = [F("up_to").asc(nulls_last=True)]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["up_to", "category", "buyer"], nulls_distinct=False, name="approval_band_once"
            ),
            models.CheckConstraint(
                condition=Q(up_to__isnull=True) | Q(up_to__gte=0), name="approval_band_is_not_negative"
            ),
            *never_nan("up_to", table="approval_band"),
        ]

    def __str__(self) -> str:
        return f"up to {self.up_to}" if self.up_to is not None else "without limit"


class SpecialOrder(models.Model):
    """Units of a purchase line that were ordered for one line of a customer's order, and what became of the link."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        FULFILLED = "fulfilled", "Received for the customer"
        KEPT = "kept", "Kept as stock"
        CANCELLED = "cancelled", "Cancelled with the supplier"
        MOVED = "moved", "Given to another customer"

    order_line = models.ForeignKey(PurchaseOrderLine, models.PROTECT, related_name="special_orders")
    document = models.CharField(max_length=80, help_text="The customer's order, such as order:OR-1042.")
    line = models.PositiveIntegerField()
    quantity = models.IntegerField()
    received = models.IntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())
    ended_by = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, received__gte=0, received__lte=F("quantity")),
                name="special_order_receives_no_more_than_ordered",
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(ended_at__isnull=False), name="special_order_over_has_a_time"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["document", "line"], name="special_order_by_document"),
            models.Index(fields=["order_line"], condition=Q(state="open"), name="special_order_open"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} for {self.document} line {self.line}"
