"""What purchase orders look like on the way in, and for the schema on the way out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from purchasing.models import OrderStatus, Proposal, PurchaseCharge
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
    WholeNumber,
)
from retailhub.core.api.serializers import StrictSerializer, Values, many
from retailhub.core.errors import Offence

MOST_LINES = 2_000
ZERO = Decimal(0)


class PercentField(MoneyString):
    """A percentage from 0 to 100, such as "2.5"."""

    def __init__(self, *, places: int = 4, **kwargs: Any) -> None:
        super().__init__(places=places, least=0, **kwargs)

    def read(self, value: Any) -> Decimal:
        percent = super().read(value)
        if percent > 100:
            raise BadValue("a percentage is at most 100", "max_value")
        return percent


class ForOrderLineBody(StrictSerializer):
    """The line of a customer's order that these goods are bought for."""

    order = KeyField(help_text="The order's number.")
    line = WholeNumber(least=1, most=1_000_000, default=None, allow_null=True)


class PurchaseLineBody(StrictSerializer):
    """A line to order. Without a price, the supplier's own holds."""

    sku = SkuField()
    quantity = QuantityField()
    unit_cost = MoneyString(places=6, default=None, allow_null=True, help_text="Net, of one base unit.")
    price = MoneyString(places=6, default=None, allow_null=True, help_text="Net, of one of the supplier's units.")
    discount_percent = PercentField(default=None, allow_null=True)
    tax_rate = RateField(default=None, allow_null=True)
    expected_on = DayField(default=None, allow_null=True)
    over_percent = PercentField(places=2, default=None, allow_null=True)
    over_units = QuantityField(least=0, default=None, allow_null=True)
    note = CleanChar(default="", allow_blank=True)
    for_order_line = ForOrderLineBody(default=None, allow_null=True)

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["unit_cost"] is not None and values["price"] is not None:
            detail = "a line has a unit_cost or a price, not both"
            offences.append(Offence(pointer=f"{pointer}/price", code="invalid", detail=detail))


class PurchaseChargeBody(StrictSerializer):
    code = CodeField(max_length=20)
    amount = MoneyString()
    treatment = ChoiceText(PurchaseCharge.Treatment.values, default="landed")
    basis = ChoiceText(PurchaseCharge.Basis.values, default="value")
    tax_rate = RateField(default=ZERO)


class PurchaseOrderBody(StrictSerializer):
    supplier = KeyField()
    ship_to = KeyField()
    currency = CurrencyField(default="", allow_blank=True, help_text="Left out: the supplier's.")
    lines = many(PurchaseLineBody, least=1, most=MOST_LINES)
    charges = many(PurchaseChargeBody, most=50, default=list)
    expected_on = DayField(default=None, allow_null=True)
    note = CleanChar(max_length=2_000, several_lines=True, default="", allow_blank=True)
    external_reference = CleanChar(max_length=120, default="", allow_blank=True)


class DraftChangeBody(StrictSerializer):
    """What shall be otherwise in an order that was not sent; what is left out stays."""

    ship_to = KeyField(required=False)
    lines = many(PurchaseLineBody, least=1, most=MOST_LINES, required=False)
    charges = many(PurchaseChargeBody, most=50, required=False)
    expected_on = DayField(required=False)
    note = CleanChar(max_length=2_000, several_lines=True, required=False, allow_blank=True)


class NoBody(StrictSerializer):
    """No members are needed."""


class ReasonBody(StrictSerializer):
    reason = CleanChar()


class LineOfOrder(StrictSerializer):
    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        if values["line"] is None and values["sku"] is None:
            offences.append(Offence(pointer=pointer, code="required", detail="name the line, or its sku"))


class LineNameBody(LineOfOrder):
    line = WholeNumber(least=1, most=1_000_000, default=None, allow_null=True)
    sku = SkuField(default=None, allow_null=True)


class CloseShortBody(StrictSerializer):
    reason = CleanChar()
    lines = many(
        LineNameBody, least=1, most=MOST_LINES, default=None, allow_null=True, help_text="Left out: all that is open."
    )


class LineAnswerBody(LineOfOrder):
    """What the supplier says of a line; what is left out is as ordered. `quantity` 0: he does not deliver it."""

    line = WholeNumber(least=1, most=1_000_000, default=None, allow_null=True)
    sku = SkuField(default=None, allow_null=True)
    quantity = QuantityField(least=0, default=None, allow_null=True)
    expected_on = DayField(default=None, allow_null=True)
    unit_cost = MoneyString(places=6, default=None, allow_null=True)


class AcknowledgeBody(StrictSerializer):
    lines = many(
        LineAnswerBody, least=1, most=MOST_LINES, default=None, allow_null=True, help_text="Left out: all as ordered."
    )
    rejected = Flag(default=False, help_text="The supplier declines the whole order.")
    supplier_reference = CleanChar(max_length=80, default="", allow_blank=True)
    reason = CleanChar(default="", allow_blank=True)


class LineChangeBody(LineOfOrder):
    """What shall be otherwise in a line. `quantity` is what shall be ordered in all; 0 calls the line off."""

    line = WholeNumber(least=1, most=1_000_000, default=None, allow_null=True)
    sku = SkuField(default=None, allow_null=True)
    quantity = QuantityField(least=0, default=None, allow_null=True)
    unit_cost = MoneyString(places=6, default=None, allow_null=True)
    price = MoneyString(places=6, default=None, allow_null=True)
    discount_percent = PercentField(default=None, allow_null=True)
    expected_on = DayField(default=None, allow_null=True)
    note = CleanChar(default=None, allow_null=True, allow_blank=True)


class AmendBody(StrictSerializer):
    lines = many(LineChangeBody, most=MOST_LINES, default=list)
    added = many(PurchaseLineBody, most=MOST_LINES, default=list)
    charges = many(PurchaseChargeBody, most=50, default=None, allow_null=True, help_text="All of them anew.")
    expected_on = DayField(default=None, allow_null=True)
    note = CleanChar(max_length=2_000, several_lines=True, default=None, allow_null=True, allow_blank=True)
    reason = CleanChar(default="", allow_blank=True)


# --- for the schema: what is answered ------------------------------------------------------------------------------

COSTS = "With costs:read."


class PackShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()


class LinkedLineShape(serializers.Serializer[Any]):
    document = serializers.CharField()
    line = serializers.IntegerField()
    quantity = serializers.IntegerField()
    received = serializers.IntegerField()
    state = serializers.CharField()


class PurchaseLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    sku = serializers.CharField()
    supplier_sku = serializers.CharField()
    description = serializers.CharField()
    quantity = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    confirmed = serializers.IntegerField(allow_null=True)
    received = serializers.IntegerField()
    rejected = serializers.IntegerField()
    returned = serializers.IntegerField()
    invoiced = serializers.IntegerField()
    credited = serializers.IntegerField()
    open = serializers.IntegerField()
    expected_on = DayField(allow_null=True)
    confirmed_on = DayField(allow_null=True)
    note = serializers.CharField()
    pack = PackShape()
    for_order_lines = LinkedLineShape(many=True)
    unit_cost = MoneyString(required=False, help_text=COSTS)
    price = MoneyString(required=False, help_text=COSTS)
    discount_percent = MoneyString(required=False, help_text=COSTS)
    price_source = serializers.CharField(required=False, help_text=COSTS)
    tax_rate = MoneyString(required=False, help_text=COSTS)
    net = MoneyString(required=False, help_text=COSTS)


class PurchaseChargeShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    amount = MoneyString()
    invoiced = MoneyString()
    treatment = serializers.CharField()
    basis = serializers.CharField()


class PurchaseSummaryShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=OrderStatus.values)
    supplier = serializers.CharField()
    ship_to = serializers.CharField()
    currency = serializers.CharField()
    revision = serializers.IntegerField()
    external_reference = serializers.CharField()
    expected_on = DayField(allow_null=True)
    created_at = MomentField()
    issued_at = MomentField(allow_null=True)
    receipt_status = serializers.ChoiceField(choices=["to_receive", "part_received", "fully_received"])
    received_percent = serializers.IntegerField()
    bill_status = serializers.ChoiceField(choices=["to_bill", "part_billed", "fully_billed"])
    billed_percent = serializers.IntegerField()
    net_total = MoneyString(required=False, help_text=COSTS)


class ProposalShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    by = serializers.ChoiceField(choices=Proposal.By.values)
    state = serializers.ChoiceField(choices=Proposal.State.values)
    reason = serializers.CharField()
    made_by = serializers.CharField()
    made_at = MomentField()
    changes = serializers.DictField(required=False, help_text=COSTS)


class PurchaseOrderShape(PurchaseSummaryShape):
    supplier_reference = serializers.CharField()
    payment_days = serializers.IntegerField()
    note = serializers.CharField()
    held_reason = serializers.CharField()
    close_reason = serializers.CharField()
    created_by = serializers.CharField()
    submitted_by = serializers.CharField()
    submitted_at = MomentField(allow_null=True)
    approved_by = serializers.CharField()
    approved_at = MomentField(allow_null=True)
    acknowledged_at = MomentField(allow_null=True)
    closed_at = MomentField(allow_null=True)
    lines = PurchaseLineShape(many=True)
    charges = PurchaseChargeShape(many=True, required=False, help_text=COSTS)
    proposals = ProposalShape(many=True, help_text="Those that wait for a decision.")


class RevisionShape(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    reason = serializers.CharField()
    actor = serializers.CharField()
    made_at = MomentField()
    changes = serializers.ListField(
        child=serializers.ListField(child=serializers.JSONField()), help_text="[JSON pointer, before, after]"
    )
    snapshot = serializers.DictField(required=False, help_text=COSTS)


class RevisionsShape(serializers.Serializer[Any]):
    results = RevisionShape(many=True)


class MomentShape(serializers.Serializer[Any]):
    at = MomentField()
    kind = serializers.CharField()
    text = serializers.CharField()
    actor = serializers.CharField()


class TimelineShape(serializers.Serializer[Any]):
    results = MomentShape(many=True)
