"""Who has to agree to a purchase before it is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Category
from purchasing.events import PurchaseOrderSubmitted
from purchasing.models import ApprovalBand, OrderStatus, PurchaseOrder, PurchaseOrderLine
from purchasing.services.drafting import home_value
from purchasing.services.standing import ensure_can, lock_purchase_order, note_event
from retailhub.core.errors import DomainError
from retailhub.core.services.attending import settle_attention
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class NeedsAnother(DomainError):
    """Somebody else has to approve this order."""

    code = "needs_another_approver"


class NeedsRole(DomainError):
    """People in another role approve orders of this value."""

    code = "needs_role"


@dataclass(frozen=True, slots=True)
class Demand:
    """What approval an order needs: by somebody else, and by people in all of these roles (empty: anybody's)."""

    by_another: bool
    roles: frozenset[str]

    @property
    def is_free(self) -> bool:
        """Whether whoever writes the order approves it by sending it."""
        return not self.by_another and not self.roles


def approval_needed(*, value: Decimal, buyer: str, category_ids: Collection[int]) -> Demand:
    """Answer what approval a purchase of this value (home currency, net) needs.

    Of the bands for everybody, for this buyer and for each category among the goods, the lowest that fits decides, and
    what any of them asks is asked. A value above every band of a kind needs somebody else.
    """
    kinds: dict[tuple[int | None, str], list[ApprovalBand]] = {}
    for band in ApprovalBand.objects.all():
        if band.buyer not in ("", buyer) or (band.category_id is not None and band.category_id not in category_ids):
            continue
        kinds.setdefault((band.category_id, band.buyer), []).append(band)
    by_another, roles = not kinds, set[str]()
    for bands in kinds.values():
        fitting = [band for band in bands if band.up_to is None or value <= band.up_to]
        if not fitting:
            by_another = True
            continue
        lowest = min(fitting, key=lambda band: (band.up_to is None, band.up_to or Decimal(0)))
        by_another |= lowest.by_another
        roles |= {lowest.role} - {""}
    return Demand(by_another=by_another, roles=frozenset(roles))


def approval_of(order: PurchaseOrder) -> Demand:
    """Answer what approval the order needs as it is."""
    lines = list(order.lines.select_related("item"))
    return approval_needed(value=home_value(order), buyer=order.created_by, category_ids=categories_of(lines))


def categories_of(lines: Iterable[PurchaseOrderLine]) -> set[int]:
    """Answer the categories of the goods of these lines, and those above them. One query, with the items read."""
    direct = {line.item.category_id for line in lines if line.item.category_id is not None}
    above = Category.objects.filter(pk__in=direct).exclude(parent=None).values_list("parent_id", flat=True)
    return {pk for pk in (*direct, *above) if pk is not None}


@retried()
def submit_purchase_order(*, order_id: int, actor: str, at: datetime | None = None) -> PurchaseOrder:
    """Ask for approval; below the first limit the order is approved by that. Asking twice changes nothing."""
    order = lock_purchase_order(order_id)
    if order.status == OrderStatus.SUBMITTED:
        return order
    ensure_can(order, OrderStatus.SUBMITTED)
    order.submitted_by, order.submitted_at = actor, at or timezone.now()
    if approval_of(order).is_free:
        _approve(order, actor, order.submitted_at)
    else:
        order.status = OrderStatus.SUBMITTED
        order.save(update_fields=["status", "submitted_by", "submitted_at"])
        note_event(order.reference, "submitted", "Waits for approval", actor=actor)
        publish(PurchaseOrderSubmitted(order_id=order.pk))
    return order


@retried()
def approve_purchase_order(
    *, order_id: int, actor: str, roles: Collection[str], at: datetime | None = None
) -> PurchaseOrder:
    """Agree to an order that was submitted. `roles` are the approver's.

    Raises NeedsAnother for whoever wrote or submitted it above the first limit, NeedsRole for people in other roles.
    Of two who approve at once one does; the other finds it approved.
    """
    order = lock_purchase_order(order_id)
    if order.status == OrderStatus.APPROVED:
        return order
    ensure_can(order, OrderStatus.APPROVED)
    ensure_may_approve(approval_of(order), authors=(order.created_by, order.submitted_by), actor=actor, roles=roles)
    _approve(order, actor, at or timezone.now())
    return order


def ensure_may_approve(demand: Demand, *, authors: Sequence[str], actor: str, roles: Collection[str]) -> None:
    """Raise NeedsAnother or NeedsRole unless this person may agree."""
    if demand.by_another and actor in authors:
        raise NeedsAnother
    if missing := demand.roles - set(roles):
        raise NeedsRole(roles=sorted(missing))


@retried()
def send_back(*, order_id: int, actor: str, reason: str) -> PurchaseOrder:
    """Give a submitted or approved order back to whoever wrote it, with a reason; it is a draft again."""
    order = lock_purchase_order(order_id)
    ensure_can(order, OrderStatus.DRAFT)
    order.status = OrderStatus.DRAFT
    order.submitted_by, order.submitted_at, order.approved_by, order.approved_at = "", None, "", None
    order.save(update_fields=["status", "submitted_by", "submitted_at", "approved_by", "approved_at"])
    note_event(order.reference, "sent_back", reason, actor=actor)
    settle_attention(kind="purchase_approval", documents=[order.reference], by=actor)
    return order


def _approve(order: PurchaseOrder, actor: str, at: datetime) -> None:
    order.status = OrderStatus.APPROVED
    order.approved_by, order.approved_at, order.approved_total = actor, at, home_value(order)
    order.save(update_fields=["status", "approved_by", "approved_at", "approved_total", "submitted_by", "submitted_at"])
    note_event(order.reference, "approved", "Approved", actor=actor)
    settle_attention(kind="purchase_approval", documents=[order.reference], by=actor, at=at)
