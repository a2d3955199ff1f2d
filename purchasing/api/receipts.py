"""Deliveries that came, and goods that go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.places import place_for
from inventory.services.finding import find_items
from purchasing.api import receipt_writing as writing
from purchasing.api.receipt_shapes import DeliveryBody, ReceiptShape, ReturnBody, ReturnShape, ReverseBody
from purchasing.models import (
    Claim,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
    Supplier,
    SupplierReturn,
    SupplierReturnLine,
)
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import GoingBack, return_goods
from purchasing.services.reversing import reverse_receipt
from retailhub.core.access import Principal
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import AmbiguousLine, DomainError, NotAllowed, NotFound, Offence, Unknown
from retailhub.core.text import sku_key

READ, WRITE = "purchasing:read", "stock:write"


class UnknownPurchaseOrder(Unknown):
    """A number names no purchase order."""

    code = "unknown_purchase_order"


class UnknownSupplier(Unknown):
    """A code names no supplier."""

    code = "unknown_supplier"


class UnknownLine(Unknown):
    """The document has no such line."""

    code = "unknown_line"


class ReceiptFilters(django_filters.FilterSet):  # type: ignore[misc]
    status = django_filters.ChoiceFilter(choices=ReceiptStatus.choices)
    supplier = django_filters.CharFilter(field_name="supplier__code", lookup_expr="iexact", max_length=32)
    location = django_filters.CharFilter(field_name="location__code", max_length=64)
    purchase_order = django_filters.CharFilter(field_name="orders__number", max_length=20)


class ReturnFilters(django_filters.FilterSet):  # type: ignore[misc]
    supplier = django_filters.CharFilter(field_name="supplier__code", lookup_expr="iexact", max_length=32)
    location = django_filters.CharFilter(field_name="location__code", max_length=64)


def receipts_for(principal: Principal) -> QuerySet[Receipt]:
    lines = (
        ReceiptLine.objects.select_related("item", "order_line__order", "instead_of")
        .prefetch_related(Prefetch("claims", Claim.objects.only("number", "receipt_line")))
        .order_by("line")
    )
    return (
        Receipt.objects.for_principal(principal, READ)
        .select_related("supplier", "location")
        .prefetch_related(Prefetch("lines", lines), Prefetch("orders", PurchaseOrder.objects.only("number")))
    )


def receipt_for(principal: Principal, number: str) -> Receipt:
    """Answer the receipt with all that is shown of it. Raises NotFound."""
    receipt = receipts_for(principal).filter(number=number).first()
    if receipt is None:
        raise NotFound
    writing.tell_more([receipt])
    return receipt


class Receipts(ListView):
    """List deliveries, newest first."""

    required_scopes: ClassVar = {"GET": READ, "POST": WRITE}
    filterset_class = ReceiptFilters
    shape = ReceiptShape

    def rows(self) -> QuerySet[Receipt]:
        return receipts_for(self.principal)

    def prepare(self, page: list[Any]) -> None:
        writing.tell_more(page)

    def shown(self, row: Receipt) -> Mapping[str, Any]:
        return writing.receipt(row, self.principal)

    @door({201: ReceiptShape}, body=DeliveryBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Book a delivery in that was counted: good units for sale, damaged and wrong ones apart, refused ones never.

        More than was ordered and is tolerated is on hold as `not_ordered`, and an exception is opened. Whoever waits
        for the goods is served at once (`served`). Takes `stock:write` at the location and `purchasing:read`.
        """
        if not self.principal.may(READ):
            raise NotAllowed("This takes a scope that you do not have.", scope=READ)
        return self.once(self.receive)

    def receive(self) -> Body:
        values = DeliveryBody.read(self.request.data)
        location = place_for(self.principal, values["location"], scope=WRITE)
        order = self._order(values["purchase_order"])
        receipt = receive_delivery(
            location=location,
            counted=_counted(values["lines"], order),
            supplier=order.supplier if order else self._supplier(values["supplier"]),
            delivery_note=values["delivery_note"] or "",
            note=values["note"] or "",
            actor=self.principal.actor,
        )
        return 201, writing.receipt(receipt_for(self.principal, receipt.number), self.principal)

    def _order(self, number: str | None) -> PurchaseOrder | None:
        if not number:
            return None
        rows = PurchaseOrder.objects.for_principal(self.principal, READ).select_related("supplier")
        order = rows.filter(number=number).first()
        if order is None:
            detail = f"no purchase order has the number {number}"
            raise UnknownPurchaseOrder(
                errors=[Offence(pointer="/purchase_order", code="unknown_purchase_order", detail=detail)]
            )
        return order

    def _supplier(self, code: str | None) -> Supplier | None:
        if not code:
            return None
        supplier = Supplier.objects.named(code).first()
        if supplier is None:
            detail = f"no supplier has the code {code}"
            raise UnknownSupplier(errors=[Offence(pointer="/supplier", code="unknown_supplier", detail=detail)])
        return supplier


def _counted(lines: list[dict[str, Any]], order: PurchaseOrder | None) -> list[Counted]:
    """Say for each line which order line it is about; with an order, every SKU and every line must be on it."""
    items = find_items([line["sku"] for line in lines])
    wrong_at = [index for index, line in enumerate(lines) if line["wrong"]]
    came = dict(zip(wrong_at, _received(lines, wrong_at), strict=True))
    ordered = _by_sku(order)
    counted, unknown, ambiguous = [], [], []
    for index, (line, item) in enumerate(zip(lines, items, strict=True)):
        order_line_id = None
        if order is not None:
            own = [x for x in ordered.get(item.sku_key, ()) if line["line"] in (None, x.line)]
            if not own:
                detail = f"{order.number} has no such line with {item.sku}"
                unknown.append(Offence(pointer=f"/lines/{index}/sku", code="unknown_line", detail=detail))
            elif len(own) > 1:
                detail = f"{item.sku} is on lines {', '.join(str(x.line) for x in own)} of {order.number}"
                ambiguous.append(Offence(pointer=f"/lines/{index}/line", code="ambiguous_line", detail=detail))
            else:
                order_line_id = own[0].pk
        counted.append(
            Counted(
                item_id=item.pk,
                order_line_id=order_line_id,
                accepted=line["accepted"],
                damaged=line["damaged"],
                wrong=line["wrong"],
                wrong_item_id=came.get(index),
                refused=line["refused"],
                announced=line["announced"],
                note=line["note"] or "",
            )
        )
    if unknown:
        raise UnknownLine(errors=unknown)
    if ambiguous:
        raise AmbiguousLine(errors=ambiguous)
    return counted


def _received(lines: list[dict[str, Any]], at: list[int]) -> list[int]:
    """Answer the items that came instead, for the lines at these places."""
    try:
        return [item.pk for item in find_items([lines[index]["received_sku"] for index in at])]
    except DomainError as refusal:
        raise type(refusal)(
            refusal.detail,
            errors=[
                Offence(
                    pointer=f"/lines/{at[int(offence.pointer.split('/')[2])]}/received_sku",
                    code=offence.code,
                    detail=offence.detail,
                )
                for offence in refusal.errors
            ],
        ) from refusal


def _by_sku(order: PurchaseOrder | None) -> dict[str, list[PurchaseOrderLine]]:
    found: dict[str, list[PurchaseOrderLine]] = {}
    for line in order.lines.select_related("item").order_by("line") if order else ():
        found.setdefault(sku_key(line.item.sku), []).append(line)
    return found


class OneReceipt(ApiView):
    """A delivery."""

    required_scopes: ClassVar = {"GET": READ}

    @door(ReceiptShape)
    def get(self, request: Request, number: str) -> Response:
        """Read a delivery: its lines, whom it served, what it left to decide."""
        return Response(writing.receipt(receipt_for(self.principal, number), self.principal))


class ReverseReceipt(ApiView):
    """A delivery undone."""

    required_scopes: ClassVar = {"POST": WRITE}

    @door(ReceiptShape, body=ReverseBody, keyed=True)
    def post(self, request: Request, number: str) -> HttpResponse:
        """Undo a delivery as if it had never been booked, while nobody billed it and its goods lie free.

        409 `receipt_invoiced`, `goods_gone` and `receipt_touched` name what holds it.
        """
        self.receipt = receipt_for(self.principal, number)
        if not self.principal.may(WRITE, location=self.receipt.location.code):
            raise NotAllowed("This is done where the goods are.", scope=WRITE)
        return self.once(self.reverse)

    def reverse(self) -> Body:
        values = ReverseBody.read(self.request.data)
        reverse_receipt(receipt_id=self.receipt.pk, reason=values["reason"], actor=self.principal.actor)
        return 200, writing.receipt(receipt_for(self.principal, self.receipt.number), self.principal)


def returns_for(principal: Principal) -> QuerySet[SupplierReturn]:
    lines = SupplierReturnLine.objects.select_related("item", "receipt_line__receipt").order_by("line")
    rows: QuerySet[Any] = SupplierReturn.objects.for_principal(principal, READ)
    return rows.select_related("supplier", "location").prefetch_related(Prefetch("lines", lines))


class SupplierReturns(ListView):
    """List goods that went back to suppliers, newest first."""

    required_scopes: ClassVar = {"GET": READ, "POST": WRITE}
    filterset_class = ReturnFilters
    shape = ReturnShape

    def rows(self) -> QuerySet[SupplierReturn]:
        return returns_for(self.principal)

    def shown(self, row: SupplierReturn) -> Mapping[str, Any]:
        return writing.supplier_return(row, self.principal)

    @door({201: ReturnShape}, body=ReturnBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Send goods of deliveries back to their supplier, all lines or none, from the bucket in which they stand.

        What was not billed is owed no longer; what was billed is claimed. With `wants_replacement` the order expects as
        many again. 409 `exceeds_received` and `goods_gone` name the lines.
        """
        if not self.principal.may(READ):
            raise NotAllowed("This takes a scope that you do not have.", scope=READ)
        return self.once(self.send_back)

    def send_back(self) -> Body:
        values = ReturnBody.read(self.request.data)
        paper = return_goods(
            lines=self._lines(values["lines"]),
            reason=values["reason"],
            carrier=values["carrier"] or "",
            tracking_number=values["tracking_number"] or "",
            wants_replacement=values["wants_replacement"],
            actor=self.principal.actor,
        )
        return 201, writing.supplier_return(returns_for(self.principal).get(pk=paper.pk), self.principal)

    def _lines(self, lines: list[dict[str, Any]]) -> list[GoingBack]:
        mine = Receipt.objects.for_principal(self.principal, READ)
        rows = {
            (row.receipt.number, row.line): row
            for row in ReceiptLine.objects.filter(
                receipt__in=mine, receipt__number__in={x["receipt"] for x in lines}
            ).select_related("receipt__location")
        }
        unknown = [
            Offence(
                pointer=f"/lines/{i}/receipt",
                code="unknown_line",
                detail=f"there is no line {x['line']} of {x['receipt']}",
            )
            for i, x in enumerate(lines)
            if (x["receipt"], x["line"]) not in rows
        ]
        if unknown:
            raise UnknownLine(errors=unknown)
        found = [rows[(x["receipt"], x["line"])] for x in lines]
        for row in found:
            if not self.principal.may(WRITE, location=row.receipt.location.code):
                raise NotAllowed("This is done where the goods are.", scope=WRITE)
        return [
            GoingBack(receipt_line_id=row.pk, quantity=x["quantity"], bucket=x["bucket"])
            for row, x in zip(found, lines, strict=True)
        ]


class OneSupplierReturn(ApiView):
    """Goods that went back."""

    required_scopes: ClassVar = {"GET": READ}

    @door(ReturnShape)
    def get(self, request: Request, number: str) -> Response:
        """Read a return."""
        found = returns_for(self.principal).filter(number=number).first()
        if found is None:
            raise NotFound
        return Response(writing.supplier_return(found, self.principal))
