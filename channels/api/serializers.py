"""What channels look like on the way in, and for the schema on the way out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from channels.models import Account, Listing
from retailhub.core.api.fields import (
    ChoiceText,
    CleanChar,
    CodeField,
    CurrencyField,
    Flag,
    KeyField,
    MomentField,
    MoneyString,
    SkuField,
    TextsField,
    WholeNumber,
    WordList,
)
from retailhub.core.api.serializers import StrictSerializer

MOST = 2**31 - 1


class ChannelBody(StrictSerializer):
    code = CodeField()
    name = CleanChar(max_length=120)
    kind = CleanChar(max_length=40, help_text="desk, or the name of a connector.")
    currency = CurrencyField()
    prices_include_tax = Flag(default=True)
    locations = WordList(KeyField(), least=1, most=200, help_text="Codes of the places it sells from, in order.")
    base_url = CleanChar(max_length=300, default="", allow_blank=True)
    credentials = TextsField(default=dict, help_text="Never shown again.")


class ChannelChange(StrictSerializer):
    """How much of our stock the channel may see."""

    buffer = WholeNumber(least=0, most=MOST, required=False, help_text="Units kept back per listing.")
    share_percent = WholeNumber(least=0, most=100, required=False)


class ListingBody(StrictSerializer):
    """A listing, by our SKU on the channel; what is left out stays as it is."""

    seller_sku = SkuField()
    sku = SkuField(
        required=False, help_text="The item. Left out in a new listing: the one whose SKU is the seller SKU."
    )
    channel_code = CleanChar(max_length=120, required=False, allow_blank=True)
    state = ChoiceText(Listing.State.values, required=False)
    title = CleanChar(required=False, allow_blank=True)
    price = MoneyString(required=False, allow_null=True, help_text="null: the item's list price.")
    buffer = WholeNumber(least=0, most=MOST, required=False, allow_null=True, help_text="null: as the channel.")
    share_percent = WholeNumber(least=0, most=100, required=False, allow_null=True, help_text="null: as the channel.")
    max_listed = WholeNumber(least=0, most=MOST, required=False, allow_null=True)
    end_when = WholeNumber(least=0, most=MOST, required=False)
    fixed_quantity = WholeNumber(least=0, most=MOST, required=False, allow_null=True)
    pack = WholeNumber(least=1, most=MOST, required=False)


class PauseBody(StrictSerializer):
    reason = CleanChar(max_length=200, default="", allow_blank=True, allow_null=True)


class NothingNeeded(StrictSerializer):
    """No members are needed."""


# --- for the schema: what is answered ------------------------------------------------------------------------------


class ChannelShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    currency = serializers.CharField()
    prices_include_tax = serializers.BooleanField()
    locations = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    state = serializers.ChoiceField(choices=Account.State.values)
    state_reason = serializers.CharField()
    buffer = serializers.IntegerField()
    share_percent = serializers.IntegerField()
    base_url = serializers.CharField()


class ListingShape(serializers.Serializer[Any]):
    seller_sku = serializers.CharField()
    sku = serializers.CharField(allow_null=True)
    channel_code = serializers.CharField()
    state = serializers.ChoiceField(choices=Listing.State.values)
    title = serializers.CharField()
    price = MoneyString(allow_null=True)
    buffer = serializers.IntegerField(allow_null=True)
    share_percent = serializers.IntegerField(allow_null=True)
    max_listed = serializers.IntegerField(allow_null=True)
    end_when = serializers.IntegerField()
    fixed_quantity = serializers.IntegerField(allow_null=True)
    pack = serializers.IntegerField()
    error = serializers.CharField()


class AvailabilityShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    seller_sku = serializers.CharField()
    quantity = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Of two figures for one SKU the one with the higher version is newer.")


class MinuteShape(serializers.Serializer[Any]):
    minute = MomentField()
    pushes = serializers.IntegerField()
    lag_p50 = serializers.FloatField(allow_null=True)
    lag_p95 = serializers.FloatField(allow_null=True)


class SyncShape(serializers.Serializer[Any]):
    channel = serializers.CharField()
    state = serializers.ChoiceField(choices=Account.State.values)
    state_reason = serializers.CharField()
    lag_p50 = serializers.FloatField(allow_null=True, help_text="Seconds, over the last quarter of an hour.")
    lag_p95 = serializers.FloatField(allow_null=True)
    waiting = serializers.IntegerField()
    oldest_wait = serializers.FloatField()
    unsure = serializers.IntegerField()
    refused = serializers.IntegerField()
    discrepancies = serializers.IntegerField()
    inbox_pending = serializers.IntegerField()
    inbox_quarantined = serializers.IntegerField()
    last_push_at = MomentField(allow_null=True)
    last_order_at = MomentField(allow_null=True)
    last_pull_at = MomentField(allow_null=True)
    last_error = serializers.CharField()
    open_again_at = MomentField(allow_null=True)
    minutes = MinuteShape(many=True)


class SyncStartedShape(serializers.Serializer[Any]):
    channel = serializers.CharField()
    listings = serializers.IntegerField(help_text="How many are told their figure again.")


class StepShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    text = serializers.CharField()
    result = serializers.IntegerField()


class ExplainedLevelShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    location = serializers.CharField()
    sellable = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()
    safety = serializers.IntegerField()
    damaged = serializers.IntegerField()
    on_hold = serializers.IntegerField()


class ExplainedReservationShape(serializers.Serializer[Any]):
    document = serializers.CharField()
    line = serializers.IntegerField()
    sku = serializers.CharField()
    location = serializers.CharField()
    quantity = serializers.IntegerField()


class ExplanationShape(serializers.Serializer[Any]):
    sku = serializers.CharField()
    channel = serializers.CharField()
    seller_sku = serializers.CharField(allow_null=True)
    levels = ExplainedLevelShape(many=True)
    reservations = ExplainedReservationShape(many=True)
    safety = serializers.IntegerField(help_text="Kept back by the places listed.")
    buffer = serializers.IntegerField()
    share = serializers.IntegerField(help_text="Percent.")
    cap = serializers.IntegerField(allow_null=True)
    steps = StepShape(many=True)
    result = serializers.IntegerField()
    told = serializers.IntegerField(allow_null=True, help_text="What the channel confirmed last.")
    version = serializers.IntegerField()
