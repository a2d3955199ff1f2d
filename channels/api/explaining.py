"""Why a channel is offered what it is offered."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from channels.api.access import account_for
from channels.api.offering import desk_figures, reading_version
from channels.api.serializers import ExplanationShape
from channels.models import Account, Listing, StockIntent
from channels.queries import explain, terms_of
from inventory.models import Item, Reservation, StockLevel
from inventory.services.finding import UnknownSku
from orders.services.placing import UnknownChannel
from retailhub.core.api.filtering import known_only
from retailhub.core.api.paging import parameter
from retailhub.core.api.schema import door, query
from retailhub.core.api.views import ApiView
from retailhub.core.errors import Invalid, NotFound
from retailhub.core.text import sku_key

_LEVEL = ("item__sku", "location__code", "sellable", "reserved", "available", "safety", "damaged", "on_hold")


class Explain(ApiView):
    """Explain a figure."""

    required_scopes: ClassVar = {"GET": "channels:read"}

    @door(
        ExplanationShape,
        parameters=(query("sku", "The item's SKU.", required=True), query("channel", "Its code.", required=True)),
    )
    def get(self, request: Request) -> Response:
        """Tell every term of the figure that a channel is offered for an item.

        Levels and reservations are those of the places one may see; the result counts all places of the channel.
        """
        known_only(request, {"sku", "channel"})
        sku, code = request.query_params.get("sku", ""), request.query_params.get("channel", "")
        missing = [parameter(n, "required", "this is missing") for n, v in (("sku", sku), ("channel", code)) if not v]
        if missing:
            raise Invalid("Name a sku and a channel.", errors=missing)
        item = Item.objects.for_principal(self.principal).filter(sku_key=sku_key(sku)).first()
        try:
            account = account_for(self.principal, code)
        except NotFound as error:
            detail = f"no channel has the code {code[:60]}"
            raise UnknownChannel(errors=[parameter("channel", "unknown_channel", detail)]) from error
        if item is None:
            raise UnknownSku(errors=[parameter("sku", "unknown_sku", f"no item has the SKU {sku[:60]}")])
        return Response({"sku": item.sku, "channel": account.channel.code, **self._told(account, item)})

    def _told(self, account: Account, item: Item) -> dict[str, Any]:
        listing = (
            Listing.objects.filter(account=account, item=item)
            .select_related("item", "account__channel")
            .order_by("pk")
            .first()
        )
        levels, held = self._stock(account, item)
        terms = terms_of([listing.pk])[listing.pk] if listing else None
        intent: StockIntent | None = None
        if listing:
            explanation = explain(listing)
            figure, intent = explanation.figure, explanation.intent
        else:
            figure = desk_figures(account, [item.pk])[item.pk]
        is_offered = listing is not None or account.kind == "desk"
        return {
            "seller_sku": listing.seller_sku if listing else None,
            "levels": levels,
            "reservations": held,
            "safety": sum(level["safety"] for level in levels),
            "buffer": terms.buffer if terms else account.buffer,
            "share": terms.share_percent if terms else account.share_percent,
            "cap": terms.max_listed if terms else None,
            "steps": [{"name": s.name, "text": s.text, "result": s.result} for s in figure.steps]
            if is_offered
            else [{"name": "state", "text": "The item is not listed on this channel", "result": 0}],
            "result": figure.quantity if is_offered else 0,
            "told": intent.confirmed_quantity if intent else None,
            "version": intent.wanted_version if intent else reading_version(),
        }

    def _stock(self, account: Account, item: Item) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        ids = [item.pk]
        if item.kind == Item.Kind.KIT:
            ids = list(item.components.values_list("component_id", flat=True))
        pool = account.channel.pool_id
        levels = (
            StockLevel.objects.for_principal(self.principal)
            .filter(item__in=ids, location__pool_entries__pool=pool, location__is_active=True)
            .order_by("location__pool_entries__position", "item__sku_key")
        )
        held = (
            Reservation.objects.for_principal(self.principal)
            .open()
            .filter(item__in=ids, location__pool_entries__pool=pool)
            .order_by("pk")
        )
        return (
            [
                {"sku": row.pop("item__sku"), "location": row.pop("location__code"), **row}
                for row in levels.values(*_LEVEL)
            ],
            [
                {"document": document, "line": line, "sku": sku, "location": code, "quantity": units}
                for document, line, sku, code, units in held.values_list(
                    "document", "line", "item__sku", "location__code", "open_quantity"
                )[:200]
            ],
        )
