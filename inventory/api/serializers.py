"""What the stock room looks like on the way in, and for the schema on the way out."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from rest_framework import serializers

from inventory.models import Bucket, Item, Location, Reason, Transfer
from inventory.services import adjusting, moving
from retailhub.core.api.fields import (
    BadValue,
    ChoiceText,
    CleanChar,
    CodeField,
    CurrencyField,
    Flag,
    KeyField,
    MomentField,
    MoneyString,
    QuantityField,
    SkuField,
    TextsField,
    WholeNumber,
    WordList,
)
from retailhub.core.api.serializers import StrictSerializer, Values, many
from retailhub.core.errors import Offence

KINDS = [kind for kind in Location.Kind.values if kind != Location.Kind.COUNTERPARTY]
MOST_LINES = 5_000


class ComponentBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField()


class ItemFields(StrictSerializer):
    """Fields of an item; what is left out stays as it is, or has its default in a new item."""

    name = CleanChar(required=False)
    status = ChoiceText(Item.Status.values, required=False)
    kind = ChoiceText(Item.Kind.values, required=False)
    base_unit = ChoiceText(Item.BaseUnit.values, required=False)
    category = WordList(CleanChar(max_length=120), most=2, required=False, help_text="Its heading, below at most one.")
    price = MoneyString(required=False, allow_null=True, help_text="List price of one base unit.")
    currency = CurrencyField(required=False)
    cost = MoneyString(places=6, required=False, allow_null=True, help_text="Takes costs:read to see or set.")
    reorder_point = WholeNumber(least=0, most=2**31 - 1, required=False)
    weight_grams = WholeNumber(least=0, most=2**31 - 1, required=False, allow_null=True)
    barcodes = WordList(CleanChar(max_length=48), most=50, required=False, help_text="Replace those it had.")
    components = many(ComponentBody, most=100, required=False, help_text="What one kit holds; replace those it had.")


class ItemBody(ItemFields):
    sku = SkuField()


class TimeZoneField(CleanChar):
    """An IANA time zone."""

    def read(self, value: Any) -> str:
        name = super().read(value)
        if name not in available_timezones():
            raise BadValue("this is no IANA time zone, such as Europe/Paris")
        return name


class LocationBody(StrictSerializer):
    code = CodeField()
    name = CleanChar(max_length=120)
    kind = ChoiceText(KINDS)
    owned = Flag(default=None, allow_null=True, help_text="Left out: ours, unless a supplier holds the goods.")
    time_zone = TimeZoneField(max_length=40, default="UTC")
    address = TextsField(default=dict)


class AdjustmentLineBody(StrictSerializer):
    sku = SkuField()
    change = QuantityField(least=-1_000_000_000, default=None, allow_null=True)
    counted = QuantityField(least=0, default=None, allow_null=True)
    bucket = ChoiceText(Bucket.values, default=Bucket.SELLABLE.value)
    unit_cost = MoneyString(places=6, default=None, allow_null=True, help_text="Of goods found; takes costs:read.")

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if (values["change"] is None) == (values["counted"] is None):
            offences.append(Offence(pointer=pointer, code="invalid", detail="give either change or counted"))


class AdjustmentBody(StrictSerializer):
    location = KeyField()
    reason = ChoiceText(adjusting.REASONS)
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True, allow_null=True)
    lines = many(AdjustmentLineBody, least=1, most=adjusting.MOST_LINES)
    occurred_at = MomentField(default=None, allow_null=True)


class MoveLineBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField()
    from_bucket = ChoiceText(Bucket.values)
    to_bucket = ChoiceText(Bucket.values)


class MoveBody(StrictSerializer):
    location = KeyField()
    reason = ChoiceText(moving.REASONS)
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True, allow_null=True)
    lines = many(MoveLineBody, least=1, most=MOST_LINES)


class ReceiptLineBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField()
    unit_cost = MoneyString(
        places=6, default=None, allow_null=True, help_text="Takes costs:read; left out: as last time."
    )
    bucket = ChoiceText(Bucket.values, default=Bucket.SELLABLE.value)


class ReceiptBody(StrictSerializer):
    location = KeyField()
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True, allow_null=True)
    lines = many(ReceiptLineBody, least=1, most=MOST_LINES)
    occurred_at = MomentField(default=None, allow_null=True)


class TransferLineBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField()


class TransferBody(StrictSerializer):
    vars()["from"] = KeyField()  # the contract's word is one of Python's own
    to = KeyField()
    lines = many(TransferLineBody, least=1, most=MOST_LINES)
    note = CleanChar(max_length=2000, several_lines=True, default="", allow_blank=True, allow_null=True)
    due = MomentField(default=None, allow_null=True)


class ArrivedBody(StrictSerializer):
    """What arrived of a line, named by its number or its sku."""

    line = WholeNumber(default=None, allow_null=True)
    sku = SkuField(default=None, allow_null=True)
    received = QuantityField(least=0, default=0)
    damaged = QuantityField(least=0, default=0)
    lost = QuantityField(least=0, default=0)

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["line"] is None and values["sku"] is None:
            offences.append(Offence(pointer=pointer, code="required", detail="name the line, or its sku"))


class ArrivalBody(StrictSerializer):
    lines = many(
        ArrivedBody,
        least=1,
        most=MOST_LINES,
        default=None,
        allow_null=True,
        help_text="Left out: everything came well.",
    )


# --- for the schema: what is answered ------------------------------------------------------------------------------


class ItemShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Item.Kind.values)
    status = serializers.ChoiceField(choices=Item.Status.values)
    base_unit = serializers.ChoiceField(choices=Item.BaseUnit.values)
    category = serializers.ListField(child=serializers.CharField())
    price = MoneyString(allow_null=True)
    currency = serializers.CharField()
    cost = MoneyString(allow_null=True, required=False, help_text="With costs:read.")
    reorder_point = serializers.IntegerField()
    weight_grams = serializers.IntegerField(allow_null=True)
    barcodes = serializers.ListField(child=serializers.CharField())
    components = ComponentBody(many=True)
    updated_at = MomentField()


class ItemOutcomeShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["new", "changed", "same"])


class LocationShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    owned = serializers.BooleanField()
    is_active = serializers.BooleanField()
    time_zone = serializers.CharField()
    address = TextsField()


class StockShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    location = serializers.CharField()
    on_hand = serializers.IntegerField()
    sellable = serializers.IntegerField()
    reserved = serializers.IntegerField()
    damaged = serializers.IntegerField()
    on_hold = serializers.IntegerField()
    available = serializers.IntegerField()
    incoming = serializers.IntegerField()
    safety = serializers.IntegerField()


class MovementShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    sku = serializers.CharField()
    vars()["from"] = serializers.CharField(help_text="A location, or one of @supplier @customer @loss @opening.")
    from_bucket = serializers.ChoiceField(choices=Bucket.values)
    to = serializers.CharField()
    to_bucket = serializers.ChoiceField(choices=Bucket.values)
    quantity = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=Reason.values)
    document = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    actor = serializers.CharField()
    note = serializers.CharField()
    value = MoneyString(required=False, help_text="With costs:read; in the home currency.")
    occurred_at = MomentField()
    recorded_at = MomentField()


class DocumentLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    bucket = serializers.CharField(required=False)
    change = serializers.IntegerField(required=False)
    counted = serializers.IntegerField(required=False, allow_null=True)
    quantity = serializers.IntegerField(required=False)
    from_bucket = serializers.CharField(required=False)
    to_bucket = serializers.CharField(required=False)


class DocumentShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    location = serializers.CharField()
    reason = serializers.CharField()
    note = serializers.CharField()
    actor = serializers.CharField()
    occurred_at = MomentField()
    recorded_at = MomentField()
    lines = DocumentLineShape(many=True)


class TransferLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    shipped = serializers.IntegerField()
    received = serializers.IntegerField()
    damaged = serializers.IntegerField()
    lost = serializers.IntegerField()


class TransferShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=Transfer.Status.values)
    vars()["from"] = serializers.CharField()
    to = serializers.CharField()
    note = serializers.CharField()
    due = MomentField(allow_null=True)
    created_at = MomentField()
    shipped_at = MomentField(allow_null=True)
    closed_at = MomentField(allow_null=True)
    lines = TransferLineShape(many=True)
