"""Record lists of deliveries, claims and goods sent back, to look at: made and moved on by their verbs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from purchasing.models import Claim, Receipt, ReceiptPhoto, ReceiptStatus, SupplierReturn, SupplierReturnLine
from retailhub.core.admin_base import ReadOnlyAdmin, ReadOnlyInline, display, number, state
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.pages import principal_of


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin[Receipt]):
    list_display = (
        "number_",
        "status_",
        "supplier",
        "location",
        "posted_at",
        "posted_by",
        "units",
        "differences",
        "photos_",
    )
    list_display_links = None
    list_select_related = ("supplier", "location")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("number__iexact", "delivery_note__iexact", "supplier__code__iexact")
    ordering = ("-pk",)
    list_before_template = "purchasing/receipts_before.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Receipt]:
        rows: QuerySet[Receipt] = super().get_queryset(request)
        odd = Q(lines__damaged__gt=0) | Q(lines__wrong__gt=0) | Q(lines__refused__gt=0) | Q(lines__over__gt=0)
        return rows.annotate(
            came=Sum(F("lines__accepted") + F("lines__damaged") + F("lines__over") + F("lines__free")),
            odd=Count("lines", filter=odd),
            shown=Subquery(
                ReceiptPhoto.objects.filter(receipt=OuterRef("pk"))
                .order_by()
                .values("receipt")
                .annotate(n=Count("pk"))
                .values("n")
            ),
        )

    @display(description=gettext_lazy("number"), ordering="number")
    def number_(self, receipt: Receipt) -> SafeString:
        page = "purchasing:receive" if receipt.status == ReceiptStatus.DRAFT else "purchasing:receipt"
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>', reverse(page, args=[receipt.number]), receipt.number
        )

    @display(description=gettext_lazy("status"), ordering="status")
    def status_(self, receipt: Receipt) -> SafeString:
        return state(receipt.status, receipt.get_status_display())

    @display(description=gettext_lazy("units"))
    def units(self, receipt: Any) -> SafeString:
        return number(receipt.came)

    @display(description=gettext_lazy("lines that differ"))
    def differences(self, receipt: Any) -> SafeString:
        return number(receipt.odd)

    @display(description=gettext_lazy("photos"))
    def photos_(self, receipt: Any) -> SafeString:
        return number(receipt.shown)


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin[Claim]):
    list_display = ("number_", "state_", "kind", "supplier", "quantity", "amount", "settled", "currency", "created_at")
    list_display_links = None
    list_select_related = ("supplier", "receipt_line__receipt")
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("number__iexact", "supplier__code__iexact")
    ordering = ("-pk",)
    cost_fields = ("amount", "settled")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        rows: QuerySet[Claim] = super().get_queryset(request)
        codes = principal_of(request).places("purchasing:read")
        if codes is None:
            return rows
        return rows.filter(
            Q(receipt_line__receipt__location__code__in=codes) | Q(order_line__order__ship_to__code__in=codes)
        )

    @display(description=gettext_lazy("number"), ordering="number")
    def number_(self, claim: Claim) -> SafeString:
        if claim.receipt_line is None:
            return format_html("{}", claim.number)
        page = reverse("purchasing:receipt", args=[claim.receipt_line.receipt.number])
        return format_html('<a class="rh-strong" href="{}">{}</a>', page, claim.number)

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, claim: Claim) -> SafeString:
        return state(claim.state, claim.get_state_display())


class SupplierReturnLineInline(ReadOnlyInline):
    model = SupplierReturnLine
    fields = ("line", "item", "receipt_line", "bucket", "quantity")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("item", "receipt_line")


@admin.register(SupplierReturn)
class SupplierReturnAdmin(ReadOnlyAdmin[SupplierReturn]):
    list_display = ("number", "supplier", "location", "reason", "wants_replacement", "returned_on", "actor")
    list_select_related = ("supplier", "location")
    search_fields = ("number__iexact", "supplier__code__iexact")
    ordering = ("-pk",)
    inlines = (SupplierReturnLineInline,)
