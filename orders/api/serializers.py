"""What orders look like on the way in, and for the schema on the way out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from orders.models import Status
from retailhub.core.api.fields import (
    ChoiceText,
    CleanChar,
    CurrencyField,
    Flag,
    KeyField,
    MomentField,
    MoneyString,
    QuantityField,
    RateField,
    SkuField,
    TextsField,
    WholeNumber,
)
from retailhub.core.api.serializers import StrictSerializer, Values, many
from retailhub.core.errors import Offence

MOST_LINES = 1_000
ZERO = Decimal(0)


class OrderLineBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField()
    unit_price = MoneyString(help_text="Gross where the channel's prices include tax, else net.")
    tax_rate = RateField(default=ZERO)
    discount = MoneyString(default=ZERO, help_text="An amount off this line.")

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["discount"] > values["quantity"] * values["unit_price"]:
            detail = "the discount is more than the line costs"
            offences.append(Offence(pointer=f"{pointer}/discount", code="max_value", detail=detail))


class CustomerBody(StrictSerializer):
    email = CleanChar(max_length=254, default="", allow_blank=True, allow_null=True)
    name = CleanChar(default="", allow_blank=True, allow_null=True)
    phone = CleanChar(max_length=40, default="", allow_blank=True, allow_null=True)
    external_id = CleanChar(max_length=254, default="", allow_blank=True, allow_null=True)


class ShippingBody(StrictSerializer):
    method = CleanChar(max_length=80, default="", allow_blank=True, allow_null=True)
    address = TextsField(default=dict, allow_null=True)
    pickup_location = KeyField(default=None, allow_null=True)
    price = MoneyString(default=ZERO)


class PaymentBody(StrictSerializer):
    method = CleanChar(max_length=60)
    amount = MoneyString()
    reference = CleanChar(max_length=120, default="", allow_blank=True, allow_null=True)
    captured = Flag(default=False)


class OrderBody(StrictSerializer):
    channel = KeyField()
    external_reference = CleanChar(max_length=120)
    placed_at = MomentField(required=False, help_text="When the customer ordered; now, if left out.")
    currency = CurrencyField()
    allocation = ChoiceText(
        ["accept", "all_or_nothing"],
        default="accept",
        help_text="accept: keep the order and flag what is short. all_or_nothing: keep it only if all is in stock.",
    )
    customer = CustomerBody(default=None, allow_null=True)
    shipping = ShippingBody(default=None, allow_null=True)
    lines = many(OrderLineBody, least=1, most=MOST_LINES)
    payments = many(PaymentBody, most=50, default=list)


class LineWantedBody(StrictSerializer):
    """Units of a line, named by its number, or by its SKU where only one line carries it."""

    line = WholeNumber(default=None, allow_null=True)
    sku = SkuField(default=None, allow_null=True)
    quantity = QuantityField()

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["line"] is None and values["sku"] is None:
            offences.append(Offence(pointer=pointer, code="required", detail="name the line, or its sku"))


class CancelBody(StrictSerializer):
    lines = many(LineWantedBody, least=1, most=MOST_LINES, default=None, allow_null=True)
    reason = CleanChar(default="", allow_blank=True, allow_null=True)


class HoldBody(StrictSerializer):
    reason = CleanChar(default="", allow_blank=True, allow_null=True)


class NothingBody(StrictSerializer):
    """No members are needed."""


class ShipBody(StrictSerializer):
    location = KeyField()
    lines = many(
        LineWantedBody, least=1, most=MOST_LINES, default=None, allow_null=True, help_text="Left out: all that is open."
    )
    carrier = CleanChar(max_length=60, default="", allow_blank=True, allow_null=True)
    tracking_number = CleanChar(max_length=80, default="", allow_blank=True, allow_null=True)
    shipped_at = MomentField(default=None, allow_null=True)


# --- for the schema: what is answered ------------------------------------------------------------------------------


class AllocationShape(serializers.Serializer[Any]):
    location = serializers.CharField()
    quantity = serializers.IntegerField()
    sku = serializers.CharField(required=False, help_text="The component, in a line that is a kit.")


class PlacedLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    reserved = serializers.IntegerField()
    short = serializers.IntegerField()
    allocations = AllocationShape(many=True)


class TotalsShape(serializers.Serializer[Any]):
    lines = MoneyString()
    shipping = MoneyString()
    tax = MoneyString()
    total = MoneyString()


class PlacedOrderShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.values)
    channel = serializers.CharField()
    external_reference = serializers.CharField()
    currency = serializers.CharField()
    lines = PlacedLineShape(many=True)
    totals = TotalsShape()


class LineShape(PlacedLineShape):
    cancelled = serializers.IntegerField()
    shipped = serializers.IntegerField()
    unit_price = MoneyString()
    discount = MoneyString()
    tax_rate = RateField()


class OrderCustomerShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField(required=False, help_text="With customers:read.")
    phone = serializers.CharField(required=False, help_text="With customers:read.")


class ShippingShape(serializers.Serializer[Any]):
    method = serializers.CharField()
    address = TextsField()
    pickup_location = serializers.CharField(allow_null=True)
    price = MoneyString()


class PaymentShape(serializers.Serializer[Any]):
    method = serializers.CharField()
    amount = MoneyString()
    reference = serializers.CharField()
    captured = serializers.BooleanField()


class ShipmentLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()


class ShipmentShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    order = serializers.CharField()
    location = serializers.CharField()
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    shipped_at = MomentField()
    lines = ShipmentLineShape(many=True)


class OrderSummaryShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.values)
    channel = serializers.CharField()
    external_reference = serializers.CharField()
    currency = serializers.CharField()
    placed_at = MomentField()
    received_at = MomentField()
    customer = serializers.IntegerField(allow_null=True)
    totals = TotalsShape()


class OrderShape(PlacedOrderShape):
    placed_at = MomentField()
    received_at = MomentField()
    prices_include_tax = serializers.BooleanField()
    held_reason = serializers.CharField()
    cancelled_at = MomentField(allow_null=True)
    customer = OrderCustomerShape(allow_null=True)
    shipping = ShippingShape()
    lines = LineShape(many=True)
    payments = PaymentShape(many=True)
    shipments = ShipmentShape(many=True)
