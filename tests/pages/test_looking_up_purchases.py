"""A number or a name of buying, scanned or typed into the look-up field, leads to its page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from inventory.models import Location
from purchasing.models import PurchaseOrder, Supplier, SupplierInvoice
from retailhub.core.access import Role
from tests.factories.purchasing import SupplierFactory, billed, drafted, issued, received
from tests.pages.conftest import Browse, Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def siam(shop: Shop) -> Supplier:
    return SupplierFactory.create(code="SIAM", name="Siam Textiles")


@pytest.fixture
def order(shop: Shop, siam: Supplier) -> PurchaseOrder:
    return issued(siam, shop.depot, [(shop.mug, 4, "2.50")])


@pytest.fixture
def invoice(shop: Shop, order: PurchaseOrder) -> SupplierInvoice:
    return billed(order, [(shop.mug, 4, "2.50")], number="ST-2026/0417")


def leads_to(browse: Browse, role: str, words: str) -> str:
    answer = browse.as_role(role).get("/find/", {"q": words, "go": "1"})
    return answer.headers.get("Location", "")


def test_an_order_begins_the_count_for_whoever_receives_and_shows_itself_to_others(
    shop: Shop, siam: Supplier, order: PurchaseOrder, browse: Browse
) -> None:
    draft = drafted(siam, shop.depot, [(shop.mug, 1, "2.50")])

    assert leads_to(browse, Role.WAREHOUSE, order.number) == f"/buying/receive/{order.number}/"
    assert leads_to(browse, Role.BUYER, order.number.lower()) == f"/buying/orders/{order.number}/"
    assert leads_to(browse, Role.WAREHOUSE, draft.number) == f"/buying/orders/{draft.number}/"
    assert leads_to(browse, Role.BUYER, "PO-999999") == ""


def test_receipts_invoices_and_suppliers_are_found(
    shop: Shop, siam: Supplier, order: PurchaseOrder, invoice: SupplierInvoice, browse: Browse
) -> None:
    receipt = received(order)

    assert leads_to(browse, Role.BUYER, receipt.number) == f"/buying/receipts/{receipt.number}/"
    for words in ("ST-2026/0417", "st 2026-417"):
        assert leads_to(browse, Role.ACCOUNTANT, words) == f"/buying/invoices/{invoice.pk}/"
    for words in ("siam", "SIAM", "siam textiles"):
        assert leads_to(browse, Role.BUYER, words) == "/buying/suppliers/SIAM/"


def test_a_number_that_two_suppliers_used_is_offered_not_chosen(
    shop: Shop, order: PurchaseOrder, invoice: SupplierInvoice, browse: Browse
) -> None:
    other = issued(SupplierFactory.create(), shop.depot, [(shop.mug, 4, "2.50")])
    billed(other, [(shop.mug, 4, "2.50")], number=invoice.number)

    page = browse.as_role(Role.ACCOUNTANT).get("/find/", {"q": invoice.number, "go": "1"})

    assert page.status_code == 200
    for pk in SupplierInvoice.objects.values_list("pk", flat=True):
        assert f'href="/buying/invoices/{pk}/"' in page.content.decode()


def test_part_of_a_name_or_number_is_offered(
    shop: Shop, siam: Supplier, order: PurchaseOrder, invoice: SupplierInvoice, browse: Browse
) -> None:
    client = browse.as_role(Role.BUYER)

    assert f'href="{reverse("purchasing:supplier", args=["SIAM"])}"' in client.get("/find/?q=textil").content.decode()
    found = client.get("/find/", {"q": order.number[:4]}).content.decode()
    assert f"/buying/orders/{order.number}/" in found
    assert f"/buying/invoices/{invoice.pk}/" in client.get("/find/?q=ST-2026").content.decode()


def test_what_somebody_may_not_see_is_not_found(
    shop: Shop, order: PurchaseOrder, invoice: SupplierInvoice, browse: Browse
) -> None:
    elsewhere = browse.as_role(Role.BUYER, ["lyon"])
    Location.objects.filter(code="lyon").update(is_active=True)

    assert leads_to(browse, Role.WAREHOUSE, invoice.number) == ""
    assert "Location" not in elsewhere.get("/find/", {"q": order.number, "go": "1"}).headers
