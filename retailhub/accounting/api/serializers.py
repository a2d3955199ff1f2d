"""What the journal looks like on the way out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from retailhub.core.api.fields import MomentField, MoneyString


class EntryLineShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    account = serializers.CharField(help_text="The account's number.")
    account_name = serializers.CharField()
    role = serializers.CharField(allow_null=True, help_text="What the house posts there by itself.")
    amount = MoneyString(least=None, help_text="In the home currency: debit above zero, credit below.")
    location = serializers.CharField()
    party = serializers.CharField(help_text="With whom, such as supplier:ACME.")
    reference = serializers.CharField(help_text="The open item it opens or settles, such as receipt:GR-12#3.")
    memo = serializers.CharField()
    original_amount = MoneyString(least=None, allow_null=True)
    original_currency = serializers.CharField()


class EntryShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    key = serializers.CharField()
    kind = serializers.CharField()
    document = serializers.CharField()
    date = serializers.DateField()
    document_date = serializers.DateField(help_text="The day asked for; `date` is later where its period was closed.")
    text = serializers.CharField()
    actor = serializers.CharField()
    currency = serializers.CharField(help_text="The home currency.")
    reverses = serializers.CharField(allow_null=True, help_text="Number of the entry that this one takes back.")
    recorded_at = MomentField()
    lines = EntryLineShape(many=True)
