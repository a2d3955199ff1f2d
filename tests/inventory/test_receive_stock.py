"""Goods that come in from a supplier."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostPool, Reservation, StockDocument, StockMovement, WaitingDemand
from inventory.services.finding import NotStocked, UnknownSku
from inventory.services.receiving import BookedLine, ReceiptLine, book_in, receive_stock
from retailhub.outbox.models import OutboxEvent
from tests.books import figures, last_event, names_of_events, published
from tests.factories.inventory import ItemFactory, kit_of, receive, reserve

pytestmark = pytest.mark.django_db


def test_goods_stand_there_with_their_value_and_the_movement_that_brought_them(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 8, "10", document="delivery:7", note="two boxes")

    assert figures(lamp, warehouse) == (8, 0, 0, 0)
    movement = StockMovement.objects.get()
    assert (movement.quantity, movement.value, movement.reason, movement.document) == (8, 80, "receipt", "delivery:7")
    assert (movement.from_location.code, movement.to_location, movement.actor) == ("@supplier", warehouse, "test")
    assert movement.note == "two boxes"
    assert published("inventory.stock_changed") == [{"item_ids": [lamp.pk]}]


def test_goods_for_a_bucket_stand_in_it_and_serve_nobody(lamp: Any, warehouse: Any) -> None:
    reserve("cart:1", {lamp: 2}, warehouse)

    receive(lamp, warehouse, 5, bucket="on_hold")

    assert figures(lamp, warehouse) == (0, 0, 0, 5)
    assert WaitingDemand.objects.get().quantity == 2


def test_goods_without_a_price_cost_what_the_last_ones_did(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 2)
    assert CostPool.objects.get().value == 8, "the item's reference cost is 4.00"

    receive(lamp, warehouse, 1, "10")
    receive(lamp, warehouse, 3)

    assert CostPool.objects.get().value == 36, "the moving average was 6.00"


def test_a_delivery_is_booked_once_however_often_it_comes(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 5, key="despatch-1")
    event = last_event()

    again = receive(lamp, warehouse, 5, key="despatch-1")

    assert again.again
    assert figures(lamp, warehouse) == (5, 0, 0, 0)
    assert StockMovement.objects.count() == 1
    assert last_event() == event


def test_of_a_delivery_known_in_part_only_the_new_lines_are_booked(lamp: Any, rope: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 5, key="despatch-1")

    answer = receive_stock(
        location=warehouse,
        lines=[
            ReceiptLine(item_id=lamp.pk, quantity=5, key="despatch-1"),
            ReceiptLine(item_id=rope.pk, quantity=3, key="despatch-2", line=2),
        ],
        document="delivery:1",
        actor="test",
    )

    assert not answer.again
    assert (figures(lamp, warehouse)[0], figures(rope, warehouse)[0]) == (5, 3)


def test_one_item_on_two_lines_is_two_movements_on_one_level(lamp: Any, warehouse: Any) -> None:
    receive_stock(
        location=warehouse,
        lines=[
            ReceiptLine(item_id=lamp.pk, quantity=2, unit_cost=Decimal(10)),
            ReceiptLine(item_id=lamp.pk, quantity=3, unit_cost=Decimal(20), line=2, bucket="damaged"),
        ],
        document="delivery:1",
        actor="test",
    )

    assert figures(lamp, warehouse) == (2, 0, 3, 0)
    assert StockMovement.objects.count() == 2
    assert CostPool.objects.get().value == 80


def test_who_waits_is_served_in_the_same_call(lamp: Any, warehouse: Any) -> None:
    reserve("cart:1", {lamp: 2}, warehouse)
    event = last_event()

    answer = receive(lamp, warehouse, 5)

    assert answer.served == {"cart:1": 2}
    assert figures(lamp, warehouse) == (5, 2, 0, 0)
    assert Reservation.objects.get().open_quantity == 2
    assert names_of_events(after=event) == ["inventory.stock_changed", "inventory.demand_served"]
    assert published("inventory.demand_served") == [{"documents": ["cart:1"]}]


def test_a_receipt_without_a_purchase_order_has_a_paper(lamp: Any, rope: Any, warehouse: Any) -> None:
    paper = book_in(
        location=warehouse,
        lines=[BookedLine(sku="lamp", quantity=3, unit_cost=Decimal(2)), BookedLine(sku="ROPE", quantity=1)],
        actor="ana",
        note="found the invoice",
    )

    assert StockDocument.objects.get() == paper
    assert paper.reference == f"receipt:{paper.number}"
    assert [line["quantity"] for line in paper.lines] == [3, 1]
    assert set(StockMovement.objects.values_list("document", flat=True)) == {paper.reference}
    assert figures(lamp, warehouse)[0] == 3


def test_an_unknown_sku_or_a_kit_leaves_nothing_behind(lamp: Any, warehouse: Any) -> None:
    kit = kit_of({lamp: 2})

    with pytest.raises(UnknownSku) as unknown:
        book_in(
            location=warehouse,
            lines=[BookedLine(sku=sku, quantity=1) for sku in ("X-1", "LAMP", "X-2")],
            actor="ana",
        )
    with pytest.raises(NotStocked) as refusal:
        book_in(
            location=warehouse,
            lines=[BookedLine(sku="LAMP", quantity=1), BookedLine(sku=kit.sku, quantity=1)],
            actor="ana",
        )

    assert [e.pointer for e in unknown.value.errors] == ["/lines/0/sku", "/lines/2/sku"]
    assert [e.pointer for e in refusal.value.errors] == ["/lines/1/sku"]
    assert not StockDocument.objects.exists()
    assert not StockMovement.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_a_hundred_kinds_of_goods_come_in_together(warehouse: Any) -> None:
    items = ItemFactory.create_batch(100)

    receive_stock(
        location=warehouse,
        lines=[ReceiptLine(item_id=item.pk, quantity=n + 1, line=n + 1) for n, item in enumerate(reversed(items))],
        document="delivery:1",
        actor="test",
    )

    assert figures(items[0], warehouse)[0] == 100
    assert len(published("inventory.stock_changed")) == 1
