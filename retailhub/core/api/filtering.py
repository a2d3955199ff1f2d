"""Filters as query parameters; one that nobody declared is refused, because a misspelt filter answers too much."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request

from retailhub.core.api.fields import BadValue, MomentField
from retailhub.core.api.paging import CURSOR, SIZE, parameter
from retailhub.core.errors import Invalid, Offence

if TYPE_CHECKING:
    # DRF's settings import this module while its views are being made
    from rest_framework.views import APIView

_EVERY_LIST = frozenset({CURSOR, SIZE})


class UnknownParameter(Invalid):
    """The address has a parameter that means nothing here."""

    code = "unknown_parameter"


class _MomentFormField(forms.Field):
    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            # A plus sign that was not percent-encoded arrives as a space.
            return MomentField().read(re.sub(r" (?=\d\d:\d\d$)", "+", str(value).strip()))
        except BadValue as bad:
            raise forms.ValidationError(bad.detail) from bad


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(django_filters.Filter):  # type: ignore[misc]  # django-filter is not typed
    """Compares with a moment, written as in a body: RFC 3339 with its offset."""

    field_class = _MomentFormField


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # django-filter is not typed
    """Filters by the view's `filterset_class`."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filters: type[django_filters.FilterSet] | None = getattr(view, "filterset_class", None)
        known_only(request, _EVERY_LIST | set(filters.base_filters if filters else ()))
        if filters is None or not (set(request.query_params) - _EVERY_LIST):
            return queryset
        chosen = filters(request.query_params, queryset=queryset, request=request)
        if not chosen.is_valid():
            errors: list[Offence] = [
                parameter(name, "invalid", " ".join(str(message) for message in messages))
                for name, messages in chosen.errors.items()
            ]
            raise Invalid(f"{errors[0].extra['parameter']}: {errors[0].detail}", errors=errors)
        rows: QuerySet[Any] = chosen.qs
        return rows


def known_only(request: Request, names: set[str] | frozenset[str]) -> None:
    """Raise UnknownParameter naming every parameter of the request that is not one of `names`."""
    unknown = [name for name in request.query_params if name not in names]
    if unknown:
        raise UnknownParameter(
            f"There is no parameter {unknown[0][:60]} here.",
            errors=[parameter(name[:60], "unknown_parameter", "there is no such parameter here") for name in unknown],
        )
