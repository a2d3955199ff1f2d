"""Supplier invoices at the door of programs: sent as JSON or as a file, read, and moved by verbs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import django_filters
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from purchasing.api import invoices_writing as writing
from purchasing.api.invoices_serializers import (
    ApproveBody,
    CreditBody,
    DecideBody,
    DisputeBody,
    InvoiceShape,
    InvoiceSummaryShape,
    NoBody,
    PayBody,
    RejectionBody,
    ReleaseBody,
    SupplierInvoiceBody,
)
from purchasing.einvoices.document import ReadInvoice
from purchasing.einvoices.reading import read_invoice
from purchasing.models import Hold, InvoiceStatus, Supplier, SupplierInvoice
from purchasing.services.approving_invoices import approve_invoice, post_invoice
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.deciding import decide_lines, open_dispute, reject_invoice, release_hold
from purchasing.services.matching import match_invoices
from purchasing.services.paying import pay_supplier, use_credit_note
from purchasing.services.prepaying import use_prepayment_invoice
from purchasing.services.reading_files import capture_file
from retailhub.core.api.once import Body, call, refusal_answer, respond, usable, written
from retailhub.core.api.parsing import CleanJsonParser
from retailhub.core.api.schema import door
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import NotAllowed, NotFound, Offence, Unknown
from retailhub.core.services.answering_once import KeyRequired, answer_once


class UnknownSupplier(Unknown):
    """A supplier code names nothing."""

    code = "unknown_supplier"


class InvoiceFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    supplier = django_filters.CharFilter(field_name="supplier__code", lookup_expr="iexact", max_length=32)
    status = django_filters.ChoiceFilter(choices=InvoiceStatus.choices)
    number = django_filters.CharFilter(max_length=80)

    class Meta:
        model = SupplierInvoice
        fields: list[str] = []


class SupplierInvoices(ListView):
    """List supplier invoices and credit notes, newest first."""

    required_scopes: ClassVar = {"GET": "invoices:read", "POST": "invoices:write"}
    parser_classes = [CleanJsonParser, MultiPartParser]
    filterset_class = InvoiceFilters
    shape = InvoiceSummaryShape

    def rows(self) -> QuerySet[SupplierInvoice]:
        return SupplierInvoice.objects.for_principal(self.principal).select_related("supplier").defer("read")

    def get_queryset(self) -> QuerySet[SupplierInvoice]:
        return SupplierInvoice.objects.none()

    def shown(self, row: SupplierInvoice) -> Mapping[str, Any]:
        return writing.summary(row)

    @door({201: InvoiceShape}, body=SupplierInvoiceBody, keyed=True)
    def post(self, request: Request) -> HttpResponse:
        """Take a supplier's invoice or credit note in, and match it at once.

        Or multipart, with `file` (UBL, CII, or a PDF that carries one of them; 422 `unreadable_document` names the
        place) and `supplier` where the paper does not say it. 409 `duplicate_invoice` for a number that was used.
        """
        sent: Any = request.data
        if not isinstance(sent, QueryDict) or not isinstance(sent.get("file"), UploadedFile):
            return self.once(self.take)
        key = request.headers.get("Idempotency-Key") or ""
        if not key.strip():
            raise KeyRequired
        file: Any = sent["file"]
        code = str(sent.get("supplier") or "")
        supplier = supplier_for(code) if code else None
        # Read before the key is taken: what cannot be read keeps no key and opens no transaction.
        read = read_invoice(file, file.name or "invoice")
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        asked = call(
            request, key=usable(key), content={"file": digest, "supplier": supplier.code if supplier else None}
        )
        return respond(
            answer_once(call=asked, work=lambda: written(*self.take_file(read, file, supplier)), refused=refusal_answer)
        )

    def take(self) -> Body:
        values = SupplierInvoiceBody.read(self.request.data)
        invoice = capture_invoice(
            supplier=supplier_for(values["supplier"]),
            kind=values["kind"],
            number=values["number"],
            invoice_date=values["date"],
            due_date=values["due_date"],
            currency=values["currency"],
            purchase_orders=values["purchase_orders"],
            lines=[_line(line) for line in values["lines"]],
            charges=[BilledCharge(**charge) for charge in values["charges"]],
            tax_total=values["tax_total"],
            total=values["total"],
            corrects=values["corrects"],
            note=values["note"],
            source=SupplierInvoice.Source.API,
            actor=self.principal.actor,
        )
        return self.matched(invoice)

    def take_file(self, read: ReadInvoice, file: Any, supplier: Supplier | None) -> Body:
        return self.matched(capture_file(read=read, file=file, supplier=supplier, actor=self.principal.actor))

    def matched(self, invoice: SupplierInvoice) -> Body:
        match_invoices(invoice_ids=[invoice.pk], actor=self.principal.actor)
        return 201, writing.whole(SupplierInvoice.objects.select_related("supplier").get(pk=invoice.pk))


def _line(values: dict[str, Any]) -> BilledLine:
    return BilledLine(
        **{
            **values,
            "sku": values["sku"] or "",
            "purchase_order": values["purchase_order"] or "",
            "quantity": Decimal(values["quantity"]),
        }
    )


def supplier_for(code: str) -> Supplier:
    """Answer the supplier whose code it is. Raises UnknownSupplier."""
    supplier = Supplier.objects.named(code).first()
    if supplier is None:
        detail = f"no supplier has the code {code}"
        raise UnknownSupplier(errors=[Offence(pointer="/supplier", code="unknown_supplier", detail=detail)])
    return supplier


class OneInvoice(ApiView):
    """A supplier invoice."""

    required_scopes: ClassVar = {"GET": "invoices:read"}

    @door(InvoiceShape)
    def get(self, request: Request, pk: int) -> Response:
        """Read an invoice with its lines, what holds it, and what of it may be paid."""
        return Response(writing.whole(_visible(self, pk, "invoices:read")))


def _visible(view: ApiView, pk: int, scope: str) -> SupplierInvoice:
    rows = SupplierInvoice.objects.for_principal(view.principal, scope).select_related("supplier").defer("read")
    invoice = rows.filter(pk=pk).first() if pk < 2**62 else None
    if invoice is None:
        raise NotFound
    return invoice


class InvoiceVerb(ApiView):
    """Something that is done to one invoice. Who may not see it hears 404, whatever key he sends."""

    required_scopes: ClassVar = {"POST": "invoices:write"}
    scope = "invoices:write"
    keyed: ClassVar[bool] = False

    def post(self, request: Request, pk: int) -> HttpResponse:
        self.invoice = _visible(self, pk, self.scope)
        return self.once(self.act, required=self.keyed)

    def act(self) -> Body:
        raise NotImplementedError

    def shown(self) -> Body:
        """Answer the invoice as it stands now."""
        return 200, writing.whole(_visible(self, self.invoice.pk, self.scope))


class ApprovingVerb(InvoiceVerb):
    required_scopes: ClassVar = {"POST": "invoices:approve"}
    scope = "invoices:approve"
    keyed = True


class Rematch(InvoiceVerb):
    """Hold an invoice against its orders and receipts once more."""

    @door(InvoiceShape, body=NoBody, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Match the invoice anew. It happens by itself whenever a delivery, an order or a return changes something."""
        return super().post(request, pk)

    def act(self) -> Body:
        NoBody.read(self.request.data)
        match_invoices(invoice_ids=[self.invoice.pk], actor=self.principal.actor)
        return self.shown()


class Decide(InvoiceVerb):
    """Say what becomes of held lines."""

    @door(InvoiceShape, body=DecideBody, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Pay what was received at the ordered price, accept as billed (takes invoices:approve), or dispute lines."""
        return super().post(request, pk)

    def act(self) -> Body:
        values = DecideBody.read(self.request.data)
        decisions = {entry["line"]: entry["decision"] for entry in values["decisions"]}
        if "accept" in decisions.values() and not self.principal.may("invoices:approve"):
            raise NotAllowed("To accept as billed takes the right to approve.")
        decide_lines(
            invoice_id=self.invoice.pk, decisions=decisions, reason=values["reason"], actor=self.principal.actor
        )
        return self.shown()


class ReleaseHold(ApprovingVerb):
    """Let a held part pass."""

    @door(InvoiceShape, body=ReleaseBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Let a held part pass, with a reason.

        409 `needs_another_approver` for who entered the invoice and, above the first limit, who wrote the order.
        """
        return super().post(request, pk)

    def act(self) -> Body:
        values = ReleaseBody.read(self.request.data)
        if not Hold.objects.filter(pk=values["hold"], invoice=self.invoice).exists():
            raise NotFound
        release_hold(hold_id=values["hold"], reason=values["reason"], actor=self.principal.actor)
        return self.shown()


class Approve(ApprovingVerb):
    """Agree to pay what may be paid."""

    @door(InvoiceShape, body=ApproveBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Agree to pay what may be paid of the invoice; what is held stays held.

        409 `needs_another_approver`, `nothing_payable`, or `wrong_state` when another amount than `expected` is due.
        """
        return super().post(request, pk)

    def act(self) -> Body:
        values = ApproveBody.read(self.request.data)
        approve_invoice(invoice_id=self.invoice.pk, expected=values["expected"], actor=self.principal.actor)
        return self.shown()


class Post(ApprovingVerb):
    """Have the approved part in the books."""

    @door(InvoiceShape, body=NoBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Post what was approved; of a posted invoice, what was released since."""
        return super().post(request, pk)

    def act(self) -> Body:
        NoBody.read(self.request.data)
        post_invoice(invoice_id=self.invoice.pk, actor=self.principal.actor)
        return self.shown()


class Pay(ApprovingVerb):
    """Book the payment of an invoice."""

    @door(InvoiceShape, body=PayBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Have a payment of the posted invoice booked. 409 `exceeds_posted` above what is posted and open."""
        return super().post(request, pk)

    def act(self) -> Body:
        values = PayBody.read(self.request.data)
        if self.invoice.supplier is None:
            raise NotFound
        amount = values["amount"] or self.invoice.posted_total - self.invoice.paid_total
        pay_supplier(
            supplier=self.invoice.supplier,
            uses={self.invoice.pk: amount},
            paid_on=values["paid_on"] or timezone.localdate(),
            reference=values["reference"],
            actor=self.principal.actor,
        )
        return self.shown()


class OpenDispute(InvoiceVerb):
    """Tell the supplier what is wrong."""

    keyed = True

    @door(InvoiceShape, body=DisputeBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Dispute every held part that nobody accepted. 409 `wrong_state` when nothing is held."""
        return super().post(request, pk)

    def act(self) -> Body:
        values = DisputeBody.read(self.request.data)
        open_dispute(
            invoice_id=self.invoice.pk, note=values["note"], reply_by=values["reply_by"], actor=self.principal.actor
        )
        return self.shown()


class Reject(InvoiceVerb):
    """Refuse an invoice."""

    keyed = True

    @door(InvoiceShape, body=RejectionBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Refuse the paper: it bills nothing, and its number may come again. 409 once a part of it is posted."""
        return super().post(request, pk)

    def act(self) -> Body:
        reject_invoice(
            invoice_id=self.invoice.pk,
            reason=RejectionBody.read(self.request.data)["reason"],
            actor=self.principal.actor,
        )
        return self.shown()


class Credit(ApprovingVerb):
    """Set a credit note or a prepayment off."""

    @door(InvoiceShape, body=CreditBody, keyed=True)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Set a posted credit note, or what was paid of a prepayment, off against a posted invoice of the supplier."""
        return super().post(request, pk)

    def act(self) -> Body:
        values = CreditBody.read(self.request.data)
        target = _visible(self, values["invoice"], self.scope)
        is_prepayment = self.invoice.kind == SupplierInvoice.Kind.PREPAYMENT
        whole, used = (
            (self.invoice.paid_total, self.invoice.used_total)
            if is_prepayment
            else (self.invoice.posted_total, self.invoice.paid_total)
        )
        uses = {target.pk: values["amount"] or min(whole - used, target.posted_total - target.paid_total)}
        today, actor = timezone.localdate(), self.principal.actor
        if is_prepayment:
            use_prepayment_invoice(invoice_id=self.invoice.pk, uses=uses, on=today, actor=actor)
        else:
            use_credit_note(credit_note_id=self.invoice.pk, uses=uses, on=today, actor=actor)
        return self.shown()
