"""Who we buy from, on which terms, and how to recognise him on a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pghistory
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper

from retailhub.core.money import MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class SupplierQuerySet(models.QuerySet["Supplier"]):
    def for_principal(self, principal: Principal, scope: str = "purchasing:read") -> SupplierQuerySet:
        """Keep what the principal may see: suppliers are shared by all places."""
        return self if principal.may(scope) and not principal.channel else self.none()

    def named(self, *codes: str) -> SupplierQuerySet:
        """Keep those that have one of these codes, whatever the case it is written in."""
        # What is not ASCII is no code, and would fold otherwise there than here.
        keys = {code.upper() for code in codes if code.isascii()}
        return self.alias(code_key=Upper("code")).filter(code_key__in=keys)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent())
class Supplier(models.Model):
    """A firm we buy from, with its terms. Papers keep the terms that held when they were written."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        ON_HOLD = "on_hold", "On hold: no new orders"
        CLOSED = "closed", "Closed"

    code = models.CharField(max_length=32, unique=True, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")])
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    currency = models.CharField(max_length=3, help_text="He is ordered from and paid in this currency.")
    language = models.CharField(max_length=10, default="en", help_text="Of the papers he gets.")
    payment_days = models.PositiveSmallIntegerField(default=30, help_text="From the invoice's date.")
    discount_days = models.PositiveSmallIntegerField(default=0)
    discount_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=0, help_text="Taken off when paid within the discount days."
    )
    lead_time_days = models.PositiveSmallIntegerField(default=7, help_text="From order to delivery, in calendar days.")
    minimum_order = MoneyField(default=0, help_text="The least net value of an order; 0: none.")
    tax_rate = models.DecimalField(
        max_digits=7, decimal_places=6, default=0, help_text="Expected on his invoices: 0.2 is 20 %."
    )
    bills_on_shipment = models.BooleanField(
        default=False, help_text="What he ships is payable; what we reject opens a claim instead of a hold."
    )
    is_expense = models.BooleanField(default=False, help_text="Rent, power, services: invoices need no order.")
    over_percent = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Over-delivery that is kept without asking."
    )
    over_units = models.PositiveIntegerField(null=True, blank=True)
    close_short_percent = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True,
        help_text="What may be missing for an order to close by itself.",
    )  # fmt: skip
    close_short_days = models.PositiveSmallIntegerField(null=True, blank=True)
    order_email = models.CharField(max_length=254, blank=True, help_text="Where orders are sent.")
    address = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = models.Manager.from_queryset(SupplierQuerySet)()

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("code"),
                name="supplier_code_once_in_any_case",
                violation_error_message="There is a supplier with this code already.",
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lt=100), name="supplier_discount_is_a_percentage"
            ),
            models.CheckConstraint(condition=Q(minimum_order__gte=0), name="supplier_minimum_order_is_not_negative"),
            models.CheckConstraint(condition=Q(tax_rate__gte=0, tax_rate__lt=10), name="supplier_tax_is_a_fraction"),
            *never_nan("minimum_order", "discount_percent", table="supplier"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def party(self) -> str:
        """How the journal names him."""
        return f"supplier:{self.code}"


class SupplierContact(models.Model):
    """A person at a supplier."""

    supplier = models.ForeignKey(Supplier, models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=80, blank=True, help_text="Orders, accounts, claims, ...")
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = "contact"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


def identifier_key(value: str) -> str:
    """Fold an identifier for comparing: no blanks, dots or dashes, capitals."""
    return "".join(letter for letter in value.upper() if letter.isalnum())


class SupplierIdentifier(models.Model):
    """A number that tells on a paper that it is from this supplier."""

    class Kind(models.TextChoices):
        VAT = "vat", "VAT number"
        TAX = "tax", "Tax number"
        GLN = "gln", "GLN"
        DUNS = "duns", "DUNS"
        LEGAL = "legal", "Register number"
        IBAN = "iban", "Bank account (IBAN)"
        EDI = "edi", "EDI address"
        OWN = "own", "Number in another system"

    supplier = models.ForeignKey(Supplier, models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=80, help_text="As it is written.")
    value_key = models.CharField(max_length=80, editable=False)

    class Meta:
        verbose_name = "number"
        ordering: ClassVar = ["kind", "value_key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "value_key"], name="supplier_identifier_names_one_supplier"),
            models.CheckConstraint(condition=~Q(value_key=""), name="supplier_identifier_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.value_key = identifier_key(self.value)
        super().save(*args, **kwargs)
