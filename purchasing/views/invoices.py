"""Pages about supplier invoices: the match with its decisions, the queue, what is owed, what was never billed."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.db.models import Max, Q, Sum
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import (
    INVOICE_MOVES,
    BuyingEvent,
    Dispute,
    Hold,
    HoldCode,
    InvoiceLine,
    InvoiceStatus,
    Sending,
    SupplierInvoice,
)
from purchasing.services.approving_invoices import approve_and_dispute
from purchasing.services.attributing import UNDECIDED
from purchasing.services.deciding import decide_lines, invoice_difference
from purchasing.services.invoicing import open_codes, payable_of
from purchasing.services.paying import sources_of
from purchasing.services.rule_checking import rules_of
from purchasing.transports.registry import way_to
from purchasing.views.papers import framed
from retailhub.accounting.queries import BUCKETS, OpenItem, open_items
from retailhub.core.errors import DomainError
from retailhub.core.pages import NotAllowed, ShellPage, or_404

PAGE = 100
DECIDABLE = {InvoiceStatus.CAPTURED, InvoiceStatus.ON_HOLD, InvoiceStatus.MATCHED}
TONES = ("info", "good", "warn", "bad")


class OneInvoice(ShellPage):
    """A page about the invoice that its address names."""

    scope = "invoices:read"

    @cached_property
    def invoice(self) -> SupplierInvoice:
        rows = SupplierInvoice.objects.for_principal(self.principal, self.scope).select_related("supplier", "corrects")
        pk = self.kwargs["pk"]
        return or_404(rows.defer("read").filter(pk=pk).first() if pk < 2**62 else None)

    def invoice_url(self) -> str:
        return reverse("purchasing:invoice", args=[self.invoice.pk])

    def back(self) -> HttpResponse:
        if self.is_partial:
            return HttpResponse(status=204, headers={"HX-Redirect": self.invoice_url()})
        return HttpResponseRedirect(self.invoice_url())


class InvoicePage(OneInvoice):
    """Per line what was ordered, received and billed; what may be paid; what happened; the paper at the side."""

    template_name = "purchasing/invoice.html"

    def get_title(self) -> str:
        return self.invoice.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        invoice, may = self.invoice, self.principal.may
        lines = list(invoice.lines.select_related("item", "order_line__order"))
        charges = list(invoice.charges.select_related("order_charge"))
        holds: dict[tuple[int | None, int | None], list[Hold]] = {}
        for hold in invoice.holds.filter(released_at=None):
            holds.setdefault((hold.line_id, hold.charge_id), []).append(hold)
        sums = payable_of(invoice, lines, charges, open_codes(invoice))
        now = max(sums.total - invoice.posted_total, Decimal(0))
        guesses = dict(invoice.guesses)
        is_open = invoice.status not in (InvoiceStatus.REJECTED, InvoiceStatus.CREDITED)
        writes, approves = is_open and may("invoices:write"), is_open and may("invoices:approve")
        dispute = invoice.disputes.first()
        is_disputed = dispute is not None and dispute.state == Dispute.State.OPEN
        moves = INVOICE_MOVES.get(invoice.status, set())
        due = invoice.posted_total - invoice.paid_total
        everything = [hold for some in holds.values() for hold in some]
        return self.render(
            invoice=invoice,
            rows=[
                {
                    "line": line,
                    "holds": holds.get((line.pk, None), []),
                    "is_held": any(not x.is_warning for x in holds.get((line.pk, None), [])),
                    "ordered": line.order_line.quantity - line.order_line.cancelled if line.order_line else None,
                    "guess": guesses.get(f"/lines/{line.line - 1}"),
                    "ordered_price": line.order_line.net_amount(1) if line.order_line else None,
                    "billed_price": line.net_amount / line.quantity if line.quantity else line.net_amount,
                    "variance": line.net_amount - line.order_line.net_amount(line.quantity)
                    if line.order_line
                    else None,
                    "received": line.order_line.received - line.order_line.returned if line.order_line else None,
                }
                for line in lines
            ],
            charges=[{"charge": charge, "holds": holds.get((None, charge.pk), [])} for charge in charges],
            holds=holds.get((None, None), []),
            guess=guesses.get("/supplier"),
            sums=sums,
            now=now,
            difference=invoice_difference(invoice),
            may_decide=writes,
            may_accept=approves,
            may_approve=approves and now > 0,
            may_release=approves,
            may_reject=writes and InvoiceStatus.REJECTED in moves,
            may_name=writes and invoice.status in UNDECIDED and (invoice.supplier is None or "/supplier" in guesses),
            may_attach=writes and invoice.supplier is not None,
            may_pay=approves and due > 0 and invoice.kind == SupplierInvoice.Kind.INVOICE,
            may_set_off=approves and bool(sources_of(invoice)),
            may_dispute=writes and not is_disputed and any(not hold.is_warning for hold in everything),
            may_end_dispute=writes and is_disputed,
            may_rematch=writes and invoice.supplier is not None,
            is_duplicate=any(hold.code == HoldCode.DUP for hold in everything),
            dispute=dispute,
            papers=list(Sending.objects.filter(document=invoice.reference)[:10]),
            resend_url=reverse("purchasing:invoice_resend", args=[invoice.pk]) if writes and is_disputed else "",
            letter_url=reverse("purchasing:invoice_letter", args=[invoice.pk]) if is_disputed else "",
            has_rules=bool(invoice.file and invoice.read),
            timeline=BuyingEvent.objects.filter(document=invoice.reference),
            is_pdf=(invoice.file.name or "").lower().endswith(".pdf") if invoice.file else False,
        )


class DecideLine(OneInvoice):
    """One line decided by one press: pay what was received, accept, or dispute; pressed again, taken back."""

    scope = "invoices:write"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        decision = request.POST.get("decision", "")
        if decision == "accept" and not self.principal.may("invoices:approve"):
            raise NotAllowed("invoices:approve")
        try:
            decide_lines(
                invoice_id=self.invoice.pk,
                decisions={self.kwargs["line"]: decision},
                reason=request.POST.get("reason", "")[:200],
                actor=self.principal.actor,
            )
        except DomainError as refusal:
            messages.error(request, refusal.detail)
        return self.back()


class ApproveAndDispute(OneInvoice):
    """Pay what is right, tell the supplier what is not: one press."""

    scope = "invoices:approve"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.sent_before():
            return self.back()
        try:
            expected = Decimal(request.POST.get("expected") or "0")
            approve_and_dispute(invoice_id=self.invoice.pk, actor=self.principal.actor, expected=expected)
            supplier = self.invoice.supplier
            if supplier and not way_to(supplier)[1] and self.invoice.disputes.filter(state="open").exists():
                messages.warning(request, _("The supplier has no e-mail address: print the letter and send it."))
            messages.success(request, _("Approved and in the books."))
        except (DomainError, ArithmeticError) as refusal:
            self.may_be_sent_again()
            messages.error(request, getattr(refusal, "detail", None) or _("The amount cannot be read."))
        return self.back()


class InvoiceFile(OneInvoice):
    """The paper itself, for who may see the invoice."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        if not self.invoice.file:
            raise Http404
        try:
            stream = self.invoice.file.open("rb")
        except FileNotFoundError as error:
            raise Http404 from error
        is_pdf = stream.read(5) == b"%PDF-"
        stream.seek(0)
        if is_pdf:
            return framed(FileResponse(stream, content_type="application/pdf"), f"invoice-{self.invoice.pk}.pdf")
        answer = FileResponse(stream, content_type="application/octet-stream", as_attachment=True)
        answer["X-Content-Type-Options"] = "nosniff"
        return answer


class Rules(OneInvoice):
    """What the official rules of EN 16931 say of the file, asked when somebody looks; nothing is refused for it."""

    template_name = "purchasing/invoice_rules.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(findings=rules_of(self.invoice))


class Invoices(ShellPage):
    """The queue, by the day it is due."""

    scope = "invoices:read"
    title = gettext_lazy("Supplier invoices")
    template_name = "purchasing/invoices.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = request.GET.get("status", "")
        rows = SupplierInvoice.objects.for_principal(self.principal).select_related("supplier").defer("read")
        if asked in InvoiceStatus.values:
            rows = rows.filter(status=asked)
        else:
            rows = rows.exclude(status__in=[InvoiceStatus.PAID, InvoiceStatus.REJECTED, InvoiceStatus.CREDITED])
        if words := request.GET.get("q", "").strip()[:80]:
            rows = rows.filter(Q(number__icontains=words) | Q(supplier__name__icontains=words))
        held = Q(holds__released_at=None, holds__is_warning=False)
        rows = rows.annotate(
            at_risk=Sum("holds__amount_at_risk", filter=held), since=Max("holds__opened_at", filter=held)
        ).order_by("due_date", "pk")
        shown = list(rows[:PAGE])
        orders: dict[int, list[str]] = {}
        named = InvoiceLine.objects.filter(invoice__in=shown, order_line__isnull=False).order_by("order_line__order")
        for pk, number in named.values_list("invoice", "order_line__order__number").distinct():
            orders.setdefault(pk, []).append(number)
        for row in shown:
            row.orders = ", ".join(orders.get(row.pk, ()))  # type: ignore[attr-defined]
        return self.render(
            rows=shown,
            next_one=next((row for row in shown if row.status in DECIDABLE), None),
            statuses=InvoiceStatus.choices,
            asked=asked,
            words=words,
            may_upload=self.principal.may("invoices:write"),
        )


class Aged(ShellPage):
    """An account of open items with their age: a chart and the table it is drawn from."""

    scope = "invoices:read"
    template_name = "purchasing/aged.html"
    role: ClassVar[str] = ""
    explanation: ClassVar[Any] = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.principal.sees_costs or self.principal.places(self.scope) is not None:
            # The books are one: who sees some places only would read a sum that is not theirs.
            raise NotAllowed("costs:read")
        items = open_items(self.role, today=timezone.localdate())
        sums = {bucket: Decimal(0) for bucket in BUCKETS}
        for item in items:
            sums[item.bucket] += -item.balance
        whole = sum((abs(x) for x in sums.values()), Decimal(0))
        parties: dict[str, Decimal] = {}
        for item in items:
            parties[item.party] = parties.get(item.party, Decimal(0)) - item.balance
        return self.render(
            items=[_aged(item) for item in items[:500]],
            more=max(0, len(items) - 500),
            buckets=[
                {"name": name, "amount": sums[name], "tone": tone, "share": _share(sums[name], whole)}
                for name, tone in zip(BUCKETS, TONES, strict=True)
            ],
            parties=sorted(parties.items(), key=lambda pair: -abs(pair[1])),
            total=sum(sums.values(), Decimal(0)),
            explanation=self.explanation,
            home_currency=settings.HOME_CURRENCY,
        )


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{abs(part) * 100 / whole:.2f}" if whole else "0"


def _aged(item: OpenItem) -> dict[str, Any]:
    document, _hash, line = item.reference.partition("#")
    return {
        "document": document,
        "line": line,
        "party": item.party.removeprefix("supplier:"),
        "since": item.since,
        "days": item.days,
        "amount": -item.balance,
        "bucket": item.bucket,
    }


class Payables(Aged):
    title = gettext_lazy("What we owe")
    role = "payable"
    explanation = gettext_lazy("Posted invoices less what was paid and credited, to whom and since when.")


class NotInvoiced(Aged):
    title = gettext_lazy("Received, not invoiced")
    role = "grni"
    explanation = gettext_lazy("Goods in the house that no supplier billed yet, receipt line by receipt line.")
