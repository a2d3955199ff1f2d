"""What supplier invoices look like on the way in, and for the schema on the way out."""

from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from purchasing.models import Dispute, HoldCode, InvoiceLine, InvoiceStatus, PurchaseCharge, SupplierInvoice
from retailhub.core.api.fields import (
    BadValue,
    ChoiceText,
    CleanChar,
    CurrencyField,
    KeyField,
    MoneyString,
    QuantityField,
    RateField,
    ReadingMixin,
    SkuField,
    WholeNumber,
    WordList,
)
from retailhub.core.api.serializers import StrictSerializer, Values, many
from retailhub.core.errors import Offence

MOST_LINES = 5_000


@extend_schema_field({"type": "string", "format": "date"})
class InvoiceDay(ReadingMixin, serializers.Field):  # type: ignore[type-arg]
    """A day: 2026-11-22."""

    def read(self, value: Any) -> date:
        try:
            if isinstance(value, str) and len(value) == 10:
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise BadValue('a day is written as "2026-11-22"')

    def to_representation(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value


class BilledLineBody(StrictSerializer):
    sku = SkuField(default=None, allow_null=True)
    gtin = CleanChar(max_length=14, default="", allow_blank=True)
    supplier_sku = CleanChar(max_length=64, default="", allow_blank=True)
    description = CleanChar(max_length=300, default="", allow_blank=True)
    quantity = QuantityField(least=0, help_text="Base units, or packs where `unit` names one.")
    unit = CleanChar(max_length=20, default="", allow_blank=True, help_text="Empty: base units.")
    unit_price = MoneyString(help_text="Net.")
    net_amount = MoneyString(default=None, allow_null=True, help_text="As stated; else quantity times price.")
    purchase_order = KeyField(default=None, allow_null=True)
    order_line = WholeNumber(default=None, allow_null=True)
    tax_rate = RateField(default=None, allow_null=True, help_text="A fraction; else as on the order.")
    corrects_line = WholeNumber(default=None, allow_null=True, help_text="Of the invoice that a credit note corrects.")
    credit_kind = ChoiceText(
        ["", "price", "goods"], default="", help_text="On a credit note: goods went back, or the price was wrong."
    )

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if not any(values[name] for name in ("sku", "gtin", "supplier_sku", "description")):
            detail = "name the goods: sku, gtin, supplier_sku or description"
            offences.append(Offence(pointer=f"{pointer}/sku", code="required", detail=detail))


class BilledChargeBody(StrictSerializer):
    code = CleanChar(max_length=20, help_text="freight, insurance, duty, packing, other")
    amount = MoneyString(least=None, help_text="Net; an allowance is negative.")
    description = CleanChar(default="", allow_blank=True)
    tax_rate = RateField(default=None, allow_null=True)
    treatment = ChoiceText(["", *PurchaseCharge.Treatment.values], default="")


class SupplierInvoiceBody(StrictSerializer):
    supplier = KeyField()
    kind = ChoiceText(["invoice", "credit_note"], default="invoice")
    number = CleanChar(max_length=80)
    date = InvoiceDay()
    due_date = InvoiceDay(default=None, allow_null=True)
    currency = CurrencyField()
    purchase_orders = WordList(KeyField(), default=list, most=200)
    lines = many(BilledLineBody, most=MOST_LINES, default=list)
    charges = many(BilledChargeBody, most=100, default=list)
    tax_total = MoneyString(default=None, allow_null=True)
    total = MoneyString(default=None, allow_null=True)
    corrects = CleanChar(max_length=80, default="", allow_blank=True, help_text="A credit note's invoice, its number.")
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True)


class NoBody(StrictSerializer):
    """No members are needed."""


class ReleaseBody(StrictSerializer):
    hold = WholeNumber()
    reason = CleanChar()


class ApproveBody(StrictSerializer):
    expected = MoneyString(default=None, allow_null=True, help_text="What you saw as payable; another amount refuses.")


class PayBody(StrictSerializer):
    amount = MoneyString(default=None, allow_null=True, help_text="Left out: all that is posted and open.")
    paid_on = InvoiceDay(default=None, allow_null=True)
    reference = CleanChar(max_length=120, default="", allow_blank=True)


class DisputeBody(StrictSerializer):
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True)
    reply_by = InvoiceDay(default=None, allow_null=True)


class NamedSupplierBody(StrictSerializer):
    supplier = KeyField()


class AttachmentBody(StrictSerializer):
    line = WholeNumber(help_text="Of the invoice.")
    purchase_order = KeyField(default=None, allow_null=True, help_text="Left out: the line bills no order.")
    order_line = WholeNumber(default=None, allow_null=True)

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["purchase_order"] and values["order_line"] is None:
            detail = "say which line of the order it bills"
            offences.append(Offence(pointer=f"{pointer}/order_line", code="required", detail=detail))


class AttachBody(StrictSerializer):
    lines = many(AttachmentBody, least=1, most=MOST_LINES)


class RejectionBody(StrictSerializer):
    reason = CleanChar()


class CreditBody(StrictSerializer):
    invoice = WholeNumber(help_text="The id of the posted invoice that the credit note is set off against.")
    amount = MoneyString(default=None, allow_null=True, help_text="Left out: as much as both allow.")


class DecisionBody(StrictSerializer):
    line = WholeNumber()
    decision = ChoiceText(InvoiceLine.Decision.values)


class DecideBody(StrictSerializer):
    decisions = many(DecisionBody, least=1, most=MOST_LINES)
    reason = CleanChar(default="", allow_blank=True)


class UploadShape(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="UBL, CII, or a PDF with one of them inside.")
    supplier = serializers.CharField(required=False)


# --- for the schema: what is answered ------------------------------------------------------------------------------
class HoldShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    code = serializers.ChoiceField(choices=HoldCode.values)
    pointer = serializers.CharField()
    expected = serializers.CharField()
    invoiced = serializers.CharField()
    amount_at_risk = MoneyString()
    warning = serializers.BooleanField()
    opened_at = serializers.DateTimeField()


class InvoiceLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField(allow_null=True)
    description = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyString()
    net_amount = MoneyString()
    tax_rate = RateField()
    purchase_order = serializers.CharField(allow_null=True)
    order_line = serializers.IntegerField(allow_null=True)
    decision = serializers.CharField()
    payable_quantity = serializers.IntegerField()
    payable_amount = MoneyString()
    posted_quantity = serializers.IntegerField()
    posted_amount = MoneyString()
    credited_amount = MoneyString()


class InvoiceChargeShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    code = serializers.CharField()
    amount = MoneyString()
    payable_amount = MoneyString()
    posted_amount = MoneyString()


class InvoiceSummaryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    supplier = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=SupplierInvoice.Kind.values)
    number = serializers.CharField()
    date = InvoiceDay()
    due_date = InvoiceDay(allow_null=True)
    status = serializers.ChoiceField(choices=InvoiceStatus.values)
    currency = serializers.CharField()
    total = MoneyString()
    posted_total = MoneyString()
    paid_total = MoneyString()


class InvoiceShape(InvoiceSummaryShape):
    net_total = MoneyString()
    tax_total = MoneyString()
    payable_now = MoneyString()
    purchase_orders = serializers.ListField(child=serializers.CharField())
    lines = InvoiceLineShape(many=True)
    charges = InvoiceChargeShape(many=True)
    holds = HoldShape(many=True)
    guesses = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    findings = serializers.ListField(child=serializers.DictField())


class DisputeShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Dispute.State.values)
    amount = MoneyString()
    reply_by = InvoiceDay(allow_null=True)
