"""Verbs that move a purchase order on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from purchasing.api import order_writing as writing
from purchasing.api.order_bodies import (
    AcknowledgeBody,
    AmendBody,
    CloseShortBody,
    NoBody,
    PurchaseOrderShape,
    ReasonBody,
)
from purchasing.api.order_reading import line_answers, numbered, order_changes
from purchasing.api.orders import WRITE, link_lines, order_for
from purchasing.models import Proposal, PurchaseOrder
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
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.views import ApiView
from retailhub.core.errors import Invalid, NotFound, Offence

APPROVE = "purchasing:approve"


class PurchaseOrderVerb(ApiView):
    """Something that is done to one order. Who may not see the order hears 404, whatever key he sends."""

    required_scopes: ClassVar = {"POST": WRITE}
    keyed: ClassVar[bool] = False

    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        scope = self.required_scopes["POST"]
        order = PurchaseOrder.objects.for_principal(self.principal, scope).filter(number=number).first()
        if order is None:
            raise NotFound
        self.order = order
        return self.once(self.act, required=self.keyed)

    def act(self) -> Body:
        raise NotImplementedError

    def done(self, verb: Callable[..., Any], **more: Any) -> Body:
        """Make the one call and answer the order as it stands then."""
        verb(order_id=self.order.pk, actor=self.principal.actor, **more)
        return self.shown()

    def shown(self, status: int = 200) -> Body:
        order = order_for(self.principal, self.order.number, self.required_scopes["POST"])
        return status, writing.whole(order, self.principal)

    def nothing(self) -> None:
        NoBody.read(self.request.data)

    def reason(self) -> str:
        return str(ReasonBody.read(self.request.data)["reason"])


class Submit(PurchaseOrderVerb):
    """Ask for approval."""

    @door(PurchaseOrderShape, body=NoBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Ask for approval; below the first limit the order is approved by that."""
        return super().post(request, number)

    def act(self) -> Body:
        self.nothing()
        return self.done(submit_purchase_order)


class Approve(PurchaseOrderVerb):
    """Agree to an order."""

    required_scopes: ClassVar = {"POST": APPROVE}

    @door(PurchaseOrderShape, body=NoBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Agree to an order that was submitted.

        409 `needs_another_approver`: whoever wrote it does not approve it above the first limit. 409 `needs_role`:
        people in the roles named there do.
        """
        return super().post(request, number)

    def act(self) -> Body:
        self.nothing()
        return self.done(approve_purchase_order, roles=self.principal.roles)


class SendBack(PurchaseOrderVerb):
    """Give an order back to whoever wrote it."""

    required_scopes: ClassVar = {"POST": APPROVE}

    @door(PurchaseOrderShape, body=ReasonBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Give a submitted or approved order back to whoever wrote it; it is a draft again."""
        return super().post(request, number)

    def act(self) -> Body:
        return self.done(send_back, reason=self.reason())


class Send(PurchaseOrderVerb):
    """Send an order to its supplier."""

    keyed = True

    @door(PurchaseOrderShape, body=NoBody, keyed=True)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Send an order to its supplier as revision 1; from then on its goods are expected.

        A draft below the approval limit is submitted and approved by this; above it, it is `submitted` afterwards and
        409 `needs_approval` when asked again.
        """
        return super().post(request, number)

    def act(self) -> Body:
        self.nothing()
        return self.done(send_purchase_order)


class Resend(PurchaseOrderVerb):
    """Send the paper once more."""

    keyed = True

    @door(PurchaseOrderShape, body=NoBody, keyed=True)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Send the present paper once more, to the address the supplier has now; 409 `no_address` without one."""
        return super().post(request, number)

    def act(self) -> Body:
        self.nothing()
        return self.done(resend_paper)


class Hold(PurchaseOrderVerb):
    """Keep an order from going on."""

    @door(PurchaseOrderShape, body=ReasonBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Keep an order from going on: it is not sent, and nothing is expected of it."""
        return super().post(request, number)

    def act(self) -> Body:
        return self.done(hold_purchase_order, reason=self.reason())


class Release(PurchaseOrderVerb):
    """Let a held order go on."""

    @door(PurchaseOrderShape, body=NoBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Let a held order go on from the state it was held in."""
        return super().post(request, number)

    def act(self) -> Body:
        self.nothing()
        return self.done(release_purchase_order)


class Acknowledge(PurchaseOrderVerb):
    """Take down what the supplier answered."""

    @door(PurchaseOrderShape, body=AcknowledgeBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Take down what the supplier answered, line by line; without `lines` everything as ordered.

        What he wants otherwise is in `proposals` afterwards: nothing of it holds until it is accepted.
        """
        return super().post(request, number)

    def act(self) -> Body:
        values = AcknowledgeBody.read(self.request.data)
        if values["rejected"] and values["lines"] is not None:
            detail = "whoever declines the order says nothing of its lines"
            raise Invalid(errors=[Offence(pointer="/lines", code="invalid", detail=detail)])
        return self.done(
            acknowledge_purchase_order,
            answers=line_answers(self.order, values["lines"]),
            rejected=values["rejected"],
            supplier_reference=values["supplier_reference"],
            reason=values["reason"],
        )


class Amend(PurchaseOrderVerb):
    """Change an order that was sent."""

    keyed = True

    @door({200: PurchaseOrderShape, 202: PurchaseOrderShape}, body=AmendBody, keyed=True)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Change an order that was sent, by one more numbered revision that goes to the supplier.

        202 where somebody else has to agree first: the change is in `proposals`, the order stays as it is. 409
        `below_received`, `customers_wait`, `nothing_changes` or `nothing_left` name the lines.
        """
        return super().post(request, number)

    def act(self) -> Body:
        values = AmendBody.read(self.request.data)
        first = 1 + max(self.order.lines.values_list("line", flat=True), default=0)
        answer = amend_purchase_order(
            order_id=self.order.pk,
            changes=order_changes(self.order, values),
            actor=self.principal.actor,
            reason=values["reason"],
        )
        if answer.proposal is None:
            link_lines(self.order, values["added"], first=first, actor=self.principal.actor)
        return self.shown(202 if answer.proposal else 200)


class CloseShort(PurchaseOrderVerb):
    """Give up what is still open."""

    @door(PurchaseOrderShape, body=CloseShortBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Give up what is still open of an order, or of some lines; what came can still be billed."""
        return super().post(request, number)

    def act(self) -> Body:
        values = CloseShortBody.read(self.request.data)
        lines = values["lines"]
        chosen = None if lines is None else [row["line"] for row in numbered(self.order, lines)]
        return self.done(close_short, reason=values["reason"], lines=chosen)


class Cancel(PurchaseOrderVerb):
    """Call an order off."""

    @door(PurchaseOrderShape, body=ReasonBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Call the whole order off; the supplier is told if he had it. 409 `goods_received` once anything came."""
        return super().post(request, number)

    def act(self) -> Body:
        return self.done(cancel_purchase_order, reason=self.reason())


class ProposalVerb(PurchaseOrderVerb):
    """A decision on a change that waits: a supplier's by a buyer, a buyer's by whoever approves."""

    def proposal(self) -> Proposal:
        found = self.order.proposals.filter(pk=self.kwargs["pk"]).first()
        if found is None or (
            found.by == Proposal.By.BUYER and not self.principal.may(APPROVE, location=self.order.ship_to.code)
        ):
            raise NotFound
        return found


class AcceptProposal(ProposalVerb):
    """Accept a change."""

    @door(PurchaseOrderShape, body=NoBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Let a proposed change hold, by one more revision. A buyer's proposal takes `purchasing:approve` too."""
        return super().post(request, number)

    def act(self) -> Body:
        self.nothing()
        accept_proposal(proposal_id=self.proposal().pk, actor=self.principal.actor, roles=self.principal.roles)
        return self.shown()


class RefuseProposal(ProposalVerb):
    """Refuse a change."""

    @door(PurchaseOrderShape, body=ReasonBody, keyed=False)
    def post(self, request: Request, number: str, **more: Any) -> HttpResponse:
        """Leave the order as it is. A buyer's proposal takes `purchasing:approve` too."""
        return super().post(request, number)

    def act(self) -> Body:
        reason = self.reason()
        refuse_proposal(proposal_id=self.proposal().pk, actor=self.principal.actor, reason=reason)
        return self.shown()
