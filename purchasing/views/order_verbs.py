"""Dialogs that move a purchase order on: each makes one call and goes back to its page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar
from uuid import uuid4

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import (
    OrderStatus,
    Proposal,
    PurchaseOrder,
)
from purchasing.order_forms import AcknowledgeForm, AmendForm, ReasonForm, RejectForm
from purchasing.services.acknowledging import acknowledge_purchase_order
from purchasing.services.amending import accept_proposal, amend_purchase_order, refuse_proposal
from purchasing.services.approving import approve_purchase_order, send_back, submit_purchase_order
from purchasing.services.closing import (
    cancel_purchase_order,
    close_short,
    hold_purchase_order,
    release_purchase_order,
)
from purchasing.services.issuing import send_purchase_order
from purchasing.services.sending import resend_paper
from purchasing.transports.registry import way_to
from purchasing.views.orders import OneOrder
from retailhub.core.pages import Dialog, NotAllowed, or_404


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


class OrderVerb(OrderDialog):
    """A dialog whose button calls one verb about the order, with what its form asks for."""

    verb: ClassVar[Callable[..., Any]]

    def act(self, form: Any) -> None:
        type(self).verb(order_id=self.order.pk, actor=self.principal.actor, **form.cleaned_data, **self.more())

    def more(self) -> dict[str, Any]:
        """Answer what the verb takes besides."""
        return {}


class ReasonedVerb(OrderVerb):
    form_class = ReasonForm


class SubmitOrder(OrderVerb):
    verb = staticmethod(submit_purchase_order)
    title = gettext_lazy("Ask for approval?")
    explanation = gettext_lazy(
        "Its value is above what whoever writes it may approve. Somebody else agrees to it first."
    )
    submit_label = gettext_lazy("Submit")
    done_message = gettext_lazy("The order waits for approval.")


class ApproveOrder(OrderVerb):
    verb = staticmethod(approve_purchase_order)
    scope = "purchasing:approve"
    title = gettext_lazy("Approve this order?")
    submit_label = gettext_lazy("Approve")
    done_message = gettext_lazy("The order is approved and can be sent.")

    def more(self) -> dict[str, Any]:
        return {"roles": self.principal.roles}


class SendBackOrder(ReasonedVerb):
    verb = staticmethod(send_back)
    scope = "purchasing:approve"
    title = gettext_lazy("Give it back to whoever wrote it?")
    submit_label = gettext_lazy("Give back")
    done_message = gettext_lazy("The order is a draft again.")


class HoldOrder(ReasonedVerb):
    verb = staticmethod(hold_purchase_order)
    title = gettext_lazy("Hold this order?")
    explanation = gettext_lazy("It is not sent, and nothing is expected of it until it is released.")
    submit_label = gettext_lazy("Hold")
    done_message = gettext_lazy("The order is held.")


class ReleaseOrder(OrderVerb):
    verb = staticmethod(release_purchase_order)
    title = gettext_lazy("Let it go on?")
    submit_label = gettext_lazy("Release")
    done_message = gettext_lazy("The order goes on.")


class CancelOrder(ReasonedVerb):
    verb = staticmethod(cancel_purchase_order)
    title = gettext_lazy("Cancel this order?")
    submit_label = gettext_lazy("Cancel the order")
    done_message = gettext_lazy("The order is cancelled.")
    danger = True

    def get_explanation(self) -> str:
        return _("Nothing is expected of it any more. %(told)s") % {"told": told_of(self.order)}


class CloseShortOrder(ReasonedVerb):
    verb = staticmethod(close_short)
    title = gettext_lazy("Give up what is still open?")
    submit_label = gettext_lazy("Close short")
    done_message = gettext_lazy("The order is closed short.")
    danger = True

    def get_explanation(self) -> str:
        said = _("It is not expected any more. What came can still be billed. %(told)s")
        return said % {"told": told_of(self.order)}


def told_of(order: PurchaseOrder) -> str:
    """Say whether the supplier hears of it, and how."""
    if not order.revision:
        return _("The supplier never had it.")
    address = way_to(order.supplier)[1]
    if not address:
        return _("The supplier had it and has no e-mail address: tell him yourself.")
    return _("The supplier is told at %(address)s.") % {"address": address}


class ResendPaper(OrderVerb):
    verb = staticmethod(resend_paper)
    submit_label = gettext_lazy("Send again")
    done_message = gettext_lazy("The paper goes once more.")
    title = gettext_lazy("Send the paper once more?")

    def get_explanation(self) -> str:
        return _("It goes to %(address)s.") % {"address": way_to(self.order.supplier)[1] or "\N{EN DASH}"}


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
