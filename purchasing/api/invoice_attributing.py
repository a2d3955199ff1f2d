"""What programs say of an invoice where its paper did not: whose it is, that it is no duplicate, what it bills."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from purchasing.api.invoices import InvoiceVerb, supplier_for
from purchasing.api.invoices_serializers import AttachBody, InvoiceShape, NamedSupplierBody, NoBody
from purchasing.models import PurchaseOrder, PurchaseOrderLine
from purchasing.services.attributing import attach_lines, confirm_distinct, name_supplier
from purchasing.services.matching import match_invoices
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.errors import Offence, Unknown


class UnknownOrderLine(Unknown):
    """An order line is named that is not there."""

    code = "unknown_purchase_order_line"


class AttributingVerb(InvoiceVerb):
    """Something that is said of an invoice, after which it is matched anew."""

    def act(self) -> Body:
        self.say()
        match_invoices(invoice_ids=[self.invoice.pk], actor=self.principal.actor)
        return self.shown()

    def say(self) -> None:
        raise NotImplementedError


class NameSupplier(AttributingVerb):
    """Say whose invoice it is."""

    @door(InvoiceShape, body=NamedSupplierBody, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Name the supplier where the paper did not, or where he was guessed; the lines are recognised anew.

        409 `wrong_state` where it is known and no guess, `duplicate_invoice` for a number that he used before.
        """
        return super().post(request, pk)

    def say(self) -> None:
        supplier = supplier_for(NamedSupplierBody.read(self.request.data)["supplier"])
        name_supplier(invoice_id=self.invoice.pk, supplier=supplier, actor=self.principal.actor)


class ConfirmDistinct(AttributingVerb):
    """Say that it is no duplicate."""

    required_scopes: ClassVar = {"POST": "invoices:approve"}
    scope = "invoices:approve"

    @door(InvoiceShape, body=NoBody, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Say that an invoice which looks like another one is none; it is not held for that again.

        409 `needs_another_approver` for the key that entered it.
        """
        return super().post(request, pk)

    def say(self) -> None:
        NoBody.read(self.request.data)
        confirm_distinct(invoice_id=self.invoice.pk, actor=self.principal.actor)


class AttachLines(AttributingVerb):
    """Say which order lines are billed."""

    @door(InvoiceShape, body=AttachBody, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Attach billed lines to lines of sent orders of the same supplier; without an order, take them off theirs.

        422 `unknown_purchase_order_line` and 400 name every line that does not fit.
        """
        return super().post(request, pk)

    def say(self) -> None:
        lines = AttachBody.read(self.request.data)["lines"]
        wanted = {(x["purchase_order"], x["order_line"]) for x in lines if x["purchase_order"]}
        mine = PurchaseOrder.objects.for_principal(self.principal, self.scope)
        rows = PurchaseOrderLine.objects.filter(order__in=mine.filter(number__in={number for number, _ in wanted}))
        known = {(number, line): row_id for number, line, row_id in rows.values_list("order__number", "line", "pk")}
        missing = [
            Offence(
                pointer=f"/lines/{index}/order_line",
                code="unknown_purchase_order_line",
                detail=f"{x['purchase_order']} has no line {x['order_line']}",
            )
            for index, x in enumerate(lines)
            if x["purchase_order"] and (x["purchase_order"], x["order_line"]) not in known
        ]
        if missing:
            raise UnknownOrderLine(errors=missing)
        attach_lines(
            invoice_id=self.invoice.pk,
            order_lines={x["line"]: known.get((x["purchase_order"], x["order_line"])) for x in lines},
            actor=self.principal.actor,
        )
