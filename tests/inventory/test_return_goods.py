"""Goods that go back to the supplier: receipts undone, and goods returned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostPool, StockMovement
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receipts import ExceedsReceived, UnknownReceipt
from inventory.services.receiving import ReceiptLine, receive_stock
from inventory.services.returning import AlreadyReversed, GoodsGone, ReturnLine
from retailhub.core.errors import Invalid
from tests.books import figures, published
from tests.factories.inventory import receive, reserve
from tests.inventory.papers import post, send_back, take_back, take_in

pytestmark = pytest.mark.django_db

GR = "receipt:GR-1"


def worth(item: Any) -> tuple[int, Decimal, Decimal]:
    return CostPool.objects.values_list("quantity", "value", "booked_value").get(item=item)


def sell(item: Any, place: Any, quantity: int) -> None:
    leaving = [Leaving(line=1, item_id=item.pk, quantity=quantity)]
    consume_stock(document="cart:9", location=place, leaving=leaving, actor="x")


def back(item: Any, quantity: int, **kwargs: Any) -> ReturnLine:
    return ReturnLine(item_id=item.pk, quantity=quantity, receipt=GR, receipt_line=kwargs.pop("of", 1), **kwargs)


# --- receipts ------------------------------------------------------------------------------------------------------


def test_a_receipt_is_worth_its_whole_cents_and_counts_as_booked(lamp: Any, rope: Any, warehouse: Any) -> None:
    assert take_in(warehouse, (lamp, 3, "10.00"), (rope, 7, "0.01")) == {1: Decimal("10.00"), 2: Decimal("0.01")}

    assert worth(lamp) == (3, 10, 10)
    assert CostPool.objects.get(item=lamp).last_unit_cost == Decimal("3.333333")
    assert all(StockMovement.objects.values_list("self_posted", flat=True))


@pytest.mark.parametrize("value", ["10.001", "-1"])
def test_a_value_of_broken_cents_is_refused(lamp: Any, rope: Any, warehouse: Any, value: str) -> None:
    with pytest.raises(Invalid) as refusal:
        take_in(warehouse, (lamp, 3, "10"), (rope, 3, value))

    assert [e.pointer for e in refusal.value.errors] == ["/lines/1/value"]
    assert not StockMovement.objects.exists()


# --- undone ----------------------------------------------------------------------------------------------------------


def test_a_reversed_receipt_leaves_nothing_but_the_trace(lamp: Any, rope: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 4, "5")
    take_in(warehouse, (lamp, 3, "10.00"), (rope, 7, "21.00"))

    lines = take_back(GR)

    assert [(x.line, x.quantity, x.receipt_cost, x.stock_value, x.difference) for x in lines] == [
        (1, 3, 10, 10, 0),
        (2, 7, 21, 21, 0),
    ]
    assert (worth(lamp), worth(rope)) == ((4, 20, 0), (0, 0, 0))
    assert figures(rope, warehouse) == (0, 0, 0, 0)
    reversal = StockMovement.objects.get(reason="reversal", item=rope)
    assert (reversal.reverses.document, reversal.document, reversal.self_posted) == (GR, GR, True)
    assert len(published("inventory.stock_changed")) == 3


def test_a_receipt_is_reversed_once_and_line_by_line(lamp: Any, rope: Any, warehouse: Any) -> None:
    take_in(warehouse, (lamp, 3, "10.00"), (rope, 7, "21.00"))

    take_back(GR, [2])
    with pytest.raises(AlreadyReversed) as refusal:
        take_back(GR, [1, 2])
    assert [e.extra["line"] for e in refusal.value.errors] == [2]
    assert [x.line for x in take_back(GR)] == [1], "the rest of it"
    with pytest.raises(AlreadyReversed):
        take_back(GR)
    with pytest.raises(UnknownReceipt) as unknown:
        take_back(GR, [1, 9])
    assert [e.pointer for e in unknown.value.errors] == ["/lines/1"]
    with pytest.raises(UnknownReceipt):
        take_back("receipt:none")


def test_goods_that_are_promised_or_gone_are_not_taken_back(lamp: Any, rope: Any, warehouse: Any) -> None:
    take_in(warehouse, (lamp, 3, "10.00"), (rope, 7, "21.00"))
    reserve("cart:C-7", {lamp: 2}, warehouse)
    move_stock(
        location=warehouse,
        reason="damage",
        lines=[MoveLine(sku="ROPE", quantity=1, from_bucket="sellable", to_bucket="damaged")],
        actor="x",
    )

    with pytest.raises(GoodsGone) as refusal:
        take_back(GR)

    assert [(e.pointer, e.extra["available"], e.extra["documents"]) for e in refusal.value.errors] == [
        ("/lines/0/quantity", 1, ["cart:C-7"]),
        ("/lines/1/quantity", 6, []),
    ]
    assert "C-7" in refusal.value.errors[0].detail
    assert not StockMovement.objects.filter(reason="reversal").exists()
    assert refusal.value.status == 409


def test_what_the_pool_cannot_give_back_is_a_difference(lamp: Any, warehouse: Any) -> None:
    """1 at 2 and 1 at 100 are 51 each; one is sold, so the other cannot give 100 back."""
    receive(lamp, warehouse, 1, "2")
    take_in(warehouse, (lamp, 1, "100.00"))
    sell(lamp, warehouse, 1)

    (line,) = take_back(GR)

    assert (line.receipt_cost, line.stock_value, line.difference) == (100, 51, 49)
    assert worth(lamp)[:2] == (0, 0)


# --- returned --------------------------------------------------------------------------------------------------------


def test_a_return_is_claimed_at_its_receipt_cost_and_leaves_at_the_average(lamp: Any, warehouse: Any) -> None:
    """odoo#99467: 10 at 10 and 10 at 20; ten of the dear ones go back. The supplier owes 200, the stock loses 150."""
    receive(lamp, warehouse, 10, "10")
    take_in(warehouse, (lamp, 10, "200.00"))

    (line,) = send_back(warehouse, back(lamp, 10), document="supplier_return:RV-1")

    assert (line.receipt_cost, line.stock_value, line.difference) == (200, 150, 50)
    assert worth(lamp)[:2] == (10, 150)
    movement = StockMovement.objects.get(document="supplier_return:RV-1")
    assert (movement.reason, movement.to_location.code, movement.self_posted) == ("return", "@supplier", True)


def test_goods_go_back_from_where_they_were_put(lamp: Any, warehouse: Any) -> None:
    receive_stock(
        location=warehouse,
        lines=[
            ReceiptLine(item_id=lamp.pk, quantity=4, value=Decimal(4)),
            ReceiptLine(item_id=lamp.pk, quantity=2, value=Decimal(2), bucket="damaged"),
            ReceiptLine(item_id=lamp.pk, quantity=3, value=Decimal(3), bucket="on_hold"),
        ],
        document=GR,
        actor="x",
        self_posted=True,
    )
    post(GR, Decimal(9))
    reserve("cart:C-7", {lamp: 4}, warehouse)

    send_back(
        warehouse,
        back(lamp, 2, bucket="damaged"),
        back(lamp, 3, bucket="on_hold", line=2),
        document="supplier_return:RV-1",
    )

    assert figures(lamp, warehouse) == (4, 4, 0, 0)
    with pytest.raises(GoodsGone) as refusal:
        send_back(warehouse, back(lamp, 1), document="supplier_return:RV-2")
    assert refusal.value.errors[0].extra["documents"] == ["cart:C-7"]


def test_a_return_of_more_than_was_received_or_of_nothing_received_is_refused(
    lamp: Any, rope: Any, warehouse: Any
) -> None:
    take_in(warehouse, (lamp, 3, "10.00"))
    receive(lamp, warehouse, 20)

    with pytest.raises(ExceedsReceived) as exceeding:
        send_back(warehouse, back(lamp, 2), back(lamp, 2, line=2), document="supplier_return:1")
    with pytest.raises(UnknownReceipt) as unknown:
        send_back(warehouse, back(lamp, 1), back(rope, 1), document="supplier_return:1")

    assert [e.pointer for e in exceeding.value.errors] == ["/lines/1/quantity"]
    assert [e.pointer for e in unknown.value.errors] == ["/lines/1/receipt"]
    assert not StockMovement.objects.filter(reason="return").exists()


def test_what_went_back_can_neither_go_back_again_nor_be_reversed(lamp: Any, warehouse: Any) -> None:
    take_in(warehouse, (lamp, 3, "10.00"))
    receive(lamp, warehouse, 20)
    send_back(warehouse, back(lamp, 2), document="supplier_return:1")

    with pytest.raises(ExceedsReceived):
        send_back(warehouse, back(lamp, 2), document="supplier_return:2")
    with pytest.raises(AlreadyReversed) as refusal:
        take_back(GR)

    assert [e.code for e in refusal.value.errors] == ["already_returned"]
    assert figures(lamp, warehouse)[0] == 21
