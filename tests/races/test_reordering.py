"""Proposals that become orders, and suppliers that are made, at the same moment: each once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.reordering import OtherProposal, Wanted, create_orders
from purchasing.services.supplying import SupplierDraft, upsert_suppliers
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, sells
from tests.races.crowd import crowd, deadlocks, failures  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def warehouse(transactional_db: Any) -> Location:
    return LocationFactory.create(code="warehouse")


@pytest.fixture
def lamp(transactional_db: Any) -> Item:
    return ItemFactory.create(sku="LAMP")


def ordered(supplier: Supplier, place: Location) -> list[PurchaseOrder]:
    wanted = [Wanted(supplier=supplier, units={"LAMP": 12})]
    return create_orders(wanted=wanted, ship_to=place, actor="user:bea", on=date(2026, 11, 20), key="k")


def test_one_form_sent_eight_times_makes_one_order(lamp: Item, warehouse: Location) -> None:
    siam = SupplierFactory.create()
    sells(siam, lamp, "4.00")

    answers = crowd(8, lambda _: ordered(siam, warehouse))

    assert not failures(answers)
    assert {order.pk for orders in answers for order in orders} == {PurchaseOrder.objects.get().pk}


def test_one_key_for_different_suppliers_orders_from_one_of_them(lamp: Item, warehouse: Location) -> None:
    suppliers = [SupplierFactory.create() for _ in range(6)]
    for supplier in suppliers:
        sells(supplier, lamp, "4.00")

    answers = crowd(6, lambda number: ordered(suppliers[number], warehouse))

    assert not failures(answers, OtherProposal)
    assert len([x for x in answers if isinstance(x, list)]) == 1
    assert PurchaseOrder.objects.count() == 1


def test_one_code_in_different_case_names_one_supplier(transactional_db: Any) -> None:
    codes = ["Siam", "SIAM", "siam", "sIAM", "SiAm", "SIam"]

    answers = crowd(
        6, lambda number: upsert_suppliers(drafts=[SupplierDraft(code=codes[number], name="Siam")], actor="user:bea")
    )

    assert not failures(answers)
    assert sorted(result.outcome for (result,) in answers) == ["new", *["same"] * 5]
    assert {result.code for (result,) in answers} == {Supplier.objects.get().code}
