"""Papers on their way to suppliers: queued with the news, sent with no transaction open, tried again when it fails.

A paper that waits is claimed by its row: a lease says until when nobody else sends it. Whoever dies while sending
leaves the lease to run out; the paper then goes once more, under the same message id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from purchasing.models import (
    Dispute,
    OrderStatus,
    PurchaseOrder,
    Receipt,
    Sending,
    Supplier,
    SupplierInvoice,
    SupplierReturn,
    SupplierReturnLine,
)
from purchasing.services.letters import claim_letter, dispute_letter, return_letter
from purchasing.services.printing import order_paper
from purchasing.services.standing import WrongState, lock_purchase_order, note_event
from purchasing.transports.base import Outcome, Paper, Told
from purchasing.transports.registry import TRANSPORTS, way_to
from retailhub.core.bells import ring_on_commit
from retailhub.core.errors import DomainError
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried

log = logging.getLogger(__name__)

TASK = "purchasing.tasks.send_papers"
UNSENT = "paper_unsent"
# Longer than setting a page and a call to a mail server may take together.
LEASE = timedelta(seconds=120)
PAUSES = (60, 300, 900, 3600, 3600, 3600, 3600)
"""Seconds before the second, third, ... try; after the last one the paper has failed."""
TRIES_BEFORE_ALARM = 2


class NoAddress(DomainError):
    """The supplier has no address for orders: enter one, or print the paper."""

    code = "no_address"


@retried()
def queue_order_papers(*, order_ids: Sequence[int]) -> None:
    """Have the present revision of each sent order waiting to be sent, and the cancellation of each cancelled one.

    Papers of earlier revisions that still wait are overtaken. Suppliers without an address get theirs from people, who
    see that on the order's page. Asking twice changes nothing.
    """
    for order_id in sorted(set(order_ids)):
        order = lock_purchase_order(order_id)
        if not order.revision or not way_to(order.supplier)[1]:
            continue  # he never heard of it, or cannot be reached
        if order.status == OrderStatus.CANCELLED:
            _queue(order, Sending.Kind.CANCELLATION, None, actor="system")
        else:
            kind = Sending.Kind.ORDER if order.revision == 1 else Sending.Kind.REVISION
            _queue(order, kind, order.revision, actor="system")


@retried()
def resend_paper(*, order_id: int, actor: str) -> Sending:
    """Have the order's present paper sent once more, to the address the supplier has now. Raises NoAddress."""
    order = lock_purchase_order(order_id)
    if not way_to(order.supplier)[1]:
        raise NoAddress(supplier=order.supplier.code)
    if not order.revision:
        raise WrongState(f"{order.number} was not sent yet.", status=order.status)
    if order.status == OrderStatus.CANCELLED:
        return _queue(order, Sending.Kind.CANCELLATION, None, actor=actor, again=True)
    kind = Sending.Kind.ORDER if order.revision == 1 else Sending.Kind.REVISION
    return _queue(order, kind, order.revision, actor=actor, again=True)


@retried()
def queue_paper(
    *, document: str, kind: str, supplier: Supplier, actor: str, content: bytes | None = None, again: bool = False
) -> Sending:
    """Have a letter, such as a claim or a dispute, waiting to be sent; one without `content` is set when it goes.

    One that waits already is the one that goes, and one that went goes no second time unless it is to go `again`.
    Raises NoAddress.
    """
    if not way_to(supplier)[1]:
        raise NoAddress(supplier=supplier.code)
    same = Sending.objects.filter(document=document, kind=kind)
    known = same.filter(state=Sending.State.WAITING).first() or (None if again else same.first())
    return known or _put(document, kind, None, supplier, actor, content)


def _queue(order: PurchaseOrder, kind: str, revision: int | None, *, actor: str, again: bool = False) -> Sending:
    papers = Sending.objects.filter(document=order.reference, kind__in=("order", "revision", "cancellation"))
    same = papers.filter(kind=kind, revision=revision)
    waiting = same.filter(state=Sending.State.WAITING).first()
    known = waiting or (None if again else same.first())
    if known:
        return known
    overtaken = papers.filter(state=Sending.State.WAITING).exclude(kind=kind, revision=revision)
    overtaken.update(state=Sending.State.FAILED, error="Overtaken by a later paper.")
    return _put(order.reference, kind, revision, order.supplier, actor)


def _put(
    document: str, kind: str, revision: int | None, supplier: Supplier, actor: str, content: bytes | None = None
) -> Sending:
    transport, address = way_to(supplier)
    sending = Sending(
        document=document,
        kind=kind,
        revision=revision,
        supplier=supplier,
        transport=transport.key,
        address=address,
        actor=actor,
        due_at=timezone.now(),
        made_at=timezone.now(),
    )
    if content is not None:
        sending.file.save(_file_name(sending), ContentFile(content), save=False)
    sending.save()
    ring_on_commit(TASK)
    return sending


def send_papers(*, most: int = 20) -> int:
    """Send what is due; answers how many papers were taken in hand. Safe to run many at once and to repeat."""
    claimed = _claim(most)
    for sending in claimed:
        try:
            told = _send(sending)
        except Exception as error:
            # One paper that cannot be set is no reason for the others to wait.
            log.exception("the paper %s could not be sent", sending.pk)
            told = Told(Outcome.RETRY, f"The paper could not be made: {type(error).__name__}: {error}")
        _settle(sending, told)
    return len(claimed)


def _claim(most: int) -> list[Sending]:
    now = timezone.now()
    with transaction.atomic():
        due = list(
            Sending.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), state="waiting", due_at__lte=now)
            .select_related("supplier")
            .order_by("due_at", "pk")
            .select_for_update(of=("self",), skip_locked=True)[:most]
        )
        for sending in due:
            sending.leased_until = now + LEASE
            sending.attempts += 1
            sending.message_id = sending.message_id or _message_id(sending)
        write_fields(due, ["leased_until", "attempts", "message_id"])
    return due


def _message_id(sending: Sending) -> str:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "retailhub.invalid"
    return f"<{sending.document.replace(':', '-')}.{sending.pk}@{domain}>".lower()


def _send(sending: Sending) -> Told:
    transport = TRANSPORTS.get(sending.transport)
    if transport is None:
        return Told(Outcome.PERMANENT, f"There is no way called {sending.transport} any more.")
    number = number_on(sending)
    if not sending.file:
        content = _set(sending)
        if content is None:
            return Told(Outcome.PERMANENT, "Overtaken: there is nothing of it to tell any more.")
        sending.file.save(_file_name(sending), ContentFile(content), save=False)
        Sending.objects.filter(pk=sending.pk).update(file=sending.file.name)
    with sending.file.open("rb") as file:
        content = file.read()
    return transport.send(
        Paper(
            kind="return" if sending.document.startswith("supplier_return:") else sending.kind,
            number=number,
            revision=sending.revision,
            address=sending.address,
            language=sending.supplier.language,
            supplier_name=sending.supplier.name,
            message_id=sending.message_id,
            file_name=_file_name(sending),
            content=content,
        )
    )


def _set(sending: Sending) -> bytes | None:
    """Set the paper as things stand, or None where they went on meanwhile and there is nothing of it to tell."""
    number = sending.document.partition(":")[2]
    if sending.kind == Sending.Kind.DISPUTE:
        dispute = Dispute.objects.filter(invoice=int(number), state=Dispute.State.OPEN).first()
        return dispute_letter(dispute) if dispute else None
    if sending.kind == Sending.Kind.CLAIM:
        if sending.document.startswith("supplier_return:"):
            back: Any = SupplierReturn.objects.select_related("supplier", "location").get(number=number)
            return return_letter(back)
        return claim_letter(Receipt.objects.select_related("supplier", "location").get(number=number))
    order = PurchaseOrder.objects.select_related("supplier", "ship_to").get(number=number)
    if sending.revision is not None and sending.revision != order.revision:
        return None
    return order_paper(order, kind=sending.kind)


def number_on(sending: Sending) -> str:
    """Answer what the paper is about by the number its reader knows: an invoice has the supplier's own."""
    kind, _, number = sending.document.partition(":")
    if kind == "supplier_invoice":
        return " ".join(SupplierInvoice.objects.values_list("number", flat=True).get(pk=int(number)).split())
    return number


def _file_name(sending: Sending) -> str:
    number = re.sub(r"[^\w.-]+", "-", number_on(sending))[:60]
    part = f"-r{sending.revision}" if sending.revision and sending.revision > 1 else ""
    return f"{number}{part}-{sending.kind}.pdf" if sending.kind not in ("order", "revision") else f"{number}{part}.pdf"


@retried()
def _settle(sending: Sending, told: Told) -> None:
    """Write down what came of it, unless somebody else took the paper in hand meanwhile."""
    row = Sending.objects.select_for_update(of=("self",), no_key=True).get(pk=sending.pk)
    if row.state != Sending.State.WAITING or row.attempts != sending.attempts:
        return
    now = timezone.now()
    row.leased_until, row.error = None, told.error
    if told.outcome == Outcome.SENT:
        row.state, row.sent_at = Sending.State.SENT, now
        note_event(row.document, "paper_sent", f"{row.get_kind_display()} sent to {row.address}", actor="system")
        settle_attention(kind=UNSENT, documents=[row.document], by="system", at=now)
    elif told.outcome == Outcome.RETRY and row.attempts <= len(PAUSES):
        row.due_at = now + timedelta(seconds=PAUSES[row.attempts - 1])
        if row.attempts >= TRIES_BEFORE_ALARM:
            _alarm(row)
    else:
        row.state = Sending.State.FAILED
        note_event(row.document, "paper_failed", told.error, actor="system")
        _alarm(row)
    row.save(update_fields=["state", "sent_at", "leased_until", "error", "due_at"])


def _alarm(sending: Sending) -> None:
    kind, _, key = sending.document.partition(":")
    number = number_on(sending)
    order = PurchaseOrder.objects.select_related("ship_to").filter(number=key).first() if kind == "po" else None
    raise_attention(
        [
            Attention(
                kind=UNSENT,
                document=sending.document,
                subject=f"{number} was approved and not sent to {sending.supplier.name}"
                if sending.kind == Sending.Kind.ORDER
                else f"{sending.get_kind_display()} {number} was not sent to {sending.supplier.name}",
                reason=sending.error,
                location=order.ship_to.code if order else "",
                scope="invoices:write" if kind == "supplier_invoice" else "purchasing:write",
                at_risk=order.net_total if order else None,
                currency=order.currency if order else "",
                step_label="Send again",
                step_url=_page(kind, key),
            )
        ]
    )


def _page(kind: str, key: str) -> str:
    if kind == "supplier_return":
        lines = SupplierReturnLine.objects.filter(supplier_return__number=key)
        kind, key = "receipt", lines.values_list("receipt_line__receipt__number", flat=True)[:1].get()
    name = {"po": "order", "supplier_invoice": "invoice", "receipt": "receipt"}.get(kind)
    try:
        return reverse(f"purchasing:{name}", args=[key]) if name else ""
    except NoReverseMatch:
        return ""
