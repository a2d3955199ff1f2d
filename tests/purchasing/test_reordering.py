"""What is to be bought, from whom, how many, and why."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import Item, Location
from inventory.services.consuming import Leaving, consume_stock
from purchasing.listeners import settle_what_was_ordered
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from purchasing.services.demand import HISTORY_DAYS, demand_of
from purchasing.services.reordering import (
    Need,
    OtherProposal,
    Reorder,
    Wanted,
    create_orders,
    find_needs,
    raise_low_stock,
)
from retailhub.core.models import Attention
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand, receive, reserve
from tests.factories.purchasing import SupplierFactory, drafted, issued, sells

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)


def moment(days_ago: int) -> datetime:
    return datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(days=days_ago)


def came(item: Item, place: Location, units: int, days_ago: int) -> None:
    receive(item, place, units, "4.00", occurred_at=moment(days_ago))


def sold(item: Item, place: Location, units: int, days_ago: int) -> None:
    consume_stock(
        document=f"order:{item.sku}-{days_ago}",
        location=place,
        leaving=[Leaving(line=1, item_id=item.pk, quantity=units)],
        actor="test",
        occurred_at=moment(days_ago),
    )


def only(reorder: Reorder) -> Need:
    (group,) = reorder.groups
    (need,) = group.needs
    return need


def point(item: Item, units: int) -> None:
    Item.objects.filter(pk=item.pk).update(reorder_point=units)


# --- demand -----------------------------------------------------------------------------------------------------------


def by_hand(sales: Mapping[int, int], selling: Mapping[int, bool]) -> float:
    """Answer the daily rate as the method is written in books: day by day, smoothing as it goes."""
    days = [day for day in range(HISTORY_DAYS, 0, -1) if selling[day]]
    taken = [sales.get(day, 0) for day in days]
    times = sum(1 for units in taken if units)
    if times < 3 or len(days) < 1.32 * times:
        return sum(taken) / len(days)
    size = pause = 0.0
    since = 0
    for units in taken:
        since += 1
        if units:
            size = units if not size else size + 0.1 * (units - size)
            pause = since if not pause else pause + 0.1 * (since - pause)
            since = 0
    return 0.95 * size / pause


@pytest.mark.parametrize("chance", [0.9, 0.3, 0.08])
def test_demand_is_what_the_books_say_day_by_day(lamp: Item, warehouse: Location, chance: float) -> None:
    dice = random.Random(chance)
    stock, sales, selling = 0, {}, {}
    for day in range(HISTORY_DAYS, 0, -1):
        before = stock
        if stock == 0 and dice.random() < 0.15 and day < HISTORY_DAYS:
            stock = dice.randint(3, 30)
            came(lamp, warehouse, stock, day)
        if stock and dice.random() < chance:
            sales[day] = dice.randint(1, min(stock, 6))
            sold(lamp, warehouse, sales[day], day)
            stock -= sales[day]
        selling[day] = day in sales or stock > 0
        assert before >= 0

    demand = demand_of(place_ids=[warehouse.pk], today=TODAY)[lamp.pk]

    assert demand.per_day == pytest.approx(by_hand(sales, selling))
    assert demand.selling_days == sum(selling.values())
    assert demand.sold == sum(sales.values())


def test_days_without_stock_are_not_days_without_demand(lamp: Item, rope: Item, warehouse: Location) -> None:
    for item in (lamp, rope):
        came(item, warehouse, 20 if item == lamp else 500, 120)
        for day in range(120, 110, -1):
            sold(item, warehouse, 2, day)
    demand = demand_of(place_ids=[warehouse.pk], today=TODAY)
    assert demand[lamp.pk].per_day == 2  # sold out after ten days
    assert demand[rope.pk].per_day < 2


def test_other_places_and_today_do_not_count(lamp: Item, warehouse: Location) -> None:
    shop = LocationFactory.create(code="shop")
    came(lamp, shop, 50, 30)
    came(lamp, warehouse, 50, 30)
    sold(lamp, shop, 5, 10)
    sold(lamp, warehouse, 3, 0)
    assert demand_of(place_ids=[warehouse.pk], today=TODAY) == {}
    assert demand_of(place_ids=[shop.pk], today=TODAY)[lamp.pk].sold == 5


# --- needs ------------------------------------------------------------------------------------------------------------


def test_the_need_is_point_less_what_is_there_and_comes_in_time(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "4.00", lead_time_days=10)
    point(lamp, 100)
    put_on_hand(lamp, warehouse, 20)
    issued(siam, warehouse, [(lamp, 30, "4.00")], expected_on=TODAY + timedelta(days=10))

    need = only(find_needs(today=TODAY))

    assert (need.point, need.available, need.incoming, need.need, need.suggested) == (100, 20, 30, 50, 50)
    assert need.amount == 200
    assert "as set on the item" in need.why()[0]


def test_goods_that_come_after_the_lead_time_hide_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    sells(siam, lamp, "4.00", lead_time_days=10)
    point(lamp, 100)
    issued(siam, warehouse, [(lamp, 500, "4.00")], expected_on=TODAY + timedelta(days=11))

    need = only(find_needs(today=TODAY))

    assert (need.incoming, need.later, need.need) == (0, 500, 100)
    assert "they do not count" in need.why()[2]


def test_nothing_is_proposed_at_the_point(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    sells(siam, lamp, "4.00")
    point(lamp, 20)
    put_on_hand(lamp, warehouse, 20)
    assert find_needs(today=TODAY) == Reorder(groups=[], skipped=[])


@pytest.mark.usefixtures("broken_books")  # somebody waits for whom the order book has no order
def test_who_waits_counts_and_drafts_are_not_ordered_again(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    sells(siam, lamp, "4.00")
    reserve("order:1", {lamp: 7}, warehouse)
    assert (only(find_needs(today=TODAY)).waiting, only(find_needs(today=TODAY)).need) == (7, 7)

    drafted(siam, warehouse, [(lamp, 5, "4.00")])

    assert (only(find_needs(today=TODAY)).drafted, only(find_needs(today=TODAY)).need) == (5, 2)


def test_the_need_is_rounded_once_to_packs_minimum_and_multiple(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "48.00", pack_code="case", pack_numerator=12, minimum_quantity=3, multiple=2)
    sells(siam, rope, "1.00", pack_numerator=5, pack_denominator=2)
    point(lamp, 49)
    point(rope, 6)

    (group,) = find_needs(today=TODAY).groups

    lamps, ropes = group.needs
    assert (lamps.suggested, lamps.amount) == (72, 288)  # 5 cases, so 6
    assert ropes.suggested == 8  # three packs of two and a half, rounded up to whole units
    assert group.total == 288 + Decimal("3.2")


def test_a_computed_point_covers_the_lead_time_and_a_safety(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    sells(siam, lamp, "4.00", lead_time_days=9)
    came(lamp, warehouse, 374, HISTORY_DAYS)
    for day in range(HISTORY_DAYS, 0, -1):
        sold(lamp, warehouse, 1 if day % 2 else 3, day)

    need = only(find_needs(today=TODAY))

    # 2 a day for 9 days, and 1.645 x 1 x 3 for safety
    assert (need.per_day, need.safety, need.point, need.available, need.need) == (2.0, 5, 23, 10, 13)


def test_the_preferred_supplier_is_asked_else_the_cheapest(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    cheap = SupplierFactory.create(code="CHEAP")
    dear = sells(siam, lamp, "9.00")
    sells(cheap, lamp, "100.00", pack_numerator=12)  # 8.33 each
    point(lamp, 12)
    assert find_needs(today=TODAY).groups[0].supplier == cheap

    dear.is_preferred = True
    dear.save()
    assert find_needs(today=TODAY).groups[0].supplier == siam

    Supplier.objects.filter(pk=siam.pk).update(status="on_hold")
    assert find_needs(today=TODAY).groups[0].supplier == cheap


def test_what_cannot_be_ordered_is_named_with_what_is_missing(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    sells(siam, rope)
    for item in (lamp, rope):
        point(item, 5)
    point(ItemFactory.create(sku="OLD", status="discontinued"), 5)

    found = find_needs(today=TODAY)

    assert not found.groups
    assert [(need.sku, need.skipped) for need in found.skipped] == [
        ("LAMP", "nobody sells it to us: put it into a supplier's price list"),
        ("ROPE", "Siam Textiles never named a price"),
    ]


def test_the_least_value_of_an_order_is_shown(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    Supplier.objects.filter(pk=siam.pk).update(minimum_order=100)
    sells(siam, lamp, "4.00")
    point(lamp, 10)
    assert find_needs(today=TODAY).groups[0].below_minimum == 60


def test_a_single_place_is_not_measured_by_the_point_of_all(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    sells(siam, lamp, "4.00")
    point(lamp, 10)
    assert find_needs(today=TODAY, location=warehouse).groups == []


def test_a_thousand_items_take_no_more_statements_than_one(
    siam: Supplier, warehouse: Location, django_assert_max_num_queries: Any
) -> None:
    for _ in range(40):
        item = ItemFactory.create(reorder_point=5)
        sells(siam, item, "1.00")
    with django_assert_max_num_queries(7):
        assert len(find_needs(today=TODAY).groups[0].needs) == 40


# --- orders and rows in "my work" -------------------------------------------------------------------------------------


def ordered(siam: Supplier, warehouse: Location, key: str = "k") -> list[PurchaseOrder]:
    return create_orders(
        wanted=[Wanted(supplier=siam, units={"LAMP": 12, "ROPE": 0})],
        ship_to=warehouse,
        actor="user:bea",
        on=TODAY,
        key=key,
    )


def test_one_click_makes_the_drafts_and_a_second_one_makes_no_more(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "4.00")
    point(lamp, 12)
    (order,) = ordered(siam, warehouse)
    assert ordered(siam, warehouse) == [order]
    assert (order.status, order.net_total, order.lines.count()) == ("draft", 48, 1)
    assert find_needs(today=TODAY).groups == []


def test_another_proposal_under_the_same_key_is_refused(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    nok = SupplierFactory.create(code="NOK")
    for supplier in (siam, nok):
        sells(supplier, lamp, "4.00")
        sells(supplier, rope, "1.00")
    made = ordered(siam, warehouse)
    others = (
        [Wanted(supplier=siam, units={"LAMP": 13})],
        [Wanted(supplier=siam, units={"LAMP": 12, "ROPE": 1})],
        [Wanted(supplier=nok, units={"LAMP": 12})],
        [Wanted(supplier=siam, units={"LAMP": 12}), Wanted(supplier=nok, units={"LAMP": 12})],
    )

    for wanted in others:
        with pytest.raises(OtherProposal):
            create_orders(wanted=wanted, ship_to=warehouse, actor="user:bea", on=TODAY, key="k")
    with pytest.raises(OtherProposal):
        ordered(siam, LocationFactory.create(code="elsewhere"))

    assert list(PurchaseOrder.objects.all()) == made
    assert ordered(siam, warehouse) == made


def test_low_stock_is_told_once_per_supplier_and_settled_when_ordered(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "4.00")
    point(lamp, 12)
    point(rope, 1)
    assert raise_low_stock(today=TODAY) == 2
    assert raise_low_stock(today=TODAY) == 2
    rows = Attention.objects.filter(resolved_at__isnull=True).order_by("document")
    assert [(row.document, row.at_risk) for row in rows] == [("supplier:", None), ("supplier:SIAM", 48)]

    ordered(siam, warehouse)
    SupplierItem.objects.update(is_active=True)
    sells(siam, rope, "1.00")
    raise_low_stock(today=TODAY)

    assert [(row.document, row.at_risk) for row in rows.all()] == [("supplier:SIAM", 1)]


def test_what_was_ordered_is_reminded_of_no_more_and_what_came_up_later_is(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "4.00")
    point(lamp, 12)
    before = issued(siam, warehouse, [(ItemFactory.create(), 1, "1")])
    raise_low_stock(today=TODAY)
    rows = Attention.objects.filter(kind="low_stock", resolved_at__isnull=True)

    settle_what_was_ordered([{"order_id": before.pk, "revision": 1}])
    assert rows.count() == 1

    after = issued(siam, warehouse, [(lamp, 12, "4")])
    settle_what_was_ordered([{"order_id": after.pk, "revision": 2}])
    assert rows.count() == 1
    settle_what_was_ordered([{"order_id": after.pk, "revision": 1}])
    assert not rows.exists()
