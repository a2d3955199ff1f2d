"""The pages of a purchase order: written, sent, answered, changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.acknowledging import LineAnswer, acknowledge_purchase_order
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, drafted, issued, sells
from tests.pages.conftest import Browse

pytestmark = pytest.mark.django_db

VERBS = (
    "send", "submit", "approve", "send-back", "hold", "release", "cancel", "close-short", "resend", "amend",
    "acknowledge", "reject",
)  # fmt: skip


@pytest.fixture
def lamp(db: Any) -> Item:
    return ItemFactory.create(sku="LAMP", name="Lamp 灯")


@pytest.fixture
def depot(db: Any) -> Location:
    return LocationFactory.create(code="depot", name="Depot")


@pytest.fixture
def siam(db: Any) -> Supplier:
    return SupplierFactory.create(code="SIAM", name="Siam Textiles")


def page(order: PurchaseOrder, verb: str = "") -> str:
    return f"/buying/orders/{order.number}/{verb + '/' if verb else ''}"


def test_an_order_is_written_from_scratch_and_sent(browse: Browse, siam: Supplier, lamp: Item, depot: Location) -> None:
    sells(siam, lamp, "2.50", pack_code="case", pack_numerator=6, minimum_quantity=2)
    client = browse.as_role(Role.BUYER)

    row = client.get("/buying/orders/new/row/?code=lamp&supplier=SIAM").content.decode()
    assert 'value="12"' in row, "two cases at least"
    saved = client.post(
        "/buying/orders/new/",
        {"supplier": "SIAM", "ship_to": "depot", "sku": ["LAMP"], "quantity": ["12"], "price": [""], "do": "send"},
    )
    order = PurchaseOrder.objects.get()
    assert (saved.status_code, saved["Location"]) == (302, page(order, "send"))
    assert order.status == "draft"
    client.post(page(order, "send"), {"once": "1"})
    client.post(page(order, "send"), {"once": "1"})

    order.refresh_from_db()
    assert (order.status, order.revision, order.net_total) == ("issued", 1, 5)
    assert "5.00" in client.get(page(order)).content.decode()


def test_pasted_lines_become_rows_and_bad_ones_are_named(
    browse: Browse, siam: Supplier, lamp: Item, depot: Location
) -> None:
    client = browse.as_role(Role.BUYER)
    head = {"supplier": "SIAM", "ship_to": "depot", "do": "paste"}

    good = client.post("/buying/orders/new/", head | {"pasted": "LAMP\t5\t2,40\nNONE;7"}).content.decode()
    bad = client.post("/buying/orders/new/", head | {"pasted": "LAMP\tmany"})

    assert 'value="2,40"' in good
    assert "No item has this SKU" in good
    assert bad.status_code == 422
    assert "LAMP needs a whole number" in bad.content.decode()
    assert not PurchaseOrder.objects.exists()


def test_a_refusal_keeps_what_was_typed(browse: Browse, siam: Supplier, lamp: Item, depot: Location) -> None:
    answer = browse.as_role(Role.BUYER).post(
        "/buying/orders/new/",
        {"supplier": "SIAM", "ship_to": "depot", "sku": ["LAMP"], "quantity": ["4"], "price": [""], "do": "save"},
    )

    assert answer.status_code == 409
    assert "never named a price" in answer.content.decode()
    assert 'value="4"' in answer.content.decode()


def test_a_draft_is_edited_and_a_sent_one_is_not(browse: Browse, siam: Supplier, lamp: Item, depot: Location) -> None:
    client = browse.as_role(Role.BUYER)
    order = drafted(siam, depot, [(lamp, 10, "2.50")])
    body = {"supplier": "SIAM", "ship_to": "depot", "sku": ["LAMP"], "quantity": ["3"], "price": ["2"], "do": "save"}

    assert 'value="2.5"' in client.get(page(order, "edit")).content.decode()
    assert client.post(page(order, "edit"), body).status_code == 302
    order.refresh_from_db()
    assert order.net_total == 6
    client.post(page(order, "send"))

    assert client.get(page(order, "edit")).status_code == 404


def test_whoever_wrote_it_does_not_approve_it_above_the_limit(
    browse: Browse, siam: Supplier, lamp: Item, depot: Location
) -> None:
    buyer = person(Role.BUYER)
    client, other = browse.as_user(buyer), browse.as_role(Role.BUYER)
    order = drafted(siam, depot, [(lamp, 1000, "2.50")], actor=f"user:{buyer.username}")

    assert "Submit for approval" in client.get(page(order)).content.decode()
    client.post(page(order, "submit"))
    refused = client.post(page(order, "approve"))
    other.post(page(order, "approve"))

    order.refresh_from_db()
    assert refused.status_code == 409
    assert "Somebody else has to approve" in refused.content.decode()
    assert order.status == "approved"


def test_a_changed_order_shows_what_differs(browse: Browse, siam: Supplier, lamp: Item, depot: Location) -> None:
    client = browse.as_role(Role.BUYER)
    order = issued(siam, depot, [(lamp, 10, "2.50")], expected_on=date(2030, 12, 1))
    same = {"quantity-1": "10", "price-1": "2.5", "day-1": "2030-12-01"}

    assert client.post(page(order, "amend"), same).status_code == 409
    assert client.post(page(order, "amend"), same | {"quantity-1": "x"}).status_code == 422
    client.post(page(order, "amend"), same | {"quantity-1": "12", "reason": "more"})

    text = client.get(page(order)).content.decode()
    assert "Revision 2" in text
    assert "quantity: 10 → <strong" in text
    order.refresh_from_db()
    assert order.net_total == 30


def test_what_the_supplier_wants_otherwise_is_decided_on_the_page(
    browse: Browse, siam: Supplier, lamp: Item, depot: Location
) -> None:
    client = browse.as_role(Role.BUYER)
    order = issued(siam, depot, [(lamp, 10, "2.50")], expected_on=date(2030, 12, 1))

    client.post(page(order, "acknowledge"), {"quantity-1": "8", "day-1": "2030-12-01", "supplier_reference": "S-1"})
    text = client.get(page(order)).content.decode()
    assert "The supplier wants it otherwise" in text
    client.post(f"{page(order)}proposals/{order.proposals.get().pk}/accept/")

    order.refresh_from_db()
    assert (order.status, order.net_total, order.supplier_reference) == ("acknowledged", 20, "S-1")


def test_each_role_opens_what_is_its_own(browse: Browse, siam: Supplier, lamp: Item, depot: Location) -> None:
    order = issued(siam, depot, [(lamp, 10, "77.31")])
    warehouse, buyer = browse.as_role(Role.WAREHOUSE), browse.as_role(Role.BUYER)

    shown = warehouse.get(page(order))
    assert shown.status_code == 200
    assert "77.31" not in shown.content.decode()
    assert warehouse.get(f"{page(order)}paper.pdf").status_code == 403
    assert buyer.get(f"{page(order)}paper.pdf").content.startswith(b"%PDF-")
    for verb in VERBS:
        assert warehouse.get(page(order, verb)).status_code == 403, verb
        assert buyer.get(page(order, verb)).status_code == 200, verb
    assert browse.as_role(Role.BUYER, ["lyon"]).get(page(order)).status_code == 404
    order.refresh_from_db()
    assert (order.status, order.revision) == ("issued", 1), "looking changes nothing"


def test_the_list_shows_what_is_late_in_as_many_statements_for_many_as_for_few(
    browse: Browse, siam: Supplier, lamp: Item, depot: Location
) -> None:
    client = browse.as_role(Role.BUYER)
    address = reverse("admin:purchasing_purchaseorder_changelist")
    counts = []
    client.get(address)
    for _batch in range(2):
        for _order in range(3):
            issued(siam, depot, [(lamp, 10, "1")], expected_on=date(2026, 1, 1))
        with CaptureQueriesContext(connection) as seen:
            text = client.get(address).content.decode()
        counts.append(len(seen))

    assert counts[0] == counts[1]
    assert "Late" in text
    assert client.get(f"{address}?follow=late").content.decode().count("rh-strong") >= 6
    assert client.get(f"{address}?follow=approval").status_code == 200


def test_a_proposal_of_the_supplier_is_flagged_and_settled(siam: Supplier, lamp: Item, depot: Location) -> None:
    from purchasing.listeners import look_at_orders
    from retailhub.core.models import Attention

    order = issued(siam, depot, [(lamp, 10, "1")], expected_on=date(2026, 1, 1))
    acknowledge_purchase_order(order_id=order.pk, actor="x", answers=[LineAnswer(line=1, quantity=1)])

    look_at_orders([{"order_id": order.pk}] * 2)
    assert set(Attention.objects.values_list("kind", flat=True)) == {"proposal_supplier", "purchase_late"}
    acknowledge_purchase_order(order_id=order.pk, actor="x")
    order.lines.update(expected_on=date(2099, 1, 1), confirmed_on=None)
    look_at_orders([{"order_id": order.pk}])

    assert not Attention.objects.filter(resolved_at=None).exists()


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
