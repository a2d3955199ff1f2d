"""The one base of all record lists and forms: scoped, bounded, ledgers read-only, and nothing kept between requests.

This module is also the only door to the shell's admin classes, so that their types are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib.admin import ShowFacets
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from retailhub.core.access import Principal
from retailhub.core.lists import COLUMNS, VIEW, column_name, opening_of
from retailhub.core.pages import principal_of
from retailhub.core.paging import BoundedPaginator
from retailhub.core.templatetags.rh import pill, qty, ref, when

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import TabularInline as _TabularInline
    from django.contrib.admin.views.main import ChangeList as _ChangeList

    _F = TypeVar("_F", bound=Callable[..., Any])

    TextInput, SelectInput = forms.TextInput, forms.Select

    def display(
        *,
        description: str | Promise | None = None,
        ordering: str | None = None,
        boolean: bool | None = None,
        empty_value: str | None = None,
        label: bool | dict[str, str] | None = None,
        header: bool | None = None,
    ) -> Callable[[_F], _F]: ...

else:
    from unfold.admin import ModelAdmin as _ModelAdmin
    from unfold.admin import TabularInline as _TabularInline
    from unfold.decorators import display
    from unfold.views import ChangeList as _ChangeList
    from unfold.widgets import UnfoldAdminSelectWidget as SelectInput
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

__all__ = [
    "HouseAdmin",
    "HouseInline",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "SelectInput",
    "TextInput",
    "display",
    "number",
    "reference",
    "state",
    "two_lines",
]

M = TypeVar("M", bound=models.Model)


def number(value: int | None) -> SafeString:
    """A figure for a list cell: thousands separators, set right."""
    return format_html('<span class="rh-num">{}</span>', qty(value) or "\N{EN DASH}")


def state(value: str, label: object) -> SafeString:
    """A state for a list cell: the word, on the colour that goes with it."""
    return pill(value, label)


def reference(document: str) -> SafeString:
    """A document's number for a list cell, as a link where it has a page."""
    return ref(document)


def two_lines(address: str, name: object, detail: object) -> SafeString:
    """A name that leads somewhere and, below it, what tells it from others: one block, on a phone too."""
    return format_html(
        '<div class="rh-two-lines"><a href="{}" class="rh-strong">{}</a><br><span class="rh-sub">{}</span></div>',
        address,
        name,
        detail,
    )


def moment(field: models.DateTimeField[Any, Any]) -> Callable[[models.Model], SafeString]:
    """A column of times that the page's script writes in the reader's own zone, as everywhere else."""

    def shown(row: models.Model) -> SafeString:
        return when(getattr(row, field.name))

    shown.__name__ = field.name
    shown.short_description = field.verbose_name  # type: ignore[attr-defined]
    shown.admin_order_field = field.name  # type: ignore[attr-defined]
    return shown


class HouseChangeList(_ChangeList):
    """A list whose address may also say which columns to show and which view it is."""

    def get_filters_params(self, params: Any = None) -> Any:
        lookups = super().get_filters_params(params)
        return {name: value for name, value in lookups.items() if name not in (COLUMNS, VIEW)}


class HouseAdmin(_ModelAdmin[M]):
    """Every row a person sees here went through `for_principal`; every write goes through a service or a plain form."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # counting every choice of every filter walks the table once for each
    paginator = BoundedPaginator
    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True
    preserve_filters = True
    actions: Any = None
    # Fields and columns that tell what goods cost us.
    cost_fields: ClassVar[Sequence[str]] = ()
    # What a list without any row says: what will stand here, and the pages (URL name, label) that begin it.
    empty_title: ClassVar[Any] = ""
    empty_text: ClassVar[Any] = ""
    empty_steps: ClassVar[Sequence[tuple[str, Any]]] = ()
    # Where this table has no `for_principal` of its own: the way to the row that has one.
    scoped_by: ClassVar[tuple[str, Callable[[Principal], QuerySet[Any]]] | None] = None

    # The shell stores the request on the admin object, which all threads share. Nobody may read it, so nothing is kept.
    @property
    def request(self) -> HttpRequest:
        raise AttributeError("an admin object keeps no request")

    @request.setter
    def request(self, value: HttpRequest) -> None:
        return None

    @property
    def media(self) -> forms.Media:
        media = super().media
        for entry in self.list_filter or ():
            kind = entry[1] if isinstance(entry, tuple | list) else entry
            wanted = getattr(getattr(kind, "form_class", None), "Media", None)
            if wanted is not None:
                media += forms.Media(wanted)
        return media

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        principal = principal_of(request)
        rows = super().get_queryset(request)
        if hasattr(rows, "for_principal"):
            rows = rows.for_principal(principal)
        elif self.scoped_by is not None:
            path, visible = self.scoped_by
            above = visible(principal)
            if above.query.where or above.query.is_empty():
                rows = rows.filter(**{f"{path}__in": above})
        if self.cost_fields and not principal.sees_costs:
            stored = {field.name for field in self.model._meta.concrete_fields}
            rows = rows.defer(*(name for name in self.cost_fields if name in stored))
        return rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only what the person may see."""
        rows = db_field.remote_field.model._default_manager.all()
        if "queryset" not in kwargs and hasattr(rows, "for_principal"):
            kwargs["queryset"] = rows.for_principal(principal_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _hidden(self, request: HttpRequest) -> frozenset[str]:
        return frozenset() if principal_of(request).sees_costs else frozenset(self.cost_fields)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return HouseChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; asked for bare, go to what it opens with for this person."""
        if request.method == "GET" and not request.GET and self.has_view_permission(request):
            asked = opening_of(request, self.opts.label_lower)
            if asked:
                return HttpResponseRedirect(f"{request.path}?{asked}")
        return super().changelist_view(request, extra_context)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the columns that the address names, the first one always; all of them when it names none."""
        columns = self.all_columns(request)
        chosen = set(request.GET.get(COLUMNS, "").split(","))
        kept = [column for column in columns[1:] if column_name(column) in chosen]
        return [columns[0], *kept] if kept or column_name(columns[0]) in chosen else columns

    def columns(self, request: HttpRequest) -> Sequence[Any]:
        """Answer the columns there are for this person; what tells costs is left out afterwards."""
        return list(self.list_display)

    def all_columns(self, request: HttpRequest) -> list[Any]:
        """Answer the columns this person may see."""
        hidden = self._hidden(request)
        fields = self.model._meta.concrete_fields
        times = {field.name: field for field in fields if isinstance(field, models.DateTimeField)}
        return [moment(times[name]) if name in times else name for name in self.columns(request) if name not in hidden]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Lead from the columns that `list_display_links` names, also where such a column is one of times."""
        links = super().get_list_display_links(request, list_display)
        if links is None:
            return None
        return [column for column in list_display if column in links or getattr(column, "__name__", "") in links]

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        return _without(super().get_fields(request, obj), self._hidden(request))

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        hidden = self._hidden(request)
        return [
            (title, {**options, "fields": _without(options["fields"], hidden)})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        return _without(super().get_readonly_fields(request, obj), self._hidden(request))

    def get_exclude(self, request: HttpRequest, obj: M | None = None) -> Any:
        return [*(super().get_exclude(request, obj) or ()), *self._hidden(request)] or None

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let an address filter by what the list offers and by nothing else: not by costs, not by stored secrets."""
        hidden = self._hidden(request) if request else frozenset(self.cost_fields)
        if set(lookup.split("__")) & hidden:
            return False
        return any(lookup == path or lookup.startswith(f"{path}__") for path in self._filter_paths())

    def _filter_paths(self) -> Iterable[str]:
        yield "pk"
        yield self.model._meta.pk.name if self.model._meta.pk else "id"
        if self.date_hierarchy:
            yield self.date_hierarchy
        for entry in self.list_filter or ():
            if isinstance(entry, str):
                yield entry
            elif isinstance(entry, tuple | list):
                yield str(entry[0])
            else:
                yield str(getattr(entry, "parameter_name", ""))

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Records that others point at are ended, not deleted; an admin that allows it says so."""
        return False


class ReadOnlyAdmin(HouseAdmin[M]):
    """A window: ledgers and logs are written by services alone."""

    warn_unsaved_form = False
    list_disable_select_all = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


class HouseInline(_TabularInline[Any, Any]):
    """Rows that are edited with their record, on a desktop; phones get task pages."""

    extra = 0
    hide_title = True
    tab = True


class ReadOnlyInline(HouseInline):
    """Rows that belong to a record, to look at."""

    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the record sees what belongs to it."""
        return True


def _without(fields: Iterable[Any], hidden: frozenset[str]) -> list[Any]:
    kept: list[Any] = []
    for field in fields:
        if isinstance(field, tuple | list):
            row = [name for name in field if name not in hidden]
            if row:
                kept.append(tuple(row))
        elif field not in hidden:
            kept.append(field)
    return kept
