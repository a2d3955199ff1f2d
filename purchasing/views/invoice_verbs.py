"""Dialogs about one invoice: each makes one call and goes back to the page of the match."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import (
    Dispute,
    Hold,
    InvoiceLine,
    PurchaseOrder,
    PurchaseOrderLine,
    Supplier,
    SupplierInvoice,
    SupplierPayment,
)
from purchasing.order_forms import DayInput, ReasonForm
from purchasing.services.attributing import BILLABLE, attach_lines, confirm_distinct, name_supplier
from purchasing.services.deciding import (
    REPLY_DAYS,
    draft_dispute,
    end_dispute,
    invoice_difference,
    open_dispute,
    reject_invoice,
    release_hold,
)
from purchasing.services.letters import dispute_letter
from purchasing.services.matching import match_invoices
from purchasing.services.paying import left_of, pay_supplier, sources_of, use_credit_note, use_prepayment
from purchasing.services.telling import tell_of_dispute
from purchasing.transports.registry import way_to
from purchasing.views.invoices import OneInvoice
from purchasing.views.papers import LetterDialog, framed
from retailhub.core.money import exponent
from retailhub.core.pages import Dialog, HouseForm, or_404
from retailhub.core.templatetags.rh import money

MOST_CHOICES = 300


class InvoiceDialog(OneInvoice, Dialog):
    scope = "invoices:write"

    def get_back_url(self) -> str:
        return self.invoice_url()

    def rematch(self) -> None:
        match_invoices(invoice_ids=[self.invoice.pk], actor=self.principal.actor)


class Release(InvoiceDialog):
    """Let a held part pass."""

    scope = "invoices:approve"
    form_class = ReasonForm
    submit_label = gettext_lazy("Let it pass")
    done_message = gettext_lazy("Released.")

    @cached_property
    def hold(self) -> Hold:
        rows = self.invoice.holds.filter(released_at=None).select_related("line", "charge")
        return or_404(rows.filter(pk=self.kwargs["hold"]).first())

    def get_title(self) -> str:
        return _("Let %(code)s pass?") % {"code": self.hold.code}

    def get_explanation(self) -> str:
        hold = self.hold
        return _("%(what)s: %(invoiced)s billed, %(expected)s expected. At risk: %(amount)s.") % {
            "what": hold.get_code_display(),
            "invoiced": hold.invoiced,
            "expected": hold.expected,
            "amount": money(hold.amount_at_risk, self.invoice.currency),
        }

    def act(self, form: Any) -> None:
        release_hold(hold_id=self.hold.pk, reason=form.cleaned_data["reason"], actor=self.principal.actor)


class Reject(InvoiceDialog):
    form_class = ReasonForm
    title = gettext_lazy("Reject this invoice?")
    explanation = gettext_lazy("It bills nothing any more, and its number may come again.")
    submit_label = gettext_lazy("Reject")
    done_message = gettext_lazy("The invoice is rejected.")
    danger = True

    def act(self, form: Any) -> None:
        reject_invoice(invoice_id=self.invoice.pk, reason=form.cleaned_data["reason"], actor=self.principal.actor)


class SupplierForm(HouseForm):
    supplier = forms.ModelChoiceField(
        Supplier.objects.none(),
        to_field_name="code",
        label=gettext_lazy("Supplier"),
        empty_label=gettext_lazy("Choose"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["supplier"]
        field.queryset = Supplier.objects.order_by("name")
        field.label_from_instance = lambda supplier: supplier.name


class NameSupplier(InvoiceDialog):
    form_class = SupplierForm
    title = gettext_lazy("Whose invoice is it?")
    submit_label = gettext_lazy("It is his")
    done_message = gettext_lazy("The lines were looked at anew.")

    def get_explanation(self) -> str:
        seller = (self.invoice.read or {}).get("seller") or {}
        said = [seller.get("name", ""), *seller.get("vat_ids", []), *seller.get("ibans", [])]
        return _("On the paper: %(said)s") % {"said": ", ".join(filter(None, said)) or "\N{EN DASH}"}

    def get_initial(self) -> dict[str, Any]:
        return {"supplier": self.invoice.supplier.code if self.invoice.supplier else None}

    def act(self, form: Any) -> None:
        name_supplier(invoice_id=self.invoice.pk, supplier=form.cleaned_data["supplier"], actor=self.principal.actor)
        self.rematch()


class Distinct(InvoiceDialog):
    title = gettext_lazy("Is it another invoice?")
    explanation = gettext_lazy("It looks like one that is here already. Once you say it is none, it is paid beside it.")
    submit_label = gettext_lazy("It is no duplicate")
    done_message = gettext_lazy("It is not held as a duplicate any more.")
    scope = "invoices:approve"

    def act(self, form: Any) -> None:
        confirm_distinct(invoice_id=self.invoice.pk, actor=self.principal.actor)
        self.rematch()


class AttachForm(HouseForm):
    order_line = forms.ChoiceField(label=gettext_lazy("It bills"), required=False)

    def __init__(self, *args: Any, lines: list[tuple[int | str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["order_line"]
        field.choices, field.rh_quiet = [("", _("No order")), *lines], True


class Attach(InvoiceDialog):
    """Say which line of an order a billed line stands for."""

    form_class = AttachForm
    title = gettext_lazy("Which order line does it bill?")
    submit_label = gettext_lazy("Attach")
    done_message = gettext_lazy("The line was matched anew.")

    @cached_property
    def line(self) -> InvoiceLine:
        return or_404(self.invoice.lines.select_related("item").filter(line=self.kwargs["line"]).first())

    def get_explanation(self) -> str:
        line = self.line
        return _("Line %(line)s: %(units)s of %(what)s, %(net)s net.") % {
            "line": line.line,
            "units": line.quantity,
            "what": line.item.name if line.item else line.description,
            "net": money(line.net_amount, self.invoice.currency),
        }

    def get_initial(self) -> dict[str, Any]:
        return {"order_line": self.line.order_line_id or ""}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Answer the lines that may be meant: of the same goods first, the newest order first."""
        rows = (
            PurchaseOrderLine.objects.filter(
                order__in=PurchaseOrder.objects.for_principal(self.principal, self.scope).filter(
                    supplier=self.invoice.supplier, status__in=BILLABLE
                )
            )
            .select_related("order", "item")
            .order_by("-order_id", "line")
        )
        unbilled = Q(received__gt=F("invoiced") - F("credited") + F("returned")) | Q(open_quantity__gt=0)
        kept = rows.filter(unbilled | Q(pk=self.line.order_line_id))[:MOST_CHOICES]
        found = sorted(kept, key=lambda row: row.item_id != self.line.item_id)
        return {"lines": [(row.pk, self._told(row)) for row in found]}

    def _told(self, row: PurchaseOrderLine) -> str:
        left = max(0, row.received - row.returned - row.invoiced + row.credited)
        return _("%(order)s · %(line)s · %(item)s: %(left)s received and not billed, %(price)s each") % {
            "order": row.order.number,
            "line": row.line,
            "item": row.item.name[:60],
            "left": left,
            "price": money(row.net_amount(1), row.order.currency),
        }

    def act(self, form: Any) -> None:
        chosen = form.cleaned_data["order_line"]
        attach_lines(
            invoice_id=self.invoice.pk,
            order_lines={self.line.line: int(chosen) if chosen else None},
            actor=self.principal.actor,
        )
        self.rematch()


class PayForm(HouseForm):
    amount = forms.DecimalField(label=gettext_lazy("Amount"), max_digits=19, decimal_places=4)
    paid_on = forms.DateField(label=gettext_lazy("Paid on"), widget=DayInput())
    reference = forms.CharField(label=gettext_lazy("As the bank knows it"), max_length=120, required=False)


class Pay(InvoiceDialog):
    """Book what left the bank for this invoice."""

    scope = "invoices:approve"
    form_class = PayForm
    submit_label = gettext_lazy("Book the payment")

    def get_title(self) -> str:
        return _("Pay %(number)s?") % {"number": self.invoice.number}

    @property
    def open_amount(self) -> Decimal:
        return Decimal(self.invoice.posted_total - self.invoice.paid_total)

    def get_explanation(self) -> str:
        return _("%(amount)s is posted and open.") % {"amount": money(self.open_amount, self.invoice.currency)}

    def get_initial(self) -> dict[str, Any]:
        amount = round(self.open_amount, exponent(self.invoice.currency))
        return {"amount": amount, "paid_on": timezone.localdate()}

    def act(self, form: Any) -> str:
        data = form.cleaned_data
        payment = pay_supplier(
            supplier=or_404(self.invoice.supplier),
            uses={self.invoice.pk: data["amount"]},
            paid_on=data["paid_on"],
            reference=data["reference"],
            actor=self.principal.actor,
        )
        amount = money(payment.amount, payment.currency)
        return _("%(amount)s paid, booked as %(number)s.") % {"amount": amount, "number": payment.number}


class SetOffForm(HouseForm):
    source = forms.ChoiceField(label=gettext_lazy("Set off against"))
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), max_digits=19, decimal_places=4, required=False,
        help_text=gettext_lazy("Empty: as much as goes."),
    )  # fmt: skip

    def __init__(self, *args: Any, sources: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["source"]
        field.choices = sources


class SetOff(InvoiceDialog):
    """Settle an invoice with a credit note, or with what was paid ahead."""

    scope = "invoices:approve"
    form_class = SetOffForm
    title = gettext_lazy("Set something off?")
    submit_label = gettext_lazy("Set off")
    done_message = gettext_lazy("Set off.")

    @cached_property
    def sources(self) -> dict[str, SupplierInvoice | SupplierPayment]:
        return {f"{type(row).__name__}:{row.number}": row for row in sources_of(self.invoice)}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"sources": [(key, self._told(row)) for key, row in self.sources.items()]}

    def _told(self, row: SupplierInvoice | SupplierPayment) -> str:
        is_note = isinstance(row, SupplierInvoice)
        words = _("Credit note %(number)s, %(left)s left") if is_note else _("Paid ahead, %(number)s: %(left)s left")
        return words % {"number": row.number, "left": money(left_of(row), row.currency)}

    def act(self, form: Any) -> None:
        invoice, source = self.invoice, self.sources[form.cleaned_data["source"]]
        most = min(left_of(source), invoice.posted_total - invoice.paid_total)
        uses = {invoice.pk: form.cleaned_data["amount"] or most}
        on, actor = timezone.localdate(), self.principal.actor
        if isinstance(source, SupplierInvoice):
            use_credit_note(credit_note_id=source.pk, uses=uses, on=on, actor=actor)
        else:
            use_prepayment(number=source.number, uses=uses, on=on, actor=actor)


class DisputeForm(HouseForm):
    reply_by = forms.DateField(label=gettext_lazy("Answer by"), widget=DayInput())
    note = forms.CharField(
        label=gettext_lazy("In your words"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class OpenDispute(LetterDialog, InvoiceDialog):
    """Tell the supplier what is wrong; the letter is looked at before it goes."""

    form_class = DisputeForm
    title = gettext_lazy("Dispute what is held?")
    submit_label = gettext_lazy("Dispute & send")

    def get_letter_url(self) -> str:
        return reverse("purchasing:invoice_letter", args=[self.invoice.pk])

    @cached_property
    def address(self) -> str:
        return way_to(self.invoice.supplier)[1] if self.invoice.supplier else ""

    def get_explanation(self) -> str:
        amount = money(invoice_difference(self.invoice), self.invoice.currency)
        if not self.address:
            return _("%(amount)s net. The supplier has no e-mail address: print the letter and send it yourself.") % {
                "amount": amount
            }
        return _("%(amount)s net. The letter goes to %(address)s.") % {"amount": amount, "address": self.address}

    def get_initial(self) -> dict[str, Any]:
        return {"reply_by": timezone.localdate() + timedelta(days=REPLY_DAYS)}

    def act(self, form: Any) -> str:
        open_dispute(invoice_id=self.invoice.pk, actor=self.principal.actor, **form.cleaned_data)
        if not self.address:
            return _("Disputed. The supplier has no e-mail address: print the letter and send it yourself.")
        return _("Disputed: the letter goes to %(address)s.") % {"address": self.address}


class EndForm(HouseForm):
    state = forms.ChoiceField(
        label=gettext_lazy("How it ended"),
        choices=[(value, label) for value, label in Dispute.State.choices if value != Dispute.State.OPEN],
    )


class EndDispute(InvoiceDialog):
    form_class = EndForm
    title = gettext_lazy("How did the dispute end?")
    explanation = gettext_lazy("The invoice is matched anew.")
    submit_label = gettext_lazy("End the dispute")
    done_message = gettext_lazy("The dispute is over.")

    @cached_property
    def dispute(self) -> Dispute:
        return or_404(self.invoice.disputes.filter(state=Dispute.State.OPEN).first())

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        or_404(self.dispute)
        return super().get(request, *args, **kwargs)

    def act(self, form: Any) -> None:
        end_dispute(dispute_id=self.dispute.pk, state=form.cleaned_data["state"], actor=self.principal.actor)


class ResendDispute(LetterDialog, InvoiceDialog):
    title = gettext_lazy("Send the letter once more?")
    submit_label = gettext_lazy("Send again")
    done_message = gettext_lazy("The letter goes once more.")

    def get_letter_url(self) -> str:
        return reverse("purchasing:invoice_letter", args=[self.invoice.pk])

    def get_explanation(self) -> str:
        address = way_to(self.invoice.supplier)[1] if self.invoice.supplier else ""
        return _("It goes to %(address)s.") % {"address": address or "\N{EN DASH}"}

    def act(self, form: Any) -> None:
        dispute = or_404(self.invoice.disputes.filter(state=Dispute.State.OPEN).first())
        tell_of_dispute(dispute_id=dispute.pk, actor=self.principal.actor, again=True)


class DisputeLetter(OneInvoice):
    """The letter as the supplier gets it; before the dispute is opened, as he would get it."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        invoice = self.invoice
        or_404(invoice.supplier)
        dispute = invoice.disputes.filter(state=Dispute.State.OPEN).first()
        if dispute is None:
            dispute = draft_dispute(
                invoice, note=request.GET.get("note", "")[:1_000], reply_by=_day(request.GET.get("reply_by", ""))
            )
        dispute.invoice = invoice
        return framed(
            HttpResponse(dispute_letter(dispute), content_type="application/pdf"), f"dispute-{invoice.pk}.pdf"
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


class Rematch(OneInvoice):
    """Hold the invoice against its orders and receipts once more."""

    scope = "invoices:write"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        match_invoices(invoice_ids=[self.invoice.pk], actor=self.principal.actor)
        messages.success(request, _("Matched anew."))
        return self.back()
