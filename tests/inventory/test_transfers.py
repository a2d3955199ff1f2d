"""Goods that one of our places sends to another."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import CostPool, IncomingSupply, Location, Reservation, StockMovement, Transfer, WaitingDemand
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.finding import UnknownSku
from inventory.services.reserving import NotEnoughStock
from inventory.services.transferring import (
    Arrived,
    ExceedsShipped,
    TransferDraftLine,
    WrongState,
    cancel_transfer,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
    transit_place,
)
from retailhub.core.errors import Invalid
from tests.books import figures, last_event, published
from tests.factories.inventory import put_on_hand, receive, reserve

pytestmark = pytest.mark.django_db


def draft(origin: Any, destination: Any, *lines: tuple[Any, int]) -> Transfer:
    return draft_transfer(
        origin=origin,
        destination=destination,
        lines=[TransferDraftLine(sku=item.sku, quantity=units) for item, units in lines],
        actor="ana",
    )


def shipped(origin: Any, destination: Any, *lines: tuple[Any, int]) -> Transfer:
    transfer = draft(origin, destination, *lines)
    ready_transfer(transfer_id=transfer.pk, actor="ana")
    return ship_transfer(transfer_id=transfer.pk, actor="ana")


def counted(location: Any, item: Any, units: int) -> None:
    adjust_stock(location=location, reason="count", lines=[AdjustmentLine(sku=item.sku, counted=units)], actor="ana")


def test_the_whole_life(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 5, "4.00")
    road = transit_place()

    transfer = draft(warehouse, shop, (lamp, 1), (lamp, 2))
    assert [(line.line, line.quantity) for line in transfer.lines.all()] == [(1, 3)], "one SKU is one line"
    assert figures(lamp, warehouse) == (5, 0, 0, 0), "a plan reserves nothing"

    ready_transfer(transfer_id=transfer.pk, actor="ana")
    assert figures(lamp, warehouse) == (5, 3, 0, 0)

    ship_transfer(transfer_id=transfer.pk, actor="ana")
    assert (figures(lamp, warehouse), figures(lamp, road)) == ((2, 0, 0, 0), (3, 0, 0, 0))
    assert (IncomingSupply.objects.get().quantity, IncomingSupply.objects.get().location) == (3, shop)

    done = receive_transfer(transfer_id=transfer.pk, arrived=None, actor="ana")
    assert (figures(lamp, road), figures(lamp, shop)) == ((0, 0, 0, 0), (3, 0, 0, 0))
    assert (done.status, IncomingSupply.objects.get().quantity) == ("received", 0)
    assert done.closed_at is not None
    assert CostPool.objects.get().value == 20, "moving goods between our own places earns nothing"
    assert list(StockMovement.objects.filter(reason="transfer").values_list("value", flat=True)) == [12, 12]


def test_ready_is_all_lines_or_none(lamp: Any, rope: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, shop, 5)
    transfer = draft(warehouse, shop, (lamp, 3), (rope, 1))
    event = last_event()

    with pytest.raises(NotEnoughStock) as refusal:
        ready_transfer(transfer_id=transfer.pk, actor="ana")

    assert [e.extra["sku"] for e in refusal.value.errors] == ["ROPE"]
    transfer.refresh_from_db()
    assert transfer.status == "draft"
    assert not Reservation.objects.exists()
    assert last_event() == event


def test_each_step_is_taken_once(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    transfer = draft(warehouse, shop, (lamp, 3))
    for too_early in (ship_transfer, lambda **kw: receive_transfer(arrived=None, **kw)):
        with pytest.raises(WrongState):
            too_early(transfer_id=transfer.pk, actor="ana")
    ready_transfer(transfer_id=transfer.pk, actor="ana")
    with pytest.raises(WrongState):
        ready_transfer(transfer_id=transfer.pk, actor="ana")
    ship_transfer(transfer_id=transfer.pk, actor="ana")
    for too_late in (ship_transfer, cancel_transfer):
        with pytest.raises(WrongState):
            too_late(transfer_id=transfer.pk, actor="ana")
    receive_transfer(transfer_id=transfer.pk, arrived=None, actor="ana")
    with pytest.raises(WrongState):
        receive_transfer(transfer_id=transfer.pk, arrived=None, actor="ana")

    assert figures(lamp, shop) == (3, 0, 0, 0)


def test_it_arrives_short_damaged_and_lost(lamp: Any, rope: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 10, "4.00")
    put_on_hand(rope, warehouse, 2)
    transfer = shipped(warehouse, shop, (lamp, 10), (rope, 2))

    part = receive_transfer(
        transfer_id=transfer.pk, arrived=[Arrived(line=1, received=5, damaged=2), Arrived(line=1, lost=1)], actor="ana"
    )
    assert part.status == "part_received"
    assert figures(lamp, shop) == (5, 0, 2, 0)
    assert figures(lamp, transit_place()) == (2, 0, 0, 0)
    assert StockMovement.objects.get(reason="loss").to_location.code == "@loss"
    assert CostPool.objects.get(item=lamp).value == 36, "the lost one is gone from our books"

    with pytest.raises(ExceedsShipped) as refusal:
        receive_transfer(
            transfer_id=transfer.pk, arrived=[Arrived(line=1, received=3), Arrived(line=9, received=1)], actor="ana"
        )
    assert [(e.pointer, e.code) for e in refusal.value.errors] == [
        ("/lines/0", "exceeds_shipped"),
        ("/lines/1/line", "unknown_line"),
    ]

    receive_transfer(transfer_id=transfer.pk, arrived=[Arrived(line=2, received=2)], actor="ana")
    done = receive_transfer(transfer_id=transfer.pk, arrived=[Arrived(line=1, lost=2)], actor="ana")
    assert done.status == "received"
    line = done.lines.get(line=1)
    assert (line.received, line.damaged, line.lost) == (5, 2, 3)
    assert not IncomingSupply.objects.filter(quantity__gt=0).exists()


def test_an_arrival_of_nothing_is_refused(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 1)
    transfer = shipped(warehouse, shop, (lamp, 1))

    for nothing in ([], [Arrived(line=1)]):
        with pytest.raises(Invalid):
            receive_transfer(transfer_id=transfer.pk, arrived=nothing, actor="ana")

    transfer.refresh_from_db()
    assert transfer.status == "in_transit"


def test_what_arrives_serves_who_waits_there(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 2}, shop)

    transfer = shipped(warehouse, shop, (lamp, 3))
    receive_transfer(transfer_id=transfer.pk, arrived=None, actor="ana")

    assert figures(lamp, shop) == (3, 2, 0, 0)
    assert published("inventory.demand_served") == [{"documents": ["cart:1"]}]


def test_cancelled_before_it_left_its_goods_go_to_who_waits(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    transfer = draft(warehouse, shop, (lamp, 3))
    ready_transfer(transfer_id=transfer.pk, actor="ana")
    reserve("cart:1", {lamp: 1}, warehouse)

    cancelled = cancel_transfer(transfer_id=transfer.pk, actor="ana")

    assert (cancelled.status, figures(lamp, warehouse)) == ("cancelled", (3, 1, 0, 0))
    with pytest.raises(WrongState):
        cancel_transfer(transfer_id=transfer.pk, actor="ana")


def test_a_draft_is_cancelled_without_a_trace_in_the_stock(lamp: Any, warehouse: Any, shop: Any) -> None:
    transfer = draft(warehouse, shop, (lamp, 3))
    event = last_event()

    assert cancel_transfer(transfer_id=transfer.pk, actor="ana").status == "cancelled"
    assert last_event() == event


def test_what_a_count_took_away_stays_behind_and_waits_no_more(lamp: Any, rope: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, warehouse, 2)
    transfer = draft(warehouse, shop, (lamp, 5), (rope, 2))
    ready_transfer(transfer_id=transfer.pk, actor="ana")
    counted(warehouse, lamp, 3)
    counted(warehouse, rope, 0)

    ship_transfer(transfer_id=transfer.pk, actor="ana")
    receive(lamp, warehouse, 9)

    assert [(line.quantity, line.shipped) for line in transfer.lines.all()] == [(5, 3), (2, 0)]
    assert figures(lamp, warehouse) == (9, 0, 0, 0)
    assert not WaitingDemand.objects.filter(quantity__gt=0).exists()
    assert receive_transfer(transfer_id=transfer.pk, arrived=None, actor="ana").status == "received"


def test_nothing_left_to_send_is_refused(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    transfer = draft(warehouse, shop, (lamp, 5))
    ready_transfer(transfer_id=transfer.pk, actor="ana")
    counted(warehouse, lamp, 0)

    with pytest.raises(NotEnoughStock):
        ship_transfer(transfer_id=transfer.pk, actor="ana")

    transfer.refresh_from_db()
    assert transfer.status == "ready"


def test_a_transfer_goes_to_another_place_with_known_goods(lamp: Any, warehouse: Any, shop: Any) -> None:
    with pytest.raises(Invalid):
        draft(warehouse, warehouse, (lamp, 1))
    with pytest.raises(Invalid):
        draft(warehouse, shop)
    with pytest.raises(UnknownSku):
        draft_transfer(
            origin=warehouse, destination=shop, lines=[TransferDraftLine(sku="NO-SUCH", quantity=1)], actor="ana"
        )

    assert not Transfer.objects.exists()


def test_goods_that_go_to_a_place_that_is_not_ours_leave_our_value(lamp: Any, warehouse: Any) -> None:
    repairer = Location.objects.create(code="repairer", name="Repairer", kind="supplier", owned=False)
    put_on_hand(lamp, warehouse, 5, "4.00")

    transfer = shipped(warehouse, repairer, (lamp, 2))
    assert CostPool.objects.get().value == 20
    receive_transfer(transfer_id=transfer.pk, arrived=None, actor="ana")

    assert (CostPool.objects.get().quantity, CostPool.objects.get().value) == (3, 12)
