"""Invoices typed beside their paper, and files that are uploaded: what is kept, what is refused, and where."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier, SupplierInvoice
from purchasing.services.waiting_papers import keep_paper, sweep_papers
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, billed, issued, received
from tests.purchasing.einvoices.writing import an_invoice, as_ubl

pytestmark = pytest.mark.django_db
NEW = "/buying/invoices/new/"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def siam() -> Supplier:
    supplier: Supplier = SupplierFactory.create(code="SIAM", name="Siam Textiles", tax_rate=Decimal("0.19"))
    return supplier


@pytest.fixture
def lamp() -> Item:
    return ItemFactory.create(sku="LAMP", name="Lamp")


@pytest.fixture
def order(siam: Supplier, lamp: Item) -> PurchaseOrder:
    place: Location = LocationFactory.create(code="warehouse")
    order = issued(siam, place, [(lamp, 10, "5.00")])
    received(order, [8])
    return order


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(person(Role.ACCOUNTANT), backend="django.contrib.auth.backends.ModelBackend")
    return client


def form(order: PurchaseOrder, /, **more: Any) -> dict[str, Any]:
    return {
        "supplier": "SIAM", "kind": "invoice", "number": "RE-7", "date": "2026-11-24", "currency": "EUR",
        "total": "47.60", "sku": "LAMP", "description": "", "quantity": "8", "price": "5.00", "net": "", "tax": "19",
        "order": f"{order.number}/1", "once": "a", **more,
    }  # fmt: skip


def test_a_typed_invoice_is_matched_and_keeps_its_paper(clerk: Client, order: PurchaseOrder) -> None:
    shown = clerk.post(f"{NEW}paper/", {"paper_file": SimpleUploadedFile("a.pdf", PDF)}, headers={"HX-Request": "true"})
    token = shown.context["paper"]

    done = clerk.post(NEW, form(order, paper=token))

    invoice = SupplierInvoice.objects.get()
    assert done["Location"] == f"/buying/invoices/{invoice.pk}/"
    assert (invoice.status, invoice.total, invoice.source) == ("matched", Decimal("47.60"), "hand")
    assert invoice.lines.get().order_line == order.lines.get()
    with invoice.file.open("rb") as file:
        assert file.read() == PDF
    assert default_storage.listdir("invoices/waiting")[1] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"total": "50.00"}, "come to 47.60, 2.40 less than that"),
        ({"tax_total": "9.00"}, "7.60 of tax"),
        ({"sku": "NOTHING"}, "NOTHING"),
        ({"order": "PO-0/1"}, "there is no order PO-0"),
        ({"order": "PO-1/x"}, "PO-12/3"),
        ({"quantity": "8.5"}, "whole number"),
        ({"quantity": "", "net": "40"}, "How many units?"),
        ({"price": "5,0,0"}, "5,0,0 is no price"),
        ({"price": "1e400"}, "1e400 is no price"),
        ({"price": "9" * 12, "quantity": "9" * 8}, "more than is ever billed"),
        ({"price": "5.00", "net": "44.00"}, "8 at 5.00 come to 40.00, not 44"),
        ({"tax": "1900"}, "between 0 and 100"),
        ({"currency": "XXQ"}, "no currency"),
        ({"number": ""}, "required"),
        ({"sku": "", "price": "", "order": ""}, "has lines"),
        ({"charge_code": "freight", "charge_amount": "x", "charge_tax": ""}, "x is no amount"),
        ({"total": "NaN"}, "number"),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_nothing_is_kept(
    clerk: Client, order: PurchaseOrder, changes: dict[str, str], said: str
) -> None:
    answer = clerk.post(NEW, form(order, **changes))

    assert answer.status_code in (409, 422)
    page = answer.content.decode()
    assert said in page
    assert 'value="2026-11-24"' in page
    assert not SupplierInvoice.objects.exists()


def test_a_paper_that_does_not_add_up_is_taken_as_it_is_when_somebody_says_so(
    clerk: Client, order: PurchaseOrder
) -> None:
    clerk.post(NEW, form(order, total="50.00", says_so="on"))

    invoice = SupplierInvoice.objects.get()
    assert invoice.total == Decimal(50)
    assert "TOT" in {hold.code for hold in invoice.holds.all()}


def test_a_number_that_was_used_is_refused_at_the_number(clerk: Client, order: PurchaseOrder, lamp: Item) -> None:
    billed(order, [(lamp, 1, "5.00")], number="re 7")

    answer = clerk.post(NEW, form(order))

    assert answer.status_code == 409
    assert "same number as re 7" in str(answer.context["form"].errors["number"])


def test_a_credit_note_and_charges_are_typed_too(clerk: Client, order: PurchaseOrder) -> None:
    charged = {"charge_code": "freight", "charge_amount": "10", "charge_tax": "19", "total": "59.50"}

    clerk.post(NEW, form(order, **charged))

    invoice = SupplierInvoice.objects.get()
    assert (invoice.charges.get().code, invoice.net_total) == ("freight", Decimal(50))


def test_what_came_and_was_not_billed_is_offered_and_taken_over(clerk: Client, order: PurchaseOrder) -> None:
    offered = clerk.get(f"{NEW}orders/?supplier=SIAM").content.decode()
    rows = clerk.get(f"{NEW}rows/?order={order.number}", headers={"HX-Request": "true"}).context["rows"]

    assert order.number in offered
    assert [(row.cells["quantity"], row.cells["price"], row.cells["net"]) for row in rows] == [("8", "5", "40.00")]


def test_sums_are_told_while_typing(clerk: Client, order: PurchaseOrder) -> None:
    good = clerk.post(f"{NEW}check/", form(order), headers={"HX-Request": "true"})
    odd = clerk.post(f"{NEW}check/", {"quantity": "x", "price": "y", "sku": "z"}, headers={"HX-Request": "true"})

    assert "That is what the paper says" in good.content.decode()
    assert odd.status_code == 200


def test_a_paper_is_shown_to_who_uploaded_it_only(clerk: Client) -> None:
    token = keep_paper(file=BytesIO(PDF), actor="user:somebody-else")

    assert clerk.get(f"{NEW}paper/{token}/").status_code == 404
    assert clerk.get(f"{NEW}paper/{token[:-2]}/").status_code == 404
    assert "data-rh-typing" in clerk.get(f"{NEW}?paper={token}").content.decode()


def test_only_a_pdf_stands_beside_the_form(clerk: Client) -> None:
    answer = clerk.post(f"{NEW}paper/", {"paper_file": SimpleUploadedFile("a.pdf", b"<script>")})

    assert "Only a PDF" in answer.content.decode()
    assert not default_storage.exists("invoices/waiting") or not default_storage.listdir("invoices/waiting")[1]


def test_papers_that_nobody_typed_are_let_go(db: None) -> None:
    keep_paper(file=BytesIO(PDF), actor="user:ada")

    assert sweep_papers(kept_since=timezone.now() - timedelta(days=7)) == 0
    assert sweep_papers(kept_since=timezone.now() + timedelta(days=1)) == 1
    assert sweep_papers(kept_since=timezone.now()) == 0


def test_an_upload_is_read_and_shown_with_its_rules(clerk: Client, siam: Supplier) -> None:
    file = SimpleUploadedFile("bill.xml", as_ubl(an_invoice()).encode())

    done = clerk.post("/buying/invoices/upload/", {"file": file, "supplier": "SIAM"})

    invoice = SupplierInvoice.objects.get()
    assert done["Location"] == f"/buying/invoices/{invoice.pk}/"
    assert "Rules of EN 16931" in clerk.get(done["Location"]).content.decode()
    rules = clerk.get(f"{done['Location']}rules/", headers={"HX-Request": "true"}).content.decode()
    assert "rh-findings" in rules or "keeps every rule" in rules


def test_where_the_rules_are_not_installed_the_page_says_so(
    clerk: Client, siam: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "saxonche" else found(name))
    file = SimpleUploadedFile("bill.xml", as_ubl(an_invoice()).encode())
    done = clerk.post("/buying/invoices/upload/", {"file": file, "supplier": "SIAM"})

    rules = clerk.get(f"{done['Location']}rules/", headers={"HX-Request": "true"}).content.decode()

    assert "not installed here" in rules


def test_an_upload_that_cannot_be_read_says_where_and_a_pdf_is_typed_beside_itself(clerk: Client) -> None:
    broken = clerk.post("/buying/invoices/upload/", {"file": SimpleUploadedFile("b.xml", b"<Invoice>")})
    plain = clerk.post("/buying/invoices/upload/", {"file": SimpleUploadedFile("b.pdf", PDF)})

    assert broken.status_code == 422
    assert "b.xml, line 1" in broken.content.decode()
    assert "Type it beside the PDF" not in broken.content.decode()
    assert plain.status_code == 422
    assert "Type it beside the PDF" in plain.content.decode()
    page = clerk.get(f"{NEW}?paper={plain.context['paper']}").content.decode()
    assert "<iframe" in page


def test_who_enters_no_invoices_types_none(client: Client) -> None:
    client.force_login(person(Role.BUYER), backend="django.contrib.auth.backends.ModelBackend")

    for address in (NEW, f"{NEW}orders/", f"{NEW}rows/", "/buying/invoices/upload/"):
        assert client.get(address).status_code == 403


def test_orders_of_other_places_are_not_offered(client: Client, order: PurchaseOrder) -> None:
    LocationFactory.create(code="nice")
    client.force_login(person(Role.ACCOUNTANT, locations=["nice"]), backend="django.contrib.auth.backends.ModelBackend")

    assert order.number not in client.get(f"{NEW}orders/?supplier=SIAM").content.decode()
    assert client.get(f"{NEW}rows/?order={order.number}").status_code == 404
