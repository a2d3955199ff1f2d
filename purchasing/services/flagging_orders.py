"""What needs a person about purchase orders: told anew from how they stand, so that it may be asked at any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Prefetch, Q, Sum
from django.db.models.functions import Coalesce
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from purchasing.models import OPEN, OrderStatus, Proposal, PurchaseOrder
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.transactions import retried

KINDS = ("purchase_approval", "purchase_unconfirmed", "purchase_late", "proposal_buyer", "proposal_supplier")


def flag_orders(*, order_ids: Sequence[int] | None = None, at: datetime | None = None) -> int:
    """Have one open row for each order that waits for approval or a decision, was not confirmed, or is late.

    Rows whose reason is gone are settled. Without ids, every order that is not over is looked at, and every order that
    has an open row. A fixed number of statements for each thousand orders; answers how many rows are open for them.
    """
    at = at or timezone.now()
    if order_ids is None:
        flagged = Attention.objects.filter(kind__in=KINDS, resolved_at=None).values_list("document", flat=True)
        numbers = [document.partition(":")[2] for document in flagged]
        unfinished = [OrderStatus.SUBMITTED, *OPEN]
        wanted = PurchaseOrder.objects.filter(Q(status__in=unfinished) | Q(number__in=numbers))
        order_ids = list(wanted.order_by("pk").values_list("pk", flat=True))
    count = 0
    for start in range(0, len(order_ids), 1_000):
        count += _flag(order_ids[start : start + 1_000], at)
    return count


@retried()
def _flag(order_ids: Sequence[int], at: datetime) -> int:
    orders = list(
        PurchaseOrder.objects.filter(pk__in=order_ids)
        .select_related("supplier", "ship_to")
        .prefetch_related(Prefetch("proposals", Proposal.objects.filter(state="open"), to_attr="open_proposals"))
        .annotate(
            due=Min(
                Coalesce("lines__confirmed_on", "lines__expected_on", "expected_on"),
                filter=Q(lines__open_quantity__gt=0),
            ),
            units_open=Sum("lines__open_quantity"),
            lines_open=Count("lines", filter=Q(lines__open_quantity__gt=0)),
        )
        .order_by("pk")
    )
    today = timezone.localdate(at)
    rows = [row for order in orders for row in _rows(order, today, at)]
    for kind in KINDS:
        still = {row.document for row in rows if row.kind == kind}
        gone = [order.reference for order in orders if order.reference not in still]
        settle_attention(kind=kind, documents=gone, by="system", at=at)
    raise_attention(rows)
    return len(rows)


def _rows(order: PurchaseOrder, today: date, at: datetime) -> list[Attention]:
    found: list[tuple[str, str, str, str, str]] = []
    name = f"{order.number} · {order.supplier.name}"
    if order.status == OrderStatus.SUBMITTED:
        said = f"{order.submitted_by or order.created_by} asks for approval."
        found.append(("purchase_approval", name, said, "purchasing:approve", "Approve"))
    for proposal in order.open_proposals:  # type: ignore[attr-defined]
        if proposal.by == Proposal.By.BUYER:
            said = f"{proposal.made_by} wants it changed: {proposal.reason or 'more than was approved'}."
            found.append(("proposal_buyer", name, said, "purchasing:approve", "Decide"))
        else:
            said = proposal.reason or "The supplier answered with changes. Nothing of them holds yet."
            found.append(("proposal_supplier", name, said, "purchasing:write", "Decide"))
    if order.status in OPEN:
        due: date | None = order.due  # type: ignore[attr-defined]
        if due is not None and due < today:
            units, lines = order.units_open, order.lines_open  # type: ignore[attr-defined]
            said = f"{units} units on {lines} lines were due on {due}."
            found.append(("purchase_late", name, said, "purchasing:write", "Open"))
        silent_since = at - timedelta(days=settings.CONFIRM_WITHIN_DAYS)
        sent = order.issued_at
        if order.status == OrderStatus.ISSUED and sent and sent < silent_since and not order.open_proposals:  # type: ignore[attr-defined]
            said = f"Sent {timezone.localdate(sent)}, and {order.supplier.name} has not confirmed it."
            found.append(("purchase_unconfirmed", name, said, "purchasing:write", "Open"))
    return [
        Attention(
            kind=kind,
            document=order.reference,
            subject=subject,
            reason=reason,
            location=order.ship_to.code,
            scope=scope,
            at_risk=order.net_total,
            currency=order.currency,
            step_label=step,
            step_url=_page(order),
            raised_at=at,
        )
        for kind, subject, reason, scope, step in found
    ]


def _page(order: PurchaseOrder) -> str:
    try:
        return reverse("purchasing:order", args=[order.number])
    except NoReverseMatch:
        return ""
