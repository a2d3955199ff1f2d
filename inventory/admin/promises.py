"""Promises: reservations, waiting demand and goods on their way, to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from inventory.admin.filters import PlaceFilter
from inventory.admin.ledger import ItemWords, item_link
from inventory.models import IncomingSupply, Location, Reservation, StockPool, WaitingDemand
from retailhub.core.access import Principal
from retailhub.core.admin_base import ReadOnlyAdmin, display, number, reference
from retailhub.core.filters import DropdownFilter
from retailhub.core.pages import principal_of


class OpenFilter(DropdownFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [("open", str(gettext_lazy("open"))), ("settled", str(gettext_lazy("settled")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        match self.value():
            case "open":
                return queryset.filter(open_quantity__gt=0)
            case "settled":
                return queryset.filter(open_quantity=0)
        return None


def _visible_places(principal: Principal) -> QuerySet[Location]:
    codes = principal.places("stock:read")
    rows = Location.objects.all()
    return rows if codes is None else rows.filter(code__in=codes)


@admin.register(Reservation)
class ReservationAdmin(ItemWords, ReadOnlyAdmin[Reservation]):
    empty_title = gettext_lazy("Nothing is reserved")
    empty_text = gettext_lazy("What an open order or transfer holds appears here.")
    list_display = ("document_", "line", "item_shown", "location", "quantity_", "open_", "expires_at", "created_at")
    list_display_links = None
    list_select_related = ("item", "location")
    list_filter = (PlaceFilter, OpenFilter)
    list_filter_submit = True
    search_fields = ("item__sku",)
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        return super().get_queryset(request).defer("item__cost", "item__search_text")

    @display(description=gettext_lazy("for"))
    def document_(self, row: Reservation) -> SafeString:
        return reference(row.document)

    @display(description=gettext_lazy("item"))
    def item_shown(self, row: Reservation) -> SafeString:
        return item_link(row.item)

    @display(description=gettext_lazy("promised"))
    def quantity_(self, row: Reservation) -> SafeString:
        return number(row.quantity)

    @display(description=gettext_lazy("still open"))
    def open_(self, row: Reservation) -> SafeString:
        return number(row.open_quantity)


@admin.register(WaitingDemand)
class WaitingDemandAdmin(ItemWords, ReadOnlyAdmin[WaitingDemand]):
    empty_title = gettext_lazy("Nobody waits")
    empty_text = gettext_lazy("What was sold and is not there appears here, until a delivery serves it.")
    list_display = ("document_", "line", "item_shown", "quantity_", "pool", "location", "promised_at")
    list_display_links = None
    list_select_related = ("item", "pool", "location")
    search_fields = ("item__sku",)
    ordering = ("promised_at", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitingDemand]:
        rows = super().get_queryset(request).filter(quantity__gt=0).defer("item__cost", "item__search_text")
        codes = principal_of(request).places("stock:read")
        if codes is None:
            return rows
        pools = StockPool.objects.filter(entries__location__code__in=codes)
        return rows.filter(Q(location__code__in=codes) | Q(location__isnull=True, pool__in=pools))

    @display(description=gettext_lazy("for"))
    def document_(self, row: WaitingDemand) -> SafeString:
        return reference(row.document)

    @display(description=gettext_lazy("item"))
    def item_shown(self, row: WaitingDemand) -> SafeString:
        return item_link(row.item)

    @display(description=gettext_lazy("waits for"))
    def quantity_(self, row: WaitingDemand) -> SafeString:
        return number(row.quantity)


@admin.register(IncomingSupply)
class IncomingSupplyAdmin(ItemWords, ReadOnlyAdmin[IncomingSupply]):
    list_display = ("document_", "line", "item_shown", "location", "quantity_", "due")
    list_display_links = None
    list_select_related = ("item", "location")
    list_filter = (PlaceFilter,)
    list_filter_submit = True
    search_fields = ("item__sku",)
    ordering = ("due", "pk")
    scoped_by: ClassVar = ("location", _visible_places)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IncomingSupply]:
        return super().get_queryset(request).defer("item__cost", "item__search_text")

    @display(description=gettext_lazy("from"))
    def document_(self, row: IncomingSupply) -> SafeString:
        return reference(row.document)

    @display(description=gettext_lazy("item"))
    def item_shown(self, row: IncomingSupply) -> SafeString:
        return item_link(row.item)

    @display(description=gettext_lazy("units"))
    def quantity_(self, row: IncomingSupply) -> SafeString:
        return number(row.quantity)
