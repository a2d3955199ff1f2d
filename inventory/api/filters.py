"""Filters of the stock room's lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from inventory.barcodes import gtin14
from inventory.models import Item, Location, Transfer
from retailhub.core.api.paging import parameter
from retailhub.core.errors import Invalid
from retailhub.core.text import sku_key

Rows = QuerySet[Any]


class ItemFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    search = django_filters.CharFilter(method="by_words", max_length=200, help_text="Words, anywhere in SKU or name.")
    barcode = django_filters.CharFilter(method="by_barcode", max_length=48)
    status = django_filters.ChoiceFilter(choices=Item.Status.choices)

    def by_words(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.search(value)  # type: ignore[attr-defined, no-any-return]

    def by_barcode(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(barcodes__code_key=gtin14(value) or sku_key(value))


class StockFilters(django_filters.FilterSet):  # type: ignore[misc]
    sku = django_filters.CharFilter(method="by_sku", max_length=64)
    location = django_filters.CharFilter(field_name="location__code", max_length=64)
    available__lt = django_filters.NumberFilter(
        method="scarce",
        min_value=-(2**31),
        max_value=2**31 - 1,
        decimal_places=0,
        help_text="With sku or location only.",
    )

    def by_sku(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(item__sku_key=sku_key(value))

    def scarce(self, rows: Rows, name: str, value: Any) -> Rows:
        # On its own it would read every level of the house.
        if not self.data.get("sku") and not self.data.get("location"):
            detail = "only together with sku or location"
            raise Invalid(f"available__lt goes {detail}.", errors=[parameter(name, "invalid", detail)])
        return rows.filter(available__lt=value)


class MovementFilters(django_filters.FilterSet):  # type: ignore[misc]
    sku = django_filters.CharFilter(method="by_sku", max_length=64)
    location = django_filters.CharFilter(method="by_place", max_length=64)
    document = django_filters.CharFilter(max_length=80)

    def by_sku(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(item__sku_key=sku_key(value))

    def by_place(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(Q(from_location__code=value) | Q(to_location__code=value))


class DocumentFilters(django_filters.FilterSet):  # type: ignore[misc]
    location = django_filters.CharFilter(field_name="location__code", max_length=64)


class TransferFilters(django_filters.FilterSet):  # type: ignore[misc]
    status = django_filters.ChoiceFilter(choices=Transfer.Status.choices)
    location = django_filters.CharFilter(method="by_place", max_length=64, help_text="At either end.")

    def by_place(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(Q(origin__code=value) | Q(destination__code=value))


class LocationFilters(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(choices=Location.Kind.choices)
