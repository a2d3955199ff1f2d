"""Orders, shipments and sales channels: lists and records. What moves an order is on its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderEvent, OrderLine, OrderLinePart, Payment, SalesChannel, Shipment, ShipmentLine
from orders.services.arranging import sell_from
from retailhub.core.access import Principal
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, ReadOnlyInline, display, number, state
from retailhub.core.filters import ChoicesDropdownFilter, RangeDateTimeFilter, VisibleFilter
from retailhub.core.pages import principal_of
from retailhub.core.templatetags.rh import money


def orders_of(principal: Principal) -> QuerySet[Order]:
    return Order.objects.for_principal(principal)


class ChannelFilter(VisibleFilter):
    title = gettext_lazy("channel")
    parameter_name = "channel"

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        return SalesChannel.objects.for_principal(principal_of(request)).values_list("code", "name")

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(channel__code=value)


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = ("line", "sku", "item", "quantity", "cancelled", "shipped", "unit_price", "discount", "tax_rate")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("item")


class OrderLinePartInline(ReadOnlyInline):
    model = OrderLinePart
    verbose_name_plural = gettext_lazy("parts of kits")
    fields = ("line", "item", "quantity")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("item").defer("item__cost")


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ("method", "amount", "reference", "captured", "created_at")


class OrderEventInline(ReadOnlyInline):
    model = OrderEvent
    fields = ("at", "kind", "text", "actor")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin[Order]):
    list_display = ("number_", "status_", "channel", "external_reference", "customer_", "placed_at", "total_")
    list_display_links = None
    list_select_related = ("channel", "customer")
    list_filter = (("status", ChoicesDropdownFilter), ChannelFilter, ("placed_at", RangeDateTimeFilter))
    list_filter_submit = True
    search_fields = ("number__iexact", "external_reference__iexact")
    search_help_text = gettext_lazy("Our number, or the channel's")
    ordering = ("-pk",)
    inlines = (OrderLineInline, OrderLinePartInline, PaymentInline, OrderEventInline)
    exclude = ("fingerprint",)

    @display(description=gettext_lazy("number"), ordering="number")
    def number_(self, order: Order) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>', reverse("orders:order", args=[order.number]), order.number
        )

    @display(description=gettext_lazy("status"), ordering="status")
    def status_(self, order: Order) -> SafeString:
        return state(order.status, order.get_status_display().partition(":")[0])

    @display(description=gettext_lazy("customer"))
    def customer_(self, order: Order) -> str:
        return str(order.customer) if order.customer else ""

    @display(description=gettext_lazy("total"), ordering="total")
    def total_(self, order: Order) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(order.total, order.currency))

    def columns(self, request: HttpRequest) -> Sequence[Any]:
        shown = super().columns(request)
        return shown if principal_of(request).may("customers:read") else [name for name in shown if name != "customer_"]

    def get_exclude(self, request: HttpRequest, obj: Order | None = None) -> Any:
        hidden = [] if principal_of(request).may("customers:read") else ["customer", "shipping_address"]
        return [*(super().get_exclude(request, obj) or ()), *hidden]


class ShipmentLineInline(ReadOnlyInline):
    model = ShipmentLine
    fields = ("order_line", "quantity")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("order_line")


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin[Shipment]):
    list_display = ("number", "order_", "location", "carrier", "tracking_number", "shipped_at", "told_channel_at")
    list_select_related = ("order", "location")
    search_fields = ("number__iexact", "order__number__iexact", "tracking_number__iexact")
    ordering = ("-pk",)
    inlines = (ShipmentLineInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shipment]:
        rows = super().get_queryset(request)
        principal = principal_of(request)
        codes = principal.places("orders:read")
        if codes is not None:
            rows = rows.filter(location__code__in=codes)
        return rows.filter(order__channel__code=principal.channel) if principal.channel else rows

    @display(description=gettext_lazy("order"))
    def order_(self, shipment: Shipment) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("orders:order", args=[shipment.order.number]), shipment.order.number
        )


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin[OrderEvent]):
    list_display = ("at", "order_", "kind", "text", "actor")
    list_select_related = ("order",)
    search_fields = ("order__number__iexact",)
    ordering = ("-pk",)
    scoped_by: ClassVar = ("order", orders_of)

    @display(description=gettext_lazy("order"))
    def order_(self, event: OrderEvent) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("orders:order", args=[event.order.number]), event.order.number
        )


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin[Payment]):
    list_display = ("order_", "method", "amount_", "captured", "reference", "created_at")
    list_display_links = ("method",)
    list_select_related = ("order",)
    search_fields = ("order__number__iexact", "reference__iexact")
    ordering = ("-pk",)
    scoped_by: ClassVar = ("order", orders_of)

    @display(description=gettext_lazy("order"))
    def order_(self, payment: Payment) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("orders:order", args=[payment.order.number]), payment.order.number
        )

    @display(description=gettext_lazy("amount"))
    def amount_(self, payment: Payment) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(payment.amount, payment.order.currency))


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin[OrderLine]):
    list_display = ("order_", "line", "sku", "item", "quantity_", "cancelled_", "shipped_")
    list_display_links = ("line",)
    list_select_related = ("order", "item")
    search_fields = ("order__number__iexact", "sku__iexact")
    ordering = ("-pk",)
    scoped_by: ClassVar = ("order", orders_of)

    @display(description=gettext_lazy("order"))
    def order_(self, line: OrderLine) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("orders:order", args=[line.order.number]), line.order.number)

    @display(description=gettext_lazy("quantity"))
    def quantity_(self, line: OrderLine) -> SafeString:
        return number(line.quantity)

    @display(description=gettext_lazy("cancelled"))
    def cancelled_(self, line: OrderLine) -> SafeString:
        return number(line.cancelled)

    @display(description=gettext_lazy("shipped"))
    def shipped_(self, line: OrderLine) -> SafeString:
        return number(line.shipped)


@admin.register(OrderLinePart)
class OrderLinePartAdmin(ReadOnlyAdmin[OrderLinePart]):
    list_display = ("order_", "line", "item", "quantity_")
    list_select_related = ("order", "item")
    search_fields = ("order__number__iexact",)
    ordering = ("-pk",)
    scoped_by: ClassVar = ("order", orders_of)

    @display(description=gettext_lazy("order"))
    def order_(self, part: OrderLinePart) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("orders:order", args=[part.order.number]), part.order.number)

    @display(description=gettext_lazy("in each"))
    def quantity_(self, part: OrderLinePart) -> SafeString:
        return number(part.quantity)


@admin.register(SalesChannel)
class SalesChannelAdmin(HouseAdmin[SalesChannel]):
    list_display = ("code", "name", "currency", "prices_include_tax", "pool", "is_active")
    list_select_related = ("pool",)
    search_fields = ("code", "name")
    fields = (("code", "name"), ("currency", "prices_include_tax"), ("pool", "is_active"))

    def get_readonly_fields(self, request: HttpRequest, obj: SalesChannel | None = None) -> Any:
        # Orders carry the currency and tax habit they came with; a channel that changes them is another channel.
        return ["code", "currency", "prices_include_tax"] if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A channel is connected with its account in one step, on the Channels page."""
        return False

    def save_model(self, request: HttpRequest, obj: SalesChannel, form: Any, change: bool) -> None:
        """Save the plain fields; another pool is news to channels and to orders that wait."""
        obj.save(update_fields=[name for name in form.changed_data if name != "pool"])
        if "pool" in form.changed_data:
            sell_from(channel_id=obj.pk, pool_id=obj.pool_id)
