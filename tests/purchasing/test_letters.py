"""Letters to suppliers: what they say, in whose language, when they go, and what makes them go no more."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from pypdf import PdfReader

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Receipt, Sending, Supplier, SupplierInvoice
from purchasing.services.claiming import withdraw_claim
from purchasing.services.closing import cancel_purchase_order, close_short
from purchasing.services.deciding import end_dispute, open_dispute
from purchasing.services.letters import claim_letter, dispute_letter
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import GoingBack, return_goods
from purchasing.services.sending import NoAddress, queue_order_papers, send_papers
from purchasing.services.standing import WrongState
from purchasing.services.telling import tell_of_claims, tell_of_dispute
from retailhub.core.models import Attention
from tests.factories.purchasing import TODAY, billed, issued, received

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def words_of(pdf: bytes | None) -> str:
    assert pdf is not None
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", " ")


@pytest.fixture
def order(siam: Supplier, warehouse: Location, lamp: Item) -> PurchaseOrder:
    return issued(siam, warehouse, [(lamp, 10, "5.00")])


@pytest.fixture
def held(order: PurchaseOrder, lamp: Item) -> SupplierInvoice:
    received(order, [8])
    return billed(order, [(lamp, 10, "6.00")], number="RE / 2026-7")


@pytest.fixture
def torn(order: PurchaseOrder) -> Receipt:
    line = order.lines.get()
    return receive_delivery(
        location=order.ship_to,
        counted=[Counted(item_id=line.item_id, order_line_id=line.pk, accepted=6, damaged=2, announced=10)],
        actor="user:wim",
        received_on=TODAY,
        delivery_note="LS-9",
    )


def test_a_dispute_says_part_by_part_what_is_wrong(held: SupplierInvoice, siam: Supplier) -> None:
    siam.language = "fr"
    siam.save()

    dispute = open_dispute(invoice_id=held.pk, actor="user:ada", note="Deux manquent")

    text = words_of(dispute_letter(dispute))
    for piece in ("Contestation de facture RE / 2026-7", "Facturé plus que reçu", "Prix différent", "Deux manquent"):
        assert piece in text
    assert "20,00" in text
    assert "Livrer à" not in text


def test_a_dispute_is_told_once_and_again_when_asked(held: SupplierInvoice) -> None:
    dispute = open_dispute(invoice_id=held.pk, actor="user:ada")
    open_dispute(invoice_id=held.pk, actor="user:ada")
    send_papers()
    tell_of_dispute(dispute_id=dispute.pk, actor="user:ada")
    send_papers()

    (message,) = mail.outbox
    assert "RE / 2026-7" in message.subject
    assert message.attachments[0][0] == "RE-2026-7-dispute.pdf"  # type: ignore[index]
    assert Sending.objects.get().state == "sent"
    tell_of_dispute(dispute_id=dispute.pk, actor="user:ada", again=True)
    send_papers()
    assert len(mail.outbox) == 2


def test_a_dispute_that_ended_before_its_letter_went_is_not_told(held: SupplierInvoice) -> None:
    dispute = open_dispute(invoice_id=held.pk, actor="user:ada")
    end_dispute(dispute_id=dispute.pk, state="withdrawn", actor="user:ada")

    send_papers()

    assert not mail.outbox
    assert Sending.objects.get().state == "failed"
    with pytest.raises(WrongState):
        tell_of_dispute(dispute_id=dispute.pk, actor="user:ada")


def test_a_dispute_with_a_supplier_without_an_address_is_opened_and_not_sent(
    held: SupplierInvoice, siam: Supplier
) -> None:
    Supplier.objects.update(order_email="")

    dispute = open_dispute(invoice_id=held.pk, actor="user:ada")

    assert not Sending.objects.exists()
    with pytest.raises(NoAddress):
        tell_of_dispute(dispute_id=dispute.pk, actor="user:ada")


def test_a_claim_lists_what_was_short_and_damaged(torn: Receipt) -> None:
    text = words_of(claim_letter(torn))

    for piece in (f"Claim {torn.number}", "LS-9", "Short", "Damaged", "10 on the delivery note, 8 came", "20.00"):
        assert piece in text


def test_claims_that_were_withdrawn_are_not_told(torn: Receipt) -> None:
    tell_of_claims(receipt_id=torn.pk, actor="user:bea")
    for claim in torn.supplier.claims.all():  # type: ignore[union-attr]
        withdraw_claim(claim_id=claim.pk, reason="Found", actor="user:bea")

    send_papers()

    assert not mail.outbox
    assert claim_letter(torn) is None
    with pytest.raises(WrongState):
        tell_of_claims(receipt_id=torn.pk, actor="user:bea")


def test_goods_on_their_way_back_are_told_of(torn: Receipt) -> None:
    going = [GoingBack(receipt_line_id=torn.lines.get().pk, quantity=2, bucket="damaged")]

    paper = return_goods(
        lines=going, reason="Torn", actor="user:wim", carrier="DHL", tracking_number="T-1", tell_supplier=True
    )
    send_papers()

    (message,) = mail.outbox
    assert message.subject.startswith(f"Return {paper.number}")
    text = words_of(message.attachments[0][1])  # type: ignore[index,arg-type]
    for piece in ("Return of goods", "DHL", "T-1", "Torn", "10.00"):
        assert piece in text


def test_a_letter_that_fails_is_on_the_work_list_of_who_can_send_it(
    held: SupplierInvoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    Supplier.objects.update(order_email="no address")
    open_dispute(invoice_id=held.pk, actor="user:ada")

    send_papers()

    row = Attention.objects.get(kind="paper_unsent")
    assert (row.scope, row.step_url) == ("invoices:write", f"/buying/invoices/{held.pk}/")
    assert "RE / 2026-7" in row.subject


def test_closing_a_line_short_is_told_by_a_revision(order: PurchaseOrder) -> None:
    received(order, [8])

    close_short(order_id=order.pk, reason="Not made any more", actor="user:bea")
    order.refresh_from_db()
    revision = order.revisions.get(number=2)
    queue_order_papers(order_ids=[order.pk])
    send_papers()

    assert (order.status, revision.changes) == ("closed_short", [["/lines/0/cancelled", 0, 2]])
    revised = [message for message in mail.outbox if "revision 2" in message.subject]
    assert "before: 10" in words_of(revised[0].attachments[0][1])  # type: ignore[index,arg-type]


def test_closing_what_is_not_open_makes_no_revision(order: PurchaseOrder, siam: Supplier, warehouse: Location) -> None:
    received(order, [8])
    close_short(order_id=order.pk, reason="Enough", actor="user:bea")
    before = order.revisions.count()

    with pytest.raises(WrongState):
        close_short(order_id=order.pk, reason="Enough", actor="user:bea")

    assert order.revisions.count() == before


def test_a_cancelled_order_is_told_to_who_had_it(order: PurchaseOrder) -> None:
    cancel_purchase_order(order_id=order.pk, reason="No room", actor="user:bea")
    queue_order_papers(order_ids=[order.pk])
    send_papers()

    assert any("Cancellation" in message.subject for message in mail.outbox)


def test_what_is_disputed_of_a_line_is_told_once(held: SupplierInvoice) -> None:
    """Too many at too high a price: 20 of the 60 billed are not paid, however many things are wrong."""
    dispute = open_dispute(invoice_id=held.pk, actor="user:ada")

    text = words_of(dispute_letter(dispute))

    assert dispute.amount == 20
    assert [part["difference"] for part in dispute.lines if part["difference"]] == ["20.0000"]
    assert "Value differs" not in text
    assert text.count("20.00") == 2
