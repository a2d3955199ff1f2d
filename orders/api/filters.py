"""Filters of the order list."""

from __future__ import annotations

import django_filters

from orders.models import Order, Status
from retailhub.core.api.filtering import MomentFilter


class OrderFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    channel = django_filters.CharFilter(field_name="channel__code", max_length=120)
    status = django_filters.ChoiceFilter(choices=Status.choices)
    external_reference = django_filters.CharFilter(max_length=200)
    customer = django_filters.NumberFilter(min_value=1, max_value=2**62, decimal_places=0)
    placed_at__gte = MomentFilter(field_name="placed_at", lookup_expr="gte")
    placed_at__lt = MomentFilter(field_name="placed_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: list[str] = []
