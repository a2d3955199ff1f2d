"""The page of a delivery: its letters, who may send them, and surplus that somebody else has to agree to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from inventory.models import Item, Location
from purchasing.models import ApprovalBand, PurchaseOrder, Receipt, Sending
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import GoingBack, return_goods
from retailhub.core.access import Role
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, issued

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp() -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def delivery(lamp: Item) -> Receipt:
    place: Location = LocationFactory.create(code="warehouse")
    order = issued(SupplierFactory.create(order_email="sales@siam.example"), place, [(lamp, 10, "9")])
    line = order.lines.get()
    return receive_delivery(
        location=place,
        counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=11, damaged=1)],
        actor="user:wim",
    )


def browser(role: str, *, locations: list[str] | None = None) -> Client:
    client = Client()
    client.force_login(person(role, locations=locations), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_claims_are_looked_at_and_told(delivery: Receipt) -> None:
    client, one = browser(Role.BUYER), f"/buying/receipts/{delivery.number}/"

    letter = client.get(f"{one}letter.pdf")
    assert "sales@siam.example" in client.get(f"{one}tell/").content.decode()
    client.post(f"{one}tell/")

    assert (letter["Content-Type"], letter["X-Frame-Options"]) == ("application/pdf", "SAMEORIGIN")
    assert Sending.objects.get(kind="claim").document == delivery.reference
    assert "goes to sales@siam.example" in client.get(one).content.decode()


def test_the_letter_of_a_return_goes_once_more(delivery: Receipt) -> None:
    paper = return_goods(
        lines=[GoingBack(receipt_line_id=delivery.lines.get().pk, quantity=1, bucket="damaged")],
        reason="Torn",
        actor="user:wim",
    )
    client, one = browser(Role.BUYER), f"/buying/returns/{paper.number}/"

    assert client.get(f"{one}letter.pdf").content.startswith(b"%PDF-")
    done = client.post(f"{one}tell/")

    assert done["Location"] == f"/buying/receipts/{delivery.number}/"
    assert Sending.objects.get(kind="claim").document == paper.reference


def test_letters_are_for_who_sees_costs_and_works_there(delivery: Receipt) -> None:
    LocationFactory.create(code="nice")
    one = f"/buying/receipts/{delivery.number}/"

    assert browser(Role.WAREHOUSE).get(f"{one}letter.pdf").status_code == 403
    assert browser(Role.WAREHOUSE).post(f"{one}tell/").status_code == 403
    assert browser(Role.BUYER, locations=["nice"]).get(f"{one}letter.pdf").status_code == 404
    assert browser(Role.BUYER, locations=["nice"]).post(f"{one}tell/").status_code == 404
    assert not Sending.objects.filter(kind="claim").exists()


def test_surplus_above_the_limit_is_refused_in_the_dialog_to_who_wrote_the_order(delivery: Receipt) -> None:
    ApprovalBand.objects.all().delete()
    ApprovalBand.objects.create(up_to=Decimal(90), by_another=False)
    buyer = person(Role.BUYER)
    client = Client()
    client.force_login(buyer, backend="django.contrib.auth.backends.ModelBackend")
    PurchaseOrder.objects.update(created_by=f"user:{buyer.username}")
    keep = f"/buying/receipts/{delivery.number}/lines/1/keep/"

    refused = client.post(keep, {"quantity": delivery.lines.get().over})
    kept = browser(Role.BUYER).post(keep, {"quantity": delivery.lines.get().over})

    assert refused.status_code == 409
    assert "Somebody else has to approve" in refused.content.decode()
    assert kept.status_code == 302
    assert delivery.lines.get().over == 0
