"""What to buy, in the browser: why each number, and the drafts that one click makes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, put_on_hand
from tests.factories.purchasing import SupplierFactory, sells

pytestmark = pytest.mark.django_db


@pytest.fixture
def short(siam: Supplier, lamp: Item, warehouse: Location) -> SupplierItem:
    """A lamp of which 3 are there, whose point is 10, sold by the dozen."""
    lamp.reorder_point = 10
    lamp.save()
    put_on_hand(lamp, warehouse, 3)
    return sells(siam, lamp, "24.00", pack_code="dozen", pack_numerator=12)


def browser(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def test_a_proposal_says_why_and_becomes_one_draft_however_often_it_is_sent(short: SupplierItem) -> None:
    client = browser(Role.BUYER)

    page = client.get(reverse("purchasing:reorder")).content.decode()
    form = {"supplier": "SIAM", "ship_to": "warehouse", "units:SIAM:LAMP": "12", "once": "abc"}
    answers = [client.post(reverse("purchasing:reorder"), form) for _ in range(2)]

    assert "Reorder point 10, as set on the item." in page
    assert 'value="12"' in page
    order = PurchaseOrder.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [f"/buying/orders/{order.number}/"] * 2
    assert order.lines.get().quantity == 12


@pytest.mark.parametrize("units", ["", "0", "-3", "1e9", "NaN", "9" * 40])
def test_what_is_no_quantity_orders_nothing(short: SupplierItem, units: str) -> None:
    form = {"supplier": "SIAM", "ship_to": "warehouse", "units:SIAM:LAMP": units}

    assert browser(Role.BUYER).post(reverse("purchasing:reorder"), form).status_code == 302
    assert not PurchaseOrder.objects.exists()


def test_a_supplier_on_hold_is_refused_in_place(short: SupplierItem, siam: Supplier) -> None:
    siam.status = Supplier.Status.ON_HOLD
    siam.save()
    form = {"supplier": "SIAM", "ship_to": "warehouse", "units:SIAM:LAMP": "12"}

    answer = browser(Role.BUYER).post(reverse("purchasing:reorder"), form)

    assert answer.status_code == 409
    assert "is on hold" in answer.content.decode()


def test_a_refusal_keeps_what_was_typed_and_ticked(short: SupplierItem, siam: Supplier, rope: Item) -> None:
    rope.reorder_point = 5
    rope.save()
    other = SupplierFactory.create(code="NOK")
    sells(other, rope, "1.00")
    form = {"supplier": "SIAM", "ship_to": "warehouse", "units:SIAM:LAMP": "36", "units:NOK:ROPE": "7", "once": "k"}
    client = browser(Role.BUYER)
    client.post(reverse("purchasing:reorder"), form)
    short.item.reorder_point = 50
    short.item.save()

    page = client.post(reverse("purchasing:reorder"), {**form, "units:SIAM:LAMP": "48"}).content.decode()

    assert "Something else was ordered with this form already" in page
    assert 'name="units:SIAM:LAMP" value="48"' in page
    assert 'name="units:NOK:ROPE" value="7"' in page
    assert 'value="SIAM" checked' in page
    assert 'value="NOK" checked' not in page
    assert PurchaseOrder.objects.count() == 1


def test_a_new_order_is_filled_with_what_the_supplier_is_to_deliver(short: SupplierItem, warehouse: Location) -> None:
    page = browser(Role.BUYER).get("/buying/orders/new/?supplier=siam&proposed=1").content.decode()

    assert 'name="sku" value="LAMP"' in page
    assert 'name="quantity" value="12"' in page
    assert '<option value="warehouse" selected>' in page
    assert (
        'name="sku"' not in browser(Role.BUYER).get("/buying/orders/new/?supplier=NOBODY&proposed=1").content.decode()
    )


def test_more_than_fits_a_page_is_a_click_away(
    short: SupplierItem, rope: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("purchasing.views.reordering.MOST_ROWS", 1)
    for number, supplier in enumerate([short.supplier, SupplierFactory.create(code="NOK", name="Nok Ropes")]):
        sells(supplier, ItemFactory.create(sku=f"X-{number}", reorder_point=5), "1.00")
    client = browser(Role.BUYER)

    page = client.get("/buying/reorder/").content.decode()
    other = client.get("/buying/reorder/?supplier=NOK").content.decode()
    siam = client.get("/buying/reorder/?supplier=SIAM").content.decode()

    assert "3 items below their points" in page
    assert 'href="?supplier=SIAM"' in page
    assert ('name="units:NOK:X-1"' in other, 'name="units:NOK:X-1"' in page) == (True, True)
    assert siam.count('name="units:') == 1
    assert "1 more item follows once these are ordered." in siam


def test_one_supplier_alone_is_shown_and_the_others_are_a_click_away(short: SupplierItem, rope: Item) -> None:
    other = SupplierFactory.create(code="NOK", name="Nok Ropes")
    sells(other, rope, "1.00")
    rope.reorder_point = 5
    rope.save()

    page = browser(Role.BUYER).get("/buying/reorder/?supplier=nok").content.decode()

    assert "Nok Ropes" in page
    assert "LAMP" not in page
    assert "Show all suppliers" in page


def test_whoever_only_looks_cannot_order(short: SupplierItem) -> None:
    client = browser(Role.STORE_MANAGER)

    page = client.get(reverse("purchasing:reorder")).content.decode()
    assert "Deliver to" not in page
    assert "Create" not in page
    assert client.post(reverse("purchasing:reorder"), {"supplier": "SIAM"}).status_code == 403


def test_suppliers_are_kept_in_lists_and_wrong_numbers_are_refused(siam: Supplier, short: SupplierItem) -> None:
    client = browser(Role.BUYER)
    address = reverse("admin:purchasing_supplier_change", args=[siam.pk])
    form = {
        "name": "Siam", "status": "active", "currency": "EUR", "language": "th", "address": "{}", "payment_days": 14,
        "tax_rate": "0", "discount_days": 0, "discount_percent": "0", "lead_time_days": 5, "minimum_order": "0",
        "contacts-TOTAL_FORMS": 0, "contacts-INITIAL_FORMS": 0, "identifiers-TOTAL_FORMS": 1,
        "identifiers-INITIAL_FORMS": 0, "identifiers-0-kind": "gln", "identifiers-0-value": "4012345000000",
    }  # fmt: skip

    for page in ("supplier", "supplieritem"):
        assert client.get(reverse(f"admin:purchasing_{page}_changelist")).status_code == 200
    assert client.get(reverse("admin:purchasing_supplieritem_change", args=[short.pk])).status_code == 200
    refused = client.post(address, form)
    kept = client.post(address, {**form, "identifiers-0-value": "4012345000009"})

    assert "wrong check digit" in refused.content.decode()
    assert kept.status_code == 302, kept.content.decode()
    siam.refresh_from_db()
    assert (siam.payment_days, siam.identifiers.get().value_key) == (14, "4012345000009")
