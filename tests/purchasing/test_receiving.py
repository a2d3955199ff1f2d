"""Deliveries that are posted: what is for sale, what is on hold, what the orders and the journal say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from inventory.models import Item, Location, StockLevel
from purchasing.models import Receipt, ReceiptLine, Supplier
from purchasing.services.receiving import Counted, OrderNotOpen, OtherPlace, receive_delivery
from retailhub.accounting.models import JournalLine
from retailhub.core.errors import Invalid
from retailhub.core.services.exchanging import set_rates
from tests.factories.inventory import LocationFactory
from tests.factories.purchasing import TODAY, drafted, issued, sells

pytestmark = pytest.mark.django_db


def stock_of(item: Item) -> tuple[int, int, int]:
    level = StockLevel.objects.get(item=item)
    return (level.sellable, level.damaged, level.on_hold)


def journal() -> list[tuple[str, str, Decimal]]:
    lines = JournalLine.objects.select_related("account").order_by("entry", "line")
    return [(line.account.role, line.reference, line.amount) for line in lines]


def test_good_goods_are_for_sale_and_stand_in_the_books_at_the_orders_price(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "2.50")])

    receipt = receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=order.lines.get().pk, accepted=4)],
        actor="user:wim",
        received_on=TODAY,
    )

    order.refresh_from_db()
    line = order.lines.get()
    assert stock_of(lamp) == (4, 0, 0)
    assert (order.status, line.received, line.open_quantity) == ("part_received", 4, 6)
    assert journal() == [
        ("inventory", receipt.reference, Decimal(10)),
        ("grni", f"{receipt.reference}#1", Decimal(-10)),
    ]


def test_damaged_wrong_and_refused_goods_are_counted_and_not_for_sale(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    sells(siam, rope, "1.00")
    order = issued(siam, warehouse, [(lamp, 10, "2.00")])

    receipt = receive_delivery(
        location=warehouse,
        counted=[
            Counted(
                item_id=lamp.pk, order_line_id=order.lines.get().pk, accepted=4, damaged=1, wrong=2,
                wrong_item_id=rope.pk, refused=3,
            )
        ],
        actor="user:wim",
    )  # fmt: skip

    line = order.lines.get()
    assert (stock_of(lamp), stock_of(rope)) == ((4, 1, 0), (0, 0, 2))
    assert (line.received, line.rejected, line.open_quantity) == (4, 6, 0)
    amounts = dict(ReceiptLine.objects.filter(receipt=receipt).values_list("line", "amount"))
    assert amounts == {1: Decimal(10), 2: Decimal(2)}


def test_more_than_is_tolerated_is_on_hold(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.over_percent = Decimal(10)
    siam.save()
    order = issued(siam, warehouse, [(lamp, 100, "1.00")])

    receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=order.lines.get().pk, accepted=115)],
        actor="user:wim",
    )

    order.refresh_from_db()
    assert (stock_of(lamp), order.status) == ((110, 0, 5), "received")


def test_packs_are_received_as_whole_base_units(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """Receive 144 of 2 x 96, then 48: 1.5 packs, then 2.0 (odoo#85291)."""
    from purchasing.services.drafting import OrderedLine, draft_purchase_order
    from purchasing.services.issuing import send_purchase_order

    sells(siam, lamp, "48.00", pack_code="case", pack_numerator=96)
    draft = draft_purchase_order(
        supplier=siam, ship_to=warehouse, lines=[OrderedLine(sku="LAMP", quantity=192)], actor="user:bea", on=TODAY
    )
    order = send_purchase_order(order_id=draft.pk, actor="user:bea")
    line_id = order.lines.get().pk

    for units in (144, 48):
        receive_delivery(
            location=warehouse,
            counted=[Counted(item_id=lamp.pk, order_line_id=line_id, accepted=units)],
            actor="user:wim",
        )

    assert stock_of(lamp) == (192, 0, 0)
    assert list(ReceiptLine.objects.order_by("pk").values_list("amount", flat=True)) == [Decimal(72), Decimal(24)]


def test_foreign_goods_cost_what_they_do_on_the_day_they_come(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.currency = "THB"
    siam.save()
    set_rates(rates={("THB", date(2026, 11, 1)): Decimal("0.026"), ("THB", date(2026, 11, 15)): Decimal("0.0271")})
    order = issued(siam, warehouse, [(lamp, 3, "33.33")])

    receipt = receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=order.lines.get().pk, accepted=3)],
        actor="user:wim",
        received_on=date(2026, 11, 14),
    )

    assert receipt.lines.get().amount == Decimal("2.60")


@pytest.mark.django_db(transaction=True)
def test_orders_that_are_not_open_or_go_elsewhere_are_named_and_nothing_comes_in(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    shop = LocationFactory.create(code="shop")
    draft = drafted(siam, warehouse, [(lamp, 1, "1")])
    elsewhere = issued(siam, shop, [(lamp, 1, "1")])

    with pytest.raises(OrderNotOpen) as refusal:
        receive_delivery(
            location=warehouse,
            counted=[Counted(item_id=lamp.pk, order_line_id=draft.lines.get().pk, accepted=1)],
            actor="user:wim",
        )
    with pytest.raises(OtherPlace):
        receive_delivery(
            location=warehouse,
            counted=[Counted(item_id=lamp.pk, order_line_id=elsewhere.lines.get().pk, accepted=1)],
            actor="user:wim",
        )
    with pytest.raises(Invalid):
        receive_delivery(location=warehouse, counted=[Counted(item_id=lamp.pk)], actor="user:wim")

    assert refusal.value.errors[0].extra == {"purchase_order": draft.number}
    assert not StockLevel.objects.filter(sellable__gt=0).exists()
    assert not Receipt.objects.exists()
