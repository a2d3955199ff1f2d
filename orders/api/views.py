"""Orders: placed one at a time or many, and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from customers.models import Customer
from orders.api import writing
from orders.api.access import SCOPE, channels_open_to
from orders.api.filters import OrderFilters
from orders.api.reading import new_order
from orders.api.serializers import OrderBody, OrderShape, OrderSummaryShape, PlacedOrderShape, ShipmentShape
from orders.models import Order, Shipment, ShipmentLine
from orders.services.placing import NewOrder, Placed, place_orders, unknown_channel, unknown_pickup
from retailhub.core.access import Principal
from retailhub.core.api.bulk import Entries, Result, answered_in_bulk
from retailhub.core.api.once import Body
from retailhub.core.api.schema import bulk_of, door
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import DomainError, NotFound

_BULK_BODY, _BULK_ANSWERS = bulk_of(OrderBody, PlacedOrderShape)


class Orders(ListView):
    """List orders, newest first."""

    required_scopes: ClassVar = {"GET": "orders:read", "POST": "orders:write"}
    filterset_class = OrderFilters
    shape = OrderSummaryShape

    def rows(self) -> QuerySet[Order]:
        return Order.objects.for_principal(self.principal).select_related("channel")

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.none()

    def shown(self, row: Order) -> Mapping[str, Any]:
        return writing.summary(row)

    @door({201: PlacedOrderShape, 200: PlacedOrderShape}, body=OrderBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Take an order into the book.

        200 with the existing order when the channel told the same one before. With `all_or_nothing`, 409
        `not_enough_stock` names each short line; 409 `duplicate_order` says that the reference is another order's.
        """
        return self.once(self.place)

    def place(self) -> Body:
        order = new_order(OrderBody.read(self.request.data))
        (answer,) = place([order], self.principal)
        if isinstance(answer, DomainError):
            raise answer
        return (201 if answer.created else 200), writing.placed(answer, order)


class OrdersBulk(ApiView):
    """Many orders in one call."""

    required_scopes: ClassVar = {"POST": "orders:write"}

    @door(_BULK_ANSWERS, body=_BULK_BODY, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Take up to 500 orders into the book, each on its own merits.

        Pointers in a problem lead into the whole body: `/entries/3/lines/0/sku`.
        """
        return answered_in_bulk(request, body=OrderBody, work=self.place)

    def place(self, entries: Entries) -> dict[int, Result]:
        told = [new_order(values) for values in entries.values()]
        answers = place(told, self.principal)
        return {
            index: Result.refused(answer, index)
            if isinstance(answer, DomainError)
            else Result(201 if answer.created else 200, writing.placed(answer, order))
            for index, order, answer in zip(entries, told, answers, strict=True)
        }


def place(orders: Sequence[NewOrder], principal: Principal) -> list[Placed]:
    """Place the orders of channels and places that are open to the principal; others do not exist for him."""
    channels, places = channels_open_to(principal), principal.places(SCOPE)
    if channels is None and places is None:
        return place_orders(batch=orders, actor=principal.actor)
    refusals: list[DomainError | None] = []
    for order in orders:
        pickup = order.shipping.pickup_location
        if channels is not None and order.channel not in channels:
            refusals.append(unknown_channel(order))
        else:
            refusals.append(unknown_pickup(order) if places is not None and pickup and pickup not in places else None)
    open_to_him = [order for order, refusal in zip(orders, refusals, strict=True) if refusal is None]
    placed = iter(place_orders(batch=open_to_him, actor=principal.actor))
    return [refusal or next(placed) for refusal in refusals]


def order_for(principal: Principal, number: str, scope: str = "orders:read") -> Order:
    """Answer the order with all that is shown of it. Raises NotFound."""
    shipments = Shipment.objects.select_related("location").prefetch_related(
        Prefetch("lines", ShipmentLine.objects.select_related("order_line").order_by("order_line__line"))
    )
    order = (
        Order.objects.for_principal(principal, scope)
        .filter(number=number)
        .select_related("channel", "customer")
        .prefetch_related("lines", "payments", Prefetch("shipments", shipments))
        .first()
    )
    if order is None:
        raise NotFound
    return order


class OneOrder(ApiView):
    """An order."""

    required_scopes: ClassVar = {"GET": "orders:read"}

    @door(OrderShape)
    def get(self, request: Request, number: str) -> Response:
        """Read an order with its lines, promises, payments and shipments."""
        return Response(writing.whole(order_for(self.principal, number), self.principal))


class OneShipment(ApiView):
    """A shipment."""

    required_scopes: ClassVar = {"GET": "orders:read"}

    @door(ShipmentShape)
    def get(self, request: Request, number: str) -> Response:
        """Read a shipment."""
        return Response(writing.shipment(*shipment_for(self.principal, number)))


def shipment_for(principal: Principal, number: str) -> tuple[Shipment, str]:
    """Answer the shipment and its order's number. Raises NotFound."""
    shipment = (
        Shipment.objects.filter(number=number, order__in=Order.objects.for_principal(principal).values("pk"))
        .select_related("location", "order")
        .prefetch_related(Prefetch("lines", ShipmentLine.objects.select_related("order_line").order_by("pk")))
        .first()
    )
    if shipment is None:
        raise NotFound
    return shipment, shipment.order.number


class CustomerOrders(Orders):
    """List a customer's orders, newest first."""

    required_scopes: ClassVar = {"GET": "orders:read"}
    http_method_names = ["get", "head"]

    def rows(self) -> QuerySet[Order]:
        return super().rows().filter(customer=self.kwargs["pk"])

    def get(self, request: Request, **kwargs: Any) -> Response:
        customers = Customer.objects.filter(pk=kwargs["pk"])
        if self.principal.channel:
            # A key for one channel knows who ordered there.
            customers = customers.filter(orders__channel__code=self.principal.channel)
        if not customers.exists():
            raise NotFound
        return super().get(request)
