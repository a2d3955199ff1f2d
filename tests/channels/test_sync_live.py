"""Shops that run, sell and fail, and the sync between them: whatever happens, they end in step and no order is lost."""

from __future__ import annotations

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from channels.models import Account, InboxMessage
from channels.services.pulling import pull_orders
from channels.services.pushing import push_stock
from channels.services.taking_in import NotBelieved, TooLarge
from channels.services.telling import tell_shipments
from inventory.models import Item, Location, StockLevel
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from orders.models import Order, Shipment
from orders.services.shipping import ship_order
from retailhub.core.models import Attention
from retailhub.outbox.services.delivering import deliver_waiting
from tests.channels.live import (
    Workers,
    assert_in_step,
    connect,
    hand_over,
    in_threads,
    is_quiet,
    offer,
    orders_of,
    wait_for_quiet,
    working,
)
from tests.channels.message_box import Message, listening
from tests.channels.sandbox_fixture import RunningShop, ShopRefused, plain_client, running_shop
from tests.factories.inventory import ItemFactory, put_on_hand

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop_a() -> Iterator[RunningShop]:
    with running_shop("A") as shop:
        yield shop


@pytest.fixture
def shop_b() -> Iterator[RunningShop]:
    with running_shop("B") as shop:
        yield shop


@pytest.fixture
def both(warehouse: Location, shop_a: RunningShop, shop_b: RunningShop) -> tuple[Account, Account]:
    return connect(shop_a, warehouse, code="a"), connect(shop_b, warehouse, code="b")


def stocked(warehouse: Location, *quantities: int) -> list[Item]:
    items = [ItemFactory.create() for _ in quantities]
    for item, quantity in zip(items, quantities, strict=True):
        if quantity:
            put_on_hand(item, warehouse, quantity)
    return items


def adjust(item: Item, warehouse: Location, by: int) -> None:
    adjust_stock(
        location=warehouse,
        reason="found" if by > 0 else "loss",
        lines=[AdjustmentLine(sku=item.sku, change=by)],
        actor="test",
    )


def pulled(workers: Workers, *pairs: tuple[RunningShop, Account], seconds: float = 20) -> None:
    """Come back when the book has every order of these shops."""
    until = time.monotonic() + seconds
    for shop, account in pairs:
        while len(orders_of(shop)) > Order.objects.filter(channel=account.channel_id).count():
            assert time.monotonic() < until, "orders are missing"
            assert not workers.troubles, workers.troubles
            time.sleep(0.05)


def test_what_one_shop_sells_the_other_does_not_show(
    warehouse: Location, shop_a: RunningShop, shop_b: RunningShop, both: tuple[Account, Account]
) -> None:
    a, b = both
    (mug,) = stocked(warehouse, 5)
    offer(a, [mug])
    offer(b, [mug])

    with working(a, b) as workers:
        wait_for_quiet()
        assert shop_b.stock() == {mug.sku: 5}
        shop_a.buy(mug.sku, 2)
        pulled(workers, (shop_a, a))
        wait_for_quiet()

    assert shop_b.stock() == {mug.sku: 3}
    assert_in_step((shop_a, a), (shop_b, b))


def test_messages_repeated_reordered_and_dropped_make_each_order_once(warehouse: Location, shop_a: RunningShop) -> None:
    """Scenario 14: 800 events and more."""
    account = connect(shop_a, warehouse, code="a")
    items = stocked(warehouse, *[300] * 5)
    offer(account, items)
    took: list[float] = []
    dice = random.Random(14)
    with listening() as box, working(account, pull_every=1.0) as workers:
        wait_for_quiet()
        shop_a.register_webhook(box.url)
        shop_a.script_faults(
            [
                {"operation": "webhook.*", "kind": "duplicate", "probability": 0.3, "n": 4, "times": None},
                {"operation": "webhook.*", "kind": "reorder", "probability": 0.2, "times": None},
                {"operation": "webhook.*", "kind": "drop", "probability": 0.05, "times": None},
            ],
            seed=14,
        )
        orders = [shop_a.buy(dice.choice(items).sku, 1) for _ in range(620)]
        cancelled = [order["id"] for order in orders if dice.random() < 0.3]
        for order_id in cancelled:
            shop_a.cancel(order_id)
        shop_a.wait_until_sent(60)
        for message in list(box.messages):
            began = time.monotonic()
            hand_over(account, message)
            took.append(time.monotonic() - began)
        shop_a.clear_faults()
        pulled(workers, (shop_a, account))
        _wait_until(lambda: Order.objects.filter(status="cancelled").count() == len(cancelled))
        wait_for_quiet()

    heard = Counter(json.loads(message.body).get("type") for message in box.messages)
    assert heard.total() > 800
    assert len({message.headers["webhook-id"] for message in box.messages}) < heard.total()
    assert set(Order.objects.filter(status="cancelled").values_list("external_reference", flat=True)) == set(cancelled)
    assert not InboxMessage.objects.exclude(state__in=["applied", "superseded"]).exists()
    assert sorted(took)[int(len(took) * 0.99)] < 0.5
    assert_in_step((shop_a, account))


def test_only_what_the_shop_signed_is_kept(warehouse: Location, shop_a: RunningShop, shop_b: RunningShop) -> None:
    """Scenario 15, through the inbox."""
    account = connect(shop_a, warehouse, code="a")
    previous = shop_a.webhook_secret
    with listening() as box:
        for shop in (shop_a, shop_b):
            shop.register_webhook(box.url)
            shop.add("MUG", quantity=1)
            shop.buy("MUG")
            shop.wait_until_sent()
        ours, foreign = (m for m in box.messages if json.loads(m.body)["type"] == "order.created")
    signature = ours.headers["webhook-signature"]
    raw = base64.b64decode(signature[3:])
    body = json.loads(ours.body)

    def changed(**headers: str | None) -> Message:
        told = ours.headers | {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        return Message({k: v for k, v in told.items() if headers.get(k.replace("-", "_"), "") is not None}, ours.body)

    forged = [
        foreign,
        Message(ours.headers, json.dumps(body).encode()),
        Message(ours.headers, json.dumps(body, indent=1).encode()),
        Message(ours.headers, ours.body + b"\n"),
        Message(ours.headers, b" " + ours.body),
        Message(ours.headers, b""),
        Message(ours.headers, ours.body.replace(b"created", b"updated")),
        Message(ours.headers, "é".encode() + ours.body),
        Message({}, ours.body),
        changed(webhook_id=None),
        changed(webhook_timestamp=None),
        changed(webhook_signature=None),
        changed(webhook_signature=""),
        changed(webhook_signature="v1,"),
        changed(webhook_signature="v1"),
        changed(webhook_signature=signature[3:]),
        changed(webhook_signature="v2," + signature[3:]),
        changed(webhook_signature="V1," + signature[3:]),
        changed(webhook_signature="v1," + raw.hex()),
        changed(webhook_signature="v1," + base64.urlsafe_b64encode(bytes([251, *raw[1:]])).decode()),
        changed(webhook_signature=signature.rstrip("=")),
        changed(webhook_signature=signature + "="),
        changed(webhook_signature=signature[:-2]),
        changed(webhook_signature="v1," + base64.b64encode(bytes(32)).decode()),
        changed(webhook_signature="v1," + "é" * 44),
        changed(webhook_id="another"),
        changed(webhook_timestamp=str(int(time.time()) - 301)),
        changed(webhook_timestamp=str(int(time.time()) + 301)),
        changed(webhook_timestamp="now"),
        changed(webhook_timestamp="1e9"),
    ]
    for message in forged:
        with pytest.raises(NotBelieved):
            hand_over(account, message)
    with pytest.raises(TooLarge):
        hand_over(account, Message(ours.headers, b"x" * (5 * 1024 * 1024)))
    assert not InboxMessage.objects.exists()

    def secrets(**credentials: str) -> None:
        Account.objects.filter(pk=account.pk).update(credentials={"api_key": "k", **credentials})

    soon = {"previous_webhook_secret_until": (timezone.now() + timedelta(hours=1)).isoformat()}
    gone = {"previous_webhook_secret_until": (timezone.now() - timedelta(hours=1)).isoformat()}
    new = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    for credentials in (
        {"webhook_secret": new},
        {"webhook_secret": new, "previous_webhook_secret": previous, **gone},
        {"webhook_secret": ""},
        {},
    ):
        secrets(**credentials)
        with pytest.raises(NotBelieved):
            hand_over(account, ours)
    assert not InboxMessage.objects.exists()
    secrets(webhook_secret=new, previous_webhook_secret=previous, **soon)
    assert hand_over(account, ours) is True
    assert hand_over(account, changed(webhook_signature=f"v1,AAAA {signature}")) is False


def test_many_changes_by_many_workers_end_in_step(warehouse: Location, shop_a: RunningShop) -> None:
    """Scenario 17: a slow channel, three that push."""
    account = connect(shop_a, warehouse, code="a")
    items = stocked(warehouse, *[50] * 100)
    offer(account, items)
    shop_a.script_faults(
        [{"operation": "stock.bulk", "kind": "slow", "ms": 300, "probability": 0.3, "times": None}], seed=17
    )
    changes = 1500
    with working(account, pushers=3):
        wait_for_quiet()
        before = len(_stock_calls(shop_a))

        def change(seed: int) -> None:
            dice = random.Random(seed)
            for _ in range(changes // 3):
                adjust(dice.choice(items), warehouse, dice.choice([-1, -1, 1, 2]))

        in_threads([lambda seed=seed: change(seed) for seed in range(3)])  # type: ignore[misc]
        assert wait_for_quiet(20) < 20

    calls = len(_stock_calls(shop_a)) - before
    assert calls < changes * 0.6
    assert_in_step((shop_a, account))


def test_a_channel_that_sells_while_it_is_told_converges_and_nothing_is_overwritten_blindly(
    warehouse: Location, shop_a: RunningShop, shop_b: RunningShop, both: tuple[Account, Account]
) -> None:
    """Scenario 18: compare-and-set misses by the dozen."""
    a, b = both
    items = stocked(warehouse, *[40] * 10)
    for account in both:
        offer(account, items)
    sold: list[int] = []
    with working(a, b) as workers:
        wait_for_quiet()

        def buy(shop: RunningShop, seed: int) -> None:
            dice = random.Random(seed)
            with running_client(shop) as client:
                for _ in range(40):
                    try:
                        client.buy(dice.choice(items).sku, 1)
                        sold.append(1)
                    except ShopRefused as refusal:
                        assert refusal.code == "sold_out"  # noqa: PT017

        def adjusting() -> None:
            dice = random.Random(3)
            for _ in range(40):
                adjust(dice.choice(items), warehouse, dice.choice([-1, 1]))
                time.sleep(0.02)

        in_threads([lambda: buy(shop_a, 1), lambda: buy(shop_b, 2), adjusting])
        pulled(workers, (shop_a, a), (shop_b, b))
        wait_for_quiet(40)

    assert len(sold) == 80
    for shop in (shop_a, shop_b):
        blind = [write for write in shop.log("stock_write") if write["expected"] is None]
        assert len(blind) == len(items)  # the first figure of each listing, and no other
    assert_in_step((shop_a, a), (shop_b, b))
    assert not Attention.objects.filter(kind="discrepancy", resolved_at__isnull=True).exists()


def test_the_same_last_unit_sold_twice_is_kept_and_raised_once(
    warehouse: Location, shop_a: RunningShop, shop_b: RunningShop, both: tuple[Account, Account]
) -> None:
    """Scenario 19: a hundred rounds at once."""
    a, b = both
    items = stocked(warehouse, *[1] * 100)
    for account in both:
        offer(account, items)
    with working(a, b):
        wait_for_quiet()
    in_threads([lambda shop=shop: [shop.buy(item.sku) for item in items] for shop in (shop_a, shop_b)])  # type: ignore[misc]

    with working(a, b) as workers:
        pulled(workers, (shop_a, a), (shop_b, b))
        wait_for_quiet()

    assert Order.objects.count() == 200
    assert Counter(Order.objects.values_list("status", flat=True)) == {"allocated": 100, "open": 100}
    short = Attention.objects.filter(kind="short", resolved_at__isnull=True)
    assert sorted(short.values_list("document", flat=True)) == sorted(
        f"order:{number}" for number in Order.objects.filter(status="open").values_list("number", flat=True)
    )
    assert {level.available for level in StockLevel.objects.filter(item__in=items)} == {0}
    assert set(shop_a.stock().values()) == {0}
    assert_in_step((shop_a, a), (shop_b, b))


@pytest.mark.parametrize(
    "kind",
    ["429", "500", "500_after_commit", "timeout_before", "timeout_after_commit", "reset_before", "reset_after_commit",
     "half_json", "cut_body", "partial_failure", "slow"],
)  # fmt: skip
def test_a_fault_of_every_kind_loses_and_doubles_nothing(warehouse: Location, shop_a: RunningShop, kind: str) -> None:
    """Scenario 26: half of the calls go wrong, then the channel recovers."""
    account = connect(shop_a, warehouse, code="a")
    items = stocked(warehouse, *[20] * 4)
    offer(account, items)
    Account.objects.update(options={"timeout_seconds": 0.3})
    with working(account) as workers:
        wait_for_quiet()
        shop_a.script_faults(
            [
                {"operation": operation, "kind": kind, "probability": 0.5, "times": 10, "seconds": 0.5}
                for operation in ("stock.bulk", "orders.list")
            ],
            seed=26,
        )
        for number in range(8):
            shop_a.buy(items[number % 4].sku)
            adjust(items[(number + 1) % 4], warehouse, -1)
            time.sleep(0.05)
        shop_a.clear_faults()
        if kind != "429":
            _let_it_be_called(account)
        pulled(workers, (shop_a, account))
        _wait_until(lambda: (kind == "429" or _let_it_be_called(account)) and _quiet_now())
        assert not workers.troubles

    assert_in_step((shop_a, account))


def test_no_call_of_any_kind_comes_before_a_channel_wants_it(warehouse: Location, shop_a: RunningShop) -> None:
    """One worker, so that no call is under way when another is told to wait."""
    account = connect(shop_a, warehouse, code="a")
    (mug,) = stocked(warehouse, 20)
    offer(account, [mug])
    while deliver_waiting() or push_stock(account_id=account.pk).sent:
        pass
    kinds = ["stock.bulk", "orders.list", "stock.bulk", "orders.list"]
    start = len(shop_a.log("request"))
    for operation in kinds:
        shop_a.script_faults([{"operation": operation, "kind": "429", "seconds": 0.5}])
        adjust(mug, warehouse, -1)
        before, until = len(shop_a.log("request")), time.monotonic() + 6
        # Until something was refused and something came after it, however slow the machine is.
        while time.monotonic() < until and "429" not in [x["fault"] for x in shop_a.log("request")[before:-1]]:
            deliver_waiting()
            push_stock(account_id=account.pk)
            pull_orders(account_id=account.pk)

    calls = shop_a.log("request")[start:]
    pauses = [
        (datetime.fromisoformat(after["at"]) - datetime.fromisoformat(refused["at"])).total_seconds()
        for refused, after in pairwise(calls)
        if refused["fault"] == "429"
    ]
    assert len(pauses) == len(kinds)
    assert min(pauses) >= 0.5
    _wait_until(lambda: push_stock(account_id=account.pk).again_in is None)
    pull_orders(account_id=account.pk)
    assert_in_step((shop_a, account))


def test_a_dead_channel_is_left_alone_after_five_failures_and_caught_up_with_when_it_is_back(
    warehouse: Location, shop_a: RunningShop
) -> None:
    account = connect(shop_a, warehouse, code="a")
    items = stocked(warehouse, *[20] * 3)
    offer(account, items)
    with working(account) as workers:
        wait_for_quiet()
        shop_a.kill()
        for item in items:
            adjust(item, warehouse, -1)
        _wait_until(lambda: Attention.objects.filter(kind="channel_down", resolved_at__isnull=True).exists())
        account.refresh_from_db()
        assert account.failures_in_a_row >= 5
        assert account.open_again_at is not None
        shop_a.restart()
        _wait_until(lambda: _let_it_be_called(account) and _quiet_now())
        assert not workers.troubles

    account.refresh_from_db()
    assert (account.failures_in_a_row, account.last_error) == (0, "")
    assert not Attention.objects.filter(kind="channel_down", resolved_at__isnull=True).exists()
    assert_in_step((shop_a, account))


@pytest.mark.parametrize("kind", ["reset_after_commit", "timeout_after_commit", "half_json", "reset_before"])
def test_a_parcel_whose_answer_got_lost_is_there_once(warehouse: Location, shop_a: RunningShop, kind: str) -> None:
    """Scenario 27, with parcels: the ambiguous creation of something remote."""
    account = connect(shop_a, warehouse, code="a")
    items = stocked(warehouse, *[20] * 3)
    offer(account, items)
    Account.objects.update(options={"timeout_seconds": 0.3})
    with working(account) as workers:
        orders = [shop_a.buy(items[n % 3].sku, 1, force=True)["id"] for n in range(10)]
        pulled(workers, (shop_a, account))
        wait_for_quiet()
    for order in Order.objects.order_by("pk"):
        ship_order(order_id=order.pk, location=warehouse, lines=None, actor="test")
    shop_a.script_faults(
        [{"operation": "fulfilment*", "kind": kind, "probability": 0.6, "times": None, "seconds": 0.5}], seed=27
    )
    _wait_until(
        lambda: (
            _let_it_be_called(account)
            and tell_shipments(account_id=account.pk) >= 0
            and not Shipment.objects.filter(told_channel_at=None).exists()
        ),
        seconds=40,
    )
    shop_a.clear_faults()

    made = Counter(entry["order_id"] for entry in shop_a.log("fulfilment"))
    assert made == dict.fromkeys(orders, 1)
    assert not Attention.objects.filter(kind="shipment_refused").exists()


# --- helpers ------------------------------------------------------------------------------------------------------
def running_client(shop: RunningShop) -> Any:
    """The shop's helpers on a connection of their own, for a thread."""

    @contextmanager
    def opened() -> Iterator[RunningShop]:
        http = plain_client(base_url=shop.base_url, headers={"X-Api-Key": shop.api_key})
        try:
            yield replace(shop, http=http)
        finally:
            http.close()

    return opened()


def _stock_calls(shop: RunningShop) -> list[dict[str, Any]]:
    return [entry for entry in shop.log("request") if entry.get("operation") == "stock.bulk"]


def _let_it_be_called(account: Account) -> bool:
    """Let the pause of the breaker be over, so that the test need not wait for it."""
    Account.objects.filter(pk=account.pk, open_again_at__isnull=False).update(open_again_at=timezone.now())
    return True


def _quiet_now() -> bool:
    return is_quiet()


def _wait_until(done: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
