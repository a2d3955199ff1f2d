"""What goods cost: the moving average, to the last unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostPool, StockMovement
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.costing import BooksDisagree, Pool
from tests.factories.inventory import receive

pytestmark = pytest.mark.django_db


def sell(item: Any, location: Any, quantity: int) -> Decimal:
    consume_stock(
        document="cart:1", location=location, leaving=[Leaving(line=1, item_id=item.pk, quantity=quantity)], actor="x"
    )
    return StockMovement.objects.order_by("-pk").values_list("value", flat=True)[0]


def worth(item: Any) -> tuple[int, Decimal]:
    pool = CostPool.objects.get(item=item)
    return pool.quantity, pool.value


def test_the_moving_average_of_the_textbook(lamp: Any, warehouse: Any, shop: Any) -> None:
    receive(lamp, warehouse, 8, "10")
    receive(lamp, shop, 4, "16")
    assert worth(lamp) == (12, 144)

    assert sell(lamp, warehouse, 8) + sell(lamp, shop, 2) == 120
    assert worth(lamp) == (2, 24)

    receive(lamp, warehouse, 2, "6")
    assert worth(lamp) == (4, 36)
    assert sell(lamp, warehouse, 1) == 9


def test_the_last_unit_takes_the_whole_rest(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 1, "0.000001")
    receive(lamp, warehouse, 2, "0.000001")
    adjust_stock(
        location=warehouse,
        reason="found",
        lines=[AdjustmentLine(sku=lamp.sku, change=4, unit_cost=Decimal("14.285714"))],
        actor="x",
    )

    values = [sell(lamp, warehouse, 1) for _ in range(7)]

    assert sum(values) == Decimal("57.142859")
    assert worth(lamp) == (0, 0)
    assert all(value > 0 for value in values)


def test_goods_found_after_the_last_one_left_cost_what_the_last_delivery_did(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 2, "7")
    sell(lamp, warehouse, 2)

    adjust_stock(location=warehouse, reason="found", lines=[AdjustmentLine(sku=lamp.sku, change=3)], actor="x")

    assert worth(lamp) == (3, 21)


def test_a_free_delivery_lowers_the_average(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 1, "10")
    receive(lamp, warehouse, 1, "0")

    assert worth(lamp) == (2, 10)
    assert sell(lamp, warehouse, 1) == 5


def test_a_pool_gives_no_more_than_it_holds() -> None:
    with pytest.raises(BooksDisagree):
        Pool(quantity=1, value=Decimal(4), last_unit_cost=Decimal(4)).take(2)


def test_one_cent_among_three_is_not_lost_nor_invented() -> None:
    pool = Pool(quantity=3, value=Decimal("0.000001"), last_unit_cost=Decimal(0))

    values = [pool.take(1) for _ in range(3)]

    assert sum(values) == Decimal("0.000001")
    assert min(values) >= 0
