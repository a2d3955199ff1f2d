"""Books changed by hand are named: what, where, what should be there and what is. Nothing else is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from inventory.services.costing_methods import change_costing_method
from inventory.services.journalising import post_stock_summary
from inventory.services.verifying import verify
from retailhub.accounting.services import verifying as journal
from tests.factories.inventory import ItemFactory, pool_of, put_on_hand, reserve
from tests.inventory.papers import post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broken_books")]


@pytest.fixture
def books(lamp: Any, rope: Any, warehouse: Any, shop: Any) -> None:
    for item in (lamp, rope, ItemFactory.create(sku="OTHER")):
        for location in (warehouse, shop):
            put_on_hand(item, location, 5, "4.00")
            reserve(f"cart:{location.code}", {item: 2}, location)
    assert verify() == []


def by_hand(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


LAMP_IN_SHOP = """item_id = (SELECT id FROM inventory_item WHERE sku = 'LAMP')
    AND location_id = (SELECT id FROM inventory_location WHERE code = 'shop')"""


@pytest.mark.parametrize(
    ("change", "check", "expected", "found"),
    [
        ("sellable = 6", "level sellable", 5, 6),
        ("sellable = 4", "level sellable", 5, 4),
        ("damaged = 1", "level damaged", 0, 1),
        ("on_hold = 2", "level on_hold", 0, 2),
        ("reserved = 3", "level reserved", 2, 3),
        ("reserved = 0", "level reserved", 2, 0),
    ],
)
@pytest.mark.usefixtures("books")
def test_a_level_changed_by_hand_is_named_and_nothing_else_is(
    change: str, check: str, expected: int, found: int
) -> None:
    by_hand(f"UPDATE inventory_stocklevel SET {change} WHERE {LAMP_IN_SHOP}")

    (breach,) = verify()

    assert (breach.check, breach.subject, breach.place) == (check, "LAMP", "shop")
    assert (breach.expected, breach.found) == (expected, found)


@pytest.mark.usefixtures("books")
def test_a_level_that_is_gone_is_named() -> None:
    by_hand(f"DELETE FROM inventory_stocklevel WHERE {LAMP_IN_SHOP}")

    assert {(b.check, b.subject, b.place, b.expected, b.found) for b in verify()} == {
        ("level sellable", "LAMP", "shop", 5, 0),
        ("level reserved", "LAMP", "shop", 2, 0),
    }


@pytest.mark.usefixtures("books")
def test_a_promise_that_is_gone_is_named() -> None:
    by_hand(f"DELETE FROM inventory_reservation WHERE {LAMP_IN_SHOP}")

    assert [(b.check, b.subject, b.place, b.expected, b.found) for b in verify()] == [
        ("level reserved", "LAMP", "shop", 0, 2)
    ]


@pytest.mark.usefixtures("books")
def test_a_movement_that_is_gone_is_named() -> None:
    by_hand("SET CONSTRAINTS ALL IMMEDIATE")
    by_hand("ALTER TABLE inventory_stockmovement DISABLE TRIGGER USER")
    by_hand(f"DELETE FROM inventory_stockmovement WHERE {LAMP_IN_SHOP.replace('location_id', 'to_location_id')}")

    found = {(b.check, b.subject, b.place) for b in verify()}

    assert found == {
        ("level sellable", "LAMP", "shop"),
        ("cost pool quantity", "LAMP", ""),
        ("cost pool value", "LAMP", ""),
    }


@pytest.mark.usefixtures("books")
def test_a_value_changed_by_hand_is_named() -> None:
    by_hand(
        "UPDATE inventory_costpool SET value = value + 0.000001 WHERE item_id = (SELECT min(id) FROM inventory_item)"
    )

    (breach,) = verify()

    assert (breach.check, breach.subject) == ("cost pool value", "LAMP")
    assert breach.found - breach.expected == Decimal("0.000001")


@pytest.mark.usefixtures("books")
def test_layers_and_bookings_changed_by_hand_are_named(lamp: Any, rope: Any, warehouse: Any) -> None:
    change_costing_method(items=[lamp], method="fifo", actor="x")
    post_stock_summary()
    assert verify() == []

    by_hand("UPDATE inventory_costlayer SET quantity = 9, value = value - 1 WHERE quantity = 10")
    by_hand(f"UPDATE inventory_costpool SET booked_value = 41, booked_transit = 2 WHERE item_id = {rope.pk}")

    assert [(b.check, b.subject, b.expected, b.found) for b in verify()] == [
        ("cost layer quantity", "LAMP", 10, 9),
        ("cost layer value", "LAMP", 40, 39),
        ("booked value", "ROPE", 40, 41),
        ("booked in transit", "ROPE", 0, 2),
    ]


@pytest.mark.usefixtures("books")
def test_a_layer_beside_the_moving_average_is_named(lamp: Any) -> None:
    by_hand(
        "INSERT INTO inventory_costlayer (item_id, received, quantity, value, opened_after) "
        f"VALUES ({lamp.pk}, 1, 1, 0, 0)"
    )

    (breach,) = verify()
    assert (breach.check, breach.subject, breach.expected, breach.found) == ("cost layer quantity", "LAMP", 0, 1)


@pytest.mark.usefixtures("books")
def test_a_stock_account_that_says_otherwise_is_named(lamp: Any) -> None:
    post_stock_summary()
    assert journal.verify() == []

    post("by hand", Decimal("0.01"))

    (breach,) = journal.verify()
    assert breach.found - breach.expected == Decimal("0.01")


def test_somebody_who_waits_beside_free_goods_is_named(lamp: Any, warehouse: Any, shop: Any) -> None:
    reserve("cart:1", {lamp: 3}, warehouse, pool=pool_of(warehouse))
    put_on_hand(lamp, shop, 2)
    assert verify() == []

    by_hand(
        "UPDATE inventory_stockpoollocation SET location_id = (SELECT id FROM inventory_location WHERE code = 'shop')"
    )

    (breach,) = verify()
    assert (breach.check, breach.subject, breach.place) == ("waiting demand", "cart:1 LAMP", "shop")


@pytest.mark.usefixtures("books")
def test_the_command_ends_with_1_and_names_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_all")
    assert "in order" in capsys.readouterr().out

    by_hand(f"UPDATE inventory_stocklevel SET sellable = 7 WHERE {LAMP_IN_SHOP}")

    with pytest.raises(SystemExit) as end:
        call_command("verify_all")
    assert end.value.code == 1
    assert "level sellable: LAMP at shop: expected 5, found 7" in capsys.readouterr().out
