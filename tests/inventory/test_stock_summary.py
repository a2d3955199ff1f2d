"""The stock entries of the journal: summarised from movements, any number of times, to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum

from inventory import tasks
from inventory.models import CostPool, Item, Location, StockMovement
from inventory.services import journalising
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.costing import BooksDisagree, cents
from inventory.services.costing_methods import change_costing_method
from inventory.services.journalising import post_stock_summary
from inventory.services.receiving import BookedLine, book_in
from inventory.services.returning import reverse_receipt
from inventory.services.revaluing import Correction
from inventory.services.transferring import (
    Arrived,
    TransferDraftLine,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from inventory.services.writing_down import ExceedsValue, write_down
from retailhub.accounting.models import JournalEntry, JournalLine
from retailhub.core.errors import Invalid
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand, receive
from tests.inventory.papers import correct, take_in

pytestmark = pytest.mark.django_db


def stands(role: str, **kwargs: Any) -> Decimal:
    return JournalLine.objects.filter(account__role=role, **kwargs).aggregate(x=Sum("amount"))["x"] or Decimal(0)


def lines(kind: str) -> set[tuple[str, Decimal, str, str]]:
    found = JournalLine.objects.filter(entry__kind=kind)
    return set(found.values_list("account__role", "amount", "location", "reference"))


def assert_booked() -> None:
    """Stock value and accounts agree: each pool's rounded value, together."""
    worth = sum((cents(pool.value) for pool in CostPool.objects.all()), Decimal(0))
    assert stands("inventory") + stands("in_transit") == worth


def sell(item: Any, place: Any, quantity: int) -> None:
    leaving = [Leaving(line=1, item_id=item.pk, quantity=quantity)]
    consume_stock(document="cart:9", location=place, leaving=leaving, actor="x")


def send(item: Any, origin: Any, destination: Any, quantity: int) -> int:
    pk = draft_transfer(
        origin=origin,
        destination=destination,
        lines=[TransferDraftLine(sku=item.sku, quantity=quantity)],
        actor="x",
    ).pk
    ready_transfer(transfer_id=pk, actor="x")
    ship_transfer(transfer_id=pk, actor="x")
    return pk


# --- what is booked against what -------------------------------------------------------------------------------------


def test_each_way_in_and_out_has_its_account_by_place(lamp: Any, rope: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 10, "4")
    receive(lamp, shop, 10, "6", document="receipt:RC-7")
    sell(lamp, warehouse, 2)
    sell(lamp, shop, 1)
    adjust_stock(location=shop, reason="loss", lines=[AdjustmentLine(sku=lamp.sku, change=-1)], actor="x")
    adjust_stock(location=shop, reason="count", lines=[AdjustmentLine(sku=rope.sku, counted=3)], actor="x")

    post_stock_summary()

    assert lines("stock_opened") == {("inventory", 40, "warehouse", ""), ("opening", -40, "warehouse", "")}
    assert lines("stock_received") == {("inventory", 60, "shop", ""), ("grni", -60, "shop", "receipt:RC-7")}
    assert lines("stock_sold") == {
        ("cogs", 10, "warehouse", ""),
        ("cogs", 5, "shop", ""),
        ("inventory", -10, "warehouse", ""),
        ("inventory", -5, "shop", ""),
    }
    # One lamp lost at 5, three ropes found at their reference cost of 4: together, by place.
    assert lines("stock_lost") == {("inventory", 7, "shop", ""), ("shrink", -7, "shop", "")}
    entry = JournalEntry.objects.get(kind="stock_sold")
    assert entry.document.startswith("stock_summary:SS-")
    assert_booked()


def test_goods_that_go_to_a_place_that_is_not_ours_are_no_stock_any_more(lamp: Any, warehouse: Any) -> None:
    lender = LocationFactory.create(code="lender", kind=Location.Kind.SUPPLIER, owned=False)
    put_on_hand(lamp, warehouse, 10, "4")
    pk = send(lamp, warehouse, lender, 4)
    receive_transfer(transfer_id=pk, arrived=None, actor="x")

    post_stock_summary()

    assert (stands("cogs"), stands("inventory"), stands("in_transit")) == (16, 24, 0)
    assert_booked()


def test_moves_between_buckets_and_places_make_no_profit(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 9, "3.333333")
    pk = send(lamp, warehouse, shop, 4)
    post_stock_summary()

    assert (stands("in_transit"), stands("inventory")) == (Decimal("13.33"), Decimal("16.67"))
    receive_transfer(transfer_id=pk, arrived=[Arrived(line=1, received=3, damaged=1)], actor="x")
    post_stock_summary()

    assert (stands("in_transit"), stands("inventory")) == (0, 30)
    assert stands("inventory", location="shop") == Decimal("13.33")
    assert {role for role, *_ in lines("stock_moved")} == {"inventory", "in_transit"}
    assert_booked()


def test_what_is_on_the_road_is_worth_its_share_however_the_cost_changes(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 10, "10")
    pk = send(lamp, warehouse, shop, 5)
    post_stock_summary()
    receive(lamp, warehouse, 10, "40")
    post_stock_summary()
    assert stands("in_transit") == 125

    receive_transfer(transfer_id=pk, arrived=[Arrived(line=1, received=3, lost=2)], actor="x")
    post_stock_summary()

    assert (stands("in_transit"), stands("shrink")) == (0, 50)
    assert_booked()


def test_a_correction_reaches_what_is_on_the_road(lamp: Any, warehouse: Any, shop: Any) -> None:
    take_in(warehouse, (lamp, 10, "100.00"))
    send(lamp, warehouse, shop, 5)
    post_stock_summary()
    fix = Correction(document="receipt:GR-1", line=1, quantity=10, value_change=Decimal(20), reference="invoice:1#1")

    correct(fix)
    assert (stands("inventory"), stands("in_transit")) == (70, 50), "until the next summary"
    post_stock_summary()

    assert (stands("inventory"), stands("in_transit")) == (60, 60)


# --- again and again -------------------------------------------------------------------------------------------------


def test_a_second_run_writes_nothing_and_a_later_one_only_what_came(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 10)
    assert post_stock_summary().pools == 1
    before = JournalEntry.objects.count()

    again = post_stock_summary()
    assert (again.pools, again.entries, JournalEntry.objects.count()) == (0, [], before)

    sell(lamp, warehouse, 1)
    assert len(post_stock_summary().entries) == 1
    assert stands("cogs") == 4


def test_cents_of_rounding_are_neither_lost_nor_invented(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 1000, "0.001")
    for units in [4] * 10 + [6] * 10 + [900]:
        sell(lamp, warehouse, units)
        post_stock_summary()
        assert_booked()

    assert (stands("cogs"), stands("inventory"), stands("opening")) == (1, 0, -1)
    assert not JournalLine.objects.filter(account__role="rounding").exists()


def test_what_is_owed_without_an_order_is_provable_by_its_paper(lamp: Any, warehouse: Any) -> None:
    """Three thirds of a cent at a time: the debt is exact for each paper, what is left over is a rounding."""
    for number in range(3):
        receive(lamp, warehouse, 1, "0.003333", document=f"receipt:RC-{number}")
        receive(lamp, warehouse, 1, "1.006666", document=f"receipt:RC-{number}")
        post_stock_summary()

    owed = {
        reference: stands("grni", reference=reference)
        for reference in JournalLine.objects.filter(account__role="grni").values_list("reference", flat=True)
    }
    assert owed == {f"receipt:RC-{n}": Decimal("-1.01") for n in range(3)}
    assert stands("inventory") == Decimal("3.03")
    assert_booked()


def test_a_reversed_receipt_owes_nothing(lamp: Any, warehouse: Any) -> None:
    paper = book_in(location=warehouse, lines=[BookedLine(sku="LAMP", quantity=3, unit_cost=Decimal(2))], actor="x")
    post_stock_summary()
    reverse_receipt(document=paper.reference, actor="x")
    post_stock_summary()

    assert (stands("grni"), stands("inventory")) == (0, 0)


def test_what_posts_itself_is_left_out_but_counts(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3, "3.333333")
    take_in(warehouse, (lamp, 3, "10.00"))
    post_stock_summary()
    assert stands("bank") == -10
    assert_booked()

    sell(lamp, warehouse, 1)
    correct(
        Correction(document="receipt:GR-1", line=1, quantity=3, value_change=Decimal("0.50"), reference="invoice:1#1")
    )
    sell(lamp, warehouse, 1)
    post_stock_summary()

    assert not JournalLine.objects.filter(account__role="grni").exists()
    assert_booked()


def test_every_pool_is_posted_in_batches(warehouse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journalising, "BATCH", 3)
    for item in ItemFactory.create_batch(8):
        put_on_hand(item, warehouse, 2, "1.25")

    summary = post_stock_summary()

    assert (summary.pools, len(summary.entries), stands("opening")) == (8, 3, -20)
    assert_booked()


def test_the_command_and_the_worker_do_the_same(lamp: Any, warehouse: Any, capsys: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    call_command("post_stock_summary")
    assert "1 items looked at, 1 entries written" in capsys.readouterr().out

    sell(lamp, warehouse, 1)
    tasks.post_stock_summary()
    assert stands("cogs") == 4
    journalising.post_before_closing(until=date(2026, 11, 30))
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} >= {"inventory.tasks.post_stock_summary"}


@pytest.mark.usefixtures("broken_books")
def test_a_pool_that_disagrees_with_its_movements_is_not_booked(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    post_stock_summary()
    CostPool.objects.update(value=5, revalued=True)

    with pytest.raises(BooksDisagree):
        post_stock_summary()
    assert stands("inventory") == 8


# --- days ------------------------------------------------------------------------------------------------------------


def test_movements_are_posted_on_their_business_day(lamp: Any, warehouse: Any, settings: Any) -> None:
    """Half past eleven at night in UTC is the next day in Lyon."""
    put_on_hand(lamp, warehouse, 2)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE inventory_stockmovement DISABLE TRIGGER USER")
    StockMovement.objects.update(recorded_at=datetime(2026, 11, 3, 23, 30, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stockmovement ENABLE TRIGGER USER")
    settings.TIME_ZONE = "Europe/Paris"

    post_stock_summary()

    assert JournalEntry.objects.get().date == date(2026, 11, 4)


# --- written down ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["average", "fifo"])
def test_goods_written_down_leave_at_what_is_left_of_their_value(lamp: Any, warehouse: Any, method: str) -> None:
    change_costing_method(items=[lamp], method=method, actor="x")
    put_on_hand(lamp, warehouse, 4, "5")
    put_on_hand(lamp, warehouse, 4, "10")
    post_stock_summary()

    document = write_down(item=lamp, amount=Decimal("15.00"), actor="ana", note="scratched", day=date(2026, 11, 22))

    assert document.startswith("write_down:WD-")
    assert lines("write_down") == {("write_down", 15, "", ""), ("inventory", -15, "", "")}
    sell(lamp, warehouse, 4)
    post_stock_summary()
    assert stands("cogs") == (Decimal("22.50") if method == "average" else 15)
    assert_booked()


def test_goods_are_not_worth_less_than_nothing(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 4, "5")

    with pytest.raises(ExceedsValue):
        write_down(item=lamp, amount=Decimal("20.01"), actor="x")
    for amount in ("0", "-1", "0.001"):
        with pytest.raises(Invalid):
            write_down(item=lamp, amount=Decimal(amount), actor="x")
    write_down(item=lamp, amount=Decimal(20), actor="x")
    with pytest.raises(ExceedsValue):
        write_down(item=Item.objects.get(), amount=Decimal(1), actor="x")


def test_a_correction_takes_no_more_than_a_write_down_left(lamp: Any, warehouse: Any) -> None:
    take_in(warehouse, (lamp, 4, "20.00"))
    write_down(item=lamp, amount=Decimal("18.00"), actor="x")
    fix = Correction(document="receipt:GR-1", line=1, quantity=4, value_change=Decimal(-5), reference="invoice:1#1")

    (answer,) = correct(fix)

    assert (answer.to_stock, answer.to_sold) == (-2, -3)
    post_stock_summary()
    assert_booked()
