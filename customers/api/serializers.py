"""What customers look like, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from customers.models import Identity
from retailhub.core.api.fields import MomentField, WholeNumber
from retailhub.core.api.serializers import StrictSerializer


class MergeBody(StrictSerializer):
    into = WholeNumber(most=2**63 - 1)


class IdentityShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Identity.Kind.values)
    channel = serializers.CharField(help_text="For a channel's own customer number.")
    value = serializers.CharField()


class AddressShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField()
    city = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()


class CustomerShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    note = serializers.CharField()
    created_at = MomentField()
    identities = IdentityShape(many=True)
    addresses = AddressShape(many=True)
