"""Items and stock as files, under the headings that the import pages know again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from import_export.fields import Field
from import_export.widgets import DecimalWidget, IntegerWidget

from inventory.models import Item, StockLevel
from retailhub.core.access import Principal
from retailhub.core.imports.exports import ExportResource

_WHOLE, _DECIMAL = IntegerWidget(coerce_to_string=False), DecimalWidget(coerce_to_string=False)


def _text(attribute: str, heading: str) -> Field:
    return Field(attribute=attribute, column_name=heading)


def _number(attribute: str, heading: str, widget: Any = _WHOLE) -> Field:
    return Field(attribute=attribute, column_name=heading, widget=widget)


class ItemResource(ExportResource):
    """Items with their category, price, cost and barcodes."""

    sku = _text("sku", "SKU")
    name = _text("name", "Name")
    parent_category = Field(column_name="Parent category")
    category = _text("category__name", "Category")
    price = Field(column_name="Price")
    currency = _text("currency", "Currency")
    cost = Field(column_name="Cost")
    reorder_point = _number("reorder_point", "Reorder point")
    weight_grams = _number("weight_grams", "Weight in grams")
    status = _text("status", "Status")
    barcodes = Field(column_name="Barcodes")
    cost_fields = ("cost",)

    class Meta:
        model = Item
        fields = (
            "sku", "name", "parent_category", "category", "price", "currency", "cost", "reorder_point", "weight_grams",
            "status", "barcodes",
        )  # fmt: skip
        export_order = fields

    @staticmethod
    def rows(principal: Principal) -> Any:
        rows = Item.objects.for_principal(principal).select_related("category__parent").order_by("sku_key")
        return rows.defer("search_text", *([] if principal.sees_costs else ["cost"])).prefetch_related("barcodes")

    def dehydrate_parent_category(self, item: Item) -> str:
        return item.category.parent.name if item.category and item.category.parent else ""

    def dehydrate_price(self, item: Item) -> Decimal | None:
        return _short(item.price, 2)

    def dehydrate_cost(self, item: Item) -> Decimal | None:
        return _short(item.cost, 2)

    def dehydrate_barcodes(self, item: Item) -> str:
        return ", ".join(sorted(barcode.code for barcode in item.barcodes.all()))


class StockResource(ExportResource):
    """What stands where. With the heading Counted filled in it is a count to import."""

    sku = _text("item__sku", "SKU")
    name = _text("item__name", "Name")
    location = _text("location__code", "Location")
    sellable = _number("sellable", "Sellable")
    reserved = _number("reserved", "Reserved")
    damaged = _number("damaged", "Damaged")
    on_hold = _number("on_hold", "On hold")
    available = _number("available", "Available")
    on_hand = _number("on_hand", "In the place")
    counted = Field(column_name="Counted")

    class Meta:
        model = StockLevel
        fields = (
            "sku", "name", "location", "sellable", "reserved", "damaged", "on_hold", "available", "on_hand", "counted",
        )  # fmt: skip
        export_order = fields

    @staticmethod
    def rows(principal: Principal) -> Any:
        rows = StockLevel.objects.for_principal(principal).select_related("item", "location")
        return rows.order_by("location__code", "item__sku_key")

    def dehydrate_counted(self, level: StockLevel) -> str:
        return ""


def _short(amount: Decimal | None, places: int) -> Decimal | None:
    """Answer the amount without zeros that say nothing, but with its usual places: 19.90, 13.0863."""
    if amount is None:
        return None
    usual = amount.quantize(Decimal(1).scaleb(-places))
    return usual if usual == amount else amount.normalize()


RESOURCES = {"items": ItemResource, "stock": StockResource}
