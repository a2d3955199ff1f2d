"""What to buy, and the drafts that follow."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.places import place_for
from inventory.models import Location
from purchasing.api import order_writing, supplier_writing
from purchasing.api.order_reading import UnknownSupplier
from purchasing.api.supplier_bodies import CreatedOrdersShape, CreateOrdersBody, ReorderShape
from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.progress import with_progress
from purchasing.services.reordering import Wanted, create_orders, find_needs
from retailhub.core.api.filtering import known_only
from retailhub.core.api.once import Body, usable
from retailhub.core.api.paging import parameter
from retailhub.core.api.schema import door, query
from retailhub.core.api.serializers import Values
from retailhub.core.api.views import ApiView
from retailhub.core.errors import Invalid, NotAllowed, Offence

READ, WRITE = "purchasing:read", "purchasing:write"


class Reorder(ApiView):
    """What is below its reorder point."""

    required_scopes: ClassVar = {"GET": READ}

    @door(
        ReorderShape,
        parameters=(
            query("location", "Only this place; left out: all our places together."),
            query("supplier", "Only what is proposed to be bought from him."),
        ),
    )
    def get(self, request: Request) -> Response:
        """Read what is below its reorder point and what to order, by supplier, with the reason for every number.

        Items without a supplier or a price are `skipped`, each with what is missing. A key for some places asks for one
        of them at a time.
        """
        if self.principal.channel:
            raise NotAllowed("A key for one channel buys nothing.", scope=READ)
        known_only(request, {"location", "supplier"})
        found = find_needs(today=timezone.localdate(), location=self._place(request.query_params.get("location", "")))
        only = request.query_params.get("supplier", "").upper()
        return Response(
            {
                "groups": [
                    supplier_writing.group(x, self.principal)
                    for x in found.groups
                    if only in ("", x.supplier.code.upper())
                ],
                "skipped": [] if only else [supplier_writing.skipped(x) for x in found.skipped],
            }
        )

    def _place(self, code: str) -> Location | None:
        if code:
            return place_for(self.principal, code, scope=READ, pointer="")
        if self.principal.places(READ) is not None:
            raise Invalid("Name the location.", errors=[parameter("location", "required", "name one of your places")])
        return None


class CreateOrders(ApiView):
    """Drafts made of proposals."""

    required_scopes: ClassVar = {"POST": WRITE}

    @door({201: CreatedOrdersShape}, body=CreateOrdersBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Draft one order per supplier, priced by his list; all of them or none. Quantities are base units.

        409 `no_price` and `supplier_not_open` name the place in `orders`.
        """
        if self.principal.channel:
            raise NotAllowed("A key for one channel buys nothing.", scope=WRITE)
        return self.once(self.create)

    def create(self) -> Body:
        values = CreateOrdersBody.read(self.request.data)
        ship_to = place_for(self.principal, values["ship_to"], scope=WRITE, pointer="/ship_to")
        key = f"{self.principal.actor}:{usable(self.request.headers['Idempotency-Key'])}"
        orders = create_orders(
            wanted=self._wanted(values["orders"]),
            ship_to=ship_to,
            actor=self.principal.actor,
            on=timezone.localdate(),
            key=hashlib.sha256(key.encode()).hexdigest(),
        )
        rows = with_progress(PurchaseOrder.objects.filter(pk__in=[x.pk for x in orders])).order_by("pk")
        shown = [order_writing.summary(x, self.principal) for x in rows.select_related("supplier", "ship_to")]
        return 201, {"orders": shown}

    def _wanted(self, orders: list[Values]) -> list[Wanted]:
        rows = Supplier.objects.for_principal(self.principal, WRITE).named(*(x["supplier"] for x in orders))
        known: dict[str, Any] = {row.code.upper(): row for row in rows}
        unknown = [
            Offence(
                pointer=f"/orders/{index}/supplier",
                code="unknown_supplier",
                detail=f"no supplier has the code {x['supplier']}",
            )
            for index, x in enumerate(orders)
            if x["supplier"].upper() not in known
        ]
        if unknown:
            raise UnknownSupplier(errors=unknown)
        return [
            Wanted(supplier=known[x["supplier"].upper()], units={line["sku"]: line["quantity"] for line in x["lines"]})
            for x in orders
        ]
