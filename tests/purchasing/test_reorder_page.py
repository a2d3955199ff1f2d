"""What to buy, in the browser: why each number, and the drafts that one click makes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import put_on_hand
from tests.factories.purchasing import sells

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
