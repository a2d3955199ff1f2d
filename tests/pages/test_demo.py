"""The demo: filled by the verbs alone, once, with a login for every role."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from inventory.models import Item, StockMovement, Transfer
from orders.models import Order
from purchasing.models import (
    Claim,
    Hold,
    PriceBreak,
    PurchaseOrder,
    Receipt,
    Supplier,
    SupplierInvoice,
    SupplierPayment,
)
from retailhub.accounting.queries import open_items
from retailhub.core.models import Attention, User
from retailhub.home.demo.people import LOGINS, password_of
from tests.factories.core import person

BOUGHT = (Supplier, PriceBreak, PurchaseOrder, Receipt, Claim, SupplierInvoice, SupplierPayment, Attention)


@pytest.fixture
def demo(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_URLS", "[]")
    call_command("load_demo", "--force", stdout=StringIO())


def figures() -> list[int]:
    return [model.objects.count() for model in (Item, StockMovement, Transfer, Order, User, *BOUGHT)]


def test_the_demo_is_filled_once(demo: None) -> None:
    before = figures()

    call_command("load_demo", "--force", stdout=StringIO())

    assert figures() == before
    assert Item.objects.count() >= 60
    assert set(Transfer.objects.values_list("status", flat=True)) == {"draft", "ready", "in_transit"}


def test_the_demo_shows_work_and_every_kind_of_order(demo: None) -> None:
    statuses = set(Order.objects.values_list("status", flat=True))

    assert {"allocated", "part_allocated", "held", "shipped"} <= statuses
    assert Attention.objects.filter(kind="short", resolved_at__isnull=True).exists()


def test_the_demo_shows_buying_in_every_state(demo: None) -> None:
    orders = set(PurchaseOrder.objects.values_list("status", flat=True))
    invoices = set(SupplierInvoice.objects.values_list("status", flat=True))
    holds = set(Hold.objects.filter(released_at=None).values_list("code", flat=True))

    assert {"draft", "submitted", "issued", "acknowledged", "part_received", "received", "closed"} <= orders
    assert {"matched", "on_hold", "disputed", "posted", "paid"} <= invoices
    assert {"QREC", "PRICE", "NOPO", "DUP"} <= holds
    assert Claim.objects.filter(state="open").exists()
    assert {"0-30", "61-90"} <= {item.bucket for item in open_items("grni", today=timezone.localdate())}
    assert Attention.objects.filter(kind="low_stock", resolved_at__isnull=True).count() >= 4


def test_the_books_of_the_demo_agree(demo: None, deliver: object) -> None:
    call_command("verify_all", stdout=StringIO())


def test_each_role_can_log_in_as_told(demo: None, settings: object) -> None:
    told = StringIO()
    call_command("show_logins", stdout=told)

    for login in LOGINS:
        assert f"{login.username} " in told.getvalue()
        client = Client()
        assert client.login(username=login.username, password=password_of(login.username))
        assert client.get("/").status_code == 200


def test_an_installation_that_is_no_demo_is_left_alone(db: None, settings: pytest.FixtureRequest) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="not a demo"):
        call_command("load_demo")
    assert not User.objects.exists()


def test_an_empty_installation_says_how_the_first_person_is_made_until_there_is_one(db: None, settings: Any) -> None:
    settings.DEMO = False
    before, after = StringIO(), StringIO()

    call_command("show_logins", stdout=before)
    person("administrator")
    call_command("show_logins", stdout=after)

    assert f"DATA_DIR={settings.DATA_DIR}" in before.getvalue()
    assert "manage.py createsuperuser" in before.getvalue()
    assert after.getvalue() == ""
