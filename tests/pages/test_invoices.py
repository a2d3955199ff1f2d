"""Pages of supplier invoices: every step that people take on them, its refusals, and who is turned away."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Item, Location
from purchasing.models import Dispute, Sending, Supplier, SupplierInvoice, SupplierPayment
from purchasing.services.paying import pay_supplier
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import TODAY, SupplierFactory, billed, issued, posted, received

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"


@pytest.fixture
def siam() -> Supplier:
    supplier: Supplier = SupplierFactory.create(code="SIAM", name="Siam Textiles", order_email="sales@siam.example")
    return supplier


@pytest.fixture
def place() -> Location:
    return LocationFactory.create(code="warehouse")


@pytest.fixture
def goods() -> list[Item]:
    return [ItemFactory.create(sku=sku, name=sku.title()) for sku in ("LAMP", "ROPE")]


@pytest.fixture
def short(siam: Supplier, place: Location, goods: list[Item]) -> SupplierInvoice:
    """Ten lamps billed, eight came."""
    order = issued(siam, place, [(item, 10, "5.00") for item in goods])
    received(order, [8, 10])
    return billed(order, [(goods[0], 10, "5.00"), (goods[1], 10, "5.00")])


@pytest.fixture
def accountant(client: Client) -> Client:
    client.force_login(person(Role.ACCOUNTANT), backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(name: str, invoice: SupplierInvoice, *more: object) -> str:
    return reverse(f"purchasing:{name}", args=[invoice.pk, *more])


def test_a_hold_is_let_pass_with_a_reason(accountant: Client, short: SupplierInvoice) -> None:
    hold = short.holds.get()
    where = address("invoice_release", short, hold.pk)

    assert "8 expected" in accountant.get(where).content.decode()
    refused = accountant.post(where, {"reason": ""})
    assert refused.status_code == 422
    accountant.post(where, {"reason": "The rest came by post"})

    hold.refresh_from_db()
    short.refresh_from_db()
    assert (hold.release_reason, short.status) == ("The rest came by post", "matched")


def test_what_is_posted_is_paid_once_and_never_above(accountant: Client, short: SupplierInvoice) -> None:
    posted(short)
    where = address("invoice_pay", short)
    form = {"amount": "90.00", "paid_on": "2026-11-25", "reference": "SEPA 7", "once": "a"}

    too_much = accountant.post(where, form | {"amount": "90.01"})
    accountant.post(where, form | {"once": "b"})
    accountant.post(where, form | {"once": "b"})

    assert too_much.status_code == 409
    assert "is open" in too_much.content.decode()
    payment = SupplierPayment.objects.get()
    assert (payment.amount, payment.reference) == (Decimal(90), "SEPA 7")


def test_a_rejected_invoice_says_why(accountant: Client, short: SupplierInvoice) -> None:
    accountant.post(address("invoice_reject", short), {"reason": "Not ours"})

    page = accountant.get(address("invoice", short)).content.decode()
    assert "Rejected: Not ours" in page
    assert address("invoice_pay", short) not in page


def test_a_guessed_supplier_is_confirmed_or_another_is_named(
    accountant: Client, short: SupplierInvoice, siam: Supplier
) -> None:
    SupplierInvoice.objects.filter(pk=short.pk).update(guesses=[["/supplier", "by the name Siam"]])
    other = SupplierFactory.create(code="OTHER", name="Other Ltd")
    where = address("invoice_supplier", short)

    assert where in accountant.get(address("invoice", short)).content.decode()
    accountant.post(where, {"supplier": "SIAM"})
    short.refresh_from_db()
    assert (short.supplier, short.guesses) == (siam, [])
    refused = accountant.post(where, {"supplier": "OTHER"})
    assert refused.status_code == 409

    SupplierInvoice.objects.filter(pk=short.pk).update(guesses=[["/supplier", "by the name Siam"]])
    accountant.post(where, {"supplier": "OTHER"})
    short.refresh_from_db()
    assert short.supplier == other
    assert not short.lines.exclude(order_line=None).exists()
    assert short.status == "on_hold"


def test_a_line_is_attached_to_an_order_line_and_taken_off_again(
    accountant: Client, siam: Supplier, place: Location, goods: list[Item]
) -> None:
    order = issued(siam, place, [(goods[0], 10, "5.00")])
    received(order)
    invoice = billed(order, [(goods[0], 10, "5.00")], purchase_orders=[])
    assert [hold.code for hold in invoice.holds.all()] == ["NOPO"]
    where = address("invoice_attach", invoice, 1)

    assert order.number in accountant.get(where).content.decode()
    accountant.post(where, {"order_line": order.lines.get().pk})
    invoice.refresh_from_db()
    assert (invoice.status, invoice.lines.get().order_line) == ("matched", order.lines.get())
    accountant.post(where, {"order_line": ""})
    invoice.refresh_from_db()
    assert invoice.status == "on_hold"


def test_no_order_of_another_supplier_is_offered_or_taken(
    accountant: Client, short: SupplierInvoice, place: Location, goods: list[Item]
) -> None:
    foreign = issued(SupplierFactory.create(), place, [(goods[0], 3, "5.00")])

    answer = accountant.post(address("invoice_attach", short, 1), {"order_line": foreign.lines.get().pk})

    assert answer.status_code == 422
    assert short.lines.get(line=1).order_line.order_id != foreign.pk  # type: ignore[union-attr]


def test_a_dispute_is_looked_at_and_its_letter_goes(accountant: Client, short: SupplierInvoice) -> None:
    letter = accountant.get(address("invoice_letter", short))
    dialog = accountant.get(address("invoice_dispute", short)).content.decode()
    accountant.post(address("invoice_dispute", short), {"reply_by": "2026-12-09", "note": "Two are missing"})

    assert letter.content.startswith(b"%PDF-")
    assert letter["X-Frame-Options"] == "SAMEORIGIN"
    assert "sales@siam.example" in dialog
    dispute, sending = Dispute.objects.get(), Sending.objects.get(kind="dispute")
    assert (dispute.note, str(dispute.reply_by), sending.address) == (
        "Two are missing", "2026-12-09", "sales@siam.example",
    )  # fmt: skip
    page = accountant.get(address("invoice", short)).content.decode()
    assert "goes to sales@siam.example" in page
    assert address("invoice_resend", short) in page


def test_the_paper_is_shown_in_our_own_frame_and_to_nobody_else(
    accountant: Client, short: SupplierInvoice, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    from django.core.files.base import ContentFile

    short.file.save("paper.pdf", ContentFile(PDF))

    answer = accountant.get(address("invoice_file", short))
    page = accountant.get(address("invoice", short))

    assert b"".join(answer.streaming_content) == PDF  # type: ignore[attr-defined]
    for close in answer._resource_closers:  # closing the answer would close the connection of the test
        close()
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    stranger = Client()
    assert stranger.get(address("invoice_file", short)).status_code == 302
    stranger.force_login(person(Role.WAREHOUSE), backend="django.contrib.auth.backends.ModelBackend")
    assert stranger.get(address("invoice_file", short)).status_code == 403


def test_a_page_of_scripts_called_pdf_is_never_shown(
    accountant: Client, short: SupplierInvoice, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    from django.core.files.base import ContentFile

    short.file.save("paper.pdf", ContentFile(b"<script>alert(1)</script>"))

    answer = accountant.get(address("invoice_file", short))

    for close in answer._resource_closers:  # closing the answer would close the connection of the test
        close()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")


def test_whoever_only_looks_moves_nothing(client: Client, short: SupplierInvoice) -> None:
    client.force_login(person(Role.BUYER), backend="django.contrib.auth.backends.ModelBackend")
    hold = short.holds.get()
    page = client.get(address("invoice", short))
    steps = [
        address("invoice_release", short, hold.pk), address("invoice_attach", short, 1),
        *(address(f"invoice_{name}", short) for name in (
            "supplier", "distinct", "reject", "dispute", "end_dispute", "resend", "pay", "set_off", "rematch",
            "approve",
        )),
    ]  # fmt: skip

    assert page.status_code == 200
    assert {client.post(step, {"reason": "x"}).status_code for step in steps} == {403}
    assert not any(step in page.content.decode() for step in steps)
    short.refresh_from_db()
    assert short.status == "on_hold"


def test_looking_at_a_step_takes_none(accountant: Client, short: SupplierInvoice) -> None:
    hold = short.holds.get()
    for step in (
        address("invoice_release", short, hold.pk), address("invoice_attach", short, 1),
        *(address(f"invoice_{name}", short) for name in ("distinct", "reject", "dispute", "pay", "letter")),
    ):  # fmt: skip
        assert accountant.get(step).status_code == 200
    assert accountant.get(address("invoice_rematch", short)).status_code == 405

    short.refresh_from_db()
    assert (short.status, Dispute.objects.count(), Sending.objects.filter(kind="dispute").count()) == ("on_hold", 0, 0)


def test_a_credit_note_or_what_was_paid_ahead_is_set_off(
    accountant: Client, short: SupplierInvoice, siam: Supplier
) -> None:
    posted(short)
    paid = pay_supplier(supplier=siam, uses={}, amount=Decimal(50), currency="EUR", paid_on=TODAY, actor="user:max")
    where = address("invoice_set_off", short)

    assert paid.number in accountant.get(where).content.decode()
    accountant.post(where, {"source": f"SupplierPayment:{paid.number}", "amount": ""})

    short.refresh_from_db()
    assert short.paid_total == Decimal(50)


def test_many_lines_take_no_more_queries(
    accountant: Client, short: SupplierInvoice, django_assert_max_num_queries: Any
) -> None:
    line = short.lines.first()
    assert line is not None
    for number in range(3, 40):
        line.pk, line.line = None, number
        line.save()

    with django_assert_max_num_queries(45):
        accountant.get(address("invoice", short))
