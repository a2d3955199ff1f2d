"""Deliveries and returns on the way in, and for the schema on the way out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from inventory.models import Bucket
from purchasing.models import ReceiptStatus
from retailhub.core.api.fields import (
    ChoiceText,
    CleanChar,
    Flag,
    KeyField,
    MomentField,
    QuantityField,
    SkuField,
    WholeNumber,
)
from retailhub.core.api.serializers import StrictSerializer, Values, many
from retailhub.core.errors import Offence

MOST_LINES = 5_000


class DeliveryLineBody(StrictSerializer):
    """What came of an order line, in base units. `wrong` units are of another item, `received_sku`."""

    sku = SkuField()
    line = WholeNumber(default=None, allow_null=True, help_text="Of the purchase order, where several carry the sku.")
    accepted = QuantityField(least=0, default=0)
    damaged = QuantityField(least=0, default=0)
    wrong = QuantityField(least=0, default=0)
    received_sku = SkuField(default=None, allow_null=True)
    refused = QuantityField(least=0, default=0)
    announced = QuantityField(least=0, default=None, allow_null=True, help_text="What the delivery note says.")
    note = CleanChar(max_length=200, default="", allow_blank=True, allow_null=True)

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["wrong"] and not values["received_sku"]:
            offences.append(
                Offence(pointer=f"{pointer}/received_sku", code="required", detail="say which item came instead")
            )


class DeliveryBody(StrictSerializer):
    purchase_order = KeyField(default=None, allow_null=True)
    supplier = KeyField(default=None, allow_null=True, help_text="Where there is no purchase order.")
    location = KeyField()
    delivery_note = CleanChar(max_length=80, default="", allow_blank=True, allow_null=True)
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True, allow_null=True)
    lines = many(DeliveryLineBody, least=1, most=MOST_LINES)


class ReverseBody(StrictSerializer):
    reason = CleanChar(max_length=200)


class ReturnLineBody(StrictSerializer):
    receipt = KeyField()
    line = WholeNumber(help_text="Of the receipt.")
    quantity = QuantityField()
    bucket = ChoiceText(Bucket.values, default=str(Bucket.SELLABLE))


class ReturnBody(StrictSerializer):
    reason = CleanChar(max_length=200)
    carrier = CleanChar(max_length=80, default="", allow_blank=True, allow_null=True)
    tracking_number = CleanChar(max_length=80, default="", allow_blank=True, allow_null=True)
    wants_replacement = Flag(default=False)
    lines = many(ReturnLineBody, least=1, most=MOST_LINES)


# --- for the schema: what is answered ------------------------------------------------------------------------------


class ReceiptLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    purchase_order = serializers.CharField(allow_null=True)
    purchase_order_line = serializers.IntegerField(allow_null=True)
    instead_of = serializers.IntegerField(allow_null=True, help_text="The line in whose place this item came.")
    accepted = serializers.IntegerField()
    damaged = serializers.IntegerField()
    wrong = serializers.IntegerField()
    refused = serializers.IntegerField()
    not_ordered = serializers.IntegerField(help_text="On hold until the buyer decides.")
    free = serializers.IntegerField()
    announced = serializers.IntegerField(allow_null=True)
    invoiced = serializers.IntegerField()
    returned = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)
    unit_cost = serializers.CharField(required=False, help_text="Takes costs:read; home currency.")
    amount = serializers.CharField(required=False, help_text="Takes costs:read; home currency.")


class ServedShape(serializers.Serializer[Any]):
    document = serializers.CharField()
    quantity = serializers.IntegerField()


class ExceptionShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    reason = serializers.CharField()


class ReceiptShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=ReceiptStatus.values)
    supplier = serializers.CharField(allow_null=True)
    location = serializers.CharField()
    purchase_orders = serializers.ListField(child=serializers.CharField())
    delivery_note = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    started_at = MomentField()
    posted_at = MomentField(allow_null=True)
    posted_by = serializers.CharField(allow_blank=True)
    reversed_at = MomentField(allow_null=True)
    reverse_reason = serializers.CharField(allow_blank=True)
    served = ServedShape(many=True)
    exceptions = ExceptionShape(many=True)
    claims = serializers.ListField(child=serializers.CharField())
    lines = ReceiptLineShape(many=True)


class ReturnLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    receipt = serializers.CharField()
    receipt_line = serializers.IntegerField()
    bucket = serializers.ChoiceField(choices=Bucket.values)
    quantity = serializers.IntegerField()
    amount = serializers.CharField(required=False, help_text="Takes costs:read; home currency.")


class ReturnShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    supplier = serializers.CharField()
    location = serializers.CharField()
    reason = serializers.CharField()
    carrier = serializers.CharField(allow_blank=True)
    tracking_number = serializers.CharField(allow_blank=True)
    wants_replacement = serializers.BooleanField()
    returned_on = serializers.DateField()
    made_at = MomentField()
    lines = ReturnLineShape(many=True)
