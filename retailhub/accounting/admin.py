"""Accounts to name, periods to close, and the journal to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from retailhub.accounting.models import Account, JournalEntry, JournalLine, Period, PeriodChange
from retailhub.accounting.queries import span_of
from retailhub.accounting.reading import WRITE, has_the_books
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, ReadOnlyInline, display, reference, state
from retailhub.core.filters import ChoicesDropdownFilter, VisibleFilter
from retailhub.core.pages import principal_of
from retailhub.core.templatetags.rh import money
from retailhub.core.text import DirtyText, clean_line


class AccountForm(forms.ModelForm[Account]):
    def clean_name(self) -> str:
        try:
            return clean_line(self.cleaned_data["name"])
        except DirtyText as dirt:
            raise forms.ValidationError(str(dirt)) from dirt


@admin.register(Account)
class AccountAdmin(HouseAdmin[Account]):
    """Number and name are the accountant's; kind and role are fixed once an account is there."""

    form = AccountForm
    list_display = ("number_", "name", "kind", "role_")
    list_display_links = ("name",)
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("number", "name", "role")
    ordering = ("number",)
    fields = (("number", "name"), ("kind", "role"))

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        # What the house posts to is made by migrations: an account of one's own has no role.
        return ["role"] if obj is None else ["kind", "role"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and has_the_books(principal_of(request), WRITE)

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return super().has_change_permission(request, obj) and has_the_books(principal_of(request), WRITE)

    @display(description=gettext_lazy("number"), ordering="number")
    def number_(self, account: Account) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>', reverse("books:account", args=[account.number]), account.number
        )

    @display(description=gettext_lazy("role"), ordering="role")
    def role_(self, account: Account) -> str:
        return account.role or "\N{EN DASH}"


class ChangeInline(ReadOnlyInline):
    model = PeriodChange
    fields = ("act", "actor", "reason", "recorded_at")


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin[Period]):
    list_display = ("code_", "state_", "closed_by", "closed_at", "step")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    ordering = ("-start",)
    fields = (("start", "end"), ("state", "closed_by"), "closed_at")
    inlines = (ChangeInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Period]:
        others = Period.objects.order_by()
        return (
            super()
            .get_queryset(request)
            .annotate(
                follows_open=Exists(others.filter(start__lt=OuterRef("start"), state=Period.State.OPEN)),
                precedes_closed=Exists(others.filter(start__gt=OuterRef("start"), state=Period.State.CLOSED)),
            )
        )

    def get_list_display(self, request: HttpRequest) -> Any:
        may = has_the_books(principal_of(request), WRITE)
        return [name for name in super().get_list_display(request) if name != "step" or may]

    @display(description=gettext_lazy("period"), ordering="start")
    def code_(self, period: Period) -> str:
        return period.code

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, period: Period) -> SafeString:
        # "open" is the word for trouble elsewhere; here it is the usual state.
        return state("done" if period.is_closed else "period_open", period.get_state_display())

    @display(description=gettext_lazy("next step"))
    def step(self, period: Any) -> SafeString | str:
        if period.is_closed and not period.precedes_closed:
            return _button("books:reopen", period.code, gettext_lazy("Open again"))
        if not period.is_closed and not period.follows_open and period.end < timezone.localdate():
            return _button("books:close", period.code, gettext_lazy("Close"))
        return "\N{EN DASH}"


def _button(name: str, code: str, label: Any) -> SafeString:
    address = reverse(name, args=[code])
    return format_html(
        '<a class="rh-btn rh-small" href="{}" hx-get="{}" hx-target="#rh-dialog-box">{}</a>', address, address, label
    )


class LineInline(ReadOnlyInline):
    model = JournalLine
    fields = (
        "line", "account", "amount", "party", "reference", "location", "memo", "original_amount", "original_currency",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account").order_by("line")


class MonthFilter(VisibleFilter):
    title = gettext_lazy("period")
    parameter_name = "period"

    def visible(self, request: HttpRequest) -> list[tuple[str, str]]:
        return [(period.code, period.code) for period in Period.objects.order_by("-start")[:120]]

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        span = span_of(value)
        return rows.filter(date__range=(span.start, span.end)) if span else rows.none()


class AccountFilter(VisibleFilter):
    title = gettext_lazy("account")
    parameter_name = "account"

    def visible(self, request: HttpRequest) -> list[tuple[str, str]]:
        return [(account.number, str(account)) for account in Account.objects.order_by("number")]

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(pk__in=JournalLine.objects.filter(account__number=value).values("entry"))


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin[JournalEntry]):
    list_display = ("number_", "date", "kind", "document_", "text_", "total", "actor")
    list_display_links = None
    list_filter = (MonthFilter, AccountFilter)
    list_filter_submit = True
    search_fields = ("number__iexact",)
    search_help_text = gettext_lazy("Number of an entry, or a document such as receipt:GR-12")
    ordering = ("-pk",)
    inlines = (LineInline,)
    fields = (
        ("number", "kind"), ("date", "document_date"), ("document_", "reverses"), "text",
        ("actor", "recorded_at"), "key",
    )  # fmt: skip
    readonly_fields = ("document_",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        debit = (
            JournalLine.objects.filter(entry=OuterRef("pk"), amount__gt=0)
            .order_by()
            .values("entry")
            .annotate(total=Sum("amount"))
            .values("total")
        )
        return super().get_queryset(request).annotate(debit=Subquery(debit))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if ":" in search_term:
            return queryset.filter(document=search_term.strip()), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=gettext_lazy("number"), ordering="pk")
    def number_(self, entry: JournalEntry) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>', reverse("books:entry", args=[entry.number]), entry.number
        )

    @display(description=gettext_lazy("document"))
    def document_(self, entry: JournalEntry) -> SafeString:
        return reference(entry.document)

    @display(description=gettext_lazy("text"))
    def text_(self, entry: JournalEntry) -> str:
        return entry.text if len(entry.text) <= 80 else entry.text[:79] + "\N{HORIZONTAL ELLIPSIS}"

    @display(description=gettext_lazy("amount"))
    def total(self, entry: Any) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(entry.debit, settings.HOME_CURRENCY))
