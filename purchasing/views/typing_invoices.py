"""Invoices that come in by hand: typed beside their paper, or uploaded as a file that is read."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db.models import F, Sum
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.refusing import UnreadableDocument
from purchasing.invoice_forms import CHARGES, InvoiceForm, Typed, TypedRow, blank_row, row_of, typed
from purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierInvoice
from purchasing.services.attributing import BILLABLE
from purchasing.services.capturing import capture_invoice
from purchasing.services.matching import match_invoices
from purchasing.services.reading_files import capture_file
from purchasing.services.waiting_papers import forget_paper, keep_paper, opened, paper_of
from purchasing.views.papers import framed
from retailhub.core.access import Principal
from retailhub.core.errors import DomainError
from retailhub.core.money import currencies, round_total
from retailhub.core.pages import ShellPage, or_404

MOST_ORDERS = 20


class TypeInvoice(ShellPage):
    """Type an invoice beside its paper, with what the supplier may bill at hand."""

    scope = "invoices:write"
    title = gettext_lazy("Type an invoice")
    template_name = "purchasing/invoice_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        supplier = Supplier.objects.named(request.GET.get("supplier", "")[:32]).first()
        initial = {"supplier": supplier.code, "currency": supplier.currency} if supplier else {}
        return self.show(InvoiceForm(initial=initial), Typed([blank_row()], []), supplier)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = InvoiceForm(request.POST)
        self.keep(form)
        form.is_valid()
        supplier = form.cleaned_data.get("supplier")
        told = typed(request.POST, currency=currency_of(request))
        if not told.rows and not told.charges:
            form.add_error(None, _("An invoice has lines."))
        if form.is_valid() and told.is_sound:
            self.check_sums(form, told)
        if not form.is_valid() or not told.is_sound:
            return self.show(form, told, supplier, status=422)
        if self.sent_before():
            messages.info(request, _("This was saved already."))
            return HttpResponseRedirect(reverse("purchasing:invoices"))
        try:
            invoice = self.save(form, told)
        except DomainError as refusal:
            self.may_be_sent_again()
            form.refuse(told.refuse(refusal))
            return self.show(form, told, supplier, status=409)
        except BaseException:
            self.may_be_sent_again()
            raise
        return HttpResponseRedirect(reverse("purchasing:invoice", args=[invoice.pk]))

    def keep(self, form: InvoiceForm) -> None:
        """Keep a paper that comes with the form itself, where nothing sent it ahead."""
        file: Any = self.request.FILES.get("paper_file")
        if isinstance(file, UploadedFile):
            try:
                self.paper = keep_paper(file=file, actor=self.principal.actor)
            except DomainError as refusal:
                form.add_error(None, refusal.detail)

    @cached_property
    def paper(self) -> str:
        """The token of the paper beside the form, if there is one."""
        told = (self.request.POST if self.request.method == "POST" else self.request.GET).get("paper", "")[:400]
        return told if told and paper_of(told, actor=self.principal.actor) else ""

    def check_sums(self, form: InvoiceForm, told: Typed) -> None:
        data = form.cleaned_data
        if data["says_so"]:
            return
        net, tax = told.sums(data["currency"], data["supplier"].tax_rate)
        stated_tax = data["tax_total"]
        if stated_tax is not None and stated_tax != tax:
            form.add_error("tax_total", _("The lines come to %(tax)s of tax.") % {"tax": tax})
        if data["total"] != net + tax:
            said = _("Lines, charges and tax come to %(sum)s, %(gap)s %(more)s than that.") % {
                "sum": net + tax,
                "gap": abs(net + tax - data["total"]),
                "more": _("more") if net + tax > data["total"] else _("less"),
            }
            form.add_error("total", said)
        if form.errors:
            form.add_error("says_so", _("Correct what was typed, or say that the paper is like that: it is held then."))

    def save(self, form: InvoiceForm, told: Typed) -> SupplierInvoice:
        data, actor = form.cleaned_data, self.principal.actor
        asked: dict[str, Any] = {
            "supplier": data["supplier"],
            "kind": data["kind"],
            "number": data["number"],
            "invoice_date": data["date"],
            "due_date": data["due_date"],
            "currency": data["currency"],
            "corrects": data["corrects"],
            "lines": told.lines,
            "charges": told.billed,
            "tax_total": data["tax_total"],
            "total": data["total"],
            "actor": actor,
        }
        path = paper_of(self.paper, actor=actor) if self.paper else ""
        if path:
            with opened(path) as file:
                invoice = capture_invoice(**asked, file=File(file, name=f"{uuid4().hex}.pdf"))
            forget_paper(path)
        else:
            invoice = capture_invoice(**asked)
        match_invoices(invoice_ids=[invoice.pk], actor=actor)
        return invoice

    def show(self, form: InvoiceForm, told: Typed, supplier: Supplier | None, *, status: int = 200) -> HttpResponse:
        return self.render(
            status=status,
            form=form,
            rows=told.rows or [blank_row()],
            charges=told.charges or [TypedRow({"code": "freight", "amount": "", "tax": ""})],
            charge_codes=CHARGES.items(),
            paper=self.paper,
            orders=billable_of(supplier, self.principal),
            supplier=supplier,
            once=uuid4().hex,
            asks_whether_so="says_so" in form.errors or bool(form["says_so"].value()),
            **sums_of(form, told, supplier),
        )


class CheckSums(ShellPage):
    """What the lines come to, while they are typed."""

    scope = "invoices:write"
    http_method_names = ["post"]
    template_name = "purchasing/invoice_sums.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = InvoiceForm(request.POST)
        form.is_valid()
        supplier = form.cleaned_data.get("supplier")
        told = typed(request.POST, currency=currency_of(request))
        return self.render(**sums_of(form, told, supplier), rows=told.rows)


class OrdersToBill(ShellPage):
    """The orders of a supplier of which goods came that nobody billed, beside the form."""

    scope = "invoices:write"
    template_name = "purchasing/invoice_orders.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        supplier = Supplier.objects.named(request.GET.get("supplier", "")[:32]).first()
        return self.render(orders=billable_of(supplier, self.principal), supplier=supplier, is_fresh=True)


class RowsToBill(ShellPage):
    """The lines of an order as rows of the form, with what came and was not billed; or one empty row."""

    scope = "invoices:write"
    template_name = "purchasing/invoice_rows.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        number = request.GET.get("order", "")[:20]
        if not number:
            return self.render(rows=[blank_row()])
        mine = PurchaseOrder.objects.for_principal(self.principal, self.scope)
        order = or_404(mine.filter(number=number, status__in=BILLABLE).first())
        lines = order.lines.select_related("item", "order").order_by("line")
        rows = [row_of(line, units) for line in lines if (units := unbilled_of(line)) > 0]
        return self.render(rows=rows)


class KeepPaper(ShellPage):
    """Take the paper in before anything is typed, and show it."""

    scope = "invoices:write"
    http_method_names = ["post"]
    template_name = "purchasing/invoice_paper.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        file: Any = request.FILES.get("paper_file")
        try:
            if not isinstance(file, UploadedFile):
                raise DomainError(_("Choose a file first."))
            return self.render(paper=keep_paper(file=file, actor=self.principal.actor))
        except DomainError as refusal:
            return self.render(refusal=refusal.detail)


class WaitingPaper(ShellPage):
    """The paper beside the form, for who uploaded it."""

    scope = "invoices:write"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        path = paper_of(self.kwargs["token"], actor=self.principal.actor)
        if not path:
            raise Http404
        file = default_storage.open(path, "rb")
        return framed(FileResponse(file, content_type="application/pdf"), "invoice.pdf")


class UploadInvoice(ShellPage):
    """A file that is read, recognised and matched in one go. A PDF without data is typed beside itself."""

    scope = "invoices:write"
    title = gettext_lazy("Upload an invoice")
    template_name = "purchasing/invoice_upload.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        file: Any = request.FILES.get("file")
        actor = self.principal.actor
        supplier = Supplier.objects.named(request.POST.get("supplier", "")[:32]).first()
        paper = ""
        try:
            if not isinstance(file, UploadedFile):
                raise DomainError(_("Choose a file first."))
            try:
                read = read_invoice(file, file.name or "invoice")  # type: ignore[arg-type]
            except UnreadableDocument:
                paper = self.keep(file)
                raise
            file.seek(0)
            invoice = capture_file(read=read, file=file, supplier=supplier, actor=actor)
        except DomainError as refusal:
            return self.render(status=refusal.status, refusal=refusal, paper=paper, twin=_twin(refusal))
        match_invoices(invoice_ids=[invoice.pk], actor=actor)
        return HttpResponseRedirect(reverse("purchasing:invoice", args=[invoice.pk]))

    def keep(self, file: Any) -> str:
        """Keep a PDF that carries nothing to read, for typing beside it; answer nothing for another file."""
        file.seek(0)
        try:
            return keep_paper(file=file, actor=self.principal.actor)
        except DomainError:
            return ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(suppliers=Supplier.objects.order_by("name").only("code", "name"), **kwargs)


# --- the parts -------------------------------------------------------------------------------------------------------
def _twin(refusal: DomainError) -> int | None:
    return next((error.extra["id"] for error in refusal.errors if "id" in error.extra), None)


def currency_of(request: HttpRequest) -> str:
    code = request.POST.get("currency", "")[:3].upper()
    return code if code in currencies() else "EUR"


def sums_of(form: InvoiceForm, told: Typed, supplier: Supplier | None) -> dict[str, Any]:
    """Answer what lines, charges and tax come to, and how far that is from what the paper says."""
    currency = str(form["currency"].value() or "").upper()
    if currency not in currencies():
        currency = "EUR"
    net, tax = told.sums(currency, supplier.tax_rate if supplier else Decimal(0))
    data = getattr(form, "cleaned_data", {})
    stated = data.get("total")
    gap = None if stated is None else round_total(stated, currency) - net - tax
    return {
        "net": net,
        "tax": tax,
        "sum": net + tax,
        "stated": stated,
        "gap": gap,
        "gap_size": None if gap is None else abs(gap),
        "sums_currency": currency,
    }


def unbilled_of(line: PurchaseOrderLine) -> int:
    """Units that came and were kept, and that nobody billed."""
    return max(0, line.received - line.returned - line.invoiced + line.credited)


def billable_of(supplier: Supplier | None, principal: Principal) -> list[PurchaseOrder]:
    """Answer the supplier's orders of which something came and was not billed, oldest first. One query."""
    if supplier is None:
        return []
    left = F("lines__received") - F("lines__returned") - F("lines__invoiced") + F("lines__credited")
    mine = PurchaseOrder.objects.for_principal(principal, "invoices:write")
    rows = mine.filter(supplier=supplier, status__in=BILLABLE).annotate(unbilled=Sum(left))
    return list(rows.filter(unbilled__gt=0).order_by("issued_at", "pk")[:MOST_ORDERS])
