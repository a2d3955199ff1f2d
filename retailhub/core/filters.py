"""Filters of record lists that offer only what the person may see, and never scan a big table for their choices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin import ChoicesFieldListFilter as ChoicesDropdownFilter
    from django.contrib.admin import DateFieldListFilter as RangeDateTimeFilter
    from django.contrib.admin import SimpleListFilter as DropdownFilter
else:
    from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateTimeFilter

__all__ = ["ChoicesDropdownFilter", "DropdownFilter", "RangeDateTimeFilter", "VisibleFilter"]


class VisibleFilter(DropdownFilter):
    """A drop-down of visible rows of another table: subclasses say which, and what choosing one keeps."""

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        raise NotImplementedError

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return list(self.visible(request))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        value = self.value()
        return self.keep(queryset, value) if value else None
