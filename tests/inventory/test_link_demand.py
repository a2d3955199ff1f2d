"""A special order waits for the goods that were bought for it, and for no others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import Reservation, WaitingDemand
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.linking import LinkedElsewhere, NothingWaits, link_demand, unlink_demand
from inventory.services.receiving import ReceiptLine, receive_stock
from inventory.services.serving import serve_documents
from tests.books import figures, last_event, published
from tests.factories.inventory import pool_of, put_on_hand, receive, reserve

pytestmark = pytest.mark.django_db

SUPPLY = "po:PO-12#3"


def on(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def waits(document: str) -> int:
    return sum(WaitingDemand.objects.filter(document=document).values_list("quantity", flat=True))


def brings(item: Any, place: Any, quantity: int, supply: str = SUPPLY, **kwargs: Any) -> dict[str, int]:
    line = ReceiptLine(item_id=item.pk, quantity=quantity, supply=supply, **kwargs)
    return receive_stock(location=place, lines=[line], document="receipt:GR-1", actor="x").served


def test_linked_demand_gets_what_its_line_brought_before_older_promises(lamp: Any, warehouse: Any) -> None:
    reserve("cart:special", {lamp: 3}, warehouse, promised_at=on(9))
    assert link_demand(document="cart:special", line=1, supply=SUPPLY, actor="x") == 3
    reserve("cart:old", {lamp: 4}, warehouse, promised_at=on(1))

    assert brings(lamp, warehouse, 5) == {"cart:special": 3, "cart:old": 2}
    assert (waits("cart:special"), waits("cart:old")) == (0, 2)


def test_goods_of_other_lines_or_found_ones_pass_it_by(lamp: Any, warehouse: Any) -> None:
    reserve("cart:special", {lamp: 3}, warehouse)
    link_demand(document="cart:special", line=1, supply=SUPPLY, actor="x")

    receive(lamp, warehouse, 5)
    brings(lamp, warehouse, 5, supply="po:PO-12#4")
    put_on_hand(lamp, warehouse, 5)
    serve_documents(documents=["cart:special"], actor="x")

    assert waits("cart:special") == 3
    assert figures(lamp, warehouse) == (15, 0, 0, 0)


def test_it_never_gets_more_than_its_line_brought(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 0 + 10)
    reserve("cart:first", {lamp: 10}, warehouse)
    reserve("cart:special", {lamp: 6}, warehouse)
    link_demand(document="cart:special", line=1, supply=SUPPLY, actor="x")
    receive(lamp, warehouse, 20)

    assert brings(lamp, warehouse, 2) == {"cart:special": 2}
    assert waits("cart:special") == 4


def test_goods_that_came_damaged_serve_nobody(lamp: Any, warehouse: Any) -> None:
    reserve("cart:special", {lamp: 2}, warehouse)
    link_demand(document="cart:special", line=1, supply=SUPPLY, actor="x")

    assert brings(lamp, warehouse, 2, bucket="damaged") == {}
    assert waits("cart:special") == 2


def test_unlinked_it_is_served_from_what_lies_free(lamp: Any, warehouse: Any, shop: Any) -> None:
    pool = pool_of(warehouse, shop)
    reserve("cart:special", {lamp: 3}, warehouse, shop, pool=pool)
    link_demand(document="cart:special", line=1, supply=SUPPLY, actor="x")
    receive(lamp, shop, 2)
    event = last_event()

    assert unlink_demand(document="cart:special", line=1, supply="po:PO-12#9", actor="x") == {}
    assert unlink_demand(document="cart:special", line=1, supply=SUPPLY, actor="x") == {"cart:special": 2}
    assert unlink_demand(document="cart:special", line=1, supply=SUPPLY, actor="x") == {}

    assert (waits("cart:special"), figures(lamp, shop)) == (1, (2, 2, 0, 0))
    assert published("inventory.demand_served", after=event) == [{"documents": ["cart:special"]}]


def test_what_waits_for_nothing_or_for_another_line_is_not_linked(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 5}, warehouse)
    with pytest.raises(NothingWaits):
        link_demand(document="cart:1", line=1, supply=SUPPLY, actor="x")

    reserve("cart:2", {lamp: 1}, warehouse)
    assert link_demand(document="cart:2", line=1, supply=SUPPLY, actor="x") == 1
    assert link_demand(document="cart:2", line=1, supply=SUPPLY, actor="x") == 1, "asking twice"
    with pytest.raises(LinkedElsewhere):
        link_demand(document="cart:2", line=1, supply="po:PO-13#1", actor="x")
    assert WaitingDemand.objects.get(quantity__gt=0).supply == SUPPLY


def test_of_a_kit_only_the_component_that_is_bought_is_linked(lamp: Any, rope: Any, warehouse: Any) -> None:
    WaitingDemand.objects.bulk_create(
        WaitingDemand(document="cart:kit", line=1, item=item, location=warehouse, quantity=2, promised_at=on(1))
        for item in (lamp, rope)
    )
    link_demand(document="cart:kit", line=1, supply=SUPPLY, actor="x", item_id=rope.pk)

    receive(lamp, warehouse, 2)
    receive(rope, warehouse, 2)

    assert set(Reservation.objects.values_list("item__sku", flat=True)) == {"LAMP"}


def test_who_lost_his_special_goods_to_a_count_waits_for_any(lamp: Any, warehouse: Any) -> None:
    reserve("cart:special", {lamp: 2}, warehouse)
    link_demand(document="cart:special", line=1, supply=SUPPLY, actor="x")
    brings(lamp, warehouse, 2)

    adjust_stock(location=warehouse, reason="count", lines=[AdjustmentLine(sku=lamp.sku, counted=1)], actor="x")
    assert waits("cart:special") == 1
    receive(lamp, warehouse, 1)

    assert waits("cart:special") == 0
