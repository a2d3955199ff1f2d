"""The page of a purchase order, and the dialogs that move it on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import (
    OPEN,
    ORDER_MOVES,
    BuyingEvent,
    OrderStatus,
    Proposal,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseRevision,
    Sending,
)
from purchasing.order_forms import AcknowledgeForm, AmendForm, ReasonForm, RejectForm
from purchasing.services.acknowledging import acknowledge_purchase_order
from purchasing.services.amending import AMENDABLE, accept_proposal, amend_purchase_order, refuse_proposal
from purchasing.services.approving import approval_of, approve_purchase_order, send_back, submit_purchase_order
from purchasing.services.closing import (
    cancel_purchase_order,
    close_short,
    hold_purchase_order,
    release_purchase_order,
)
from purchasing.services.issuing import send_purchase_order
from purchasing.services.printing import order_paper
from purchasing.services.progress import progress_of
from purchasing.services.sending import resend_paper
from purchasing.transports.registry import way_to
from retailhub.core.money import round_cost, round_total
from retailhub.core.pages import Dialog, NotAllowed, ShellPage, or_404

WAITING = {OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED}


class OneOrder(ShellPage):
    """A page about the order that its address names."""

    scope = "purchasing:read"

    @cached_property
    def order(self) -> PurchaseOrder:
        rows = PurchaseOrder.objects.for_principal(self.principal, self.scope).select_related("supplier", "ship_to")
        return or_404(rows.filter(number=self.kwargs["number"]).first())

    @cached_property
    def lines(self) -> list[PurchaseOrderLine]:
        return list(self.order.lines.select_related("item").prefetch_related("special_orders").order_by("line"))

    def order_url(self) -> str:
        return reverse("purchasing:order", args=[self.order.number])

    def may(self, scope: str) -> bool:
        return self.principal.may(scope, location=self.order.ship_to.code)


class OrderPage(OneOrder):
    """What was ordered and what became of it, its revisions and its story, and the next step."""

    template_name = "purchasing/order.html"

    def get_title(self) -> str:
        return self.order.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order, costs = self.order, self.principal.sees_costs
        charges = list(order.charges.order_by("code")) if costs else []
        revisions = list(PurchaseRevision.objects.filter(order=order).order_by("-number"))
        papers = list(Sending.objects.filter(document=order.reference)[:20])
        today, is_open = timezone.localdate(), order.status in OPEN
        lines = [_line(line, order.currency, today, is_open=is_open) for line in self.lines]
        return self.render(
            order=order,
            sees_costs=costs,
            lines=lines,
            charges=charges,
            tax=_tax(self.lines, charges, order.currency) if costs else None,
            progress=progress_of(self.lines),
            is_late=any(entry["late"] for entry in lines),
            revisions=[_revision(row, costs) for row in revisions],
            proposals=[self._proposal(row) for row in order.proposals.filter(state=Proposal.State.OPEN)],
            timeline=list(BuyingEvent.objects.filter(document=order.reference).order_by("-pk")[:200]),
            papers=papers,
            no_address=bool(order.revision) and not papers and not way_to(order.supplier)[1],
            **self._steps(),
        )

    def _steps(self) -> dict[str, Any]:
        order = self.order
        writes, approves = self.may("purchasing:write"), self.may("purchasing:approve")
        status, moves = order.status, ORDER_MOVES.get(order.status, set())
        is_free = status == OrderStatus.DRAFT and approval_of(order).is_free
        return {
            "may_edit": writes and status in WAITING,
            "may_send": writes and (status == OrderStatus.APPROVED or (status == OrderStatus.DRAFT and is_free)),
            "send_approves": is_free,
            "may_submit": writes and status == OrderStatus.DRAFT and not is_free,
            "may_approve": approves and status == OrderStatus.SUBMITTED,
            "may_send_back": approves and status == OrderStatus.SUBMITTED,
            "may_acknowledge": writes and status == OrderStatus.ISSUED,
            "may_amend": writes and status in AMENDABLE,
            "may_hold": writes and OrderStatus.ON_HOLD in moves,
            "may_release": writes and status == OrderStatus.ON_HOLD,
            "may_close": writes and OrderStatus.CLOSED_SHORT in moves and any(x.received for x in self.lines),
            "may_cancel": writes
            and OrderStatus.CANCELLED in moves
            and not any(x.received or x.rejected for x in self.lines),
            "may_resend": writes and order.revision > 0,
        }

    def _proposal(self, row: Proposal) -> dict[str, Any]:
        scope = "purchasing:approve" if row.by == Proposal.By.BUYER else "purchasing:write"
        by_number = {line.line: line for line in self.lines}
        told = []
        for change in row.changes.get("lines", ()):
            line = by_number.get(change.get("line"))
            if line is None:
                continue
            before = {
                "quantity": line.quantity - line.cancelled,
                "expected_on": line.expected_on,
                "price": line.price.normalize() + 0,
                "unit_cost": round_cost(line.net_amount(1)).normalize() + 0,
            }
            told += [
                {"line": line.line, "what": WORDS[name], "before": stood, "after": change[name]}
                for name, stood in before.items()
                if name in change and (self.principal.sees_costs or name not in _MONEY)
            ]
        return {"row": row, "changes": told, "may_decide": self.may(scope), "rejected": row.changes.get("rejected")}


WORDS: dict[str, Any] = {
    "quantity": gettext_lazy("quantity"),
    "expected_on": gettext_lazy("day"),
    "price": gettext_lazy("price"),
    "unit_cost": gettext_lazy("price"),
    "cancelled": gettext_lazy("cancelled"),
    "note": gettext_lazy("note"),
    "discount_percent": gettext_lazy("discount"),
    "net_total": gettext_lazy("total"),
}
_MONEY = {"price", "unit_cost", "net_total", "discount_percent", "amount", "tax_rate", "charges"}


def _line(line: PurchaseOrderLine, currency: str, today: date, *, is_open: bool) -> dict[str, Any]:
    due = line.confirmed_on or line.expected_on
    return {
        "line": line,
        "wanted": line.quantity - line.cancelled,
        "due": due,
        "late": is_open and bool(line.open_quantity) and due is not None and due < today,
        "net": round_total(line.net_amount(line.quantity - line.cancelled), currency),
        "links": [link for link in line.special_orders.all() if link.state == "open"],
    }


def _tax(lines: list[PurchaseOrderLine], charges: list[Any], currency: str) -> Any:
    goods = [(line.net_amount(line.quantity - line.cancelled), line.tax_rate) for line in lines]
    return sum(
        (round_total(net * rate, currency) for net, rate in [*goods, *((c.amount, c.tax_rate) for c in charges)]),
        Decimal(0),
    )


def _revision(row: PurchaseRevision, costs: bool) -> dict[str, Any]:
    told = []
    for pointer, before, after in row.changes:
        parts = str(pointer).strip("/").split("/")
        if not costs and set(parts) & _MONEY:
            continue
        where = _("Line %s") % (int(parts[1]) + 1) if parts[0] == "lines" and len(parts) > 1 else ""
        name = parts[-1] if not parts[-1].isdecimal() else ""
        if isinstance(after, dict):
            before, after = (
                "",
                f"{after.get('quantity', '')} \N{MULTIPLICATION SIGN} {after.get('sku', after.get('code', ''))}",
            )
        elif isinstance(before, dict):
            before, after = f"{before.get('sku', before.get('code', ''))}", ""
        told.append({"where": where, "what": WORDS.get(name, name), "before": before, "after": after})
    return {"row": row, "changes": told}


class Paper(OneOrder):
    """The order's paper as a PDF."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order = self.order
        if not self.principal.sees_costs:
            raise NotAllowed("costs:read")
        kind = "cancellation" if order.status == OrderStatus.CANCELLED and order.revision else "order"
        if kind == "order" and order.revision > 1:
            kind = "revision"
        return HttpResponse(
            order_paper(order, kind=kind),
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{order.number}.pdf"'},
        )


class OrderDialog(OneOrder, Dialog):
    scope = "purchasing:write"

    def get_back_url(self) -> str:
        return self.order_url()


class SendOrder(OrderDialog):
    """The last step of flow 1: one look at what goes where, then Send."""

    submit_label = gettext_lazy("Send")

    def get_title(self) -> str:
        return _("Send %(number)s to %(supplier)s?") % {
            "number": self.order.number,
            "supplier": self.order.supplier.name,
        }

    def get_explanation(self) -> str:
        address = way_to(self.order.supplier)[1]
        if not address:
            return _("He has no e-mail address: print the paper and send it yourself. Goods are expected from now on.")
        return _("The paper goes to %(address)s. Goods are expected from now on.") % {"address": address}

    def act(self, form: Any) -> str:
        order = send_purchase_order(order_id=self.order.pk, actor=self.principal.actor)
        if order.status == OrderStatus.SUBMITTED:
            return _("%(number)s waits for somebody else's approval.") % {"number": order.number}
        return _("%(number)s is on its way to the supplier.") % {"number": order.number}


class SubmitOrder(OrderDialog):
    title = gettext_lazy("Ask for approval?")
    explanation = gettext_lazy(
        "Its value is above what whoever writes it may approve. Somebody else agrees to it first."
    )
    submit_label = gettext_lazy("Submit")
    done_message = gettext_lazy("The order waits for approval.")

    def act(self, form: Any) -> None:
        submit_purchase_order(order_id=self.order.pk, actor=self.principal.actor)


class ApproveOrder(OrderDialog):
    scope = "purchasing:approve"
    title = gettext_lazy("Approve this order?")
    submit_label = gettext_lazy("Approve")
    done_message = gettext_lazy("The order is approved and can be sent.")

    def act(self, form: Any) -> None:
        approve_purchase_order(order_id=self.order.pk, actor=self.principal.actor, roles=self.principal.roles)


class SendBackOrder(OrderDialog):
    scope = "purchasing:approve"
    form_class = ReasonForm
    title = gettext_lazy("Give it back to whoever wrote it?")
    submit_label = gettext_lazy("Give back")
    done_message = gettext_lazy("The order is a draft again.")

    def act(self, form: Any) -> None:
        send_back(order_id=self.order.pk, actor=self.principal.actor, reason=form.cleaned_data["reason"])


class HoldOrder(OrderDialog):
    form_class = ReasonForm
    title = gettext_lazy("Hold this order?")
    explanation = gettext_lazy("It is not sent, and nothing is expected of it until it is released.")
    submit_label = gettext_lazy("Hold")
    done_message = gettext_lazy("The order is held.")

    def act(self, form: Any) -> None:
        hold_purchase_order(order_id=self.order.pk, actor=self.principal.actor, reason=form.cleaned_data["reason"])


class ReleaseOrder(OrderDialog):
    title = gettext_lazy("Let it go on?")
    submit_label = gettext_lazy("Release")
    done_message = gettext_lazy("The order goes on.")

    def act(self, form: Any) -> None:
        release_purchase_order(order_id=self.order.pk, actor=self.principal.actor)


class CancelOrder(OrderDialog):
    form_class = ReasonForm
    title = gettext_lazy("Cancel this order?")
    explanation = gettext_lazy("Nothing is expected of it any more. A supplier who had it is told.")
    submit_label = gettext_lazy("Cancel the order")
    done_message = gettext_lazy("The order is cancelled.")
    danger = True

    def act(self, form: Any) -> None:
        cancel_purchase_order(order_id=self.order.pk, actor=self.principal.actor, reason=form.cleaned_data["reason"])


class CloseShortOrder(OrderDialog):
    form_class = ReasonForm
    title = gettext_lazy("Give up what is still open?")
    explanation = gettext_lazy("It is not expected any more. What came can still be billed.")
    submit_label = gettext_lazy("Close short")
    done_message = gettext_lazy("The order is closed short.")
    danger = True

    def act(self, form: Any) -> None:
        close_short(order_id=self.order.pk, actor=self.principal.actor, reason=form.cleaned_data["reason"])


class ResendPaper(OrderDialog):
    submit_label = gettext_lazy("Send again")
    done_message = gettext_lazy("The paper goes once more.")
    title = gettext_lazy("Send the paper once more?")

    def get_explanation(self) -> str:
        return _("It goes to %(address)s.") % {"address": way_to(self.order.supplier)[1] or "\N{EN DASH}"}

    def act(self, form: Any) -> None:
        resend_paper(order_id=self.order.pk, actor=self.principal.actor)


class LinesDialog(OrderDialog):
    """A page of its own with a row of fields per line."""

    template_name = "purchasing/order_lines.html"

    def show(self, form: Any, *, status: int = 200) -> HttpResponse:
        return self.render(
            self.template_name,
            status=status,
            form=form,
            once=uuid4().hex,
            order=self.order,
            submit_label=self.submit_label,
            explanation=self.get_explanation(),
            back_url=self.get_back_url(),
            action_url=self.request.get_full_path(),
        )

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"lines": self.lines, "costs": self.principal.sees_costs}


class AmendOrder(LinesDialog):
    form_class = AmendForm
    submit_label = gettext_lazy("Send the revision")
    explanation = gettext_lazy(
        "The supplier gets a numbered revision with what changed marked. 0 units call a line off."
    )

    def get_title(self) -> str:
        return _("Change %(number)s") % {"number": self.order.number}

    def act(self, form: Any) -> str:
        answer = amend_purchase_order(
            order_id=self.order.pk,
            changes=form.changes(),
            actor=self.principal.actor,
            reason=form.cleaned_data["reason"],
        )
        if answer.proposal:
            return _("The change waits for somebody else's approval. The order stays as it is until then.")
        return _("Revision %(n)s goes to the supplier.") % {"n": answer.order.revision}


class AcknowledgeOrder(LinesDialog):
    form_class = AcknowledgeForm
    submit_label = gettext_lazy("Take it down")
    explanation = gettext_lazy("What the supplier confirms. Whatever differs waits until a buyer accepts it.")

    def get_title(self) -> str:
        return _("%(supplier)s answers to %(number)s") % {
            "supplier": self.order.supplier.name,
            "number": self.order.number,
        }

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"lines": self.lines}

    def act(self, form: Any) -> str:
        answer = acknowledge_purchase_order(
            order_id=self.order.pk,
            actor=self.principal.actor,
            answers=form.answers(),
            supplier_reference=form.cleaned_data["supplier_reference"],
            reason=form.cleaned_data["reason"],
        )
        if answer.proposal:
            return _("What he wants otherwise waits for a decision.")
        return _("The supplier confirmed the order.")


class RejectOrder(OrderDialog):
    form_class = RejectForm
    title = gettext_lazy("The supplier declines the order?")
    explanation = gettext_lazy("Nothing changes until a buyer decides what becomes of it.")
    submit_label = gettext_lazy("He declines")
    done_message = gettext_lazy("His answer waits for a decision.")

    def act(self, form: Any) -> None:
        acknowledge_purchase_order(
            order_id=self.order.pk, actor=self.principal.actor, rejected=True, reason=form.cleaned_data["reason"]
        )


class ProposalDialog(OrderDialog):
    @cached_property
    def proposal(self) -> Proposal:
        found = or_404(self.order.proposals.filter(pk=self.kwargs["pk"]).first())
        if found.by == Proposal.By.BUYER and not self.may("purchasing:approve"):
            raise NotAllowed("purchasing:approve", self.order.ship_to.name)
        return found


class AcceptProposal(ProposalDialog):
    title = gettext_lazy("Accept this change?")
    explanation = gettext_lazy("The order changes by one more revision, which goes to the supplier.")
    submit_label = gettext_lazy("Accept")
    done_message = gettext_lazy("The change holds now.")

    def act(self, form: Any) -> None:
        accept_proposal(proposal_id=self.proposal.pk, actor=self.principal.actor, roles=self.principal.roles)


class RefuseProposal(ProposalDialog):
    form_class = ReasonForm
    title = gettext_lazy("Refuse this change?")
    explanation = gettext_lazy("The order stays as it is.")
    submit_label = gettext_lazy("Refuse")
    done_message = gettext_lazy("The order stays as it is.")

    def act(self, form: Any) -> None:
        refuse_proposal(proposal_id=self.proposal.pk, actor=self.principal.actor, reason=form.cleaned_data["reason"])
