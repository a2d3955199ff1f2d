"""Filters by place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from inventory.models import Location
from retailhub.core.filters import VisibleFilter
from retailhub.core.pages import principal_of


class PlaceFilter(VisibleFilter):
    title = _("place")
    parameter_name = "place"

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        return Location.objects.for_principal(principal_of(request)).values_list("code", "name")

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(location__code=value)


class EitherEndFilter(PlaceFilter):
    """Rows that go from or to a place."""

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(Q(from_location__code=value) | Q(to_location__code=value))


class TransferPlaceFilter(PlaceFilter):
    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(Q(origin__code=value) | Q(destination__code=value))
