"""The three-way match: which billed units stand for which received ones, and what holds a part of an invoice back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from retailhub.core.money import MoneyField, never_nan


class HoldCode(models.TextChoices):
    """What can be wrong with an invoice, by `domain.md` 5; in the order in which they are told."""

    DUP = "DUP", "Looks like a duplicate"
    NOPO = "NOPO", "No purchase order"
    SUPP = "SUPP", "Another supplier than on the order"
    CUR = "CUR", "Another currency than on the order"
    QREC = "QREC", "More billed than received"
    QORD = "QORD", "More billed than ordered"
    PRICE = "PRICE", "Price differs"
    EXT = "EXT", "Value differs"
    CHG = "CHG", "Charge differs"
    TAX = "TAX", "Tax differs"
    TOT = "TOT", "Total does not add up"
    LATE = "LATE", "Dated before the order, or other terms"
    DOC = "DOC", "Asks for no money"


class MatchAllocation(models.Model):
    """Units of an invoice line set against units of a receipt line, or against the order while nothing came yet.

    What is posted stays in one row; what the next round would add stands beside it until it is posted too.
    """

    invoice_line = models.ForeignKey("purchasing.InvoiceLine", models.CASCADE, related_name="allocations")
    order_line = models.ForeignKey("purchasing.PurchaseOrderLine", models.PROTECT, related_name="allocations")
    receipt_line = models.ForeignKey(
        "purchasing.ReceiptLine", models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    quantity = models.IntegerField()
    amount = MoneyField(help_text="Billed for these units, in the invoice's currency.")
    cleared = MoneyField(default=0, help_text="Taken off goods received, not invoiced; home currency, once posted.")
    prepaid_stock = MoneyField(default=0, help_text="Standing in goods invoiced, not received; home currency.")
    claimed = MoneyField(
        default=0, help_text="Put on supplier claims by an invoice, or taken off by a credit note; home currency."
    )
    is_posted = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice_line", "order_line", "receipt_line", "is_posted"],
                nulls_distinct=False,
                name="match_allocation_once_posted_and_once_not",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="match_allocation_is_positive"),
            models.CheckConstraint(
                condition=Q(cleared__gte=0, prepaid_stock__gte=0, claimed__gte=0),
                name="match_allocation_clears_something",
            ),
            *never_nan("amount", "cleared", "prepaid_stock", table="match_allocation"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of invoice line {self.invoice_line_id}"

    @property
    def units_claimed(self) -> int:
        """Units billed ahead that were refused: what was billed for them is claimed, and they do not come."""
        whole = self.claimed + self.prepaid_stock
        return round(self.quantity * self.claimed / whole) if whole and self.receipt_line_id is None else 0

    @property
    def units_to_come(self) -> int:
        return self.quantity - self.units_claimed


class Hold(models.Model):
    """Why a part of an invoice may not be paid. Released by a person with a reason, or by what happened since."""

    invoice = models.ForeignKey("purchasing.SupplierInvoice", models.CASCADE, related_name="holds")
    line = models.ForeignKey("purchasing.InvoiceLine", models.CASCADE, null=True, blank=True, related_name="holds")
    charge = models.ForeignKey("purchasing.InvoiceCharge", models.CASCADE, null=True, blank=True, related_name="holds")
    code = models.CharField(max_length=5, choices=HoldCode.choices)
    is_warning = models.BooleanField(default=False, help_text="Told, and blocks nothing.")
    expected = models.CharField(max_length=80, blank=True)
    invoiced = models.CharField(max_length=80, blank=True)
    amount_at_risk = MoneyField(default=0, help_text="Net, in the invoice's currency.")
    blocked_quantity = models.IntegerField(default=0, help_text="Units of the line that may not be paid.")
    evidence = models.JSONField(default=dict, help_text="Order revision, receipts and tolerances as they were.")
    opened_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=200, blank=True, help_text="Empty: it fell away by itself.")
    release_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice", "line", "charge", "code"],
                condition=Q(released_at__isnull=True),
                nulls_distinct=False,
                name="hold_one_open_per_place_and_code",
            ),
            models.CheckConstraint(condition=Q(blocked_quantity__gte=0), name="hold_blocks_no_negative_units"),
            *never_nan("amount_at_risk", table="hold"),
        ]

    def __str__(self) -> str:
        return f"{self.code} on {self.invoice_id}"


class MatchPolicy(models.Model):
    """How far a check may be off before it holds: percent, then a floor below which nothing holds and a cap above.

    Rows for a supplier's item come before rows for the supplier, those before the house's own.
    """

    class Action(models.TextChoices):
        HOLD = "hold", "Hold"
        WARN = "warn", "Tell only"
        OFF = "off", "Do not check"

    supplier = models.ForeignKey("purchasing.Supplier", models.CASCADE, null=True, blank=True, related_name="policies")
    item = models.ForeignKey("inventory.Item", models.CASCADE, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=5, choices=HoldCode.choices)
    percent = models.DecimalField(
        max_digits=7, decimal_places=4, null=True, blank=True, help_text="Empty: not checked."
    )
    floor = MoneyField(null=True, blank=True, help_text="Up to this nothing holds; in the invoice's currency.")
    cap = MoneyField(null=True, blank=True, help_text="Above this it always holds.")
    units = models.PositiveIntegerField(null=True, blank=True, help_text="Base units, for the checks of quantity.")
    action = models.CharField(max_length=4, choices=Action.choices, default=Action.HOLD)

    class Meta:
        verbose_name_plural = "match policies"
        ordering: ClassVar = ["code", "supplier", "item"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["supplier", "item", "code"], nulls_distinct=False, name="match_policy_once"
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=True) | Q(supplier__isnull=False),
                name="match_policy_of_an_item_names_a_supplier",
            ),
            models.CheckConstraint(
                condition=Q(percent__isnull=True) | Q(percent__gte=0), name="match_policy_percent_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(cap__isnull=True) | Q(floor__isnull=True) | Q(cap__gte=F("floor")),
                name="match_policy_cap_is_above_the_floor",
            ),
            *never_nan("percent", "floor", "cap", table="match_policy"),
        ]

    def __str__(self) -> str:
        return f"{self.code} for {self.supplier_id or 'everybody'}"


class Dispute(models.Model):
    """What we told a supplier is wrong with an invoice, until when he should answer, and how it ended."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CREDITED = "credited", "Credited"
        ACCEPTED = "accepted", "We pay after all"
        WITHDRAWN = "withdrawn", "Withdrawn by the supplier"

    invoice = models.ForeignKey("purchasing.SupplierInvoice", models.CASCADE, related_name="disputes")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    amount = MoneyField(help_text="Net, in the invoice's currency.")
    lines = models.JSONField(default=list, help_text="[line, code, expected, invoiced, amount] as it was told.")
    note = models.TextField(blank=True)
    reply_by = models.DateField(null=True, blank=True)
    actor = models.CharField(max_length=200)
    opened_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice"], condition=Q(state="open"), name="dispute_one_open_per_invoice"),
            *never_nan("amount", table="dispute"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.invoice_id}"
