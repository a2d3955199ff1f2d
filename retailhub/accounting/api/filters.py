"""Filters of the journal."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from retailhub.accounting.models import Account, JournalLine
from retailhub.accounting.queries import account_named, span_of
from retailhub.accounting.services.exporting import MONTH_OR_YEAR
from retailhub.core.api.paging import parameter
from retailhub.core.errors import Invalid


class EntryFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    period = django_filters.CharFilter(
        method="by_period", max_length=7, help_text="A month such as 2026-11, or a year such as 2026."
    )
    document = django_filters.CharFilter(max_length=80, help_text="Such as receipt:GR-12.")
    account = django_filters.CharFilter(
        method="by_account", max_length=24, help_text="Entries with a line on it: its number, or its role."
    )

    def by_period(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        span = span_of(value)
        if span is None:
            raise Invalid(f"{name}: {MONTH_OR_YEAR}", errors=[parameter(name, "invalid", MONTH_OR_YEAR)])
        return rows.filter(date__range=(span.start, span.end))

    def by_account(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        try:
            account = account_named(value)
        except Account.DoesNotExist:
            return rows.none()
        return rows.filter(pk__in=JournalLine.objects.filter(account=account).values("entry"))
