"""The page of a supplier: what it tells, and to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Item, Location
from purchasing.models import Supplier, SupplierItem
from purchasing.services.receiving import Counted, receive_delivery
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, billed, drafted, issued, posted, received, sells

pytestmark = pytest.mark.django_db


def page(role: str, *, locations: list[str] | None = None, **query: str) -> str:
    client = Client()
    client.force_login(person(role, locations=locations))
    answer = client.get(reverse("purchasing:supplier", args=["siam"]), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def busy(siam: Supplier, lamp: Item, rope: Item, warehouse: Location) -> Supplier:
    """Two orders that came, one of them with a broken lamp and billed too dear, and one that is open."""
    today = timezone.localdate()
    sells(siam, lamp, "24.00", pack_code="dozen", pack_numerator=12, supplier_sku="ST-1")
    whole = issued(siam, warehouse, [(lamp, 10, "2.00")], expected_on=today)
    received(whole, received_on=today)
    posted(billed(whole, [(lamp, 10, "2.00")], invoice_date=today), on=today)
    broken = issued(siam, warehouse, [(lamp, 4, "2.00")], expected_on=today)
    line = broken.lines.get()
    receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=3, damaged=1)],
        actor="x",
        received_on=today,
    )
    billed(broken, [(lamp, 4, "3.00")], invoice_date=today)
    issued(siam, warehouse, [(rope, 7, "1.00")], expected_on=today + timedelta(days=3))
    return siam


def test_the_page_tells_figures_orders_claims_debts_and_prices(busy: Supplier) -> None:
    told = page(Role.ADMINISTRATOR)

    for words in (
        "1 of 1 lines due",
        "10 of 10 units due",
        "1 of 14 units that came",
        "1 of 2 billed lines",
        "Billed €32.00 for orders: €4.00 above",
        "Damaged, 1",
        "Posted, not paid",
        "€20.00",
        "ST-1",
        "€24.00",
    ):
        assert words in told, words
    assert told.count("/buying/orders/PO-") == 1
    assert 'role="img"' in told


def test_whoever_sees_no_costs_reads_no_amounts(busy: Supplier) -> None:
    told = page(Role.WAREHOUSE)

    assert "1 of 14 units that came" in told
    assert "€" not in told
    assert 'id="owed"' not in told
    assert "Edit" not in told


def test_a_person_of_another_place_reads_of_none_of_it(busy: Supplier) -> None:
    LocationFactory.create(code="lyon")

    told = page(Role.BUYER, locations=["lyon"])

    assert "Nothing to count in these days" in told
    assert "Nothing is on order" in told
    assert 'id="owed"' not in told
    assert "He owes us nothing" in told


def test_a_price_that_changed_from_one_order_to_the_next_is_told(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    for lamp_price in ("2.00", "2.00", "2.10"):
        issued(siam, warehouse, [(lamp, 10, lamp_price), (rope, 3, "1.00")])
    drafted(siam, warehouse, [(rope, 1, "9.00")])

    told = page(Role.BUYER)

    assert "€2.00 → €2.10" in told
    assert "+5.0 %" in told
    assert told.count("→") == 1
    assert "Price changes" not in page(Role.WAREHOUSE)


def test_an_empty_page_says_what_will_stand_there(siam: Supplier) -> None:
    told = page(Role.BUYER, days="365")

    for words in ("Nothing to count in these days", "Nothing is on order", "No price list yet", "Nobody is named yet"):
        assert words in told


@pytest.mark.parametrize("days", ["0", "-1", "x", "9" * 50, "31"])
def test_odd_days_are_the_usual_ones(siam: Supplier, days: str) -> None:
    assert 'aria-current="true">90 days' in page(Role.BUYER, days=days)


def test_an_unknown_supplier_is_not_there(siam: Supplier) -> None:
    client = Client()
    client.force_login(person(Role.BUYER))
    for code in ("NOBODY", "%00", "\u017fiam"):
        assert client.get(f"/buying/suppliers/{code}/").status_code == 404


def test_the_page_takes_the_same_statements_however_much_there_is(
    siam: Supplier, warehouse: Location, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        item = ItemFactory.create()
        sells(siam, item, "1.00")
        billed(received(issued(siam, warehouse, [(item, 1, "1.00")])).orders.get(), [(item, 1, "2.00")])
        drafted(siam, warehouse, [(item, 1, "1.00")])
    client = Client()
    client.force_login(person(Role.ADMINISTRATOR))
    address = reverse("purchasing:supplier", args=["SIAM"])
    client.get(address)
    with django_assert_max_num_queries(32):
        client.get(address)


def test_a_supplier_is_written_with_his_address_in_parts(siam: Supplier) -> None:
    Supplier.objects.filter(pk=siam.pk).update(address={"line1": "Old", "company": "Kept"})
    client = Client()
    client.force_login(person(Role.BUYER))
    address = reverse("admin:purchasing_supplier_change", args=[siam.pk])
    form = {
        "name": "Siam", "status": "active", "currency": "EUR", "language": "th", "line1": "88 Charoen Krung",
        "city": "Bangkok", "country": "TH", "payment_days": 14, "tax_rate": "0", "discount_days": 0,
        "discount_percent": "0", "lead_time_days": 5, "minimum_order": "0", "contacts-TOTAL_FORMS": 0,
        "contacts-INITIAL_FORMS": 0, "identifiers-TOTAL_FORMS": 0, "identifiers-INITIAL_FORMS": 0,
    }  # fmt: skip

    kept = client.post(address, form)
    refused = client.post(address, {**form, "order_email": "nobody"})

    siam.refresh_from_db()
    assert kept.headers["Location"] == "/buying/suppliers/SIAM/"
    assert siam.address == {"company": "Kept", "line1": "88 Charoen Krung", "city": "Bangkok", "country": "TH"}
    assert "This is no e-mail address." in refused.content.decode()


def test_an_entry_of_a_price_list_stays_with_its_item_and_supplier(siam: Supplier, lamp: Item, rope: Item) -> None:
    sold = sells(siam, lamp, "24.00")
    client = Client()
    client.force_login(person(Role.BUYER))

    told = client.get(reverse("admin:purchasing_supplieritem_changelist")).content.decode()
    form = {
        "supplier": SupplierFactory.create().pk, "item": rope.pk, "supplier_sku": "ST-9", "pack_numerator": 1,
        "pack_denominator": 1, "minimum_quantity": 1, "multiple": 1, "is_active": "on", "prices-TOTAL_FORMS": 0,
        "prices-INITIAL_FORMS": 0,
    }  # fmt: skip
    client.post(reverse("admin:purchasing_supplieritem_change", args=[sold.pk]), form)

    assert "€24.00" in told
    assert SupplierItem.objects.values_list("supplier__code", "item__sku", "supplier_sku").get() == (
        "SIAM",
        "LAMP",
        "ST-9",
    )
