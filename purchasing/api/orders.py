"""Purchase orders: drafted, read, and printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.places import place_for
from purchasing.api import order_writing as writing
from purchasing.api.order_bodies import (
    DraftChangeBody,
    PurchaseOrderBody,
    PurchaseOrderShape,
    PurchaseSummaryShape,
    RevisionsShape,
    TimelineShape,
)
from purchasing.api.order_reading import ordered_charges, ordered_lines, supplier_for
from purchasing.models import BuyingEvent, OrderStatus, PurchaseOrder, PurchaseOrderLine, PurchaseRevision
from purchasing.services.drafting import change_draft, draft_purchase_order
from purchasing.services.printing import order_paper
from purchasing.services.progress import with_progress
from purchasing.services.special_orders import link_special_order, waiting_line
from retailhub.core.access import Principal
from retailhub.core.api.filtering import MomentFilter
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.serializers import Values
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import DomainError, NotAllowed, NotFound, Offence
from retailhub.core.text import sku_key

READ, WRITE = "purchasing:read", "purchasing:write"


class PurchaseOrderFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    supplier = django_filters.CharFilter(field_name="supplier__code", lookup_expr="iexact", max_length=64)
    ship_to = django_filters.CharFilter(field_name="ship_to__code", max_length=64)
    status = django_filters.ChoiceFilter(choices=OrderStatus.choices)
    external_reference = django_filters.CharFilter(max_length=120)
    sku = django_filters.CharFilter(method="by_sku", max_length=64)
    created_at__gte = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_at__lt = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = PurchaseOrder
        fields: list[str] = []

    def by_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(pk__in=PurchaseOrderLine.objects.filter(item__sku_key=sku_key(value)).values("order"))


def order_for(principal: Principal, number: str, scope: str = READ) -> PurchaseOrder:
    """Answer the order with all that is shown of it. Raises NotFound."""
    lines = PurchaseOrderLine.objects.select_related("item").prefetch_related("special_orders").order_by("line")
    order = (
        PurchaseOrder.objects.for_principal(principal, scope)
        .filter(number=number)
        .select_related("supplier", "ship_to")
        .prefetch_related(Prefetch("lines", lines), "charges", "proposals")
        .first()
    )
    if order is None:
        raise NotFound
    return order


class PurchaseOrders(ListView):
    """List purchase orders, newest first."""

    required_scopes: ClassVar = {"GET": READ, "POST": WRITE}
    filterset_class = PurchaseOrderFilters
    shape = PurchaseSummaryShape

    def rows(self) -> QuerySet[PurchaseOrder]:
        rows = PurchaseOrder.objects.for_principal(self.principal).select_related("supplier", "ship_to")
        return with_progress(rows)

    def get_queryset(self) -> QuerySet[PurchaseOrder]:
        return PurchaseOrder.objects.none()

    def shown(self, row: PurchaseOrder) -> Mapping[str, Any]:
        return writing.summary(row, self.principal)

    @door({201: PurchaseOrderShape}, body=PurchaseOrderBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Draft an order: it commits nobody until it is sent.

        Lines without a price take the supplier's quote, contract, list or last price; 409 `no_price` names those he
        never named one for. 409 `duplicate_order`: he has an order with this `external_reference` already.
        """
        return self.once(self.draft)

    def draft(self) -> Body:
        if self.principal.channel:
            raise NotAllowed("A key for one channel buys nothing.", scope=WRITE)
        values = PurchaseOrderBody.read(self.request.data)
        supplier = supplier_for(self.principal, values["supplier"])
        order = draft_purchase_order(
            supplier=supplier,
            ship_to=place_for(self.principal, values["ship_to"], scope=WRITE, pointer="/ship_to"),
            lines=ordered_lines(values["lines"]),
            charges=ordered_charges(values["charges"]),
            currency=values["currency"],
            expected_on=values["expected_on"],
            note=values["note"],
            external_reference=values["external_reference"],
            actor=self.principal.actor,
            on=timezone.localdate(),
        )
        link_lines(order, values["lines"], first=1, actor=self.principal.actor)
        return 201, writing.whole(order_for(self.principal, order.number, WRITE), self.principal)


def link_lines(order: PurchaseOrder, lines: list[Values], *, first: int, actor: str) -> None:
    """Link lines that are bought for a customer to his order's line."""
    wanted = {first + i: line for i, line in enumerate(lines) if line["for_order_line"]}
    if not wanted:
        return
    rows = {row.line: row for row in order.lines.filter(line__in=wanted)}
    for number, line in wanted.items():
        row, told = rows[number], line["for_order_line"]
        document = f"order:{told['order']}"
        try:
            link_special_order(
                order_line_id=row.pk,
                document=document,
                line=told["line"] or waiting_line(document=document, item_id=row.item_id),
                actor=actor,
            )
        except DomainError as refusal:
            refusal.errors = refusal.errors or [
                Offence(
                    pointer=f"/lines/{number - first}/for_order_line",
                    code=refusal.code,
                    detail=refusal.detail,
                    extra=refusal.details,
                )
            ]
            raise


class OnePurchaseOrder(ApiView):
    """A purchase order."""

    required_scopes: ClassVar = {"GET": READ, "PATCH": WRITE}

    @door(PurchaseOrderShape)
    def get(self, request: Request, number: str) -> Response:
        """Read a purchase order with its lines, charges and open proposals."""
        return Response(writing.whole(order_for(self.principal, number), self.principal))

    @door(PurchaseOrderShape, body=DraftChangeBody, keyed=False)
    def patch(self, request: Request, number: str) -> HttpResponse:
        """Change an order that was not sent; it is a draft again. One that was sent is amended: 409 `wrong_state`."""
        self.order = order_for(self.principal, number, WRITE)
        return self.once(self.change, required=False)

    def change(self) -> Body:
        values = DraftChangeBody.read(self.request.data, partial=True)
        place = values.get("ship_to")
        lines, charges = values.get("lines"), values.get("charges")
        change_draft(
            order_id=self.order.pk,
            actor=self.principal.actor,
            on=timezone.localdate(),
            lines=None if lines is None else ordered_lines(lines),
            charges=None if charges is None else ordered_charges(charges),
            expected_on=values.get("expected_on"),
            note=values.get("note"),
            ship_to=place_for(self.principal, place, scope=WRITE, pointer="/ship_to") if place else None,
        )
        if lines:
            link_lines(self.order, lines, first=1, actor=self.principal.actor)
        return 200, writing.whole(order_for(self.principal, self.order.number, WRITE), self.principal)


class OrderPaper(ApiView):
    """The order's paper."""

    required_scopes: ClassVar = {"GET": READ}

    @door({(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, number: str) -> HttpResponse:
        """Print the order as its supplier gets it, as a PDF in his language. Takes `costs:read` too."""
        order = order_for(self.principal, number)
        if not self.principal.sees_costs:
            raise NotAllowed("The paper shows what goods cost.", scope="costs:read")
        return HttpResponse(
            order_paper(order, kind=paper_kind(order)),
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{order.number}.pdf"'},
        )


def paper_kind(order: PurchaseOrder) -> str:
    """Answer which paper the order is at present."""
    if order.status == OrderStatus.CANCELLED and order.revision:
        return "cancellation"
    return "revision" if order.revision > 1 else "order"


class OrderRevisions(ApiView):
    """The order's revisions."""

    required_scopes: ClassVar = {"GET": READ}

    @door(RevisionsShape)
    def get(self, request: Request, number: str) -> Response:
        """Read every revision, the latest first, with what differs from the one before as [pointer, before, after]."""
        order = order_for(self.principal, number)
        rows = PurchaseRevision.objects.filter(order=order).order_by("-number")
        return Response(writing.revisions(rows, self.principal))


class OrderTimeline(ApiView):
    """What happened to the order."""

    required_scopes: ClassVar = {"GET": READ}

    @door(TimelineShape)
    def get(self, request: Request, number: str) -> Response:
        """Read what happened to the order, the latest first, at most 500 entries."""
        order = order_for(self.principal, number)
        rows = BuyingEvent.objects.filter(document=order.reference).order_by("-pk")
        return Response(writing.timeline(rows[:500]))
