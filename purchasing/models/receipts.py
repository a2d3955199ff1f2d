"""Deliveries as they were counted, what was wrong with them, and goods that went back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from retailhub.core.money import CostField, MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class ReceiptStatus(models.TextChoices):
    DRAFT = "draft", "Being counted"
    POSTED = "posted", "Posted"
    REVERSED = "reversed", "Reversed"
    CANCELLED = "cancelled", "Cancelled"


RECEIPT_MOVES: dict[str, set[str]] = {
    ReceiptStatus.DRAFT: {ReceiptStatus.POSTED, ReceiptStatus.CANCELLED},
    ReceiptStatus.POSTED: {ReceiptStatus.REVERSED},
}


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def for_principal(self, principal: Principal, scope: str = "purchasing:read") -> ReceiptQuerySet:
        if principal.channel:
            return self.none()
        codes = principal.places(scope)
        return self if codes is None else self.filter(location__code__in=codes)


class Receipt(models.Model):
    """One delivery of one supplier at one place: counted scan by scan, then posted whole."""

    number = models.CharField(max_length=20, unique=True)
    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, null=True, blank=True, related_name="receipts")
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="receipts")
    orders: models.ManyToManyField[models.Model, models.Model] = models.ManyToManyField(
        "purchasing.PurchaseOrder", related_name="receipts", blank=True, help_text="What it is counted against."
    )
    status = models.CharField(max_length=10, choices=ReceiptStatus.choices, default=ReceiptStatus.DRAFT)
    delivery_note = models.CharField(max_length=80, blank=True, help_text="The supplier's number of this delivery.")
    is_blind = models.BooleanField(default=False, help_text="Whoever counts does not see what is expected.")
    note = models.TextField(blank=True)
    started_by = models.CharField(max_length=200)
    started_at = models.DateTimeField(db_default=Now())
    posted_by = models.CharField(max_length=200, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)
    received_on = models.DateField(null=True, blank=True, help_text="The business day the goods came.")
    reversed_by = models.CharField(max_length=200, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)
    reverse_reason = models.CharField(max_length=200, blank=True)

    objects = models.Manager.from_queryset(ReceiptQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(posted_at__isnull=False, received_on__isnull=False) | Q(status__in=["draft", "cancelled"]),
                name="receipt_posted_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(reversed_at__isnull=False) | ~Q(status="reversed"), name="receipt_reversed_has_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        return f"receipt:{self.number}"


class ReceiptLine(models.Model):
    """What came of one order line (or of an item nobody ordered), in base units, and what it is worth.

    `accepted` units are ours to pay once billed. `damaged` ones stand in the house and are not, unless the buyer says
    so; `over` ones are on hold until he does: then they are accepted, `free`, or sent back. `refused` ones went back
    with the driver. Units of another item (`wrong`)
    stand in a line of their own, as that item, `instead_of` this one. `amount` went to goods received, not invoiced.
    """

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    order_line = models.ForeignKey(
        "purchasing.PurchaseOrderLine", models.PROTECT, null=True, blank=True, related_name="receipt_lines"
    )
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="+", help_text="What was expected.")
    accepted = models.IntegerField(default=0)
    damaged = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0, help_text="Units of another item came instead.")
    instead_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    refused = models.IntegerField(default=0)
    over = models.IntegerField(default=0, help_text="More than ordered and tolerated: on hold as not ordered.")
    free = models.IntegerField(default=0, db_default=0, help_text="Surplus that was kept and is not to be paid.")
    announced = models.IntegerField(null=True, blank=True, help_text="What the delivery note says.")
    unit_cost = CostField(default=0, help_text="Of one base unit, in home currency, for reading.")
    rate = models.DecimalField(max_digits=19, decimal_places=9, default=1, help_text="On the day of the receipt.")
    amount = MoneyField(default=0, help_text="Home currency, whole cents, of everything that entered stock.")
    cleared = MoneyField(default=0, help_text="Of it, cleared by invoices.")
    reduced = MoneyField(default=0, help_text="Of it, taken back by returns, reversals and approved write-offs.")
    invoiced = models.IntegerField(default=0, help_text="Units on posted invoices.")
    returned = models.IntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["receipt", "line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["receipt", "line"], name="receipt_line_once"),
            models.CheckConstraint(
                condition=Q(accepted__gte=0, damaged__gte=0, wrong__gte=0, refused__gte=0, over__gte=0, free__gte=0),
                name="receipt_line_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(returned__gte=0, returned__lte=F("accepted") + F("damaged") + F("over") + F("free")),
                name="receipt_line_returns_no_more_than_came",
            ),
            models.CheckConstraint(condition=Q(invoiced__gte=0), name="receipt_line_invoiced_is_not_negative"),
            models.CheckConstraint(
                condition=Q(cleared__gte=0, reduced__gte=0, amount__gte=F("cleared") + F("reduced")),
                name="receipt_line_clears_no_more_than_it_is_worth",
            ),
            *never_nan("amount", "cleared", "reduced", "unit_cost", "rate", table="receipt_line"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["receipt"],
                condition=Q(amount__gt=F("cleared") + F("reduced")),
                name="receipt_line_not_invoiced",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.receipt_id} line {self.line}"


class ReceiptScan(models.Model):
    """One scan or one typed count on a receipt; sent twice it counts once, undone it counts no more."""

    class Condition(models.TextChoices):
        GOOD = "good", "Good"
        DAMAGED = "damaged", "Damaged"
        WRONG = "wrong", "Wrong item"
        REFUSED = "refused", "Refused"
        SURPLUS = "surplus", "Not ordered"

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="scans")
    key = models.CharField(max_length=64)
    code = models.CharField(max_length=120, blank=True, help_text="As it was scanned.")
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="+")
    order_line = models.ForeignKey(
        "purchasing.PurchaseOrderLine", models.PROTECT, null=True, blank=True, related_name="+"
    )
    quantity = models.IntegerField(help_text="Base units.")
    condition = models.CharField(max_length=8, choices=Condition.choices, default=Condition.GOOD)
    note = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["receipt", "key"], name="receipt_scan_once"),
            models.CheckConstraint(condition=~Q(quantity=0), name="receipt_scan_counts_something"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id}"


class ReceiptPhoto(models.Model):
    """A picture that shows what was wrong with a delivery."""

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="photos")
    line = models.PositiveIntegerField(null=True, blank=True)
    file = models.FileField(upload_to="receipts/%Y/%m/")
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return str(self.file)


class Claim(models.Model):
    """What a supplier owes us for a delivery: credit or goods for what was short, damaged, wrong or sent back."""

    class Kind(models.TextChoices):
        SHORT = "short", "Short"
        DAMAGED = "damaged", "Damaged"
        WRONG = "wrong", "Wrong item"
        PRICE = "price", "Price"
        RETURNED = "returned", "Returned"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CREDITED = "credited", "Credited"
        REPLACED = "replaced", "Replaced"
        WITHDRAWN = "withdrawn", "Withdrawn"

    number = models.CharField(max_length=20, unique=True)
    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    receipt_line = models.ForeignKey(ReceiptLine, models.PROTECT, null=True, blank=True, related_name="claims")
    order_line = models.ForeignKey(
        "purchasing.PurchaseOrderLine", models.PROTECT, null=True, blank=True, related_name="claims"
    )
    quantity = models.IntegerField(default=0)
    amount = MoneyField(default=0, help_text="Net, in `currency`.")
    settled = MoneyField(default=0)
    currency = models.CharField(max_length=3)
    note = models.TextField(blank=True)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quantity__gte=0, amount__gte=0, settled__gte=0), name="claim_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(settled_at__isnull=False), name="claim_over_has_a_time"
            ),
            *never_nan("amount", "settled", table="claim"),
        ]

    def __str__(self) -> str:
        return self.number


class SupplierReturn(models.Model):
    """Goods sent back to a supplier from one place."""

    number = models.CharField(max_length=20, unique=True)
    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, related_name="returns")
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="supplier_returns")
    reason = models.CharField(max_length=200)
    carrier = models.CharField(max_length=80, blank=True)
    tracking_number = models.CharField(max_length=80, blank=True)
    wants_replacement = models.BooleanField(default=False)
    actor = models.CharField(max_length=200)
    returned_on = models.DateField()
    made_at = models.DateTimeField(db_default=Now())

    objects = models.Manager.from_queryset(ReceiptQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        return f"supplier_return:{self.number}"


class SupplierReturnLine(models.Model):
    """Units of one receipt line that went back. `amount` left stock; `from_open` of it was not invoiced yet.

    What was invoiced is owed to us: as a credit, or `to_replace` by goods. Those that came `replaced` it; the invoice
    stands for them from then on, and of the amount `replaced_amount` is owed no longer.
    """

    supplier_return = models.ForeignKey(SupplierReturn, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    receipt_line = models.ForeignKey(ReceiptLine, models.PROTECT, related_name="return_lines")
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="+")
    bucket = models.CharField(max_length=8)
    quantity = models.IntegerField()
    uninvoiced = models.IntegerField(default=0, db_default=0, help_text="Of the units, those that nobody billed.")
    amount = MoneyField(default=0, help_text="At what it was received for, home currency.")
    from_open = MoneyField(default=0, help_text="Of it, taken off goods received, not invoiced.")
    to_replace = models.IntegerField(default=0, db_default=0, help_text="Billed units for which others are to come.")
    replaced = models.IntegerField(default=0, db_default=0, help_text="Of those, units that came.")
    replaced_amount = MoneyField(default=0, db_default=0, help_text="Of the amount, settled by goods that came.")

    class Meta:
        ordering: ClassVar = ["supplier_return", "line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["supplier_return", "line"], name="supplier_return_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, uninvoiced__gte=0, uninvoiced__lte=F("quantity"))
                & Q(amount__gte=F("from_open"), from_open__gte=0),
                name="supplier_return_line_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    replaced__gte=0,
                    replaced__lte=F("to_replace"),
                    to_replace__lte=F("quantity") - F("uninvoiced"),
                    replaced_amount__gte=0,
                    replaced_amount__lte=F("amount") - F("from_open"),
                ),
                name="supplier_return_line_replaces_no_more_than_was_billed",
            ),
            *never_nan("amount", "from_open", "replaced_amount", table="supplier_return_line"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id}"
