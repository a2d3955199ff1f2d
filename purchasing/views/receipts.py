"""A delivery that came: what it brought, whom it served, and what is decided about it afterwards."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Prefetch
from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Bucket
from purchasing.models import (
    BuyingEvent,
    Claim,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
    Sending,
    SpecialOrder,
)
from purchasing.services.claiming import promise_replacement, withdraw_claim
from purchasing.services.keeping import accept_damaged, keep_free, keep_surplus
from purchasing.services.picturing import kind_of
from purchasing.services.returning import GoingBack, return_goods
from purchasing.services.reversing import reverse_receipt
from purchasing.services.special_orders import end_special_order
from purchasing.services.unbilled import WentBefore, on_hold_of, went_before
from purchasing.transports.registry import way_to
from retailhub.core.pages import Dialog, HouseForm, NotAllowed, ShellPage, or_404


class OneReceipt(ShellPage):
    scope = "purchasing:read"

    @cached_property
    def receipt(self) -> Receipt:
        rows = Receipt.objects.for_principal(self.principal).select_related("supplier", "location")
        return or_404(rows.filter(number=self.kwargs["number"].upper()).first())

    def ensure(self, scope: str) -> None:
        if not self.principal.may(scope, location=self.receipt.location.code):
            raise NotAllowed(scope, self.receipt.location.name)


class ReceiptPage(OneReceipt):
    """The delivery, its lines, photos, claims and timeline."""

    template_name = "purchasing/receipt.html"

    def get_title(self) -> str:
        return self.receipt.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        receipt = self.receipt
        lines = list(
            receipt.lines.select_related("item", "order_line__order", "instead_of")
            .prefetch_related(Prefetch("claims", Claim.objects.order_by("pk")))
            .order_by("line")
        )
        before = went_before(line.pk for line in lines)
        for line in lines:
            gone = before.get(line.pk, WentBefore())
            line.undecided = on_hold_of(line, gone)  # type: ignore[attr-defined]
            line.broken = line.damaged - gone.by_bucket.get(Bucket.DAMAGED, 0)  # type: ignore[attr-defined]
            line.left = line.accepted + line.damaged + line.over + line.free - line.returned  # type: ignore[attr-defined]
        events = list(BuyingEvent.objects.filter(document=receipt.reference).order_by("-at", "-pk")[:200])
        served = [pair for event in events if event.kind == "served" for pair in event.data.get("served", {}).items()]
        code = receipt.location.code
        buys = self.principal.may("purchasing:write", location=code)
        handles = self.principal.may("stock:write", location=code)
        posted = receipt.status == ReceiptStatus.POSTED
        told = [receipt.reference, *{f"supplier_return:{number}" for number in _returns_of(events)}]
        claims = any(claim.state == Claim.State.OPEN for line in lines for claim in line.claims.all())
        may_tell = buys and claims and receipt.supplier is not None
        return self.render(
            receipt=receipt,
            kept_open=[event.text for event in events if event.kind == "kept_open"],
            papers=list(Sending.objects.filter(document__in=told).order_by("-pk")[:10]),
            may_tell=may_tell,
            returns=[] if not self.principal.sees_costs else sorted(_returns_of(events)),
            letter_url=reverse("purchasing:receipt_letter", args=[receipt.number])
            if claims and receipt.supplier and self.principal.sees_costs
            else "",
            lines=lines,
            events=events,
            served=served,
            photos=list(receipt.photos.all()),
            may_decide=posted and buys,
            may_return=posted and handles,
            may_reverse=posted and handles,
            may_count=receipt.status == ReceiptStatus.DRAFT and handles,
            just_done=request.GET.get("done") == "1",
        )


def _returns_of(events: list[BuyingEvent]) -> set[str]:
    return {event.data["return"] for event in events if event.kind == "returned" and "return" in event.data}


class ReasonForm(HouseForm):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


class UnitsForm(HouseForm):
    quantity = forms.IntegerField(label=gettext_lazy("Units"), min_value=1)


class ReturnForm(UnitsForm):
    bucket = forms.ChoiceField(label=gettext_lazy("They stand"), choices=Bucket.choices)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)
    carrier = forms.CharField(label=gettext_lazy("Carrier"), max_length=80, required=False)
    tracking_number = forms.CharField(label=gettext_lazy("Tracking number"), max_length=80, required=False)
    wants_replacement = forms.BooleanField(label=gettext_lazy("The supplier sends others instead"), required=False)
    tell_supplier = forms.BooleanField(label=gettext_lazy("Send him a letter about it"), required=False, initial=True)


class AcceptForm(UnitsForm):
    for_sale = forms.BooleanField(label=gettext_lazy("They can be sold as good"), required=False)


class ReceiptVerb(OneReceipt, Dialog):
    """Something that is decided about a delivery, by whoever holds `needs` where it came in."""

    needs = "purchasing:write"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.ensure(self.needs)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.ensure(self.needs)
        return super().post(request, *args, **kwargs)

    def get_back_url(self) -> str:
        return reverse("purchasing:receipt", args=[self.receipt.number])


class Reverse(ReceiptVerb):
    needs = "stock:write"
    title = gettext_lazy("Reverse this delivery?")
    explanation = gettext_lazy("As if it had never come: goods leave stock, the orders are open again. Claims end.")
    form_class = ReasonForm
    submit_label = gettext_lazy("Reverse")
    done_message = gettext_lazy("The delivery is reversed.")
    danger = True

    def act(self, form: Any) -> None:
        reverse_receipt(receipt_id=self.receipt.pk, reason=form.cleaned_data["reason"], actor=self.principal.actor)


class LineVerb(ReceiptVerb):
    form_class = UnitsForm

    @cached_property
    def line(self) -> ReceiptLine:
        return or_404(self.receipt.lines.select_related("item").filter(line=self.kwargs["line"]).first())

    def get_explanation(self) -> str:
        return f"{self.line.item.name} ({self.line.item.sku})"

    def get_initial(self) -> dict[str, Any]:
        before = went_before([self.line.pk]).get(self.line.pk, WentBefore())
        return {"quantity": max(1, on_hold_of(self.line, before))}


class Keep(LineVerb):
    title = gettext_lazy("Keep the surplus and pay for it?")
    submit_label = gettext_lazy("Keep")
    done_message = gettext_lazy("Kept: the order has a new revision.")

    def act(self, form: Any) -> None:
        keep_surplus(
            receipt_line_id=self.line.pk,
            quantity=form.cleaned_data["quantity"],
            actor=self.principal.actor,
            roles=self.principal.roles,
            may_approve=self.principal.may("purchasing:approve", location=self.receipt.location.code),
        )


class KeepFree(LineVerb):
    title = gettext_lazy("Keep the surplus as free goods?")
    submit_label = gettext_lazy("Keep for free")
    done_message = gettext_lazy("Kept at no cost.")

    def act(self, form: Any) -> None:
        keep_free(receipt_line_id=self.line.pk, quantity=form.cleaned_data["quantity"], actor=self.principal.actor)


class AcceptDamaged(LineVerb):
    title = gettext_lazy("Accept damaged goods after all?")
    form_class = AcceptForm
    submit_label = gettext_lazy("Accept")
    done_message = gettext_lazy("Accepted: they are ours to pay, and are claimed no longer.")

    def get_initial(self) -> dict[str, Any]:
        return {"quantity": max(1, self.line.damaged)}

    def act(self, form: Any) -> None:
        accept_damaged(receipt_line_id=self.line.pk, actor=self.principal.actor, **form.cleaned_data)


class SendBack(LineVerb):
    needs = "stock:write"
    title = gettext_lazy("Send goods back to the supplier")
    form_class = ReturnForm
    submit_label = gettext_lazy("Send back")
    done_message = gettext_lazy("The goods have left for the supplier.")

    def get_initial(self) -> dict[str, Any]:
        before = went_before([self.line.pk]).get(self.line.pk, WentBefore())
        held, broken = on_hold_of(self.line, before), self.line.damaged - before.by_bucket.get(Bucket.DAMAGED, 0)
        bucket = Bucket.ON_HOLD if held else Bucket.DAMAGED if broken else Bucket.SELLABLE
        address = way_to(self.receipt.supplier)[1] if self.receipt.supplier else ""
        return {"quantity": held or broken or 1, "bucket": bucket, "tell_supplier": bool(address)}

    def act(self, form: Any) -> None:
        data = dict(form.cleaned_data)
        going = GoingBack(receipt_line_id=self.line.pk, quantity=data.pop("quantity"), bucket=data.pop("bucket"))
        return_goods(lines=[going], actor=self.principal.actor, **data)


class ClaimVerb(ReceiptVerb):
    @cached_property
    def claim(self) -> Claim:
        return or_404(
            Claim.objects.filter(receipt_line__receipt=self.receipt, number=self.kwargs["claim"].upper()).first()
        )

    def get_explanation(self) -> str:
        return f"{self.claim.number}: {self.claim.get_kind_display()}, {self.claim.quantity}"


class Withdraw(ClaimVerb):
    title = gettext_lazy("Withdraw the claim?")
    form_class = ReasonForm
    submit_label = gettext_lazy("Withdraw")
    danger = True

    def act(self, form: Any) -> None:
        withdraw_claim(claim_id=self.claim.pk, reason=form.cleaned_data["reason"], actor=self.principal.actor)


class Replace(ClaimVerb):
    title = gettext_lazy("Does the supplier send others instead?")
    submit_label = gettext_lazy("Expect a replacement")

    def act(self, form: Any) -> None:
        promise_replacement(claim_id=self.claim.pk, actor=self.principal.actor)


class Photo(OneReceipt):
    """A photo of the delivery: a picture and nothing else, whatever the file says."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        photo = or_404(self.receipt.photos.filter(pk=self.kwargs["pk"]).first())
        try:
            file = photo.file.open("rb")
        except FileNotFoundError:
            return self.turn_away(404, _("Nothing here"), _("The file is gone."))
        kind = kind_of(file.read(16))
        file.seek(0)
        response = FileResponse(file, content_type=kind[1] if kind else "application/octet-stream")
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response


class EndForm(HouseForm):
    choice = forms.ChoiceField(
        label=gettext_lazy("What becomes of the goods?"),
        choices=[
            ("keep", gettext_lazy("Keep them as stock")),
            ("cancel", gettext_lazy("Take them off the order, and tell the supplier")),
            ("move", gettext_lazy("Give them to another waiting customer")),
        ],
    )
    document = forms.CharField(
        label=gettext_lazy("The other customer's order"), max_length=80, required=False,
        help_text=gettext_lazy("Such as OR-1042."),
    )  # fmt: skip
    line = forms.IntegerField(label=gettext_lazy("Line of it"), min_value=1, initial=1, required=False)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)


class EndSpecialOrder(Dialog):
    """Goods on their way for a customer who does not want them: three choices."""

    scope = "purchasing:write"
    title = gettext_lazy("Goods for a customer who does not want them any more")
    form_class = EndForm
    submit_label = gettext_lazy("Decide")
    done_message = gettext_lazy("Decided.")

    @cached_property
    def link(self) -> SpecialOrder:
        rows = SpecialOrder.objects.select_related("order_line__order__ship_to", "order_line__item")
        codes = self.principal.places(self.scope)
        if codes is not None:
            rows = rows.filter(order_line__order__ship_to__code__in=codes)
        return or_404(rows.filter(pk=self.kwargs["pk"]).first())

    def get_explanation(self) -> str:
        link = self.link
        return _("%(units)s of %(item)s on %(order)s for %(document)s. %(state)s.") % {
            "units": link.quantity - link.received,
            "item": link.order_line.item.name,
            "order": link.order_line.order.number,
            "document": link.document,
            "state": link.get_state_display(),
        }

    def get_back_url(self) -> str:
        return reverse("work")

    def act(self, form: Any) -> None:
        data = dict(form.cleaned_data)
        document = data["document"].strip()
        end_special_order(
            special_order_id=self.link.pk,
            choice=data["choice"],
            reason=data["reason"],
            document=document if not document or ":" in document else f"order:{document.upper()}",
            line=data["line"] or 1,
            actor=self.principal.actor,
        )
