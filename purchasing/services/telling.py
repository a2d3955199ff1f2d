"""Suppliers told in writing of what is wrong: with their invoice, with a delivery, and of goods that go back.

A letter is queued here and set when it goes, as things stand then; it travels as every paper does (`sending`).
"""

from __future__ import annotations

from typing import Any

from purchasing.models import Claim, Dispute, Receipt, Sending, SupplierReturn
from purchasing.services.sending import queue_paper
from purchasing.services.standing import WrongState
from purchasing.transports.registry import way_to
from retailhub.core.errors import NotFound


def tell_of_dispute(*, dispute_id: int, actor: str, again: bool = False) -> Sending:
    """Have the letter about a disputed invoice on its way. Telling twice sends one letter, unless `again`.

    Raises WrongState for a dispute that is over, and NoAddress.
    """
    dispute = Dispute.objects.select_related("invoice__supplier").filter(pk=dispute_id).first()
    if dispute is None or dispute.invoice.supplier is None:
        raise NotFound
    if dispute.state != Dispute.State.OPEN:
        raise WrongState(f"The dispute about {dispute.invoice.number} is over.", status=dispute.state)
    # A dispute that was opened anew is another matter than one that ended before it.
    before = Sending.objects.filter(document=dispute.invoice.reference, kind=Sending.Kind.DISPUTE).first()
    is_new = before is not None and before.made_at < dispute.opened_at
    return queue_paper(
        document=dispute.invoice.reference,
        kind=Sending.Kind.DISPUTE,
        supplier=dispute.invoice.supplier,
        actor=actor,
        again=again or is_new,
    )


def tell_of_claims(*, receipt_id: int, actor: str, again: bool = False) -> Sending:
    """Have the letter with every open claim of a delivery on its way. Telling twice sends one letter, unless `again`.

    Raises WrongState where nothing is claimed, and NoAddress.
    """
    receipt = Receipt.objects.select_related("supplier").filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound
    if receipt.supplier is None or not open_claims(receipt):
        raise WrongState(f"Nothing of {receipt.number} is claimed.", status=receipt.status)
    return queue_paper(
        document=receipt.reference, kind=Sending.Kind.CLAIM, supplier=receipt.supplier, actor=actor, again=again
    )


def tell_of_return(*, return_id: int, actor: str, again: bool = False) -> Sending:
    """Have the letter about goods that go back on its way. Telling twice sends one letter, unless `again`."""
    paper: Any = SupplierReturn.objects.select_related("supplier").filter(pk=return_id).first()
    if paper is None:
        raise NotFound
    return queue_paper(
        document=paper.reference, kind=Sending.Kind.CLAIM, supplier=paper.supplier, actor=actor, again=again
    )


def open_claims(receipt: Receipt) -> bool:
    """Whether anything of the delivery is claimed and not settled."""
    return Claim.objects.filter(receipt_line__receipt=receipt, state=Claim.State.OPEN).exists()


def can_be_told(receipt: Receipt) -> bool:
    """Whether there is something to tell the supplier of a delivery, and an address to tell it to."""
    return receipt.supplier is not None and bool(way_to(receipt.supplier)[1]) and open_claims(receipt)
