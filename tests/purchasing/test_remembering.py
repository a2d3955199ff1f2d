"""Orders of the past, taken over with what became of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from inventory.models import CostPool, IncomingSupply, Item, Location, Reservation, StockLevel, StockMovement
from inventory.services.journalising import post_stock_summary
from purchasing.models import (
    Claim,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    Sending,
    Supplier,
)
from purchasing.services.drafting import DuplicateOrder, OrderedCharge
from purchasing.services.remembering import PastLine, PastOrder, remember_orders
from retailhub.accounting.models import JournalEntry, JournalLine, Period
from retailhub.accounting.services.closing import close_period
from retailhub.core.errors import Invalid
from retailhub.core.models import Attention
from retailhub.core.services.exchanging import NoExchangeRate, set_rates
from tests.books import names_of_events
from tests.factories.inventory import ItemFactory, put_on_hand
from tests.factories.purchasing import billed, wanted

pytestmark = pytest.mark.django_db

LONG_AGO, THEN = date(2022, 4, 15), date(2022, 4, 29)


def past(supplier: Supplier, place: Location, *lines: PastLine, number: str = "1", **kwargs: Any) -> PastOrder:
    told = {"ordered_on": LONG_AGO, "currency": "EUR", "external_reference": number, **kwargs}
    return PastOrder(supplier=supplier, ship_to=place, lines=lines, **told)


def came(item: Item, ordered: int, accepted: int, refused: int = 0, price: str = "2.50", on: date = THEN) -> PastLine:
    return PastLine(
        item=item, quantity=ordered, price=Decimal(price), accepted=accepted, refused=refused, received_on=on,
        expected_on=THEN,
    )  # fmt: skip


def test_an_order_stands_in_the_book_with_its_receipts_and_nobody_hears_of_it(
    siam: Supplier, warehouse: Location, lamp: Item, rope: Item
) -> None:
    later = date(2022, 5, 2)
    (order,) = remember_orders(
        orders=[
            past(
                siam,
                warehouse,
                came(lamp, 10, 8, 1),
                came(rope, 5, 5, price="0.333333", on=later),
                charges=[OrderedCharge(code="freight", amount=Decimal("4.20"), treatment="expense")],
                told="complete there",
            )
        ],
        actor="user:bea",
    )
    order.refresh_from_db()
    assert (order.status, order.revision, order.issued_at and order.issued_at.date()) == ("closed_short", 1, LONG_AGO)
    assert order.closed_at is not None
    assert order.closed_at.date() == later
    assert list(order.lines.values_list("received", "rejected", "cancelled", "open_quantity")) == [
        (8, 1, 1, 0), (5, 0, 0, 0),
    ]  # fmt: skip
    # 9 x 2.50, 5 x 0.333333 in cents, and the freight
    assert order.net_total == Decimal("22.50") + Decimal("1.67") + Decimal("4.20")
    assert [(r.received_on, r.status) for r in order.receipts.order_by("pk")] == [(THEN, "posted"), (later, "posted")]
    assert list(ReceiptLine.objects.order_by("pk").values_list("accepted", "refused", "damaged", "amount")) == [
        (8, 1, 0, Decimal("20.00")), (5, 0, 0, Decimal("1.67")),
    ]  # fmt: skip
    assert names_of_events() == []
    for model in (Attention, Sending, Claim, IncomingSupply):
        assert not model._default_manager.exists()


def test_goods_come_and_leave_to_the_opening_so_that_stock_and_its_value_stay(
    siam: Supplier, warehouse: Location, lamp: Item, rope: Item
) -> None:
    put_on_hand(lamp, warehouse, 7, unit_cost="3.00")
    wanted("ticket:1", rope, 5, warehouse)
    remember_orders(orders=[past(siam, warehouse, came(lamp, 10, 10), came(rope, 2, 2))], actor="user:bea")
    assert not Reservation.objects.exists()
    level = StockLevel.objects.get(item=lamp, location=warehouse)
    pool = CostPool.objects.get(item=lamp)
    assert (level.sellable, pool.quantity, pool.value) == (7, 7, Decimal("21.000000"))
    assert pool.last_unit_cost == Decimal("2.5")
    moved = StockMovement.objects.filter(document__startswith="receipt:", item=lamp).order_by("pk")
    assert [(m.from_location.code, m.to_location.code, m.quantity, m.value, m.occurred_at.date()) for m in moved] == [
        ("@supplier", "warehouse", 10, Decimal("25"), THEN),
        ("warehouse", "@opening", 10, Decimal("25"), THEN),
    ]
    entry = JournalEntry.objects.get(kind="receipt")
    assert entry.date == THEN
    own = entry.lines.filter(reference__endswith="#1")
    assert sorted(own.values_list("account__role", "amount")) == [
        ("grni", Decimal("-25.00")), ("inventory", Decimal("-25.00")), ("inventory", Decimal("25.00")),
        ("opening", Decimal("25.00")),
    ]  # fmt: skip
    post_stock_summary()
    value = JournalLine.objects.filter(account__role="inventory").aggregate(sum=Sum("amount"))["sum"]
    assert value == Decimal("21.00")


def test_what_still_comes_is_expected_where_the_order_says_so(
    siam: Supplier, warehouse: Location, lamp: Item, rope: Item
) -> None:
    lines = [came(lamp, 10, 4), PastLine(item=rope, quantity=3, price=Decimal(1), expected_on=THEN)]
    (order,) = remember_orders(orders=[past(siam, warehouse, *lines, expects_rest=True)], actor="user:bea")
    assert order.status == "part_received"
    assert sorted(IncomingSupply.objects.values_list("item__sku", "quantity")) == [("LAMP", 6), ("ROPE", 3)]


def test_an_order_of_which_nothing_came_is_cancelled(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    line = PastLine(item=lamp, quantity=3, price=Decimal(1))
    (order,) = remember_orders(orders=[past(siam, warehouse, line)], actor="user:bea")
    assert (order.status, order.net_total, Receipt.objects.count()) == ("cancelled", 0, 0)


def test_wholly_refused_goods_are_counted_and_cost_nothing(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    (order,) = remember_orders(orders=[past(siam, warehouse, came(lamp, 10, 0, 10))], actor="user:bea")
    assert (order.status, ReceiptLine.objects.get().refused) == ("received", 10)
    assert not StockMovement.objects.exists()
    assert not JournalEntry.objects.exists()


def test_a_closed_supplier_is_no_hindrance_and_foreign_money_is_booked_at_the_rate_of_the_day(
    siam: Supplier, warehouse: Location, lamp: Item
) -> None:
    siam.status, siam.currency = "closed", "THB"
    siam.save()
    set_rates(rates={("THB", LONG_AGO): Decimal("0.026"), ("THB", THEN): Decimal("0.03")})
    (order,) = remember_orders(orders=[past(siam, warehouse, came(lamp, 10, 10), currency="THB")], actor="user:bea")
    assert (order.rate, order.approved_total) == (Decimal("0.026"), Decimal("0.65"))
    line = ReceiptLine.objects.get()
    assert (line.rate, line.amount) == (Decimal("0.03"), Decimal("0.75"))


def test_a_closed_month_moves_the_entry_to_the_first_open_day(
    siam: Supplier, warehouse: Location, lamp: Item, rope: Item
) -> None:
    remember_orders(orders=[past(siam, warehouse, came(lamp, 1, 1))], actor="user:bea")
    close_period(start=Period.objects.get().start, today=date(2026, 11, 20), actor="user:bea")
    remember_orders(orders=[past(siam, warehouse, came(rope, 1, 1), number="2")], actor="user:bea")
    dates = JournalEntry.objects.filter(kind="receipt").order_by("pk").values_list("date", "document_date")
    assert list(dates) == [(THEN, THEN), (date(2022, 5, 1), THEN)]


def test_its_invoice_finds_what_was_received(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    (order,) = remember_orders(orders=[past(siam, warehouse, came(lamp, 10, 10))], actor="user:bea")
    invoice = billed(order, [(lamp, 10, "2.50")])
    assert (invoice.status, list(invoice.holds.values_list("code", flat=True))) == ("matched", [])


def test_one_bad_order_is_named_and_none_is_kept(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    kit = ItemFactory.create(sku="SET", kind="kit")
    good = past(siam, warehouse, came(lamp, 1, 1), number="2")
    for bad, pointer in (
        (past(siam, warehouse, number="3"), "/orders/1/lines"),
        (past(siam, warehouse, came(kit, 1, 1), number="3"), "/orders/1/lines/0/sku"),
        (past(siam, warehouse, came(lamp, 0, 0), number="3"), "/orders/1/lines/0/quantity"),
        (past(siam, warehouse, came(lamp, 1, -1), number="3"), "/orders/1/lines/0/quantity"),
        (past(siam, warehouse, came(lamp, 1, 1), number=""), "/orders/1/external_reference"),
        (past(siam, warehouse, came(lamp, 10**9, 0, price="9e12"), number="3"), "/orders/1/lines"),
    ):
        with pytest.raises(Invalid) as refusal:
            remember_orders(orders=[good, bad], actor="user:bea")
        assert [offence.pointer for offence in refusal.value.errors] == [pointer]
    with pytest.raises(DuplicateOrder) as twice:
        remember_orders(orders=[good, good], actor="user:bea")
    assert [offence.pointer for offence in twice.value.errors] == ["/orders/1/external_reference"]
    with pytest.raises(NoExchangeRate) as unknown:
        remember_orders(
            orders=[good, past(siam, warehouse, came(lamp, 1, 1), number="3", currency="THB")], actor="user:bea"
        )
    assert [offence.pointer for offence in unknown.value.errors] == ["/orders/1/currency"]
    assert not PurchaseOrder.objects.exists()
    remember_orders(orders=[good], actor="user:bea")
    with pytest.raises(DuplicateOrder):
        remember_orders(orders=[good], actor="user:bea")
    assert PurchaseOrderLine.objects.count() == 1


def test_many_orders_take_as_many_statements_as_one(
    siam: Supplier, warehouse: Location, lamp: Item, rope: Item, django_assert_max_num_queries: Any
) -> None:
    set_rates(rates={("THB", LONG_AGO): Decimal("0.026")})
    counts = []
    for many in (1, 2, 60):
        orders = [
            past(siam, warehouse, came(lamp, 3, 2), came(rope, 2, 1, 1), number=f"{many}/{n}", currency="THB")
            for n in range(many)
        ]
        with django_assert_max_num_queries(40) as seen:
            remember_orders(orders=orders, actor="user:bea")
        counts.append(len(seen))
    # The first call reads what is read once per process.
    assert counts[1] == counts[2]
