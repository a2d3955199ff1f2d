from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from channels.connectors.base import (
    ChannelOrder,
    FulfilmentDraft,
    FulfilmentLine,
    NotFound,
    OrderStatus,
    Outcome,
    Permanent,
    Retryable,
)
from channels.connectors.sandbox.connector import SandboxConnector
from tests.channels.sandbox_fixture import RunningShop


def pull_all(
    connector: SandboxConnector, shop: RunningShop, cursor: str | None, limit: int = 250
) -> tuple[list[ChannelOrder], str | None]:
    orders: list[ChannelOrder] = []
    while True:
        page = connector.pull_orders(shop.account(), cursor, limit=limit)
        orders += page.orders
        cursor = page.next_cursor
        if not page.more:
            return orders, cursor


def test_an_order_arrives_whole(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku, quantity=5, price="12.50")
    _, cursor = pull_all(connector, shop, None)
    shop.order(
        [{"sku": sku, "quantity": 2, "discount": "1.00"}],
        shipping_price="4.90",
        shipping_address={"name": "Ada", "line1": "1 Way", "postcode": "1", "city": "Town", "country": "DE"},
        note="Ring twice",
    )

    [order], _ = pull_all(connector, shop, cursor)

    assert (order.status, order.version, order.currency, order.prices_include_tax) == ("open", 1, "EUR", True)
    assert (order.shipping_price, order.total, order.note) == (Decimal("4.90"), Decimal("28.90"), "Ring twice")
    assert order.updated_at == order.placed_at
    assert order.placed_at.tzinfo is UTC
    [line] = order.lines
    assert (line.external_sku, line.external_listing_id, line.quantity) == (sku, listing_id, 2)
    assert (line.unit_price, line.discount, line.tax_rate) == (Decimal("12.50"), Decimal("1.00"), Decimal(0))
    assert order.customer is not None
    assert order.customer.email == "ada@example.com"
    assert order.shipping_address is not None
    assert (order.shipping_address.city, order.shipping_address.country) == ("Town", "DE")
    [payment] = order.payments
    assert (payment.amount, payment.currency, payment.status) == (Decimal("28.90"), "EUR", "paid")
    assert connector.fetch_order(shop.account(), order.external_id) == order


def test_pages_follow_each_other_without_gap_or_repeat(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    shop.add(sku, quantity=20)
    _, cursor = pull_all(connector, shop, None)
    shop.stop_clock()
    placed = [shop.buy(sku)["id"] for _ in range(7)]

    orders, after = pull_all(connector, shop, cursor, limit=3)

    assert [order.external_id for order in orders] == placed
    assert pull_all(connector, shop, after) == ([], after)


def test_a_cursor_can_be_wound_back(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=20)
    order = shop.buy(sku)
    _, cursor = pull_all(connector, shop, None)
    assert cursor is not None

    again, _ = pull_all(connector, shop, connector.rewind(cursor, timedelta(minutes=15)))

    assert order["id"] in [order.external_id for order in again]
    future = connector.cursor_at(datetime.now(UTC) + timedelta(days=1))
    assert pull_all(connector, shop, future) == ([], future)


def test_a_cancelled_order_comes_again_with_a_higher_version(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    shop.add(sku, quantity=5)
    _, cursor = pull_all(connector, shop, None)
    shop.cancel(shop.buy(sku)["id"])

    [order], _ = pull_all(connector, shop, cursor)

    assert (order.status, order.version) == (OrderStatus.CANCELLED, 2)
    assert order.updated_at > order.placed_at


def test_an_order_nobody_understands_is_put_aside_and_the_rest_goes_on(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    shop.add(sku, quantity=5)
    _, cursor = pull_all(connector, shop, None)
    odd, fine = shop.buy(sku), shop.buy(sku)
    shop.edit_order(odd["id"], status="on_hold_v2")

    page = connector.pull_orders(shop.account(), cursor)

    assert [order.external_id for order in page.orders] == [fine["id"]]
    [aside] = page.unreadable
    assert aside.external_id == odd["id"]
    assert "on_hold_v2" in aside.reason
    assert odd["number"] in aside.raw
    assert connector.pull_orders(shop.account(), page.next_cursor).unreadable == ()
    with pytest.raises(Permanent, match="on_hold_v2"):
        connector.fetch_order(shop.account(), odd["id"])


def test_a_currency_without_cents(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5, price="1980", currency="JPY")
    order = connector.fetch_order(shop.account(), shop.buy(sku, 3, shipping_price="0")["id"])

    assert (order.total, order.currency) == (Decimal("5940"), "JPY")


@pytest.mark.parametrize("external_id", ["99999999", "x", "../stock", "1/cancel", "..", "%2e%2e", "", "1?x=1", "²"])
def test_an_order_that_is_not_there_is_not_found(
    connector: SandboxConnector, shop: RunningShop, external_id: str
) -> None:
    with pytest.raises((NotFound, Permanent)):
        connector.fetch_order(shop.account(), external_id)


@pytest.mark.parametrize("cursor", ["x", "2026-01-01T00:00:00", "yesterday abc", "2026-01-01T00:00:00Z nonsense"])
def test_a_foreign_cursor_is_refused(connector: SandboxConnector, shop: RunningShop, cursor: str) -> None:
    with pytest.raises(Permanent):
        connector.pull_orders(shop.account(), cursor)


def draft(order: ChannelOrder, quantity: int, key: str) -> FulfilmentDraft:
    return FulfilmentDraft(
        order_external_id=order.external_id,
        lines=(FulfilmentLine(external_line_id=order.lines[0].external_id, quantity=quantity),),
        key=key,
        carrier="Post",
        tracking_number="T-1",
    )


def test_a_parcel_is_told_once(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = connector.fetch_order(shop.account(), shop.buy(sku, 2)["id"])

    first = connector.push_fulfilment(shop.account(), draft(order, 1, sku))
    again = connector.push_fulfilment(shop.account(), draft(order, 1, sku))

    assert (first.outcome, again.outcome) == (Outcome.OK, Outcome.UNCHANGED)
    assert first.external_id == again.external_id
    now = connector.fetch_order(shop.account(), order.external_id)
    assert (now.lines[0].fulfilled, now.version) == (1, 2)


@pytest.mark.parametrize("kind", ["timeout_after_commit", "reset_after_commit", "half_json", "cut_body"])
def test_a_parcel_that_got_no_answer_is_told_again_under_its_key(
    connector: SandboxConnector, shop: RunningShop, sku: str, kind: str
) -> None:
    shop.add(sku, quantity=5)
    order = connector.fetch_order(shop.account(), shop.buy(sku, 2)["id"])
    shop.script_faults([{"operation": "orders.fulfil", "kind": kind}])
    account = shop.account(timeout_seconds=0.5)

    assert connector.push_fulfilment(account, draft(order, 2, sku)).outcome == Outcome.UNKNOWN
    assert connector.push_fulfilment(account, draft(order, 2, sku)).outcome == Outcome.UNCHANGED
    assert len(shop.read_order(order.external_id)["fulfilments"]) == 1


def test_a_parcel_for_a_cancelled_order_is_rejected(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = connector.fetch_order(shop.account(), shop.buy(sku)["id"])
    shop.cancel(order.external_id)

    result = connector.push_fulfilment(shop.account(), draft(order, 1, sku))

    assert (result.outcome, result.code) == (Outcome.REJECTED, "order_cancelled")


def test_a_parcel_waits_when_the_shop_asks_for_patience(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    shop.add(sku, quantity=5)
    order = connector.fetch_order(shop.account(), shop.buy(sku)["id"])
    shop.script_faults([{"operation": "orders.fulfil", "kind": "429", "seconds": 3}])

    result = connector.push_fulfilment(shop.account(), draft(order, 1, sku))

    assert (result.outcome, result.retry_after) == (Outcome.THROTTLED, 3.0)


@pytest.mark.parametrize(
    "kind", ["reset_before", "reset_after_commit", "half_json", "cut_body", "timeout_before", "timeout_after_commit"]
)
def test_a_question_without_answer_is_asked_once_more(
    connector: SandboxConnector, shop: RunningShop, sku: str, kind: str
) -> None:
    shop.add(sku, quantity=5)
    order = shop.buy(sku)
    account = shop.account(timeout_seconds=0.5)

    shop.script_faults([{"operation": "orders.*", "kind": kind, "times": 1}])
    assert connector.fetch_order(account, order["id"]).external_id == order["id"]

    shop.script_faults([{"operation": "orders.*", "kind": kind, "times": 2}])
    with pytest.raises(Retryable):
        connector.pull_orders(account, None)
    assert connector.pull_orders(account, None).orders
