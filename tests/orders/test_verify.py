"""An order book changed by hand is told: which order and line, what should be and what is. Nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from orders.services.lines import LineWanted
from orders.services.shipping import ship_order
from orders.services.verifying import verify
from tests.factories.inventory import kit_of, put_on_hand
from tests.factories.orders import placed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broken_books")]


@pytest.fixture
def number(web: Any, lamp: Any, rope: Any, warehouse: Any) -> str:
    """Two lamps, one of which has left, and a kit of a lamp and two ropes for which a rope is missing."""
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, warehouse, 1)
    kit_of({lamp: 1, rope: 2}, sku="KIT")
    order = placed(web, "1", ("LAMP", 2), ("KIT", 1))
    placed(web, "2", ("LAMP", 1))
    ship_order(order_id=order.order_id, location=warehouse, lines=[LineWanted(line=1, quantity=1)], actor="ana")
    assert verify() == []
    return order.number


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE orders_orderline SET cancelled = 1 WHERE line = 1 AND shipped = 1", [("open", "line 1 LAMP", 0, 1)]),
        (
            "UPDATE orders_orderline SET shipped = 2 WHERE line = 1 AND shipped = 1",
            [("open", "line 1 LAMP", 0, 1), ("shipped", "line 1 LAMP", 2, 1), ("parcels", "line 1", 2, 1)],
        ),
        ("DELETE FROM orders_shipmentline", [("parcels", "line 1", 1, 0)]),
        (
            "UPDATE inventory_waitingdemand SET quantity = 3 WHERE quantity = 1",
            [("open", "line 2 KIT", 2, 4)],
        ),
        (
            "UPDATE orders_orderlinepart SET quantity = 3 WHERE quantity = 2",
            [("open", "line 2 KIT", 3, 2)],
        ),
    ],
)
def test_a_line_that_disagrees_with_the_stock_room_is_named(number: str, change: str, told: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(change)

    found = [(b.check.removeprefix("order line "), b.subject, b.expected, b.found) for b in verify()]

    assert found == [(check, f"{number} {where}", expected, units) for check, where, expected, units in told]


@pytest.mark.parametrize(
    ("change", "subject", "units"),
    [
        ("UPDATE inventory_reservation SET line = 9 WHERE line = 2 AND quantity = 1 AND item_id = %s", "9 LAMP", 1),
        ("UPDATE inventory_waitingdemand SET line = 9 WHERE quantity > 0 AND item_id <> %s", "9 ROPE", 1),
        ("UPDATE inventory_reservation SET document = 'order:OR-0' WHERE line = 2 AND item_id = %s", "2 LAMP", 1),
    ],
)
def test_a_promise_that_is_on_no_line_is_named(number: str, lamp: Any, change: str, subject: str, units: int) -> None:
    """Nothing would ever give it back."""
    with connection.cursor() as cursor:
        cursor.execute(change, [lamp.pk])

    strangers = [b for b in verify() if b.check == "promise without order line"]

    assert [(b.subject.partition(" line ")[2], b.found) for b in strangers] == [(subject, units)]


def test_an_order_without_lines_is_named(number: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_orderline WHERE order_id = (SELECT max(id) FROM orders_order)")

    assert "order lines" in {breach.check for breach in verify()}
