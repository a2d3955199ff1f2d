"""What suppliers, price lists and proposals look like on the way in, and for the schema on the way out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from purchasing.api.order_bodies import COSTS, PackShape, PercentField, PurchaseSummaryShape
from purchasing.models import PriceBreak, Supplier, SupplierIdentifier
from purchasing.papers.words import LANGUAGES
from retailhub.core.api.fields import (
    BadValue,
    ChoiceText,
    CleanChar,
    CodeField,
    CurrencyField,
    DayField,
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

MOST_DAYS = 3_650
MOST_ENTRIES = 5_000
MOST_PACK = 1_000_000_000


class DiscountField(PercentField):
    """A percentage from 0 to less than 100."""

    def read(self, value: Any) -> Decimal:
        percent = super().read(value)
        if percent >= 100:
            raise BadValue("a discount is less than 100 percent", "max_value")
        return percent


class ContactBody(StrictSerializer):
    """A person at the supplier."""

    name = CleanChar()
    role = CleanChar(max_length=80, default="", allow_blank=True)
    email = CleanChar(max_length=254, default="", allow_blank=True)
    phone = CleanChar(max_length=40, default="", allow_blank=True)


class IdentifierBody(StrictSerializer):
    """A number that tells on a paper that it is from this supplier."""

    kind = ChoiceText(SupplierIdentifier.Kind.values)
    value = CleanChar(max_length=80)


class SupplierFields(StrictSerializer):
    """What may be said of a supplier; what is left out stays, or gets its default in a new one."""

    name = CleanChar(required=False)
    status = ChoiceText(Supplier.Status.values, required=False)
    currency = CurrencyField(required=False)
    language = ChoiceText(LANGUAGES, required=False, help_text="Of the papers he gets.")
    payment_days = WholeNumber(least=0, most=MOST_DAYS, required=False)
    discount_days = WholeNumber(least=0, most=MOST_DAYS, required=False)
    discount_percent = DiscountField(places=2, required=False)
    lead_time_days = WholeNumber(least=0, most=MOST_DAYS, required=False)
    minimum_order = MoneyString(required=False)
    tax_rate = RateField(required=False)
    bills_on_shipment = Flag(required=False)
    is_expense = Flag(required=False)
    over_percent = PercentField(places=2, required=False, allow_null=True)
    over_units = QuantityField(least=0, required=False, allow_null=True)
    close_short_percent = PercentField(places=2, required=False, allow_null=True)
    close_short_days = WholeNumber(least=0, most=MOST_DAYS, required=False, allow_null=True)
    order_email = CleanChar(max_length=254, required=False, allow_blank=True)
    address = TextsField(required=False)
    note = CleanChar(max_length=2_000, several_lines=True, required=False, allow_blank=True)
    contacts = many(ContactBody, most=100, required=False)
    identifiers = many(IdentifierBody, most=100, required=False)


class SupplierBody(SupplierFields):
    code = CodeField(help_text="Kept as it is given, found in any case.")
    name = CleanChar()


class PackBody(StrictSerializer):
    """A purchase unit: numerator / denominator base units, exactly."""

    code = CleanChar(max_length=20, default="", allow_blank=True)
    numerator = WholeNumber(least=1, most=MOST_PACK, default=1)
    denominator = WholeNumber(least=1, most=MOST_PACK, default=1)


class ListedPriceBody(StrictSerializer):
    """What one purchase unit costs, net, in the supplier's currency, from a number of them and a day on."""

    price = MoneyString(places=6)
    source = ChoiceText(  # type: ignore[assignment]
        PriceBreak.Source.values, default=str(PriceBreak.Source.LIST)
    )
    minimum_quantity = QuantityField(default=1, help_text="In purchase units.")
    discount_percent = PercentField(places=2, default=Decimal(0))
    valid_from = DayField(default=None, allow_null=True)
    valid_until = DayField(default=None, allow_null=True, help_text="The last day it holds.")


class ListEntryBody(StrictSerializer):
    """One item as the supplier sells it. What is left out stays; `prices` replace all he had for it."""

    sku = SkuField()
    supplier_sku = SkuField(required=False, allow_blank=True)
    name = CleanChar(required=False, allow_blank=True)
    pack = PackBody(required=False)
    minimum_quantity = QuantityField(required=False, help_text="In purchase units.")
    multiple = QuantityField(required=False, help_text="In purchase units.")
    lead_time_days = WholeNumber(least=0, most=MOST_DAYS, required=False, allow_null=True)
    over_percent = PercentField(places=2, required=False, allow_null=True)
    over_units = QuantityField(least=0, required=False, allow_null=True)
    is_preferred = Flag(required=False)
    is_active = Flag(required=False)
    last_price = MoneyString(places=6, required=False, allow_null=True)
    last_price_on = DayField(required=False, allow_null=True)
    prices = many(ListedPriceBody, most=200, required=False)


class PriceListBody(StrictSerializer):
    currency = CurrencyField(default="", allow_blank=True, help_text="When given, it must be the supplier's.")
    entries = many(ListEntryBody, most=MOST_ENTRIES)


class WantedLineBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField(help_text="Base units.")


class WantedBody(StrictSerializer):
    """What to order from one supplier."""

    supplier = KeyField()
    lines = many(WantedLineBody, least=1, most=2_000)

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        once_each(values["lines"], "sku", f"{pointer}/lines", offences)


class CreateOrdersBody(StrictSerializer):
    ship_to = KeyField()
    orders = many(WantedBody, least=1, most=500)

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        once_each(values["orders"], "supplier", f"{pointer}/orders", offences)


def once_each(entries: list[Values], name: str, pointer: str, offences: list[Offence]) -> None:
    """Add each entry that names the same as one before it."""
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        key = "".join(entry[name].casefold().split())
        if key in seen:
            detail = f"{entry[name]} is named twice"
            offences.append(Offence(pointer=f"{pointer}/{index}/{name}", code="invalid", detail=detail))
        seen.add(key)


# --- for the schema: what is answered ------------------------------------------------------------------------------


class ContactShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    role = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()


class IdentifierShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=SupplierIdentifier.Kind.values)
    value = serializers.CharField()


class SupplierShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Supplier.Status.values)
    currency = serializers.CharField()
    language = serializers.CharField()
    payment_days = serializers.IntegerField()
    discount_days = serializers.IntegerField()
    discount_percent = MoneyString()
    lead_time_days = serializers.IntegerField()
    minimum_order = MoneyString(required=False, help_text=COSTS)
    tax_rate = MoneyString()
    bills_on_shipment = serializers.BooleanField()
    is_expense = serializers.BooleanField()
    over_percent = MoneyString(allow_null=True)
    over_units = serializers.IntegerField(allow_null=True)
    close_short_percent = MoneyString(allow_null=True)
    close_short_days = serializers.IntegerField(allow_null=True)
    order_email = serializers.CharField()
    address = serializers.DictField()
    note = serializers.CharField()
    contacts = ContactShape(many=True)
    identifiers = IdentifierShape(many=True)
    created_at = MomentField()
    updated_at = MomentField()


class ListedPriceShape(serializers.Serializer[Any]):
    price = MoneyString()
    source = serializers.ChoiceField(choices=PriceBreak.Source.values)  # type: ignore[assignment]
    minimum_quantity = serializers.IntegerField()
    discount_percent = MoneyString()
    valid_from = DayField(allow_null=True)
    valid_until = DayField(allow_null=True)


class ListEntryShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    supplier_sku = serializers.CharField()
    name = serializers.CharField()
    pack = PackShape()
    minimum_quantity = serializers.IntegerField()
    multiple = serializers.IntegerField()
    lead_time_days = serializers.IntegerField(allow_null=True)
    over_percent = MoneyString(allow_null=True)
    over_units = serializers.IntegerField(allow_null=True)
    is_preferred = serializers.BooleanField()
    is_active = serializers.BooleanField()
    last_price = MoneyString(required=False, allow_null=True, help_text=COSTS)
    last_price_on = DayField(required=False, allow_null=True, help_text=COSTS)
    prices = ListedPriceShape(many=True, required=False, help_text=COSTS)


class ListOutcomeShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["new", "changed", "same"])


class PriceListOutcomeShape(serializers.Serializer[Any]):
    results = ListOutcomeShape(many=True)


class NeedShape(serializers.Serializer[Any]):
    """All units are base units."""

    sku = serializers.CharField()
    name = serializers.CharField()
    available = serializers.IntegerField()
    incoming = serializers.IntegerField(help_text="On its way, within the lead time.")
    later = serializers.IntegerField(help_text="On its way, later than a new order would come: not counted.")
    drafted = serializers.IntegerField(help_text="In orders that were not sent.")
    waiting = serializers.IntegerField(help_text="What customers wait for.")
    per_day = serializers.FloatField()
    is_intermittent = serializers.BooleanField()
    lead_days = serializers.IntegerField()
    point = serializers.IntegerField(help_text="Reorder point.")
    point_given = serializers.BooleanField(help_text="Set on the item, not worked out.")
    safety = serializers.IntegerField()
    need = serializers.IntegerField()
    why = serializers.ListField(child=serializers.CharField(), help_text="Where each number comes from.")


class ProposedShape(NeedShape):
    quantity = serializers.IntegerField(help_text="To order: the need, rounded up to what the supplier sells.")
    supplier_sku = serializers.CharField()
    pack = PackShape()
    minimum_quantity = serializers.IntegerField()
    multiple = serializers.IntegerField()
    price = MoneyString(required=False, help_text=COSTS)
    price_source = serializers.CharField(required=False, help_text=COSTS)
    amount = MoneyString(required=False, help_text=COSTS)


class SkippedShape(NeedShape):
    missing = serializers.CharField(help_text="Why it cannot be proposed.")


class SupplierNeedsShape(serializers.Serializer[Any]):
    supplier = serializers.CharField()
    currency = serializers.CharField()
    total = MoneyString(required=False, help_text=COSTS)
    minimum_order = MoneyString(required=False, help_text=COSTS)
    below_minimum = MoneyString(required=False, help_text=COSTS)
    lines = ProposedShape(many=True)


class ReorderShape(serializers.Serializer[Any]):
    groups = SupplierNeedsShape(many=True)
    skipped = SkippedShape(many=True)


class CreatedOrdersShape(serializers.Serializer[Any]):
    orders = PurchaseSummaryShape(many=True)
