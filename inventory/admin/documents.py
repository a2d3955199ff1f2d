"""Papers of the stock room, to look at: made and moved on by their verbs."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from inventory.admin.filters import PlaceFilter, TransferPlaceFilter
from inventory.models import StockDocument, Transfer, TransferLine
from retailhub.core.admin_base import ReadOnlyAdmin, ReadOnlyInline, display, state
from retailhub.core.filters import ChoicesDropdownFilter


@admin.register(StockDocument)
class StockDocumentAdmin(ReadOnlyAdmin[StockDocument]):
    list_display = ("number", "kind", "location", "reason", "actor", "occurred_at", "movements")
    list_select_related = ("location",)
    list_filter = (PlaceFilter, ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("number__iexact",)
    ordering = ("-pk",)
    fields = (("number", "kind"), ("location", "reason"), ("actor", "occurred_at"), "note", "asked", "movements")
    readonly_fields = ("asked", "movements")

    @display(description=gettext_lazy("what was asked"))
    def asked(self, document: StockDocument) -> SafeString:
        lines = [
            ", ".join(f"{name} {value}" for name, value in line.items() if value is not None)
            for line in document.lines[:200]
        ]
        return format_html(
            '<span class="rh-mono" style="white-space:pre-line">{}</span>', "\n".join(lines) or json.dumps([])
        )

    @display(description=gettext_lazy("movements"))
    def movements(self, document: StockDocument) -> SafeString:
        return format_html(
            '<a href="{}?q={}">{}</a>',
            reverse("admin:inventory_stockmovement_changelist"),
            document.reference,
            gettext_lazy("show"),
        )


class TransferLineInline(ReadOnlyInline):
    model = TransferLine
    fields = ("line", "item", "quantity", "shipped", "received", "damaged", "lost")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("item")


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin[Transfer]):
    empty_title = gettext_lazy("No transfers yet")
    empty_text = gettext_lazy("Goods that one place sends to another are followed here until they have arrived.")
    list_display = ("number_", "status_", "origin", "destination", "due", "created_at", "shipped_at", "closed_at")
    list_display_links = None
    list_select_related = ("origin", "destination")
    list_filter = (TransferPlaceFilter, ("status", ChoicesDropdownFilter))
    list_filter_submit = True
    list_before_template = "inventory/transfers_before.html"
    search_fields = ("number__iexact",)
    ordering = ("-pk",)
    inlines = (TransferLineInline,)

    @display(description=gettext_lazy("number"), ordering="number")
    def number_(self, transfer: Transfer) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>',
            reverse("inventory:transfer", args=[transfer.number]),
            transfer.number,
        )

    @display(description=gettext_lazy("status"), ordering="status")
    def status_(self, transfer: Transfer) -> SafeString:
        return state(transfer.status, transfer.get_status_display())
