"""What an order comes to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order
from orders.services.placing import NewLine, NewOrder, NewPayment, NewShipping, PlacedOrder, place_orders
from orders.services.totals import line_amount, totals_of
from tests.factories.inventory import ItemFactory
from tests.factories.orders import SalesChannelFactory, new_order

D = Decimal


@pytest.mark.parametrize(
    ("currency", "included", "lines", "shipping", "expected"),
    [
        # (quantity, unit price, discount, tax rate) -> (lines, tax, total)
        ("EUR", True, [(3, "19.99", "0", "0.2")], "4.90", ("59.97", "10.00", "64.87")),
        ("EUR", False, [(3, "19.99", "0", "0.2")], "4.90", ("59.97", "11.99", "76.86")),
        ("EUR", True, [(1, "0.005", "0", "0")], "0", ("0.01", "0", "0.01")),
        ("EUR", True, [(3, "0.3333", "0", "0.2"), (1, "10", "2.5", "0.055")], "0", ("8.50", "0.56", "8.50")),
        ("JPY", True, [(3, "333", "0", "0.1")], "500", ("999", "91", "1499")),
        ("JPY", False, [(1, "105", "0", "0.1")], "0", ("105", "11", "116")),
        ("JPY", True, [(2, "100.4", "0", "0.1")], "0", ("201", "18", "201")),
        ("TND", True, [(3, "1.2345", "0", "0.19")], "7", ("3.704", "0.591", "10.704")),
        ("TND", False, [(1, "0.0005", "0", "0.19")], "0", ("0.001", "0.000", "0.001")),
    ],
)
def test_lines_and_their_tax_are_rounded_at_the_currencys_places(
    currency: str, included: bool, lines: Any, shipping: str, expected: Any
) -> None:
    totals = totals_of(
        [(line_amount(n, D(price), D(off), currency), D(rate)) for n, price, off, rate in lines],
        shipping=D(shipping),
        currency=currency,
        prices_include_tax=included,
    )

    assert (totals.lines, totals.tax, totals.total) == tuple(map(D, expected))


@pytest.mark.django_db
@pytest.mark.parametrize(("currency", "total"), [("JPY", "1499"), ("TND", "1499.000"), ("EUR", "1499.00")])
def test_what_is_kept_is_what_was_answered(currency: str, total: str) -> None:
    lamp = ItemFactory.create()
    channel = SalesChannelFactory.create(currency=currency)

    (answer,) = place_orders(
        batch=[
            NewOrder(
                channel=channel.code,
                external_reference="1",
                placed_at=new_order(channel, "1").placed_at,
                currency=currency,
                lines=[NewLine(sku=lamp.sku, quantity=3, unit_price=D("333"), tax_rate=D("0.1"))],
                shipping=NewShipping(price=D(500)),
                payments=[NewPayment(method="card", amount=D("1499"), captured=True)],
            )
        ],
        actor="test",
    )

    assert isinstance(answer, PlacedOrder)
    order = Order.objects.get()
    assert str(answer.totals.total) == total
    assert (order.lines_total, order.tax_total, order.shipping_price, order.total) == (
        answer.totals.lines,
        answer.totals.tax,
        500,
        answer.totals.total,
    )
    assert order.payments.get().amount == 1499
