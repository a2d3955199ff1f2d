"""The stock ledger, to look at. Only `inventory.services` writes it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from inventory.admin.filters import EitherEndFilter, PlaceFilter
from inventory.models import Bucket, IncomingSupply, Item, Location, StockLevel, StockMovement
from retailhub.core.admin_base import ReadOnlyAdmin, display, number, reference, two_lines
from retailhub.core.filters import ChoicesDropdownFilter, DropdownFilter
from retailhub.core.templatetags.rh import money


def item_link(item: Item) -> SafeString:
    return two_lines(reverse("inventory:item", args=[item.sku]), item.name, item.sku)


def place_and_bucket(place: Location, bucket: str) -> str:
    """Name the place; the bucket only where it is not the usual one."""
    return place.name if bucket == Bucket.SELLABLE else f"{place.name} ({Bucket(bucket).label.lower()})"


class ItemWords:
    """Search by the item's SKU, barcode or name, with the same indexes as the catalogue."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.strip()
        if not words:
            return queryset, False
        # Looked up first and capped: the planner then walks the ledger by item instead of reading all of it.
        found = list(Item.objects.search(words).order_by("sku_key").values_list("pk", flat=True)[:500])
        return queryset.filter(item__in=found), False


class ShortageFilter(DropdownFilter):
    title = gettext_lazy("available")
    parameter_name = "available"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [
            ("none", str(gettext_lazy("none"))),
            ("low", str(gettext_lazy("at or below the reorder point"))),
            ("some", str(gettext_lazy("some"))),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        match self.value():
            case "none":
                return queryset.filter(available__lte=0)
            case "low":
                return queryset.filter(available__lte=F("item__reorder_point"))
            case "some":
                return queryset.filter(available__gt=0)
        return None


@admin.register(StockLevel)
class StockLevelAdmin(ItemWords, ReadOnlyAdmin[StockLevel]):
    list_display = (
        "item_shown",
        "location",
        "on_hand_",
        "reserved_",
        "available_",
        "unavailable",
        "incoming",
        "safety_",
    )
    list_display_links = None
    list_select_related = ("item", "location")
    list_filter = (PlaceFilter, ShortageFilter)
    list_filter_submit = True
    search_fields = ("item__sku",)
    search_help_text = gettext_lazy("SKU or words of the name")
    ordering = ("item", "location")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockLevel]:
        coming = (
            IncomingSupply.objects.filter(item=OuterRef("item"), location=OuterRef("location"))
            .order_by()
            .values("item")
            .annotate(total=Sum("quantity"))
            .values("total")
        )
        return super().get_queryset(request).annotate(coming=Subquery(coming)).defer("item__cost", "item__search_text")

    @display(description=gettext_lazy("item"))
    def item_shown(self, level: StockLevel) -> SafeString:
        return item_link(level.item)

    @display(description=gettext_lazy("on hand"), ordering="on_hand")
    def on_hand_(self, level: StockLevel) -> SafeString:
        return number(level.on_hand)

    @display(description=gettext_lazy("reserved"), ordering="reserved")
    def reserved_(self, level: StockLevel) -> SafeString:
        return number(level.reserved)

    @display(description=gettext_lazy("available"), ordering="available")
    def available_(self, level: StockLevel) -> SafeString:
        return number(level.available)

    @display(description=gettext_lazy("unavailable"))
    def unavailable(self, level: StockLevel) -> SafeString:
        return number(level.damaged + level.on_hold)

    @display(description=gettext_lazy("incoming"))
    def incoming(self, level: Any) -> SafeString:
        return number(level.coming or 0)

    @display(description=gettext_lazy("safety"))
    def safety_(self, level: StockLevel) -> SafeString:
        return number(level.safety or None)


@admin.register(StockMovement)
class StockMovementAdmin(ItemWords, ReadOnlyAdmin[StockMovement]):
    list_display = (
        "occurred_at",
        "item_shown",
        "quantity_",
        "from_",
        "to_",
        "reason_",
        "document_",
        "actor",
        "value_shown",
    )
    list_display_links = ("occurred_at",)
    list_select_related = ("item", "from_location", "to_location")
    list_filter = (EitherEndFilter, ("reason", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("item__sku",)
    search_help_text = gettext_lazy("SKU, words of the name, or a document such as order:1042")
    ordering = ("-pk",)
    cost_fields: ClassVar = ("value", "value_shown")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockMovement]:
        return super().get_queryset(request).defer("item__cost", "item__search_text")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if ":" in search_term:
            return queryset.filter(document=search_term.strip()), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=gettext_lazy("item"))
    def item_shown(self, movement: StockMovement) -> SafeString:
        return item_link(movement.item)

    @display(description=gettext_lazy("quantity"))
    def quantity_(self, movement: StockMovement) -> SafeString:
        return number(movement.quantity)

    @display(description=gettext_lazy("from"))
    def from_(self, movement: StockMovement) -> str:
        return place_and_bucket(movement.from_location, movement.from_bucket)

    @display(description=gettext_lazy("to"))
    def to_(self, movement: StockMovement) -> str:
        return place_and_bucket(movement.to_location, movement.to_bucket)

    @display(description=gettext_lazy("reason"))
    def reason_(self, movement: StockMovement) -> str:
        return movement.get_reason_display()

    @display(description=gettext_lazy("document"))
    def document_(self, movement: StockMovement) -> SafeString:
        return reference(movement.document)

    @display(description=gettext_lazy("value"))
    def value_shown(self, movement: StockMovement) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(movement.value, settings.HOME_CURRENCY))
