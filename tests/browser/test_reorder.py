"""What to buy, in a browser: sound at a desk and on a phone, and ordered within the clicks of flow 1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.reordering import raise_low_stock
from retailhub.core.access import Role
from tests.browser.conftest import Visitor
from tests.factories.core import person
from tests.factories.inventory import ItemFactory
from tests.factories.purchasing import SupplierFactory, billed, issued, received, sells
from tests.pages.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def siam(shop: Shop) -> Supplier:
    """Who sells two things of which there are too few."""
    supplier = SupplierFactory.create(code="SIAM", name="Siam Textiles", minimum_order=500)
    for number in range(2):
        item = ItemFactory.create(sku=f"LOW-{number}", name=f"Scarf number {number}", reorder_point=10)
        sells(supplier, item, "4.00", pack_code="dozen", pack_numerator=12)
    ItemFactory.create(sku="ODD", name="Nobody sells this", reorder_point=3)
    return supplier


def traded(supplier: Supplier, shop: Shop) -> None:
    """Have an order that came, one with a broken piece, and one on its way."""
    today = timezone.localdate()
    whole = issued(supplier, shop.depot, [(shop.mug, 10, "2")], expected_on=today)
    received(whole, received_on=today)
    billed(whole, [(shop.mug, 10, "2.50")], invoice_date=today)
    broken = issued(supplier, shop.depot, [(shop.mug, 4, "2")], expected_on=today - timedelta(days=2))
    receive_delivery(
        location=shop.depot,
        counted=[Counted(item_id=shop.mug.pk, order_line_id=broken.lines.get().pk, accepted=3, damaged=1)],
        actor="x",
        received_on=today,
    )
    issued(supplier, shop.depot, [(shop.mug, 5, "2")], expected_on=today + timedelta(days=3))


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_the_pages_are_sound(shop: Shop, siam: Supplier, visit: Callable[..., Visitor], width: int, mode: str) -> None:
    traded(siam, shop)
    empty = SupplierFactory.create(code="NEW", name="A new one", order_email="")
    visitor = visit(person(Role.ADMINISTRATOR), width=width, mode=mode)
    found: dict[str, Any] = {}

    for address in (
        "/buying/reorder/",
        "/buying/reorder/?supplier=SIAM&place=depot",
        "/buying/orders/new/?supplier=SIAM&proposed=1",
        "/buying/suppliers/SIAM/",
        "/buying/suppliers/SIAM/?days=365",
        f"/buying/suppliers/{empty.code}/",
        reverse("admin:purchasing_supplier_changelist"),
        reverse("admin:purchasing_supplier_change", args=[siam.pk]),
        reverse("admin:purchasing_supplieritem_changelist"),
        reverse("admin:purchasing_supplieritem_change", args=[siam.items.first().pk]),  # type: ignore[union-attr]
        reverse("admin:purchasing_supplieritem_add"),
    ):
        status, trouble = visitor.go(address), list(visitor.trouble)
        visitor.trouble.clear()
        pale = visitor.pale_words() if visitor.page.locator(".rh-page").count() else []
        if status != 200 or trouble or pale or visitor.overflow() > 0:
            found[address] = (status, trouble, pale, visitor.overflow())

    assert not found


def test_from_what_is_short_to_a_sent_order_it_takes_three_clicks(
    shop: Shop, siam: Supplier, visit: Callable[..., Visitor]
) -> None:
    raise_low_stock(today=timezone.localdate())
    visitor = visit(person(Role.BUYER))
    page, clicks = visitor.page, 0
    visitor.go("/")

    def click(selector: str, text: str) -> None:
        nonlocal clicks
        page.locator(selector, has_text=text).first.click()
        clicks += 1

    click(".rh-work a", "Create PO")
    click("button", "Approve & send")
    click(".rh-sheet-foot button", "Send")
    page.locator("h2 .rh-pill", has_text="Sent").wait_for()

    order = PurchaseOrder.objects.get()
    assert clicks == 3
    assert [(line.item.sku, line.quantity) for line in order.lines.select_related("item").order_by("line")] == [
        ("LOW-0", 12),
        ("LOW-1", 12),
    ]
    assert (order.status, order.ship_to.code) == ("issued", "depot")
    assert not visitor.trouble


def test_one_click_makes_the_orders_by_keyboard_too(shop: Shop, siam: Supplier, visit: Callable[..., Visitor]) -> None:
    other = SupplierFactory.create(code="NOK", name="Nok Ropes")
    sells(other, ItemFactory.create(sku="ROPE", reorder_point=5), "1.00")
    visitor = visit(person(Role.BUYER))
    visitor.go("/buying/reorder/")
    page = visitor.page

    page.locator("[name='units:SIAM:LOW-1']").fill("0")
    page.get_by_role("checkbox", name="Nok Ropes").press("Space")
    page.get_by_role("button", name="Create POs").press("Enter")
    page.locator("h2 .rh-pill").wait_for()

    order = PurchaseOrder.objects.get()
    assert (order.supplier.code, order.status, order.lines.get().item.sku) == ("SIAM", "draft", "LOW-0")
    assert not visitor.trouble
