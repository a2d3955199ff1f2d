"""The cases that every channel brings sooner or later, played against a shop that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from channels.connectors.base import ItemResult, Outcome
from channels.connectors.sandbox.connector import SandboxConnector
from channels.models import Account, InboxMessage, Listing, StockIntent
from channels.services import importing
from channels.services.connecting import pause_account, resume_account
from channels.services.importing import import_orders
from channels.services.listing import ListingWanted, publish_listings, upsert_listings
from channels.services.pulling import Pulled, pull_orders
from channels.services.taking_in import process_inbox
from channels.services.telling import tell_shipments
from inventory.models import Item, Location
from orders.models import Order, OrderLine, Shipment
from orders.services.shipping import ship_order
from retailhub.core.errors import DomainError
from retailhub.core.models import Attention
from tests.channels.live import assert_in_step, connect, hand_over, in_threads, offer
from tests.channels.message_box import Message, MessageBox, listening
from tests.channels.sandbox_fixture import RunningShop, ShopRefused, running_shop
from tests.channels.scripted import ScriptedConnector, told_order
from tests.factories.channels import account_of, intent_of, listed, push_all
from tests.factories.inventory import ItemFactory, put_on_hand

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Iterator[RunningShop]:
    with running_shop("A") as shop:
        yield shop


@pytest.fixture
def mug(warehouse: Location) -> Item:
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    return item


@pytest.fixture
def account(shop: RunningShop, warehouse: Location, mug: Item) -> Account:
    account = connect(shop, warehouse, code="a")
    offer(account, [mug])
    push_all(account)
    assert shop.stock() == {"MUG": 10}
    return account


def pull(account: Account, **kwargs: Any) -> Pulled:
    return pull_orders(account_id=account.pk, **kwargs)


def told_of(box: MessageBox, order_id: str) -> Message:
    """The message about this order."""
    (message,) = [m for m in box.messages if json.loads(m.body).get("data", {}).get("order_id") == order_id]
    return message


def verify_all() -> tuple[int, list[str]]:
    """Exit code, and the breaches that were named."""
    out = StringIO()
    try:
        call_command("verify_all", stdout=out)
    except SystemExit as end:
        return int(end.code or 0), [line.strip() for line in out.getvalue().splitlines() if line.startswith("  ")]
    return 0, []


# --- listings -----------------------------------------------------------------------------------------------------
def test_a_sku_renamed_there_still_sells_our_item(shop: RunningShop, account: Account, mug: Item) -> None:
    shop.rename(Listing.objects.get().channel_code, "MUG-NEW")
    order = shop.buy("MUG-NEW", 3)

    pull(account)
    push_all(account)

    assert OrderLine.objects.get(order__external_reference=order["id"]).item == mug
    assert not Attention.objects.exists()
    assert shop.stock() == {"MUG-NEW": 7}
    assert verify_all() == (0, [])


def test_a_listing_deleted_there_comes_back_when_it_is_published_again(shop: RunningShop, account: Account) -> None:
    old = Listing.objects.get()
    shop.remove(old.channel_code)

    publish_listings(account_id=account.pk)
    push_all(account)

    assert Listing.objects.get().channel_code != old.channel_code
    assert shop.stock() == {"MUG": 10}
    assert not Attention.objects.filter(resolved_at__isnull=True).exists()
    assert_in_step((shop, account))


def test_a_figure_for_a_listing_deleted_there_is_raised_and_nothing_else_waits(
    shop: RunningShop, account: Account, warehouse: Location, mug: Item
) -> None:
    cup = ItemFactory.create(sku="CUP")
    put_on_hand(cup, warehouse, 4)
    offer(account, [cup])
    push_all(account)
    gone = Listing.objects.get(seller_sku="MUG")
    shop.remove(gone.channel_code)

    put_on_hand(mug, warehouse, 1)
    put_on_hand(cup, warehouse, 1)
    push_all(account)

    assert shop.stock() == {"CUP": 5}
    assert intent_of(gone).state == StockIntent.State.REFUSED
    gone.refresh_from_db()
    assert gone.state == Listing.State.LIVE  # what is not found is not yet proof that it was deleted
    assert Attention.objects.get(resolved_at__isnull=True).kind == "listing_refused"
    assert verify_all() == (0, [])


def test_a_listing_taken_off_the_shelf_while_it_is_published_stays_off(
    connector: ScriptedConnector, warehouse: Location, mug: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_of(warehouse)
    listing = listed(account, mug)
    push_all(account)

    def publish(settings: Any, drafts: Any) -> Any:
        upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", state="paused")])
        return [ItemResult(key=draft.key, outcome=Outcome.OK, external_id=draft.external_id) for draft in drafts]

    monkeypatch.setattr(connector, "push_listings", publish, raising=False)

    publish_listings(account_id=account.pk)
    push_all(account)

    listing.refresh_from_db()
    assert listing.state == Listing.State.PAUSED
    assert connector.shown == {"at-MUG": 0}


def test_a_listing_under_another_code_is_told_anew_and_no_late_answer_counts_for_it(
    connector: ScriptedConnector, warehouse: Location, mug: Item
) -> None:
    account = account_of(warehouse)
    listing = listed(account, mug)
    push_all(account)

    def moved() -> None:
        connector.in_call = None
        upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", channel_code="new")])

    connector.in_call = moved
    put_on_hand(mug, warehouse, 1)
    push_all(account)

    assert connector.shown == {"at-MUG": 11, "new": 11}
    assert connector.calls[-1][0].expected is None
    assert intent_of(listing).state == StockIntent.State.IDLE
    assert verify_all() == (0, [])


# --- orders -------------------------------------------------------------------------------------------------------
def test_a_yen_order_keeps_its_sums(warehouse: Location) -> None:
    item = ItemFactory.create(sku="FAN")
    put_on_hand(item, warehouse, 9)
    with running_shop("J") as shop:
        account = connect(shop, warehouse, code="j")
        account.channel.currency = "JPY"
        account.channel.save()
        shop.add("FAN", quantity=9, price="1980", currency="JPY")
        told = shop.buy("FAN", 3)

        pull(account)

    order = Order.objects.get()
    assert (order.currency, order.total) == ("JPY", Decimal(told["total"]))
    assert order.total == 5940
    assert not Attention.objects.filter(kind="order_total").exists()


def test_an_order_of_two_thousand_lines_is_one_order(connector: ScriptedConnector, warehouse: Location) -> None:
    items = ItemFactory.create_batch(200)
    for item in items:
        put_on_hand(item, warehouse, 10)
    account = account_of(warehouse)
    connector.sell(told_order("BIG", *[(items[number % 200].sku, 1) for number in range(2000)]))

    pull(account)
    pull(account)

    order = Order.objects.get()
    assert order.lines.count() == 2000
    assert order.total == 20_000
    assert order.status == "allocated"
    assert verify_all() == (0, [])


def test_an_order_that_comes_to_another_sum_here_is_raised_and_kept(
    connector: ScriptedConnector, warehouse: Location, mug: Item
) -> None:
    account = account_of(warehouse)
    connector.sell(told_order("A-1", ("MUG", 2), total=Decimal("20.00")))
    connector.sell(told_order("A-2", ("MUG", 2), total=Decimal("19.00")))

    pull(account)

    assert Order.objects.count() == 2
    raised = Attention.objects.get(kind="order_total")
    assert raised.document == f"order:{Order.objects.get(external_reference='A-2').number}"
    assert "19.00" in raised.reason


def test_a_version_taken_in_meanwhile_is_not_written_back(
    connector: ScriptedConnector, warehouse: Location, mug: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_of(warehouse)
    import_orders(account=account, orders=[told_order("A-1", ("MUG", 1))])
    note = importing._note_version

    def overtaken(order_id: int, version: int) -> None:
        note(order_id, 5)  # by another worker, after ours had looked
        note(order_id, version)

    monkeypatch.setattr(importing, "_note_version", overtaken)

    import_orders(account=account, orders=[told_order("A-1", ("MUG", 1), version=3)])

    assert Order.objects.get().external_version == "5"


def test_a_shop_with_more_orders_than_one_reading_takes_has_not_been_read_to_its_end(
    connector: ScriptedConnector, warehouse: Location, mug: Item
) -> None:
    account = account_of(warehouse)
    connector.page_size = 1
    for number in range(3):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))

    pull(account, most_pages=2)
    account.refresh_from_db()
    assert (Order.objects.count(), account.last_pull_at) == (2, None)

    pull(account)
    account.refresh_from_db()
    assert Order.objects.count() == 3
    assert account.last_pull_at is not None


def test_a_page_that_shifts_while_it_is_read_loses_no_order(
    shop: RunningShop, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SandboxConnector.pull_orders
    orders = [shop.buy("MUG", 1)["id"] for _ in range(4)]
    late: list[str] = []

    def shifting(self: Any, settings: Any, cursor: str | None, *, limit: int | None = None) -> Any:
        page = read(self, settings, cursor, limit=2)
        if not late:  # the first of the page moves to the end, and another joins
            shop.cancel(orders[0])
            late.append(shop.buy("MUG", 1)["id"])
        return page

    monkeypatch.setattr(SandboxConnector, "pull_orders", shifting)

    pull(account)

    assert set(Order.objects.values_list("external_reference", flat=True)) == {*orders, *late}
    assert Order.objects.get(external_reference=orders[0]).status == "cancelled"


@pytest.mark.parametrize("skew", [120, -120])
def test_a_shop_whose_clock_is_two_minutes_off_is_heard_and_read(
    shop: RunningShop, account: Account, skew: int
) -> None:
    with listening() as box:
        shop.register_webhook(box.url)
        shop.skew_clock(skew)
        heard, read = shop.buy("MUG", 1), shop.buy("MUG", 2)
        shop.wait_until_sent(20)
        message = told_of(box, heard["id"])
        assert hand_over(account, message) is True
    process_inbox()
    pull(account)
    push_all(account)

    assert InboxMessage.objects.get().state == InboxMessage.State.APPLIED
    assert set(Order.objects.values_list("external_reference", flat=True)) == {heard["id"], read["id"]}
    assert_in_step((shop, account))


def test_orders_from_before_a_clock_was_set_back_are_found_by_the_long_look(
    shop: RunningShop, account: Account
) -> None:
    shop.buy("MUG", 1)
    pull(account)
    shop.skew_clock(-120)
    shop.buy("MUG", 2)
    account.cursors.update(swept_at=None)

    pull(account)

    assert Order.objects.count() == 2


def test_cancelled_there_while_it_is_sent_here_ends_in_one_of_both(
    shop: RunningShop, account: Account, warehouse: Location
) -> None:
    ids = [shop.buy("MUG", 1)["id"] for _ in range(6)]
    pull(account)
    orders = [Order.objects.get(external_reference=order_id) for order_id in ids]

    def send() -> None:
        for order in orders:
            try:
                ship_order(order_id=order.pk, location=warehouse, lines=None, actor="test")
            except DomainError as refusal:
                assert refusal.code == "wrong_state"  # noqa: PT017  it was cancelled
            tell_shipments(account_id=account.pk)

    def cancel() -> None:
        for order_id in reversed(ids):
            try:
                shop.cancel(order_id)
            except ShopRefused as refusal:
                assert refusal.status == 409  # noqa: PT017  it was sent
            pull(account)

    in_threads([send, cancel])
    pull(account)
    tell_shipments(account_id=account.pk)
    push_all(account)

    raised = set(Attention.objects.values_list("document", flat=True))
    for order_id, order in zip(ids, orders, strict=True):
        order.refresh_from_db()
        there = shop.read_order(order_id)["status"]
        sent = Shipment.objects.filter(order=order)
        if order.status == "cancelled":
            assert there == "cancelled"
            assert not sent.exists()
        elif there == "cancelled":  # left here before we heard of it: a person's turn
            assert order.reference in raised
    assert not Shipment.objects.filter(told_channel_at=None).exists()
    assert verify_all() == (0, [])


# --- paused, and proved -------------------------------------------------------------------------------------------
def test_a_paused_channel_is_told_nothing_and_its_orders_are_taken_by_message_and_by_asking(
    shop: RunningShop, account: Account, warehouse: Location, mug: Item
) -> None:
    pause_account(account_id=account.pk, reason="stock-taking", actor="test")
    before = len(shop.log("stock_write"))
    with listening() as box:
        shop.register_webhook(box.url)
        heard = shop.buy("MUG", 1)
        shop.wait_until_sent(20)
        message = told_of(box, heard["id"])
        hand_over(account, message)
        process_inbox()
        assert Order.objects.get().external_reference == heard["id"]
    shop.buy("MUG", 2)
    pull(account)
    put_on_hand(mug, warehouse, 5)
    push_all(account)

    assert Order.objects.count() == 2
    assert len(shop.log("stock_write")) == before
    assert verify_all() == (0, [])

    resume_account(account_id=account.pk, actor="test")
    push_all(account)
    assert shop.stock() == {"MUG": 12}
    assert_in_step((shop, account))


def test_a_figure_changed_by_hand_is_named_and_nothing_else(
    connector: ScriptedConnector, warehouse: Location, mug: Item
) -> None:
    """Two channels, three listings each."""
    accounts = [account_of(warehouse, code=code) for code in ("north", "south")]
    cup = ItemFactory.create(sku="CUP")
    put_on_hand(cup, warehouse, 3)
    for account in accounts:
        for item, more in ((mug, {}), (cup, {}), (mug, {"seller_sku": "MUG-6", "pack": 6})):
            listed(account, item, channel_code=f"{account.channel.code}-{more.get('seller_sku', item.sku)}", **more)
        push_all(account)
    assert verify_all() == (0, [])
    broken = Listing.objects.get(account=accounts[1], seller_sku="MUG")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE channels_stockintent SET confirmed_quantity = 8 WHERE listing_id = %s", [broken.pk])

    code, breaches = verify_all()
    assert code == 1
    (breach,) = breaches
    assert breach == "channel shows: MUG at south: expected 10, found 8"
