"""Supplier invoices and credit notes: what was billed, what of it may be paid, and what was."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from retailhub.core.money import CostField, MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class InvoiceStatus(models.TextChoices):
    CAPTURED = "captured", "Captured"
    MATCHING = "matching", "Being matched"
    MATCHED = "matched", "Matched"
    ON_HOLD = "on_hold", "On hold"
    APPROVED = "approved", "Approved"
    POSTED = "posted", "Posted"
    PAID = "paid", "Paid"
    DISPUTED = "disputed", "Disputed"
    REJECTED = "rejected", "Rejected"
    CREDITED = "credited", "Credited"


INVOICE_MOVES: dict[str, set[str]] = {
    InvoiceStatus.CAPTURED: {
        InvoiceStatus.MATCHING,
        InvoiceStatus.MATCHED,
        InvoiceStatus.ON_HOLD,
        InvoiceStatus.REJECTED,
    },
    InvoiceStatus.MATCHING: {InvoiceStatus.MATCHED, InvoiceStatus.ON_HOLD, InvoiceStatus.REJECTED},
    InvoiceStatus.MATCHED: {InvoiceStatus.ON_HOLD, InvoiceStatus.APPROVED, InvoiceStatus.REJECTED},
    InvoiceStatus.ON_HOLD: {
        InvoiceStatus.MATCHED,
        InvoiceStatus.APPROVED,
        InvoiceStatus.DISPUTED,
        InvoiceStatus.REJECTED,
    },
    InvoiceStatus.DISPUTED: {
        InvoiceStatus.MATCHED,
        InvoiceStatus.ON_HOLD,
        InvoiceStatus.APPROVED,
        InvoiceStatus.REJECTED,
    },
    InvoiceStatus.APPROVED: {InvoiceStatus.POSTED, InvoiceStatus.ON_HOLD, InvoiceStatus.MATCHED},
    # What was held of it may follow later; credit notes take it back.
    InvoiceStatus.POSTED: {InvoiceStatus.POSTED, InvoiceStatus.PAID, InvoiceStatus.CREDITED},
    InvoiceStatus.PAID: {InvoiceStatus.POSTED, InvoiceStatus.CREDITED},
}


class SupplierInvoiceQuerySet(models.QuerySet["SupplierInvoice"]):
    def for_principal(self, principal: Principal, scope: str = "invoices:read") -> SupplierInvoiceQuerySet:
        """Keep what the principal may see: invoices that bill goods of one of his places.

        Whoever wants to do more than read needs the scope at every place the invoice bills, and everywhere for an
        invoice of which a line names no order.
        """
        if principal.channel or not principal.may(scope):
            return self.none()
        codes = principal.places(scope)
        if codes is None:
            return self
        lines = InvoiceLine.objects.filter(invoice=OuterRef("pk"))
        found = self.filter(Exists(lines.filter(order_line__order__ship_to__code__in=codes)))
        if scope == "invoices:read":
            return found
        return found.exclude(Exists(lines.exclude(order_line__order__ship_to__code__in=codes)))


class SupplierInvoice(models.Model):
    """A paper on which a supplier asks for money (or gives some back). Amounts are positive."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"
        PREPAYMENT = "prepayment", "Prepayment invoice"

    class Source(models.TextChoices):
        HAND = "hand", "Typed"
        API = "api", "API"
        UBL = "ubl", "UBL"
        CII = "cii", "CII"
        PDF = "pdf", "PDF with data"
        FILE = "file", "File"

    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, null=True, blank=True, related_name="invoices")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.INVOICE)
    number = models.CharField(max_length=80, help_text="The supplier's.")
    number_key = models.CharField(max_length=80, editable=False)
    status = models.CharField(max_length=10, choices=InvoiceStatus.choices, default=InvoiceStatus.CAPTURED)
    invoice_date = models.DateField()
    due_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=19, decimal_places=9, default=1, help_text="Home currency for one unit.")
    net_total = MoneyField(default=0, help_text="Of lines and charges, as stated.")
    tax_total = MoneyField(default=0, help_text="As stated.")
    total = MoneyField(default=0, help_text="As stated.")
    prepaid = MoneyField(default=0, help_text="As stated: paid before.")
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="credit_notes")
    is_distinct = models.BooleanField(default=False, help_text="Somebody confirmed that it is no duplicate.")
    source = models.CharField(max_length=5, choices=Source.choices, default=Source.HAND)
    file = models.FileField(upload_to="invoices/%Y/%m/", blank=True)
    file_hash = models.CharField(max_length=64, blank=True)
    read = models.JSONField(default=dict, blank=True, help_text="What the file said, by business term.")
    findings = models.JSONField(default=list, blank=True, help_text="What rules found odd; shown, not refusing.")
    guesses = models.JSONField(default=list, blank=True, help_text="[pointer, how it was guessed] of what is no fact.")
    note = models.TextField(blank=True)
    approved_total = MoneyField(default=0, db_default=0, help_text="Of the total, what somebody agreed to pay.")
    posted_total = MoneyField(default=0, help_text="Of the total, what stands in the journal.")
    posted_tax = MoneyField(default=0)
    postings = models.PositiveSmallIntegerField(default=0, help_text="How often a part of it was posted.")
    paid_total = MoneyField(default=0, help_text="Of what is posted, what was paid or set off.")
    used_total = MoneyField(
        default=0, db_default=0, help_text="Of a prepayment that was paid, what was set off against invoices."
    )
    entered_by = models.CharField(max_length=200)
    entered_at = models.DateTimeField(db_default=Now())
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    posted_by = models.CharField(max_length=200, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)
    rejected_reason = models.CharField(max_length=200, blank=True)

    objects = models.Manager.from_queryset(SupplierInvoiceQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["supplier", "kind", "number_key"],
                condition=~Q(status="rejected") & Q(is_distinct=False),
                name="supplier_invoice_once_per_number",
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="supplier_invoice_rate_is_positive"),
            models.CheckConstraint(
                condition=Q(net_total__gte=0, tax_total__gte=0, total__gte=0, prepaid__gte=0),
                name="supplier_invoice_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(posted_total__gte=0, paid_total__gte=0, paid_total__lte=F("posted_total")),
                name="supplier_invoice_pays_no_more_than_posted",
            ),
            models.CheckConstraint(
                condition=Q(used_total=0) | Q(kind="prepayment", used_total__gt=0, used_total__lte=F("paid_total")),
                name="supplier_invoice_uses_no_more_than_was_prepaid",
            ),
            models.CheckConstraint(
                condition=Q(supplier__isnull=False) | Q(status__in=["captured", "rejected"]),
                name="supplier_invoice_in_work_names_a_supplier",
            ),
            *never_nan(
                "net_total",
                "tax_total",
                "total",
                "prepaid",
                "approved_total",
                "posted_total",
                "paid_total",
                "used_total",
                table="supplier_invoice",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status", "due_date"],
                condition=~Q(status__in=["paid", "rejected", "credited"]),
                name="supplier_invoice_open",
            ),
            models.Index(fields=["supplier", "invoice_date"], name="supplier_invoice_by_date"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        return f"supplier_invoice:{self.pk}"


class InvoiceLine(models.Model):
    """One billed line: base units at a net price, what of it may be paid, and what was posted.

    `price` is for `price_quantity` base units; `net_amount` is as stated.
    """

    class Decision(models.TextChoices):
        NONE = "", "None yet"
        ACCEPT = "accept", "Accept as billed"
        PAY_RECEIVED = "pay_received", "Pay what was received at the ordered price"
        DISPUTE = "dispute", "Dispute"

    class CreditKind(models.TextChoices):
        NONE = "", "No credit"
        PRICE = "price", "Price only"
        GOODS = "goods", "Goods sent back"

    invoice = models.ForeignKey(SupplierInvoice, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    item = models.ForeignKey("inventory.Item", models.PROTECT, null=True, blank=True, related_name="+")
    order_line = models.ForeignKey(
        "purchasing.PurchaseOrderLine", models.PROTECT, null=True, blank=True, related_name="invoice_lines"
    )
    order_reference = models.CharField(max_length=80, blank=True, help_text="The order's number as stated.")
    description = models.CharField(max_length=300, blank=True)
    supplier_sku = models.CharField(max_length=64, blank=True)
    quantity = models.IntegerField(help_text="Base units.")
    stated_quantity = models.DecimalField(max_digits=19, decimal_places=6, null=True, blank=True)
    stated_unit = models.CharField(max_length=20, blank=True)
    price = CostField(help_text="Net, for price_quantity base units.")
    price_quantity = models.DecimalField(max_digits=19, decimal_places=6, default=1)
    net_amount = MoneyField()
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0)
    decision = models.CharField(max_length=12, choices=Decision.choices, default=Decision.NONE, blank=True)
    payable_quantity = models.IntegerField(default=0)
    payable_amount = MoneyField(default=0, help_text="Net, of what may be paid now.")
    posted_quantity = models.IntegerField(default=0)
    posted_amount = MoneyField(default=0)
    credited_quantity = models.IntegerField(default=0)
    credited_amount = MoneyField(default=0)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="credits")
    credit_kind = models.CharField(max_length=5, choices=CreditKind.choices, default=CreditKind.NONE, blank=True)

    class Meta:
        ordering: ClassVar = ["invoice", "line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "line"], name="invoice_line_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0, price_quantity__gt=0), name="invoice_line_is_positive"),
            models.CheckConstraint(
                condition=Q(
                    posted_quantity__gte=0, posted_quantity__lte=F("quantity"), posted_amount__lte=F("net_amount")
                ),
                name="invoice_line_posts_no_more_than_billed",
            ),
            models.CheckConstraint(
                condition=Q(
                    credited_quantity__gte=0,
                    credited_quantity__lte=F("quantity"),
                    credited_amount__gte=0,
                    credited_amount__lte=F("net_amount"),
                )
                | Q(net_amount__lt=0),
                name="invoice_line_credits_no_more_than_billed",
            ),
            *never_nan(
                "price", "net_amount", "payable_amount", "posted_amount", "credited_amount", table="invoice_line"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id} line {self.line}"


class InvoiceCharge(models.Model):
    """Freight, duty or another charge on an invoice, beside its lines."""

    invoice = models.ForeignKey(SupplierInvoice, models.CASCADE, related_name="charges")
    line = models.PositiveIntegerField()
    code = models.CharField(max_length=20)
    description = models.CharField(max_length=200, blank=True)
    amount = MoneyField(help_text="Net; an allowance is negative.")
    tax_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0)
    order_charge = models.ForeignKey(
        "purchasing.PurchaseCharge", models.PROTECT, null=True, blank=True, related_name="invoice_charges"
    )
    treatment = models.CharField(max_length=8, blank=True, help_text="landed or expense; empty: as on the order.")
    payable_amount = MoneyField(default=0)
    posted_amount = MoneyField(default=0)
    posted_landed = MoneyField(default=0, help_text="Of it, posted for the goods to bear; home currency, signed.")

    class Meta:
        ordering: ClassVar = ["invoice", "line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "line"], name="invoice_charge_once"),
            *never_nan("amount", "payable_amount", "posted_amount", table="invoice_charge"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.amount}"


class SupplierPayment(models.Model):
    """Money that left for a supplier: for posted invoices, or ahead of any."""

    number = models.CharField(max_length=20, unique=True)
    key = models.CharField(max_length=255, unique=True, null=True, blank=True, help_text="Paid once under this key.")
    supplier = models.ForeignKey("purchasing.Supplier", models.PROTECT, related_name="payments")
    amount = MoneyField()
    used = MoneyField(default=0, help_text="Of it, set off against invoices.")
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=19, decimal_places=9, default=1)
    paid_on = models.DateField()
    reference = models.CharField(max_length=120, blank=True, help_text="As the bank knows it.")
    actor = models.CharField(max_length=200)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, used__gte=0, used__lte=F("amount")), name="supplier_payment_is_used_once"
            ),
            *never_nan("amount", "used", table="supplier_payment"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def reference_of_journal(self) -> str:
        return f"supplier_payment:{self.number}"


class PaymentUse(models.Model):
    """Part of a payment, of a posted credit note or of a paid prepayment invoice that settles part of an invoice."""

    payment = models.ForeignKey(SupplierPayment, models.PROTECT, null=True, blank=True, related_name="uses")
    credit_note = models.ForeignKey(
        SupplierInvoice, models.PROTECT, null=True, blank=True, related_name="credit_uses",
        help_text="The credit note, or the prepayment invoice.",
    )  # fmt: skip
    invoice = models.ForeignKey(SupplierInvoice, models.PROTECT, related_name="payment_uses")
    amount = MoneyField()
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_use_is_positive"),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, credit_note__isnull=True)
                | Q(payment__isnull=True, credit_note__isnull=False),
                name="payment_use_comes_from_one_source",
            ),
            *never_nan("amount", table="payment_use"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.invoice_id}"
