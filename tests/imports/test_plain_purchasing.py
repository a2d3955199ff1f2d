"""What stands in the purchasing files of AdventureWorks, flaws too: the facts that their import profile rests on."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.imports.plain_purchasing import APPROVED, COMPLETE, PENDING, REJECTED, Purchasing, plain_rows


@pytest.fixture(scope="module")
def files() -> Purchasing:
    return Purchasing()


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_every_row_has_its_columns_and_no_key_comes_twice(files: Purchasing) -> None:
    assert (len(files.vendors), len(files.links), len(files.orders), len(files.lines)) == (104, 460, 4_012, 8_845)
    assert len({vendor["account"] for vendor in files.vendors.values()}) == 104
    assert len({vendor["name"].casefold() for vendor in files.vendors.values()}) == 104
    assert len({line.line for line in files.lines}) == 8_845
    assert sorted(map(int, files.orders)) == list(range(1, 4_013))


def test_no_reference_leads_nowhere(files: Purchasing) -> None:
    products = {row["id"] for row in plain_rows("Product", "id", *(str(place) for place in range(24)))}
    units = {row["code"].strip() for row in plain_rows("UnitMeasure", "code", "name", "modified")}
    assert {product for product, _ in files.links} <= products
    assert {vendor for _, vendor in files.links} <= files.vendors.keys()
    assert {link.unit for link in files.links.values()} <= units
    assert {order.vendor for order in files.orders.values()} <= files.vendors.keys()
    assert files.lines_of.keys() == files.orders.keys()
    assert all((line.product, files.orders[line.order].vendor) in files.links for line in files.lines)


def test_the_sums_of_the_files_agree_to_the_last_place(files: Purchasing) -> None:
    for line in files.lines:
        assert line.total == line.ordered * line.price
        assert line.stocked == line.received - line.rejected
        assert line.ordered >= line.received > 0
        assert 0 <= line.rejected <= line.received
        assert line.price > 0
    for order in files.orders.values():
        assert order.subtotal == sum(line.total for line in files.lines_of[order.number])
        assert order.total == order.subtotal + order.tax + order.freight
        assert order.tax == (order.subtotal * Decimal("0.08")).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    rates = Counter((o.freight / o.subtotal).quantize(Decimal("0.001")) for o in files.orders.values())
    assert rates == {Decimal("0.025"): 4_000, Decimal("0.020"): 12}


def test_units_and_money_of_all_orders(files: Purchasing) -> None:
    assert [sum(getattr(line, name) for line in files.lines) for name in ("ordered", "received")] == [
        2_348_637,
        2_327_299,
    ]
    assert [sum(getattr(line, name) for line in files.lines) for name in ("rejected", "stocked")] == [
        72_700,
        2_254_599,
    ]
    money = [sum(getattr(o, name) for o in files.orders.values()) for name in ("subtotal", "tax", "freight", "total")]
    assert [str(amount) for amount in money] == ["63791994.8380", "5103359.5740", "1583978.2263", "70479332.6383"]
    # An invoice is in cents: 6,844 lines are not.
    assert sum(cents(line.total) != line.total for line in files.lines) == 6_844
    assert sum(cents(line.total) for line in files.lines) == Decimal("63792005.94")


def test_totals_of_vendors_are_the_totals_of_everything(files: Purchasing) -> None:
    vendors = files.per_vendor()
    assert len(vendors) == 86
    assert [sum(figures[place] for figures in vendors.values()) for place in range(5)] == [
        4_012, 2_348_637, 2_327_299, 72_700, 2_254_599,
    ]  # fmt: skip
    assert sum(figures[6] for figures in vendors.values()) == Decimal("70479332.6383")
    assert Counter(figures[0] for figures in vendors.values()) == {51: 50, 50: 29, 1: 4, 2: 2, 4: 1}


def test_goods_came_for_every_line_whatever_the_status_says(files: Purchasing) -> None:
    figures: dict[str, Counter[str]] = {}
    for order in files.orders.values():
        known = figures.setdefault(order.status, Counter())
        known["orders"] += 1
        for line in files.lines_of[order.number]:
            for name in ("ordered", "received", "rejected", "stocked"):
                known[name] += getattr(line, name)
    assert {status: tuple(known.values()) for status, known in figures.items()} == {
        PENDING: (225, 125_801, 124_537, 1_510, 123_027),
        APPROVED: (12, 96_255, 95_965, 0, 95_965),
        REJECTED: (86, 46_747, 46_746, 46_745, 1),
        COMPLETE: (3_689, 2_079_834, 2_060_051, 24_445, 2_035_606),
    }
    kept = [line for line in files.lines if files.orders[line.order].status == REJECTED and line.stocked]
    assert [(line.order, line.line, line.received, line.rejected, line.stocked) for line in kept] == [
        ("4", "5", 2, 1, 1)
    ]


def test_lines_that_came_short_or_were_sent_back(files: Purchasing) -> None:
    short = [line for line in files.lines if line.received < line.ordered]
    assert (len(short), len({line.order for line in short})) == (380, 378)
    assert sum(line.ordered - line.received for line in short) == 21_338
    rejected = [line for line in files.lines if line.rejected]
    assert (len(rejected), sum(not line.stocked for line in rejected)) == (563, 141)


def test_an_item_stands_on_several_lines_of_one_order_only(files: Purchasing) -> None:
    lines = Counter((line.order, line.product) for line in files.lines)
    assert {key: count for key, count in lines.items() if count > 1} == {("4008", "865"): 3, ("4008", "866"): 2}


def test_dates_that_cannot_be(files: Purchasing) -> None:
    days = Counter((line.due - files.orders[line.order].ordered).days for line in files.lines)
    assert days == {14: 8_788, 30: 42, -7: 6, 74: 6, -162: 1, 141: 1, 223: 1}
    early = {line.order for line in files.lines if line.due < files.orders[line.order].ordered}
    assert early == {"4003", "4006"}
    several = {number for number, lines in files.lines_of.items() if len({line.due for line in lines}) > 1}
    assert several == {"4001", "4003", "4006", "4007"}
    assert Counter((o.shipped - o.ordered).days for o in files.orders.values()) == {9: 4_000, 25: 12}
    # What a link says of its last receipt is older than what was bought.
    last: dict[tuple[str, str], date] = {}
    for line in files.lines:
        key = (line.product, files.orders[line.order].vendor)
        last[key] = max(last.get(key, line.due), line.due)
    assert last.keys() == files.links.keys()
    assert sum(files.links[key].last_receipt < day for key, day in last.items()) == 406


def test_what_links_say_and_what_was_bought(files: Purchasing) -> None:
    assert Counter(link.unit for link in files.links.values()) == {
        "CTN": 178, "EA": 154, "CAN": 68, "CS": 38, "GAL": 10, "DZ": 7, "PAK": 5,
    }  # fmt: skip
    units: dict[str, set[str]] = {}
    for link in files.links.values():
        units.setdefault(link.product, set()).add(link.unit)
    assert all(len(known) == 1 for known in units.values()), "an item is bought in one unit, whoever sells it"
    assert all(files.link_of(line).least <= line.ordered <= files.link_of(line).most for line in files.lines)
    other = [line for line in files.lines if line.price != files.link_of(line).last_cost]
    assert [(line.order, str(line.price), str(files.link_of(line).last_cost)) for line in other] == [
        ("1", "50.2600", "50.2635"),
        ("2", "45.1200", "47.6805"),
    ]
    assert sum(link.price != link.last_cost for link in files.links.values()) == 454
    open_units: Counter[tuple[str, str]] = Counter()
    for line in files.lines:
        if files.orders[line.order].status in {PENDING, APPROVED}:
            open_units[line.product, files.orders[line.order].vendor] += line.ordered
    on_order = {key: link.on_order for key, link in files.links.items() if link.on_order}
    assert (len(on_order), sum(on_order.values()), len(open_units)) == (155, 102_414, 343)
    assert sum(on_order.get(key) == units for key, units in open_units.items()) == 83


def test_vendors_who_are_not_active_got_orders_and_some_sell_nothing(files: Purchasing) -> None:
    inactive = {number: vendor["name"] for number, vendor in files.vendors.items() if vendor["active"] == "0"}
    bought = Counter(inactive[o.vendor] for o in files.orders.values() if o.vendor in inactive)
    assert bought == {
        "Gardner Touring Cycles": 51, "Circuit Cycles": 51, "Reliance Fitness, Inc.": 50, "Proseware, Inc.": 51,
    }  # fmt: skip
    assert len(files.vendors.keys() - {vendor for _, vendor in files.links}) == 18


def test_prices_are_known_where_costs_are_not(files: Purchasing) -> None:
    columns = ("id", "name", "number", "make", "finished", "colour", "safety", "reorder", "cost", "price")
    products = {row["id"]: row for row in plain_rows("Product", *columns, *(str(place) for place in range(15)))}
    bought = {line.product for line in files.lines}
    assert (len(bought), sum(not Decimal(products[number]["cost"]) for number in bought)) == (265, 182)
    assert {products[number]["make"] for number in bought} == {"0"}
