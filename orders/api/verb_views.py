"""Verbs that move an order on."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from inventory.api.places import place_for
from orders.api import writing
from orders.api.reading import lines_wanted
from orders.api.serializers import CancelBody, HoldBody, NothingBody, OrderShape, ShipBody, ShipmentShape
from orders.api.views import order_for, shipment_for
from orders.models import Order
from orders.services.cancelling import cancel_order
from orders.services.holding import hold_order, release_order
from orders.services.shipping import ship_order
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.verbs import NotAvailableYet
from retailhub.core.api.views import ApiView
from retailhub.core.errors import NotFound


class OrderVerb(ApiView):
    """Something that is done to one order. Who may not see the order hears 404, whatever key he sends."""

    required_scopes: ClassVar = {"POST": "orders:write"}
    keyed: ClassVar[bool] = False

    def post(self, request: Request, number: str) -> HttpResponse:
        found = Order.objects.for_principal(self.principal, "orders:write").filter(number=number).values_list("pk")
        if not found:
            raise NotFound
        ((self.order_id,),) = found
        return self.once(self.act, required=self.keyed)

    def act(self) -> Body:
        raise NotImplementedError

    def shown(self) -> Body:
        """Answer the order as it stands now."""
        order = order_for(self.principal, self.kwargs["number"], "orders:write")
        return 200, writing.whole(order, self.principal)


class Cancel(OrderVerb):
    """Call an order off, or some units of some lines."""

    keyed = True

    @door(OrderShape, body=CancelBody, keyed=True)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Call an order off, or so many units of some lines.

        What they had reserved goes to whoever waits, or is free. 409 `nothing_to_cancel` names lines with too little
        left.
        """
        return super().post(request, number)

    def act(self) -> Body:
        values = CancelBody.read(self.request.data)
        cancel_order(
            order_id=self.order_id,
            lines=lines_wanted(values["lines"]),
            reason=values["reason"] or "",
            actor=self.principal.actor,
        )
        return self.shown()


class Hold(OrderVerb):
    """Keep an order from leaving."""

    @door(OrderShape, body=HoldBody, keyed=False)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Keep an order from leaving; its goods stay reserved."""
        return super().post(request, number)

    def act(self) -> Body:
        values = HoldBody.read(self.request.data)
        hold_order(order_id=self.order_id, reason=values["reason"] or "", actor=self.principal.actor)
        return self.shown()


class Release(OrderVerb):
    """Let a held order go on."""

    @door(OrderShape, body=NothingBody, keyed=False)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Let a held order go on."""
        return super().post(request, number)

    def act(self) -> Body:
        NothingBody.read(self.request.data)
        release_order(order_id=self.order_id, actor=self.principal.actor)
        return self.shown()


class Ship(OrderVerb):
    """Send goods of an order."""

    keyed = True

    @door({201: ShipmentShape}, body=ShipBody, keyed=True)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Send goods of an order from one place, as one shipment; without `lines`, all that is open.

        The channel is told. 409 `wrong_state`, `exceeds_open`, `not_there` or `unmapped_line` name every line.
        """
        return super().post(request, number)

    def act(self) -> Body:
        values = ShipBody.read(self.request.data)
        sent = ship_order(
            order_id=self.order_id,
            location=place_for(self.principal, values["location"], scope="orders:write"),
            lines=lines_wanted(values["lines"]),
            carrier=values["carrier"] or "",
            tracking_number=values["tracking_number"] or "",
            shipped_at=values["shipped_at"],
            actor=self.principal.actor,
        )
        return 201, writing.shipment(*shipment_for(self.principal, sent.number))


class NotBuiltYet(OrderVerb):
    """A verb of the contract that this release does not have yet: 409 `not_available_yet`."""

    @door(OrderShape, keyed=False)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Not built yet: answers 409 `not_available_yet` and changes nothing."""
        return super().post(request, number)

    def act(self) -> Body:
        raise NotAvailableYet
