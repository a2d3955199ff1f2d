"""Supplier invoices over the API: taken in as JSON and as files, held, decided, approved, posted and paid."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from inventory.models import Item, Location
from purchasing.models import Supplier, SupplierIdentifier, SupplierInvoice, SupplierPayment
from retailhub.accounting.queries import balance
from tests.factories.core import Program, program
from tests.factories.purchasing import issued, received
from tests.purchasing.einvoices.writing import an_invoice, as_ubl

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> Program:
    return program("invoices:read", "invoices:write")


@pytest.fixture
def manager() -> Program:
    return program()


def body(order: Any, units: int = 10, price: str = "5.00", **more: Any) -> dict[str, Any]:
    return {
        "supplier": "SIAM",
        "number": "RE-1",
        "date": "2026-11-26",
        "currency": "EUR",
        "purchase_orders": [order.number],
        "lines": [{"sku": "LAMP", "quantity": units, "unit_price": price}],
        "tax_total": "0.00",
        **more,
    }


def test_a_right_invoice_is_matched_approved_posted_and_paid(
    clerk: Program, manager: Program, siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    told = clerk.send("/supplier-invoices/", body(order)).json()
    at = f"/supplier-invoices/{told['id']}"
    assert (told["status"], told["payable_now"], told["holds"]) == ("matched", "50.00", [])
    assert clerk.send(f"{at}/approve/", {}).status_code == 403
    assert manager.send(f"{at}/approve/", {"expected": "49.00"}).json()["code"] == "wrong_state"
    assert manager.send(f"{at}/approve/", {"expected": "50.00"}).json()["status"] == "approved"
    assert manager.send(f"{at}/post/", {}).json()["posted_total"] == "50.00"
    for _ in range(2):
        paid = manager.send(f"{at}/pay/", {"reference": "SEPA 1"}, key="pay-1")

    assert paid.json()["status"] == "paid"
    assert (SupplierPayment.objects.count(), balance("bank")) == (1, Decimal(-50))
    assert manager.read("/supplier-invoices/", supplier="SIAM").json()["results"][0]["paid_total"] == "50.00"


def test_a_wrong_one_is_held_with_what_is_at_risk(
    clerk: Program, manager: Program, siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [8])

    told = clerk.send("/supplier-invoices/", body(order)).json()

    (hold,) = told["holds"]
    assert (told["status"], told["payable_now"]) == ("on_hold", "40.00")
    assert (hold["code"], hold["pointer"], hold["expected"], hold["invoiced"]) == ("QREC", "/lines/0", "8", "10")
    at = f"/supplier-invoices/{told['id']}"
    assert clerk.send(f"{at}/dispute/", {"note": "2 are missing"}).json()["status"] == "disputed"
    done = manager.send(f"{at}/release-hold/", {"hold": hold["id"], "reason": "they came by post"})
    assert (done.json()["payable_now"], done.json()["holds"]) == ("50.00", [])


def test_the_same_number_is_refused_and_unknown_names_are_told(
    clerk: Program, siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    clerk.send("/supplier-invoices/", body(order))

    again = clerk.send("/supplier-invoices/", body(order, number="re 01"))
    sku = clerk.send("/supplier-invoices/", body(order, number="3", lines=[
        {"sku": "NIX", "quantity": 1, "unit_price": "1"}
    ]))  # fmt: skip
    supplier = clerk.send("/supplier-invoices/", body(order, number="4", supplier="NOBODY"))

    assert (again.status_code, again.json()["code"]) == (409, "duplicate_invoice")
    assert (sku.status_code, sku.json()["errors"][0]["pointer"]) == (422, "/lines/0/sku")
    assert (supplier.status_code, supplier.json()["code"]) == (422, "unknown_supplier")
    assert SupplierInvoice.objects.count() == 1


def test_a_file_is_read_and_recognised_by_its_numbers(
    clerk: Program, siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    SupplierIdentifier.objects.create(supplier=siam, kind="vat", value="DE 123456789")
    order = issued(siam, warehouse, [(lamp, 24, "0.9583"), (rope, 24, "0.9583")])
    received(order)
    read = an_invoice()
    lines = tuple(
        replace(line, buyer_item=sku, standard_item=None, order_line=None)
        for line, sku in zip(read.lines, ("LAMP", "ROPE"), strict=True)
    )
    content = as_ubl(replace(read, order=order.number, lines=lines)).encode()

    def send(data: bytes, name: str, key: str) -> Any:
        return clerk.post(
            "/api/v1/supplier-invoices/",
            {"file": SimpleUploadedFile(name, data)},
            format="multipart",
            headers={"Idempotency-Key": key},
        )

    first, again = send(content, "bill.xml", "a"), send(content, "bill.xml", "a")
    broken = send(content[:-30], "bill.xml", "b")

    told = first.json()
    assert (first.status_code, told["supplier"], told["number"]) == (201, "SIAM", "INV-2026-17")
    assert [(x["sku"], x["quantity"], x["purchase_order"]) for x in told["lines"]] == [
        ("LAMP", 24, order.number),
        ("ROPE", 24, order.number),
    ]
    assert told["guesses"] == []
    assert {hold["code"] for hold in told["holds"] if not hold["warning"]} == {"CHG", "TOT"} - {"TOT"}
    assert (again.json()["id"], again["Idempotency-Replayed"]) == (told["id"], "true")
    assert (broken.status_code, broken.json()["code"]) == (422, "unreadable_document")


def test_a_program_says_what_the_paper_did_not(
    clerk: Program, manager: Program, siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    told = clerk.send("/supplier-invoices/", body(order, purchase_orders=[])).json()
    at = f"/supplier-invoices/{told['id']}"
    assert [hold["code"] for hold in told["holds"]] == ["NOPO"]

    missing = clerk.send(f"{at}/attach/", {"lines": [{"line": 1, "purchase_order": order.number, "order_line": 9}]})
    halved = clerk.send(f"{at}/attach/", {"lines": [{"line": 1, "purchase_order": order.number}]})
    unknown = clerk.send(f"{at}/attach/", {"lines": [{"line": 7, "purchase_order": order.number, "order_line": 1}]})
    right = clerk.send(f"{at}/attach/", {"lines": [{"line": 1, "purchase_order": order.number, "order_line": 1}]})
    again = clerk.send(f"{at}/supplier/", {"supplier": "SIAM"})
    other = clerk.send(f"{at}/supplier/", {"supplier": "NOBODY"})

    assert [answer.status_code for answer in (missing, halved, unknown, other)] == [422, 400, 400, 422]
    assert missing.json()["errors"][0]["pointer"] == "/lines/0/order_line"
    assert right.json()["status"] == "matched"
    assert again.json()["supplier"] == "SIAM"
    assert clerk.send(f"{at}/attach/", {"lines": [{"line": 1}]}).json()["status"] == "on_hold"
    assert clerk.send(f"{at}/confirm-distinct/", {}).status_code == 403
    assert manager.send(f"{at}/confirm-distinct/", {}).status_code == 200
