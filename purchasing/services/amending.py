"""Orders that change after they were sent: numbered revisions, each with what differs from the one before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from purchasing.events import PurchaseOrderChanged
from purchasing.models import (
    OPEN,
    OrderStatus,
    Proposal,
    PurchaseCharge,
    PurchaseOrder,
    PurchaseOrderLine,
)
from purchasing.services.approving import Demand, approval_needed, approval_of, categories_of, ensure_may_approve
from purchasing.services.changes import OrderChanges, apply_changes, differences
from purchasing.services.closing import cancel_purchase_order, close_short
from purchasing.services.drafting import home_value, set_total
from purchasing.services.expecting import tell_expected
from purchasing.services.issuing import remember_prices
from purchasing.services.replacing import give_up_replacements
from purchasing.services.revising import keep_revision, snapshot_of
from purchasing.services.standing import (
    WrongState,
    ensure_is,
    lock_purchase_order,
    note_event,
    open_units,
    standing_of,
)
from retailhub.core.errors import DomainError, NotFound, Offence
from retailhub.core.services.attending import settle_attention
from retailhub.core.sql import insert_rows, write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish

AMENDABLE = OPEN | {OrderStatus.RECEIVED}


class NothingChanges(DomainError):
    """The order is like that already."""

    code = "nothing_changes"


class NothingLeft(DomainError):
    """Nothing would be ordered any more: cancel the order or close it short."""

    code = "nothing_left"


class ChargeBilled(DomainError):
    """A charge that was billed stays on the order, and not below what was billed."""

    code = "charge_billed"


class ProposalDecided(DomainError):
    """This proposal was decided already."""

    code = "proposal_decided"


@dataclass(frozen=True, slots=True)
class Amended:
    """The order as it stands now, and the proposal that waits where somebody else has to agree first."""

    order: PurchaseOrder
    proposal: Proposal | None = None


@retried()
def amend_purchase_order(
    *, order_id: int, changes: OrderChanges, actor: str, reason: str = "", at: datetime | None = None
) -> Amended:
    """Have the sent order changed by one more numbered revision, which goes to the supplier.

    A value above what was approved waits as a proposal of the buyer where somebody else has to agree; the order stays
    as it is until then, and an earlier proposal of his is overtaken. No line falls below what came or was billed
    (BelowReceived), nor below what customers wait for (CustomersWait). Raises NothingChanges where nothing differs.
    """
    order = lock_purchase_order(order_id)
    at = at or timezone.now()
    before = approval_of(order)
    plan = _plan(order, changes, timezone.localdate(at))
    _overtake(order, Proposal.By.BUYER, actor, at)
    if _needs_another(plan, before):
        proposal = Proposal.objects.create(
            order=order,
            by=Proposal.By.BUYER,
            changes=changes.as_json(),
            reason=reason[:200],
            value_after=format(plan.value, "f"),
            made_by=actor,
            made_at=at,
        )
        note_event(order.reference, "proposed", reason or "A change waits for approval", actor=actor)
        publish(PurchaseOrderChanged(order_id=order.pk))
        return Amended(lock_purchase_order(order_id), proposal)
    _carry_out(plan, actor, reason, at)
    return Amended(order)


@retried()
def accept_proposal(
    *, proposal_id: int, actor: str, roles: Collection[str], at: datetime | None = None
) -> PurchaseOrder:
    """Have the order changed as proposed, by one more revision. Accepting twice changes nothing.

    Whoever wrote the order or the proposal does not approve a value above the first limit (NeedsAnother). What a
    supplier changed counts as confirmed by him from then on. Raises ProposalDecided for one that was decided otherwise,
    and what `amend_purchase_order` raises, because the order may have moved on since.
    """
    order, proposal = _lock_proposal(proposal_id)
    if proposal.state == Proposal.State.ACCEPTED:
        return order
    _ensure_open(proposal)
    at = at or timezone.now()
    changes = OrderChanges.from_json(proposal.changes)
    if changes.rejected:
        _decide(proposal, Proposal.State.ACCEPTED, actor, at)
        return _give_up(order, proposal, actor, at)
    before = approval_of(order)
    plan = _plan(order, changes, timezone.localdate(at))
    if _needs_another(plan, before):
        authors = (order.created_by, proposal.made_by) if proposal.by == Proposal.By.BUYER else (order.created_by,)
        ensure_may_approve(plan.demand, authors=authors, actor=actor, roles=roles)
        order.approved_by, order.approved_at = actor, at
    if proposal.by == Proposal.By.SUPPLIER:
        _confirm(plan, changes)
        order.acknowledged_at = order.acknowledged_at or at
    _decide(proposal, Proposal.State.ACCEPTED, actor, at)
    _carry_out(plan, actor, proposal.reason, at, approved=True)
    return order


@retried()
def refuse_proposal(*, proposal_id: int, actor: str, reason: str, at: datetime | None = None) -> PurchaseOrder:
    """Leave the order as it is. Refusing twice changes nothing; one that was accepted cannot be refused."""
    order, proposal = _lock_proposal(proposal_id)
    if proposal.state == Proposal.State.REFUSED:
        return order
    _ensure_open(proposal)
    _decide(proposal, Proposal.State.REFUSED, actor, at or timezone.now())
    note_event(order.reference, "proposal_refused", reason, actor=actor)
    return order


def _give_up(order: PurchaseOrder, proposal: Proposal, actor: str, at: datetime) -> PurchaseOrder:
    """End an order that its supplier declined: cancelled, or closed short where some of it came."""
    reason = proposal.reason or "The supplier declined it"
    if order.lines.filter(Q(received__gt=0) | Q(rejected__gt=0)).exists():
        return close_short(order_id=order.pk, reason=reason, actor=actor, at=at)
    return cancel_purchase_order(order_id=order.pk, reason=reason, actor=actor, at=at)


@dataclass(slots=True)
class _Plan:
    """An order in memory as it would be, and what it was before."""

    order: PurchaseOrder
    lines: list[PurchaseOrderLine]
    fresh: list[PurchaseOrderLine]
    charges: list[PurchaseCharge] | None
    before: list[PurchaseOrderLine]
    snapshot: dict[str, object]
    unsettled: list[PurchaseOrderLine]
    value: Decimal
    demand: Demand
    today: date


def _plan(order: PurchaseOrder, changes: OrderChanges, today: date) -> _Plan:
    if order.status == OrderStatus.ON_HOLD:
        raise WrongState(f"{order.number} is on hold: release it first.", status=order.status)
    ensure_is(order, AMENDABLE)
    lines = list(order.lines.select_related("item"))
    snapshot = snapshot_of(order, lines)
    outcome = apply_changes(order, lines, changes, on=today)
    everything = [*lines, *outcome.fresh]
    if not any(line.quantity > line.cancelled for line in everything):
        raise NothingLeft
    if outcome.charges is not None:
        _refuse_billed(order, outcome.charges)
    charges = list(order.charges.all()) if outcome.charges is None else outcome.charges
    set_total(order, everything, charges)
    if not differences(snapshot, snapshot_of(order, everything, charges)):
        raise NothingChanges(errors=[Offence(pointer="/lines", code="nothing_changes", detail="nothing differs")])
    value = home_value(order)
    demand = approval_needed(value=value, buyer=order.created_by, category_ids=categories_of(everything))
    return _Plan(
        order=order,
        lines=lines,
        fresh=outcome.fresh,
        charges=outcome.charges,
        before=outcome.changed,
        snapshot=snapshot,
        unsettled=outcome.unsettled,
        value=value,
        demand=demand,
        today=today,
    )


def _needs_another(plan: _Plan, before: Demand) -> bool:
    """Whether this goes beyond what was agreed to: more money, or goods that other people have to agree to."""
    if plan.demand.is_free:
        return False
    return plan.value > plan.order.approved_total or bool(plan.demand.roles - before.roles)


def _confirm(plan: _Plan, changes: OrderChanges) -> None:
    by_number = {line.line: line for line in plan.lines}
    for change in changes.lines:
        line = by_number[change.line]
        line.confirmed, line.confirmed_on = line.quantity - line.cancelled, line.expected_on
    plan.unsettled = []


def _carry_out(plan: _Plan, actor: str, reason: str, at: datetime, *, approved: bool = False) -> None:
    order = plan.order
    for line in plan.unsettled:
        # He confirmed something else: what he says to the new paper counts.
        line.confirmed, line.confirmed_on = None, None
    if any(open_units(line) for line in (*plan.unsettled, *plan.fresh)):
        order.acknowledged_at = None
    write_fields(
        plan.before,
        [
            "quantity", "cancelled", "replacement_due", "price", "discount_percent", "price_source", "pack_code",
            "pack_numerator", "pack_denominator", "tax_rate", "expected_on", "confirmed", "confirmed_on", "note",
        ],
    )  # fmt: skip
    insert_rows(plan.fresh)
    give_up_replacements(line.pk for line in plan.before if line.quantity == line.cancelled)
    if plan.charges is not None:
        _write_charges(order, plan.charges)
    everything = [*plan.lines, *plan.fresh]
    changes = differences(plan.snapshot, snapshot_of(order, everything))
    keep_revision(order, everything, changes, reason=reason, actor=actor, at=at)
    order.status = standing_of(order, everything)
    days = [line.confirmed_on or line.expected_on for line in everything if open_units(line)]
    order.expected_on = max([day for day in days if day], default=order.expected_on)
    if approved or plan.demand.is_free:
        order.approved_total = max(order.approved_total, plan.value)
    order.save(
        update_fields=[
            "net_total", "revision", "status", "expected_on", "note", "acknowledged_at", "approved_total",
            "approved_by", "approved_at",
        ]
    )  # fmt: skip
    tell_expected(order, everything)
    remember_prices(order, [*plan.before, *plan.fresh], plan.today)
    note_event(
        order.reference,
        "amended",
        reason or f"Revision {order.revision}",
        actor=actor,
        data={"revision": order.revision},
    )
    publish(PurchaseOrderChanged(order_id=order.pk))


def _refuse_billed(order: PurchaseOrder, wanted: Sequence[PurchaseCharge]) -> None:
    kept = {charge.code: charge.amount for charge in wanted}
    billed = order.charges.filter(Q(invoiced__gt=0) | Q(invoice_charges__isnull=False)).distinct()
    errors = [
        Offence(
            pointer="/charges",
            code="charge_billed",
            detail=f"{charge.code} is on a bill",
            extra={"charge": charge.code, "invoiced": format(charge.invoiced, "f")},
        )
        for charge in billed
        if charge.code not in kept or kept[charge.code] < charge.invoiced
    ]
    if errors:
        raise ChargeBilled(errors=errors)


def _write_charges(order: PurchaseOrder, wanted: Sequence[PurchaseCharge]) -> None:
    """Keep the rows that bills point at: a charge is told from the others by its code."""
    known = {charge.code: charge for charge in order.charges.all()}
    for charge in wanted:
        if charge.code in known:
            charge.pk = known[charge.code].pk
    order.charges.exclude(code__in=[charge.code for charge in wanted]).delete()
    kept = [charge for charge in wanted if charge.pk]
    write_fields(kept, ["amount", "treatment", "basis", "tax_rate"])
    insert_rows([charge for charge in wanted if not charge.pk])


def _lock_proposal(proposal_id: int) -> tuple[PurchaseOrder, Proposal]:
    order_id = Proposal.objects.filter(pk=proposal_id).values_list("order", flat=True).first()
    if order_id is None:
        raise NotFound
    order = lock_purchase_order(order_id)
    # Read under the order's lock: of two who decide at once, the second sees what the first decided.
    return order, Proposal.objects.get(pk=proposal_id)


def _ensure_open(proposal: Proposal) -> None:
    if proposal.state != Proposal.State.OPEN:
        raise ProposalDecided(f"This proposal was {proposal.get_state_display().lower()}.", state=proposal.state)


def _decide(proposal: Proposal, state: str, actor: str, at: datetime) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor, at
    proposal.save(update_fields=["state", "decided_by", "decided_at"])
    settle_attention(kind=f"proposal_{proposal.by}", documents=[proposal.order.reference], by=actor, at=at)


def _overtake(order: PurchaseOrder, by: str, actor: str, at: datetime) -> None:
    for proposal in order.proposals.filter(by=by, state=Proposal.State.OPEN):
        _decide(proposal, Proposal.State.SUPERSEDED, actor, at)
