"""Papers on their way to suppliers: what is sent, what is tried again, and what a person hears of it."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pypdf import PdfReader

from inventory.models import Item, Location
from purchasing.listeners import send_order_papers
from purchasing.models import BuyingEvent, PurchaseOrder, Sending, Supplier
from purchasing.services import sending as sending_service
from purchasing.services.amending import amend_purchase_order
from purchasing.services.changes import LineChange, OrderChanges
from purchasing.services.closing import cancel_purchase_order
from purchasing.services.sending import NoAddress, queue_paper, resend_paper, send_papers
from purchasing.services.standing import WrongState
from purchasing.transports.email import EmailTransport
from retailhub.core.models import Attention
from tests.factories.purchasing import drafted, issued

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.COMPANY_NAME = "Nordwind"


@pytest.fixture
def order(siam: Supplier, lamp: Item, warehouse: Location) -> PurchaseOrder:
    return issued(siam, warehouse, [(lamp, 10, "2.50")])


def queue(order: PurchaseOrder) -> None:
    send_order_papers([{"order_id": order.pk, "revision": order.revision}] * 2)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(*args: object, **kwargs: object) -> int:
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)


def due_again() -> None:
    Sending.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_an_issued_order_goes_once_with_its_paper_attached(order: PurchaseOrder) -> None:
    queue(order)
    assert mail.outbox == []
    send_papers()
    queue(order)
    send_papers()

    (message,) = mail.outbox
    assert message.to == [order.supplier.order_email]
    assert message.subject == f"Purchase order {order.number} from Nordwind"
    name, content, kind = message.attachments[0]
    assert (name, kind) == (f"{order.number}.pdf", "application/pdf")
    assert order.number in PdfReader(io.BytesIO(content)).pages[0].extract_text()
    sent = Sending.objects.get()
    assert (sent.state, sent.attempts, sent.error) == ("sent", 1, "")
    assert sent.message_id == message.extra_headers["Message-ID"]
    assert BuyingEvent.objects.filter(document=order.reference, kind="paper_sent").count() == 1


@pytest.mark.parametrize(
    ("language", "word"), [("fr", "Commande"), ("th", "ใบสั่งซื้อ"), ("zh-hans", "采购订单"), ("xx", "Purchase order")]
)
def test_the_letter_is_in_the_suppliers_language(order: PurchaseOrder, language: str, word: str) -> None:
    Supplier.objects.update(language=language, name="A\r\nBcc: x@y.example")

    queue(order)
    send_papers()

    assert mail.outbox[0].subject.startswith(word)
    assert "\n" not in mail.outbox[0].subject


def test_a_draft_is_sent_to_nobody(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    draft = drafted(siam, warehouse, [(lamp, 1, "1")])

    queue(draft)
    with pytest.raises(WrongState):
        resend_paper(order_id=draft.pk, actor="user:bea")

    assert not Sending.objects.exists()


def test_only_the_present_revision_goes(order: PurchaseOrder) -> None:
    queue(order)
    amended = amend_purchase_order(
        order_id=order.pk, changes=OrderChanges(lines=[LineChange(line=1, quantity=12)]), actor="user:bea"
    ).order
    queue(amended)
    send_papers()

    (message,) = mail.outbox
    assert "revision 2" in message.subject
    assert message.attachments[0][0] == f"{order.number}-r2.pdf"
    assert list(Sending.objects.order_by("pk").values_list("state", "error")) == [
        ("failed", "Overtaken by a later paper."),
        ("sent", ""),
    ]
    assert not Attention.objects.exists()


def test_a_cancelled_order_is_called_off_with_the_supplier(order: PurchaseOrder) -> None:
    queue(order)
    send_papers()
    cancel_purchase_order(order_id=order.pk, reason="sold out", actor="user:bea")
    queue(order)
    send_papers()

    assert [message.subject.split()[0] for message in mail.outbox] == ["Purchase", "Cancellation"]


def test_a_server_that_is_away_is_tried_again_with_a_growing_pause_and_told_to_people(
    order: PurchaseOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(order)
    with monkeypatch.context() as away:
        failing(away, SMTPServerDisconnected("gone"))
        pauses = []
        for _try in range(2):
            send_papers()
            row = Sending.objects.get()
            pauses.append(round((row.due_at - timezone.now()).total_seconds(), -1))
            assert send_papers() == 0, "not before its time"
            due_again()

        assert row.state == "waiting"
        assert pauses == [60, 300]
        alarm = Attention.objects.get(resolved_at=None)
        assert (alarm.kind, alarm.document) == ("paper_unsent", order.reference)
        assert "gone" in alarm.reason

    send_papers()

    assert Sending.objects.get().state == "sent"
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1
    assert not Attention.objects.filter(resolved_at=None).exists()


def test_after_the_last_try_it_has_failed(order: PurchaseOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(order)
    failing(monkeypatch, ConnectionRefusedError("no"))

    for _try in range(12):
        send_papers()
        due_again()

    row = Sending.objects.get()
    assert (row.state, row.attempts) == ("failed", 8)


def test_an_address_nobody_has_is_not_tried_again_and_a_new_one_is(
    order: PurchaseOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(order)
    with monkeypatch.context() as refusing:
        failing(refusing, SMTPRecipientsRefused({"x": (550, b"no such user")}))
        send_papers()
    assert Sending.objects.get().state == "failed"
    assert Attention.objects.filter(kind="paper_unsent", resolved_at=None).count() == 1

    Supplier.objects.update(order_email="new@supplier.example")
    resend_paper(order_id=order.pk, actor="user:bea")
    resend_paper(order_id=order.pk, actor="user:bea")
    send_papers()

    assert [message.to for message in mail.outbox] == [["new@supplier.example"]]
    assert not Attention.objects.filter(resolved_at=None).exists()


def test_what_is_no_address_fails_at_once(order: PurchaseOrder) -> None:
    Supplier.objects.update(order_email="not an address")

    queue(order)
    send_papers()

    assert Sending.objects.get().state == "failed"
    assert mail.outbox == []


def test_a_supplier_without_an_address_is_served_by_people(order: PurchaseOrder) -> None:
    Supplier.objects.update(order_email="")

    queue(order)
    with pytest.raises(NoAddress):
        resend_paper(order_id=order.pk, actor="user:bea")

    assert not Sending.objects.exists()
    assert not Attention.objects.exists()


def test_whoever_died_while_sending_is_taken_over_after_his_lease(order: PurchaseOrder) -> None:
    queue(order)
    claimed = sending_service._claim(5)
    assert send_papers() == 0

    Sending.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert send_papers() == 1

    sending_service._settle(claimed[0], sending_service.Told(sending_service.Outcome.RETRY, "late news"))
    row = Sending.objects.get()
    assert (row.state, row.error) == ("sent", "")
    assert row.message_id == claimed[0].message_id


def test_a_paper_that_cannot_be_set_does_not_hold_up_the_others(
    siam: Supplier, lamp: Item, warehouse: Location, order: PurchaseOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = issued(siam, warehouse, [(lamp, 1, "1")])
    queue(order)
    queue(other)
    real = sending_service.order_paper

    def paper(row: PurchaseOrder, **kwargs: Any) -> bytes:
        if row.pk == order.pk:
            raise RuntimeError("odd letters")
        return real(row, **kwargs)

    monkeypatch.setattr(sending_service, "order_paper", paper)
    send_papers()

    assert dict(Sending.objects.values_list("document", "state")) == {
        order.reference: "waiting",
        other.reference: "sent",
    }


def test_other_papers_travel_the_same_way(siam: Supplier) -> None:
    queue_paper(document="claim:CL-1", kind="claim", supplier=siam, content=b"%PDF-1.7", actor="user:wes")
    send_papers()

    (message,) = mail.outbox
    assert message.attachments[0] == ("CL-1-claim.pdf", b"%PDF-1.7", "application/pdf")


def test_the_transport_is_what_the_protocol_says() -> None:
    from purchasing.transports.base import Transport

    assert isinstance(EmailTransport(), Transport)
