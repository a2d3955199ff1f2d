"""Customers are found by what identifies them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from customers.models import Identity
from customers.services.finding import Person

Rows = QuerySet[Any]


class CustomerFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    email = django_filters.CharFilter(method="by_identity", max_length=254)
    phone = django_filters.CharFilter(method="by_identity", max_length=40, help_text="With its country code: +33...")
    external_id = django_filters.CharFilter(method="by_external_id", max_length=254)

    def by_identity(self, rows: Rows, name: str, value: str) -> Rows:
        # Folded exactly as it was when it came in.
        keys = Person(**{name: value}).identities()  # type: ignore[arg-type]
        return rows.filter(identities__kind=keys[0][0], identities__value=keys[0][2]) if keys else rows.none()

    def by_external_id(self, rows: Rows, name: str, value: str) -> Rows:
        found = Identity.objects.filter(kind=Identity.Kind.EXTERNAL, value=value)
        return rows.filter(pk__in=found.values("customer"))
