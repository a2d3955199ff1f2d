"""What goods cost, to look at: pools, layers, corrections."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from inventory.admin.ledger import ItemWords, item_link
from inventory.models import CostLayer, CostMethodChange, CostPool, ValueAdjustment
from retailhub.core.admin_base import ReadOnlyAdmin, display, number, reference
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.templatetags.rh import money


def _amount(value: Decimal) -> SafeString:
    return format_html('<span class="rh-num">{}</span>', money(value, settings.HOME_CURRENCY))


@admin.register(CostPool)
class CostPoolAdmin(ItemWords, ReadOnlyAdmin[CostPool]):
    list_display = ("item_shown", "method", "quantity_", "value_shown", "last_cost", "booked")
    list_display_links = None
    list_select_related = ("item",)
    list_filter = (("method", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("item__sku",)
    ordering = ("item",)

    @display(description=gettext_lazy("item"))
    def item_shown(self, pool: CostPool) -> SafeString:
        return item_link(pool.item)

    @display(description=gettext_lazy("units"), ordering="quantity")
    def quantity_(self, pool: CostPool) -> SafeString:
        return number(pool.quantity)

    @display(description=gettext_lazy("stock value"), ordering="value")
    def value_shown(self, pool: CostPool) -> SafeString:
        return _amount(pool.value)

    @display(description=gettext_lazy("last unit cost"))
    def last_cost(self, pool: CostPool) -> SafeString:
        return _amount(pool.last_unit_cost)

    @display(description=gettext_lazy("in the journal"))
    def booked(self, pool: CostPool) -> SafeString:
        return _amount(pool.booked_value)


@admin.register(CostLayer)
class CostLayerAdmin(ItemWords, ReadOnlyAdmin[CostLayer]):
    list_display = ("item_shown", "came_with", "received_", "left", "value_shown")
    list_display_links = None
    list_select_related = ("item", "movement")
    search_fields = ("item__sku",)
    ordering = ("-pk",)

    @display(description=gettext_lazy("item"))
    def item_shown(self, layer: CostLayer) -> SafeString:
        return item_link(layer.item)

    @display(description=gettext_lazy("came with"))
    def came_with(self, layer: CostLayer) -> object:
        return reference(layer.movement.document) if layer.movement else gettext_lazy("opening")

    @display(description=gettext_lazy("received"))
    def received_(self, layer: CostLayer) -> SafeString:
        return number(layer.received)

    @display(description=gettext_lazy("left"))
    def left(self, layer: CostLayer) -> object:
        return number(layer.quantity) if layer.folded_after is None else gettext_lazy("folded into the average")

    @display(description=gettext_lazy("value"))
    def value_shown(self, layer: CostLayer) -> SafeString:
        return _amount(layer.value)


@admin.register(ValueAdjustment)
class ValueAdjustmentAdmin(ItemWords, ReadOnlyAdmin[ValueAdjustment]):
    list_display = ("recorded_at", "item_shown", "reason", "document_", "of_receipt", "stock", "sold", "actor")
    list_display_links = ("recorded_at",)
    list_select_related = ("item", "receipt")
    list_filter = (("reason", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("item__sku",)
    search_help_text = gettext_lazy("SKU, words of the name, or a document such as supplier_invoice:17")
    ordering = ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ValueAdjustment], search_term: str
    ) -> tuple[QuerySet[ValueAdjustment], bool]:
        if ":" in search_term:
            return queryset.filter(document=search_term.strip()), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=gettext_lazy("item"))
    def item_shown(self, row: ValueAdjustment) -> SafeString:
        return item_link(row.item)

    @display(description=gettext_lazy("document"))
    def document_(self, row: ValueAdjustment) -> SafeString:
        return reference(row.document)

    @display(description=gettext_lazy("of receipt"))
    def of_receipt(self, row: ValueAdjustment) -> SafeString:
        return reference(row.receipt.document if row.receipt else "")

    @display(description=gettext_lazy("stock"))
    def stock(self, row: ValueAdjustment) -> SafeString:
        return _amount(row.to_stock)

    @display(description=gettext_lazy("sold"))
    def sold(self, row: ValueAdjustment) -> SafeString:
        return _amount(row.to_sold)


@admin.register(CostMethodChange)
class CostMethodChangeAdmin(ItemWords, ReadOnlyAdmin[CostMethodChange]):
    list_display = ("recorded_at", "item_shown", "method", "actor", "note")
    list_display_links = ("recorded_at",)
    list_select_related = ("item",)
    search_fields = ("item__sku",)
    ordering = ("-pk",)

    @display(description=gettext_lazy("item"))
    def item_shown(self, row: CostMethodChange) -> SafeString:
        return item_link(row.item)
