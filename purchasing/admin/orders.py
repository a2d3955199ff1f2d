"""Record lists and forms: orders of buying."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from inventory.models import Location
from purchasing.models import OPEN, ApprovalBand, OrderStatus, PurchaseOrder, Sending, Supplier
from purchasing.services.progress import shown_progress, with_progress
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, display, reference, state
from retailhub.core.filters import ChoicesDropdownFilter, RangeDateTimeFilter, VisibleFilter
from retailhub.core.pages import principal_of
from retailhub.core.templatetags.rh import money


class SupplierFilter(VisibleFilter):
    title = gettext_lazy("supplier")
    parameter_name = "supplier"

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        return Supplier.objects.for_principal(principal_of(request)).values_list("code", "name")[:500]

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(supplier__code=value)


class ShipToFilter(VisibleFilter):
    title = gettext_lazy("deliver to")
    parameter_name = "ship_to"

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        return Location.objects.for_principal(principal_of(request)).values_list("code", "name")

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(ship_to__code=value)


class FollowUpFilter(VisibleFilter):
    title = gettext_lazy("follow up")
    parameter_name = "follow"

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, Any]]:
        return [
            ("late", gettext_lazy("Late")),
            ("unconfirmed", gettext_lazy("Not confirmed")),
            ("approval", gettext_lazy("Waits for approval")),
            ("unbilled", gettext_lazy("Received, to bill")),
        ]

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "late":
            return rows.filter(status__in=OPEN, expected_on__lt=timezone.localdate())
        if value == "unconfirmed":
            return rows.filter(status=OrderStatus.ISSUED)
        if value == "approval":
            return rows.filter(status=OrderStatus.SUBMITTED)
        return rows.filter(status=OrderStatus.RECEIVED)


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin[PurchaseOrder]):
    list_display = ("number_", "status_", "supplier_", "ship_to", "expected_", "received_", "billed_", "net_total_")
    list_display_links = None
    list_select_related = ("supplier", "ship_to")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        FollowUpFilter,
        SupplierFilter,
        ShipToFilter,
        ("created_at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    list_before_template = "purchasing/orders_before.html"
    search_fields = ("number__iexact", "external_reference__iexact", "supplier_reference__iexact")
    search_help_text = gettext_lazy("Our number, the supplier's, or where it came from")
    ordering = ("-pk",)
    cost_fields: ClassVar = ("net_total", "net_total_", "approved_total", "rate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseOrder]:
        return with_progress(super().get_queryset(request))

    @display(description=gettext_lazy("number"), ordering="number")
    def number_(self, order: PurchaseOrder) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>', reverse("purchasing:order", args=[order.number]), order.number
        )

    @display(description=gettext_lazy("status"), ordering="status")
    def status_(self, order: PurchaseOrder) -> SafeString:
        return state(order.status, order.get_status_display())

    @display(description=gettext_lazy("supplier"))
    def supplier_(self, order: PurchaseOrder) -> str:
        return order.supplier.name

    @display(description=gettext_lazy("expected"), ordering="expected_on")
    def expected_(self, order: PurchaseOrder) -> SafeString:
        if order.expected_on is None:
            return format_html("{}", "\N{EN DASH}")
        if order.status in OPEN and order.expected_on < timezone.localdate():
            return format_html(
                '{} <span class="rh-pill rh-is-bad">{}</span>', order.expected_on.isoformat(), gettext_lazy("Late")
            )
        return format_html("{}", order.expected_on.isoformat())

    @display(description=gettext_lazy("received"))
    def received_(self, order: PurchaseOrder) -> SafeString:
        return format_html('<span class="rh-num">{} %</span>', shown_progress(order).received_percent)

    @display(description=gettext_lazy("billed"))
    def billed_(self, order: PurchaseOrder) -> SafeString:
        return format_html('<span class="rh-num">{} %</span>', shown_progress(order).billed_percent)

    @display(description=gettext_lazy("value"), ordering="net_total")
    def net_total_(self, order: PurchaseOrder) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(order.net_total, order.currency))


@admin.register(ApprovalBand)
class ApprovalBandAdmin(HouseAdmin[ApprovalBand]):
    """Up to which value orders need whose approval: a plain table that administrators edit."""

    list_display = ("up_to", "category", "buyer", "by_another", "role")
    list_display_links = ("up_to",)
    list_select_related = ("category",)
    fields = (("up_to", "by_another"), ("category", "buyer"), "role")

    def has_delete_permission(self, request: HttpRequest, obj: ApprovalBand | None = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(Sending)
class SendingAdmin(ReadOnlyAdmin[Sending]):
    list_display = ("document_", "kind", "state_", "supplier", "address", "attempts", "made_at", "sent_at")
    list_select_related = ("supplier",)
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("document__iexact",)
    ordering = ("-pk",)
    exclude = ("file", "leased_until")

    @display(description=gettext_lazy("document"))
    def document_(self, sending: Sending) -> SafeString:
        return reference(sending.document)

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, sending: Sending) -> SafeString:
        return state(sending.state, sending.get_state_display())
