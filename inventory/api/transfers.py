"""Transfers between our own places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api import writing
from inventory.api.filters import TransferFilters
from inventory.api.places import place_for
from inventory.api.serializers import ArrivalBody, TransferBody, TransferShape
from inventory.models import Location, Transfer, TransferLine
from inventory.services.finding import find_location
from inventory.services.transferring import (
    Arrived,
    TransferDraftLine,
    cancel_transfer,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from retailhub.core.access import Principal
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.serializers import StrictSerializer
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import NotAllowed, NotFound, Offence, Unknown
from retailhub.core.text import sku_key

SCOPE = "stock:write"


class UnknownLine(Unknown):
    """The transfer has no such line."""

    code = "unknown_line"


def transfers_for(principal: Principal, scope: str = "stock:read") -> QuerySet[Transfer]:
    lines = TransferLine.objects.select_related("item").order_by("line")
    return (
        Transfer.objects.for_principal(principal, scope)
        .select_related("origin", "destination")
        .prefetch_related(Prefetch("lines", lines))
    )


def transfer_for(principal: Principal, number: str, scope: str = "stock:read") -> Transfer:
    """Answer the transfer with all that is shown of it. Raises NotFound."""
    transfer = transfers_for(principal, scope).filter(number=number).first()
    if transfer is None:
        raise NotFound
    return transfer


class Transfers(ListView):
    """List transfers, newest first."""

    required_scopes: ClassVar = {"GET": "stock:read", "POST": SCOPE}
    filterset_class = TransferFilters
    shape = TransferShape

    def rows(self) -> QuerySet[Transfer]:
        return transfers_for(self.principal)

    def shown(self, row: Transfer) -> Mapping[str, Any]:
        return writing.transfer(row)

    @door({201: TransferShape}, body=TransferBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Draft a transfer: a plan that reserves nothing yet. One SKU on several lines becomes one line.

        Whoever works at some places only must work at one end of it.
        """
        return self.once(self.draft)

    def draft(self) -> Body:
        values = TransferBody.read(self.request.data)
        origin, destination = self._ends(values["from"], values["to"])
        transfer = draft_transfer(
            origin=origin,
            destination=destination,
            lines=[TransferDraftLine(**line) for line in values["lines"]],
            note=values["note"] or "",
            due=values["due"],
            actor=self.principal.actor,
        )
        return 201, writing.transfer(transfer_for(self.principal, transfer.number, SCOPE))

    def _ends(self, origin: str, destination: str) -> tuple[Location, Location]:
        mine = self.principal.places(SCOPE)
        if mine is not None and not mine & {origin, destination}:
            place_for(self.principal, origin, scope=SCOPE, pointer="/from")
        return find_location(origin, pointer="/from"), find_location(destination, pointer="/to")


class OneTransfer(ApiView):
    """A transfer."""

    required_scopes: ClassVar = {"GET": "stock:read"}

    @door(TransferShape)
    def get(self, request: Request, number: str) -> Response:
        """Read a transfer."""
        return Response(writing.transfer(transfer_for(self.principal, number)))


class TransferVerb(ApiView):
    """Something that is done to one transfer, by whoever works at the end where it happens."""

    required_scopes: ClassVar = {"POST": SCOPE}
    keyed: ClassVar[bool] = False
    end: ClassVar[str] = ""

    def post(self, request: Request, number: str) -> HttpResponse:
        self.transfer = transfer_for(self.principal, number, SCOPE)
        if self.end and not self.principal.may(SCOPE, location=getattr(self.transfer, self.end).code):
            raise NotAllowed("This is done at the other end of the transfer.", scope=SCOPE)
        return self.once(self.act, required=self.keyed)

    def act(self) -> Body:
        raise NotImplementedError

    def _done(self, verb: Callable[..., Transfer], **more: Any) -> Body:
        verb(transfer_id=self.transfer.pk, actor=self.principal.actor, **more)
        return 200, writing.transfer(transfer_for(self.principal, self.transfer.number, SCOPE))


class EmptyBody(StrictSerializer):
    """No members are needed."""


class Ready(TransferVerb):
    """Reserve the goods."""

    end = "origin"

    @door(TransferShape, body=EmptyBody, keyed=False)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Reserve the goods at the place they leave, all lines or none: 409 `not_enough_stock` names the short ones."""
        return super().post(request, number)

    def act(self) -> Body:
        EmptyBody.read(self.request.data)
        return self._done(ready_transfer)


class Ship(TransferVerb):
    """Let the goods leave."""

    keyed = True
    end = "origin"

    @door(TransferShape, body=EmptyBody, keyed=True)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Let the goods leave: they are on the road, and supply coming in at the other place."""
        return super().post(request, number)

    def act(self) -> Body:
        EmptyBody.read(self.request.data)
        return self._done(ship_transfer)


class Receive(TransferVerb):
    """Book in what arrived."""

    keyed = True
    end = "destination"

    @door(TransferShape, body=ArrivalBody, keyed=True)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Book in what arrived, good, damaged or given up as lost; without `lines`, everything came well.

        More than is on the road is 409 `exceeds_shipped`.
        """
        return super().post(request, number)

    def act(self) -> Body:
        lines = ArrivalBody.read(self.request.data)["lines"]
        return self._done(receive_transfer, arrived=None if lines is None else self._arrived(lines))

    def _arrived(self, lines: list[dict[str, Any]]) -> list[Arrived]:
        by_sku = {line.item.sku_key: line.line for line in self.transfer.lines.all()}
        numbers = [x["line"] if x["line"] is not None else by_sku.get(sku_key(x["sku"])) for x in lines]
        known = set(by_sku.values())
        unknown = [
            Offence(pointer=f"/lines/{i}/line", code="unknown_line", detail=f"there is no line {number}")
            if number is not None
            else Offence(
                pointer=f"/lines/{i}/sku", code="unknown_line", detail=f"there is no line with {lines[i]['sku']}"
            )
            for i, number in enumerate(numbers)
            if number not in known
        ]
        if unknown:
            raise UnknownLine(errors=unknown)
        return [
            Arrived(line=number or 0, received=x["received"], damaged=x["damaged"], lost=x["lost"])
            for number, x in zip(numbers, lines, strict=True)
        ]


class Cancel(TransferVerb):
    """Call a transfer off."""

    @door(TransferShape, body=EmptyBody, keyed=False)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Call a transfer off before it left; what it had reserved is free again."""
        return super().post(request, number)

    def act(self) -> Body:
        EmptyBody.read(self.request.data)
        return self._done(cancel_transfer)
