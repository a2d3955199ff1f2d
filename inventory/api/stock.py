"""Levels and movements, and the papers that change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api import writing
from inventory.api.filters import DocumentFilters, MovementFilters, StockFilters
from inventory.api.places import place_for
from inventory.api.serializers import AdjustmentBody, DocumentShape, MoveBody, MovementShape, ReceiptBody, StockShape
from inventory.models import IncomingSupply, StockDocument, StockLevel, StockMovement
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receiving import BookedLine, book_in
from retailhub.core.access import Principal
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import NotAllowed, NotFound, Offence


class Stock(ListView):
    """List stock levels by item and place. `available__lt` goes only together with `sku` or `location`."""

    required_scopes: ClassVar = {"GET": "stock:read"}
    filterset_class = StockFilters
    shape = StockShape
    keys = ("item_id", "location_id")
    key_kinds = (int, int)

    def rows(self) -> QuerySet[StockLevel]:
        return StockLevel.objects.for_principal(self.principal).select_related("item", "location")

    def prepare(self, page: list[Any]) -> None:
        coming = (
            IncomingSupply.objects.filter(
                item__in={level.item_id for level in page}, location__in={level.location_id for level in page}
            )
            .values_list("item_id", "location_id")
            .annotate(units=Sum("quantity"))
        )
        self.coming = {(item_id, location_id): units for item_id, location_id, units in coming}

    def shown(self, row: StockLevel) -> Mapping[str, Any]:
        return {
            "sku": row.item.sku,
            "location": row.location.code,
            "on_hand": row.on_hand,
            "sellable": row.sellable,
            "reserved": row.reserved,
            "damaged": row.damaged,
            "on_hold": row.on_hold,
            "available": row.available,
            "incoming": self.coming.get((row.item_id, row.location_id), 0),
            "safety": row.safety,
        }


class Movements(ListView):
    """List what moved, newest first."""

    required_scopes: ClassVar = {"GET": "stock:read"}
    filterset_class = MovementFilters
    shape = MovementShape

    def rows(self) -> QuerySet[StockMovement]:
        return StockMovement.objects.for_principal(self.principal).select_related(
            "item", "from_location", "to_location"
        )

    def shown(self, row: StockMovement) -> Mapping[str, Any]:
        return writing.movement(row, self.principal)


class Documents(ListView):
    """The papers of one kind."""

    required_scopes: ClassVar = {"GET": "stock:read", "POST": "stock:write"}
    filterset_class = DocumentFilters
    shape = DocumentShape
    kind: ClassVar[str]

    def rows(self) -> QuerySet[StockDocument]:
        return StockDocument.objects.for_principal(self.principal).filter(kind=self.kind).select_related("location")

    def shown(self, row: StockDocument) -> Mapping[str, Any]:
        return writing.document(row)

    def posted(self, document: StockDocument) -> Body:
        document.refresh_from_db(fields=["recorded_at"])
        return 201, writing.document(document)


class OneDocument(ApiView):
    """A paper of the stock room."""

    required_scopes: ClassVar = {"GET": "stock:read"}
    kind: ClassVar[str]

    @door(DocumentShape)
    def get(self, request: Request, number: str) -> Response:
        """Read a paper as it was asked for, line by line; the movements under its number are its result."""
        document = (
            StockDocument.objects.for_principal(self.principal)
            .filter(kind=self.kind, number=number)
            .select_related("location")
            .first()
        )
        if document is None:
            raise NotFound
        return Response(writing.document(document))


def may_tell_costs(principal: Principal, lines: list[dict[str, Any]]) -> None:
    """Raise NotAllowed when lines carry costs and the principal may not see any."""
    offences = [
        Offence(pointer=f"/lines/{index}/unit_cost", code="not_allowed", detail="this takes costs:read")
        for index, line in enumerate(lines)
        if line["unit_cost"] is not None
    ]
    if offences and not principal.sees_costs:
        raise NotAllowed("Costs take a scope that you do not have.", scope="costs:read", errors=offences)


class Adjustments(Documents):
    """List adjustments, newest first."""

    kind = StockDocument.Kind.ADJUSTMENT

    @door({201: DocumentShape}, body=AdjustmentBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Correct stock at one place: up to 5,000 lines, all or nothing.

        A `change` that would leave less than is promised is 409 `below_reserved`, which names the documents; less than
        nothing is 409 `below_zero`. What was `counted` is believed, and promises that it does not cover become short.
        """
        return self.once(self.adjust)

    def adjust(self) -> Body:
        values = AdjustmentBody.read(self.request.data)
        may_tell_costs(self.principal, values["lines"])
        document = adjust_stock(
            location=place_for(self.principal, values["location"], scope="stock:write"),
            reason=values["reason"],
            lines=[AdjustmentLine(**line) for line in values["lines"]],
            note=values["note"] or "",
            actor=self.principal.actor,
            occurred_at=values["occurred_at"],
        )
        return self.posted(document)


class OneAdjustment(OneDocument):
    """An adjustment."""

    kind = StockDocument.Kind.ADJUSTMENT


class Moves(Documents):
    """List moves between buckets, newest first."""

    kind = StockDocument.Kind.MOVE

    @door({201: DocumentShape}, body=MoveBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Move units between sellable, damaged and on hold at one place, all or nothing.

        What leaves `sellable` must be free of promises: 409 `below_reserved`.
        """
        return self.once(self.move)

    def move(self) -> Body:
        values = MoveBody.read(self.request.data)
        document = move_stock(
            location=place_for(self.principal, values["location"], scope="stock:write"),
            reason=values["reason"],
            lines=[MoveLine(**line) for line in values["lines"]],
            note=values["note"] or "",
            actor=self.principal.actor,
        )
        return self.posted(document)


class OneMove(OneDocument):
    """A move between buckets."""

    kind = StockDocument.Kind.MOVE


class StockReceipts(Documents):
    """List receipts without a purchase order, newest first."""

    kind = StockDocument.Kind.RECEIPT

    @door({201: DocumentShape}, body=ReceiptBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Book goods in without a purchase order; whoever waits for them is served, oldest promise first."""
        return self.once(self.book)

    def book(self) -> Body:
        values = ReceiptBody.read(self.request.data)
        may_tell_costs(self.principal, values["lines"])
        document = book_in(
            location=place_for(self.principal, values["location"], scope="stock:write"),
            lines=[BookedLine(**line) for line in values["lines"]],
            note=values["note"] or "",
            actor=self.principal.actor,
            occurred_at=values["occurred_at"],
        )
        return self.posted(document)


class OneStockReceipt(OneDocument):
    """A receipt without a purchase order."""

    kind = StockDocument.Kind.RECEIPT
