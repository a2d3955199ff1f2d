"""Goods that are bought for one customer: linked to his line, served by their own receipt alone, and let go safely."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone

from inventory.models import WaitingDemand
from inventory.services.linking import NothingWaits, link_demand, unlink_demand
from purchasing.events import PurchaseOrderChanged, SpecialOrderEnded
from purchasing.models import OPEN, OrderStatus, PurchaseOrderLine, ReceiptLine, SpecialOrder
from purchasing.services.expecting import tell_expected
from purchasing.services.revising import keep_revision
from purchasing.services.standing import (
    WrongState,
    lock_purchase_order,
    net_total,
    note_event,
    open_units,
    standing_of,
)
from retailhub.core.errors import AmbiguousLine, DomainError, Invalid, NotFound, Offence
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish

LINKABLE = OPEN | {OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED}
CHOICES = {
    "keep": SpecialOrder.State.KEPT,
    "cancel": SpecialOrder.State.CANCELLED,
    "move": SpecialOrder.State.MOVED,
}
"""What may become of goods that were bought for a customer, by the word for it."""
GIVEN_UP = "special_order_given_up"


def credit_special_orders(rows: Sequence[ReceiptLine], *, actor: str, at: datetime) -> None:
    """Let the links of order lines know what came for them, oldest link first; a link that has all of it is fulfilled.

    The goods themselves were promised by the stock ledger in the same transaction.
    """
    came: dict[int, int] = {}
    for row in rows:
        if row.order_line_id and row.accepted:
            came[row.order_line_id] = came.get(row.order_line_id, 0) + row.accepted
    if not came:
        return
    links = list(
        SpecialOrder.objects.filter(order_line__among=came, state=SpecialOrder.State.OPEN)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    changed = []
    for link in links:
        units = min(came[link.order_line_id], link.quantity - link.received)
        if not units:
            continue
        came[link.order_line_id] -= units
        link.received += units
        if link.received == link.quantity:
            link.state, link.ended_by, link.ended_at = SpecialOrder.State.FULFILLED, actor, at
        changed.append(link)
    write_fields(changed, ["received", "state", "ended_by", "ended_at"])
    publish(*(SpecialOrderEnded(special_order_id=link.pk) for link in changed if link.ended_at))


class TooMuchLinked(DomainError):
    """More is linked to the order line than it still brings."""

    code = "too_much_linked"


class NotWaiting(DomainError):
    """The other customer's line does not wait for these goods."""

    code = "not_waiting"


def supply_of(line: PurchaseOrderLine) -> str:
    """How stock names the goods of an order line."""
    return f"{line.order.reference}#{line.line}"


def waiting_line(*, document: str, item_id: int) -> int:
    """Answer the one line of the document that waits for the item. Raises NothingWaits, AmbiguousLine for several."""
    waiting = WaitingDemand.objects.filter(document=document, item=item_id, quantity__gt=0)
    lines = sorted(waiting.values_list("line", flat=True))
    if not lines:
        raise NothingWaits(document=document)
    if len(lines) > 1:
        raise AmbiguousLine(
            f"Several lines of {document} wait for this item: say which.", document=document, lines=lines
        )
    return lines[0]


@retried()
def link_special_order(
    *, order_line_id: int, document: str, line: int, actor: str, quantity: int | None = None
) -> SpecialOrder:
    """Let the order line bring what a customer's line still waits for: these goods serve him and he gets no others.

    What the order line has beyond that is for stock. Linking twice changes nothing. `quantity` says what is thought to
    be waited for. Raises NothingWaits, LinkedElsewhere, TooMuchLinked and WrongState; then nothing happens.
    """
    bought = _lock_line(order_line_id)
    if bought.order.status not in LINKABLE:
        raise WrongState(
            f"{bought.order.number} is {bought.order.get_status_display().lower()}.", status=bought.order.status
        )
    known = SpecialOrder.objects.filter(
        order_line=bought, document=document, line=line, state=SpecialOrder.State.OPEN
    ).first()
    if known is not None:
        return known
    units = link_demand(document=document, line=line, supply=supply_of(bought), actor=actor, item_id=bought.item_id)
    linked = _open_of(bought)
    free = open_units(bought) - linked
    if units > free or (quantity is not None and quantity < units):
        raise TooMuchLinked(
            f"{document} line {line} waits for {units}; line {bought.line} of {bought.order.number} has {free} to give."
            if units > free
            else f"{document} line {line} waits for {units}, not for {quantity}.",
            errors=[
                Offence(
                    pointer=f"/lines/{bought.line - 1}/quantity",
                    code="too_much_linked",
                    detail=f"{units} are waited for, {free} can be linked",
                    extra={"document": document, "line": line, "waiting": units, "free": free},
                )
            ],
        )
    link = SpecialOrder.objects.create(
        order_line=bought, document=document, line=line, quantity=units, created_by=actor
    )
    note_event(
        bought.order.reference,
        "linked",
        f"{units} of line {bought.line} are for {document} line {line}",
        actor=actor,
        data={"document": document, "line": line, "quantity": units},
    )
    return link


@retried()
def end_special_order(
    *,
    special_order_id: int,
    choice: str,
    actor: str,
    reason: str = "",
    document: str = "",
    line: int = 0,
    at: datetime | None = None,
) -> SpecialOrder:
    """Let go of goods bought for a customer: `keep` as stock, `cancel` with the supplier, or `move` to another one.

    What he still waits for is served by any goods again. Cancelled units come off the order line, by a revision that is
    sent; units for another customer are linked to his line. The link itself is kept as history. Ending it twice changes
    nothing. Raises NotWaiting where the other line waits for none of it.
    """
    order_line_id = SpecialOrder.objects.filter(pk=special_order_id).values_list("order_line", flat=True).first()
    if order_line_id is None:
        raise NotFound
    if choice not in CHOICES:
        raise Invalid(
            errors=[Offence(pointer="/choice", code="invalid", detail=f"one of {', '.join(sorted(CHOICES))}")]
        )
    bought = _lock_line(order_line_id)
    link = SpecialOrder.objects.select_for_update(no_key=True).get(pk=special_order_id)
    if link.state != SpecialOrder.State.OPEN:
        return link
    at = at or timezone.now()
    units = link.quantity - link.received
    unlink_demand(document=link.document, line=link.line, actor=actor, supply=supply_of(bought), item_id=bought.item_id)
    link.state, link.ended_by, link.ended_at, link.end_reason = CHOICES[choice], actor, at, reason[:200]
    link.save(update_fields=["state", "ended_by", "ended_at", "end_reason"])
    if choice == "cancel":
        _cancel_units(bought, units, reason or f"{link.document} was cancelled", actor, at)
    elif choice == "move":
        try:
            link_special_order(order_line_id=bought.pk, document=document, line=line, actor=actor)
        except NothingWaits as refusal:
            raise NotWaiting(document=document, line=line) from refusal
    note_event(
        bought.order.reference,
        "unlinked",
        f"{units} of line {bought.line} are not for {link.document} any more: {link.get_state_display().lower()}",
        actor=actor,
        data={"document": link.document, "line": link.line, "choice": choice},
    )
    settle_attention(kind=GIVEN_UP, documents=[f"special_order:{link.pk}"], by=actor, at=at)
    publish(SpecialOrderEnded(special_order_id=link.pk))
    return link


def flag_given_up(documents: Collection[str]) -> None:
    """Have an attention row for each open link to these documents whose customer does not wait for the goods any more.

    His order, or the line of it, was cancelled, or he got other goods. One query, and two more where rows are raised.
    """
    found = list(
        SpecialOrder.objects.filter(document__in=documents, state=SpecialOrder.State.OPEN)
        .annotate(
            waits=Subquery(
                WaitingDemand.objects.filter(
                    document=OuterRef("document"),
                    line=OuterRef("line"),
                    item=OuterRef("order_line__item"),
                    supply__gt="",
                ).values("quantity")[:1]
            )
        )
        .filter(Q(waits__isnull=True) | Q(waits__lt=F("quantity") - F("received")))
        .select_related("order_line__order__ship_to", "order_line__order__supplier", "order_line__item")
    )
    raise_attention(
        [
            Attention(
                kind=GIVEN_UP,
                subject=f"{link.order_line.item.name} for {link.document}",
                reason=f"{link.quantity - link.received - (link.waits or 0)} are on {link.order_line.order.number} for"
                " a customer who does not want them any more",
                document=f"special_order:{link.pk}",
                location=link.order_line.order.ship_to.code,
                scope="purchasing:write",
                step_label="Decide",
                step_url=reverse("purchasing:special_order", args=[link.pk]),
            )
            for link in found
        ]
    )


def take_back(units: Mapping[int, int]) -> None:
    """Let links forget so many units of their order lines that turn out not to have come, the latest link first."""
    left = dict(units)
    links = list(
        SpecialOrder.objects.filter(
            order_line__in=left, received__gt=0, state__in=[SpecialOrder.State.OPEN, SpecialOrder.State.FULFILLED]
        )
        .select_related("order_line")
        .order_by("-pk")
        .select_for_update(of=("self",), no_key=True)
    )
    of_line: dict[int, int] = {}
    for link in links:
        of_line[link.order_line_id] = of_line.get(link.order_line_id, 0) + link.received
    for link in links:
        # Goods of the stock part go first: only what the links have beyond what is left of the line goes with them.
        line = link.order_line
        beyond = of_line[line.pk] - line.received
        taken = min(link.received, max(0, beyond), left[line.pk])
        link.received -= taken
        left[line.pk] -= taken
        of_line[line.pk] -= taken
        if taken and link.state == SpecialOrder.State.FULFILLED:
            link.state, link.ended_by, link.ended_at = SpecialOrder.State.OPEN, "", None
    write_fields(links, ["received", "state", "ended_by", "ended_at"])


def _lock_line(order_line_id: int) -> PurchaseOrderLine:
    order_id = PurchaseOrderLine.objects.filter(pk=order_line_id).values_list("order", flat=True).first()
    if order_id is None:
        raise NotFound
    order = lock_purchase_order(order_id)
    line = PurchaseOrderLine.objects.select_related("item").get(pk=order_line_id)
    line.order = order
    return line


def _open_of(line: PurchaseOrderLine) -> int:
    """Units of the line that are linked to customers and did not come yet."""
    links = SpecialOrder.objects.filter(order_line=line, state=SpecialOrder.State.OPEN)
    return sum(link.quantity - link.received for link in links)


def _cancel_units(bought: PurchaseOrderLine, units: int, reason: str, actor: str, at: datetime) -> None:
    """Take the units off the order line; an order that was sent gets one more revision that says so."""
    order = bought.order
    units = min(units, open_units(bought))
    if not units:
        return
    before = bought.cancelled
    bought.cancelled += units
    bought.save(update_fields=["cancelled"])
    lines = list(order.lines.select_related("item").order_by("line"))
    order.net_total = net_total(lines, list(order.charges.all()), order.currency)
    if order.revision:
        if order.status in OPEN | {OrderStatus.RECEIVED}:
            order.status = standing_of(order, lines)
        changes = [[f"/lines/{bought.line - 1}/cancelled", before, bought.cancelled]]
        keep_revision(order, lines, changes, reason=reason, actor=actor, at=at)
        tell_expected(order, [line for line in lines if line.pk == bought.pk])
    order.save(update_fields=["net_total", "revision", "status"])
    publish(PurchaseOrderChanged(order_id=order.pk))
