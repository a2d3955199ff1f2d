"""Purchase orders in a browser: sound at a desk and on a phone, and sent within the clicks of flow 1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.acknowledging import LineAnswer, acknowledge_purchase_order
from retailhub.core.access import Role
from tests.browser.conftest import Visitor
from tests.factories.core import person
from tests.factories.purchasing import SupplierFactory, drafted, issued, sells
from tests.pages.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def siam(shop: Shop) -> Supplier:
    supplier = SupplierFactory.create(code="SIAM", name="Siam Textiles")
    sells(supplier, shop.mug, "2.50")
    return supplier


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_the_pages_are_sound(shop: Shop, siam: Supplier, visit: Callable[..., Visitor], width: int, mode: str) -> None:
    late = issued(siam, shop.depot, [(shop.mug, 10, "2.50"), (shop.tent, 4, "80")], expected_on=date(2026, 1, 1))
    acknowledge_purchase_order(order_id=late.pk, actor="x", answers=[LineAnswer(line=1, quantity=8)])
    draft = drafted(siam, shop.depot, [(shop.mug, 10, "2.50")])
    visitor = visit(person(Role.ADMINISTRATOR), width=width, mode=mode)
    found: dict[str, Any] = {}

    for address in (
        f"/buying/orders/{late.number}/",
        f"/buying/orders/{draft.number}/",
        f"/buying/orders/{late.number}/amend/",
        f"/buying/orders/{late.number}/acknowledge/",
        "/buying/orders/new/?supplier=SIAM&sku=MUG/BLUE",
        reverse("admin:purchasing_purchaseorder_changelist"),
    ):
        status, trouble = visitor.go(address), list(visitor.trouble)
        visitor.trouble.clear()
        pale = visitor.pale_words() if visitor.page.locator(".rh-page").count() else []
        if status != 200 or trouble or pale or visitor.overflow() > 0:
            found[address] = (status, trouble, pale, visitor.overflow())

    assert not found


def test_a_draft_is_sent_with_two_clicks(shop: Shop, siam: Supplier, visit: Callable[..., Visitor]) -> None:
    draft = drafted(siam, shop.depot, [(shop.mug, 10, "2.50")])
    visitor = visit(person(Role.BUYER))
    visitor.go(f"/buying/orders/{draft.number}/")

    visitor.page.locator(".rh-actions a", has_text="Approve & send").click()
    visitor.page.locator("#rh-dialog button[type=submit]").click()
    visitor.page.locator("h2 .rh-pill", has_text="Sent").wait_for()

    assert PurchaseOrder.objects.get().status == "issued"
    assert not visitor.trouble


def test_from_scratch_it_takes_five_clicks_and_the_items(
    shop: Shop, siam: Supplier, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(person(Role.BUYER))
    page, clicks = visitor.page, 0
    visitor.go("/")

    def click(selector: str, text: str) -> None:
        nonlocal clicks
        page.locator(selector, has_text=text).first.click()
        clicks += 1

    click("#nav-sidebar-apps a", "Purchase orders")
    click(".rh-actions a", "New purchase order")
    page.select_option("[name=supplier]", "SIAM")
    clicks += 1
    page.select_option("[name=ship_to]", "depot")  # the home place of whoever has one
    field = page.locator("#rh-code")
    for code in ("MUG/BLUE", "MUG/BLUE"):
        field.fill(code)
        with page.expect_response("**/buying/orders/new/row/**"):
            field.press("Enter")
        page.wait_for_function("document.getElementById('rh-code').value === ''")
    click("button", "Approve & send")
    click(".rh-sheet-foot button", "Send")
    page.locator("h2 .rh-pill", has_text="Sent").wait_for()

    assert clicks <= 5
    assert [line.quantity for line in PurchaseOrder.objects.get().lines.all()] == [2]
    assert not visitor.trouble


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_what_one_supplier_is_to_bring_is_ordered_with_two_clicks(
    shop: Shop, siam: Supplier, visit: Callable[..., Visitor], width: int, mode: str
) -> None:
    shop.mug.reorder_point = 100
    shop.mug.save()
    visitor = visit(person(Role.BUYER), width=width, mode=mode)
    page, clicks = visitor.page, 0
    visitor.go("/buying/reorder/?supplier=SIAM")

    def click(selector: str, text: str) -> None:
        nonlocal clicks
        page.locator(selector, has_text=text).first.click()
        clicks += 1

    assert visitor.overflow() <= 0
    assert not visitor.pale_words()
    click("button", "Create & send")
    page.wait_for_url("**/send/")
    assert visitor.overflow() <= 0
    click(".rh-sheet-foot button", "Send")
    page.locator("h2 .rh-pill", has_text="Sent").wait_for()

    assert clicks == 2
    assert PurchaseOrder.objects.get().status == "issued"
    assert not visitor.trouble
