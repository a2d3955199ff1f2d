"""Many hands on the same goods. Each lock has a control that takes it away and shows what it prevents."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from inventory.models import CostPool, Reservation, StockLevel, StockMovement, WaitingDemand
from inventory.services import ledger, reserving
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.consuming import Leaving, NotThere, consume_stock
from inventory.services.ledger import Place, Posting, lock_levels
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receiving import ReceiptLine, receive_stock
from inventory.services.releasing import release_stock
from inventory.services.reserving import NotEnoughStock, release_expired_reservations
from inventory.services.transferring import (
    TransferDraftLine,
    cancel_transfer,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from orders.models import Order
from orders.services.cancelling import cancel_order
from orders.services.lines import LineWanted
from orders.services.placing import PlacedOrder, place_orders
from orders.services.shipping import ship_order
from retailhub.core.errors import DomainError
from retailhub.core.models import Attention
from tests.books import assert_books_agree, figures
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, pool_of, put_on_hand, receive, reserve
from tests.factories.orders import SalesChannelFactory, new_order, placed
from tests.races.crowd import Deadlocks, MeetingPoint, after, crowd, deadlocks, failures, together  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

PAST = datetime(2020, 1, 1, tzinfo=UTC)
RESERVING = "inventory.services.reserving.lock_levels"


@pytest.fixture
def warehouse() -> Any:
    return LocationFactory.create(code="warehouse")


@pytest.fixture
def shop() -> Any:
    return LocationFactory.create(code="shop")


@pytest.fixture
def till(warehouse: Any) -> Any:
    return SalesChannelFactory.create(code="till", pool=pool_of(warehouse))


@pytest.fixture
def web(warehouse: Any, shop: Any) -> Any:
    return SalesChannelFactory.create(code="web", pool=pool_of(warehouse, shop))


def buy(channel: Any, reference: str, *lines: tuple[str, int], **kwargs: Any) -> Any:
    return place_orders(batch=[new_order(channel, reference, *lines, **kwargs)], actor="test")[0]


# --- 1. the last unit ------------------------------------------------------------------------------------------------


def test_the_last_unit_has_one_buyer(web: Any, warehouse: Any) -> None:
    rounds, buyers = 12, 6
    for number in range(rounds):
        lamp = ItemFactory.create()
        put_on_hand(lamp, warehouse, 1)

        answers = crowd(buyers, lambda n, sku=lamp.sku, r=number: buy(web, f"{r}-{n}", (sku, 1), all_or_nothing=True))

        assert Counter(type(a) for a in answers) == {PlacedOrder: 1, NotEnoughStock: buyers - 1}
    assert Reservation.objects.count() == rounds


@pytest.mark.parametrize("lock", [ledger.LOCK, ""], ids=["locked", "control"])
def test_two_who_look_at_the_same_moment(till: Any, warehouse: Any, lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 1)
    monkeypatch.setattr(ledger, "LOCK", lock)
    after(monkeypatch, RESERVING, MeetingPoint(2, patience=0.5 if lock else 10).meet)

    answers = crowd(2, lambda n: buy(till, str(n), (lamp.sku, 1)))

    if lock:
        assert sorted(a.lines[0].reserved for a in answers) == [0, 1]
        assert Order.objects.count() == 2
    else:
        # Both saw the unit and promised it; only the database's check stood between us and an oversold unit.
        (error,) = failures(answers)
        assert isinstance(error, IntegrityError)
        assert "stock_level_promises_are_covered" in str(error)


# --- 2. one item that everybody wants --------------------------------------------------------------------------------


def test_a_hot_item_is_sold_to_the_last_unit_and_no_further(web: Any, warehouse: Any, shop: Any) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 60)
    put_on_hand(lamp, shop, 40)

    def attempts(buyer: int) -> list[Any]:
        return [buy(web, f"{buyer}-{n}", (lamp.sku, 1), all_or_nothing=True) for n in range(20)]

    answers = [a for many in crowd(8, attempts) for a in many]

    assert Counter(type(a) for a in answers) == {PlacedOrder: 100, NotEnoughStock: 60}
    assert (figures(lamp, warehouse)[1], figures(lamp, shop)[1]) == (60, 40)


def test_fifty_at_once_for_ten_units_reserve_ten(web: Any, warehouse: Any) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 10)

    answers = crowd(25, lambda n: [buy(web, f"{n}-{k}", (lamp.sku, 1)).lines[0].reserved for k in range(2)])

    assert sum(map(sum, answers)) == 10
    assert sum(WaitingDemand.objects.values_list("quantity", flat=True)) == 40


# --- 3. many items in any order --------------------------------------------------------------------------------------


def test_orders_that_name_items_in_any_order_never_deadlock(web: Any, warehouse: Any) -> None:
    items = ItemFactory.create_batch(12)
    for item in items:
        put_on_hand(item, warehouse, 60)

    def attempts(buyer: int) -> list[Any]:
        chance = random.Random(buyer)
        return [
            buy(web, f"{buyer}-{n}", *[(item.sku, 1) for item in chance.sample(items, chance.randint(3, 5))])
            for n in range(20)
        ]

    answers = [a for many in crowd(8, attempts) for a in many]

    assert Counter(type(a) for a in answers) == {PlacedOrder: 160}


@pytest.mark.parametrize("in_order", [True, False], ids=["sorted", "control"])
def test_two_who_take_the_same_locks(
    till: Any,
    warehouse: Any,
    in_order: bool,
    monkeypatch: pytest.MonkeyPatch,
    deadlocks: Deadlocks,  # noqa: F811
) -> None:
    """The control locks one level after the other in the order asked; the second run after the deadlock succeeds."""
    deadlocks.expected = not in_order
    lamp, rope = ItemFactory.create(), ItemFactory.create()
    for item in (lamp, rope):
        put_on_hand(item, warehouse, 5)
    point = MeetingPoint(2, patience=0.5 if in_order else 10)

    def one_by_one(places: Any) -> Any:
        asked = list(dict.fromkeys(places))
        levels = {}
        for place in sorted(asked) if in_order else asked:
            levels |= lock_levels([place])
            point.meet()
        return levels

    monkeypatch.setattr(RESERVING, one_by_one)

    answers = together(
        lambda: buy(till, "1", (lamp.sku, 1), (rope.sku, 1)), lambda: buy(till, "2", (rope.sku, 1), (lamp.sku, 1))
    )

    assert not failures(answers)
    assert (deadlocks.seen > 0) == (not in_order)
    assert figures(lamp, warehouse)[1] == figures(rope, warehouse)[1] == 2


# --- 4. one item on several lines, and inside a kit ------------------------------------------------------------------


def test_one_item_on_several_lines_and_in_a_kit_is_never_promised_twice(web: Any, warehouse: Any) -> None:
    lamp, rope = ItemFactory.create(), ItemFactory.create()
    kit = kit_of({lamp: 2, rope: 1})
    put_on_hand(lamp, warehouse, 8 * 6 * 5 - 1)
    put_on_hand(rope, warehouse, 500)

    def attempts(buyer: int) -> list[Any]:
        return [
            buy(web, f"{buyer}-{n}", (lamp.sku, 1), (kit.sku, 1), (lamp.sku, 2), all_or_nothing=True) for n in range(6)
        ]

    answers = [a for many in crowd(8, attempts) for a in many]

    assert Counter(type(a) for a in answers) == {PlacedOrder: 47, NotEnoughStock: 1}
    assert figures(lamp, warehouse)[:2] == (239, 235)


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "control"])
def test_lines_of_one_order_see_what_the_lines_before_them_took(
    till: Any, warehouse: Any, merged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control lets each line look at the shelf as if it were the only one."""
    lamp, rope = ItemFactory.create(), ItemFactory.create()
    kit = kit_of({lamp: 2, rope: 1})
    put_on_hand(lamp, warehouse, 4)
    put_on_hand(rope, warehouse, 4)
    plan = reserving._plan
    if not merged:
        monkeypatch.setattr(reserving, "_plan", lambda levels, _, *rest: plan(levels, {}, *rest))

    (answer,) = together(lambda: buy(till, "1", (lamp.sku, 1), (kit.sku, 1), (lamp.sku, 2)))

    if merged:
        assert [(line.reserved, line.short) for line in answer.lines] == [(1, 0), (1, 0), (1, 1)]
    else:
        assert "stock_level_promises_are_covered" in str(answer), "five of four were promised"


# --- 5. every verb at once -------------------------------------------------------------------------------------------


class Hands:
    """One worker who does whatever can be done in a stock room, at random."""

    _number = count(1)

    def __init__(self, seed: int, web: Any, items: list[Any], places: list[Any]) -> None:
        self.chance, self.web, self.items, self.places = random.Random(seed), web, items, places
        self.orders: list[int] = []
        self.transfers: list[int] = []
        self.refused = self.done = 0
        self.verbs: list[Callable[[], Any]] = [
            self.order, self.order, self.order, self.ship, self.ship, self.cancel, self.receive, self.count,
            self.change, self.move, self.soft, self.sweep, self.release, self.transfer, self.go_on,
        ]  # fmt: skip

    def item(self) -> Any:
        return self.chance.choice(self.items)

    def place(self) -> Any:
        return self.chance.choice(self.places)

    def work(self, times: int) -> Hands:
        for _ in range(times):
            try:
                self.chance.choice(self.verbs)()
                self.done += 1
            except DomainError:
                self.refused += 1
        return self

    def order(self) -> None:
        lines = [(item.sku, self.chance.randint(1, 4)) for item in self.chance.sample(self.items, 3)]
        self.orders.append(buy(self.web, f"{next(self._number)}", *lines).order_id)

    def ship(self) -> None:
        if self.orders:
            pk = self.chance.choice(self.orders)
            lines = None if self.chance.random() < 0.5 else [LineWanted(line=1, quantity=1)]
            ship_order(order_id=pk, location=self.place(), lines=lines, actor="x")

    def cancel(self) -> None:
        if self.orders:
            lines = None if self.chance.random() < 0.5 else [LineWanted(line=2, quantity=1)]
            cancel_order(order_id=self.chance.choice(self.orders), lines=lines, actor="x")

    def receive(self) -> None:
        lines = [
            ReceiptLine(item_id=item.pk, quantity=self.chance.randint(1, 9), line=n)
            for n, item in enumerate(self.chance.sample(self.items, 2), 1)
        ]
        receive_stock(location=self.place(), lines=lines, document=f"delivery:{next(self._number)}", actor="x")

    def adjust(self, **what: int) -> None:
        lines = [AdjustmentLine(sku=item.sku, **what) for item in self.chance.sample(self.items, 2)]
        adjust_stock(location=self.place(), reason="count", lines=lines, actor="x")

    def count(self) -> None:
        self.adjust(counted=self.chance.randint(0, 12))

    def change(self) -> None:
        self.adjust(change=self.chance.choice([-2, -1, 3]))

    def move(self) -> None:
        ways = self.chance.sample(["sellable", "damaged", "on_hold"], 2)
        line = MoveLine(sku=self.item().sku, quantity=1, from_bucket=ways[0], to_bucket=ways[1])
        move_stock(location=self.place(), reason="quality", lines=[line], actor="x")

    def soft(self) -> None:
        reserve(f"cart:{next(self._number)}", {self.item(): 2}, self.place(), expires_at=PAST)

    def sweep(self) -> None:
        release_expired_reservations()

    def release(self) -> None:
        document = f"cart:{self.chance.randint(1, 500)}"
        release_stock(document=document, actor="x")

    def transfer(self) -> None:
        origin, destination = self.chance.sample(self.places, 2)
        lines = [TransferDraftLine(sku=item.sku, quantity=1) for item in self.chance.sample(self.items, 2)]
        pk = draft_transfer(origin=origin, destination=destination, lines=lines, actor="x").pk
        self.transfers.append(pk)
        ready_transfer(transfer_id=pk, actor="x")

    def go_on(self) -> None:
        if self.transfers:
            pk = self.chance.choice(self.transfers)
            step = self.chance.choice([ship_transfer, cancel_transfer, receive_transfer])
            more = {"arrived": None} if step is receive_transfer else {}
            step(transfer_id=pk, actor="x", **more)


def test_every_verb_at_once_leaves_books_that_agree(web: Any, warehouse: Any, shop: Any, deliver: Any) -> None:
    items, places = ItemFactory.create_batch(5), [warehouse, shop, LocationFactory.create()]
    for item in items:
        for place in places:
            put_on_hand(item, place, 10)

    workers = crowd(6, lambda seed: Hands(seed, web, items, places).work(45))

    assert not failures(workers)
    assert sum(w.done for w in workers) > 90
    assert_books_agree()
    deliver()


# --- 5b. a count finds less between looking and locking --------------------------------------------------------------


def late(*figures: Any) -> Any:
    """What `min` says, but of a set of places that it comes after all others."""
    return min(figures) if len(figures) > 1 else Place(2**60, 0)


@pytest.mark.parametrize("way_out", [True, False], ids=["begins again", "control"])
def test_a_place_that_came_up_out_of_turn_is_not_waited_for(
    web: Any,
    warehouse: Any,
    shop: Any,
    deadlocks: Deadlocks,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    way_out: bool,
) -> None:
    first, second = ItemFactory.create_batch(2)
    for item in (first, second):
        put_on_hand(item, shop, 5)
    order = buy(web, "1", (first.sku, 2), (second.sku, 2))
    looks: list[str] = []

    def count_and_wait() -> None:
        looks.append("look")
        if len(looks) == 1:
            line = AdjustmentLine(sku=first.sku, counted=0)
            crowd(1, lambda _: adjust_stock(location=shop, reason="count", lines=[line], actor="x"))
        elif len(looks) == 2:
            # The first item is waited for at the warehouse now. Somebody holds it there, and wants what we hold.
            rival.start()
            assert held.wait(5)

    def want_both() -> None:
        try:
            with transaction.atomic():
                lock_levels([Place(first.pk, warehouse.pk)])
                held.set()
                lock_levels([Place(second.pk, shop.pk)])
        except OperationalError as error:
            lost.append(error)
        finally:
            connection.close()

    lost: list[Exception] = []
    held, rival = threading.Event(), threading.Thread(target=want_both)
    after(monkeypatch, "inventory.services.releasing._touched", count_and_wait)
    if not way_out:
        deadlocks.expected = True
        monkeypatch.setattr("inventory.services.releasing.min", late, raising=False)

    cancel_order(order_id=order.order_id, actor="x")

    rival.join(10)
    assert deadlocks.seen + len(lost) == (0 if way_out else 1)
    assert Order.objects.get().status == "cancelled"
    assert not Reservation.objects.filter(quantity__gt=F("consumed") + F("released")).exists()
    assert not WaitingDemand.objects.filter(quantity__gt=0).exists()


@pytest.mark.parametrize("pools_first", [True, False], ids=["pools first", "control"])
def test_goods_found_here_while_others_are_missed_there(
    web: Any,
    warehouse: Any,
    shop: Any,
    deadlocks: Deadlocks,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    pools_first: bool,
) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, shop, 2)
    buy(web, "1", (lamp.sku, 5))
    lost: list[Exception] = []

    def miss() -> None:
        # Takes a promise back, so it adds to the demand row that the other verb has locked.
        try:
            line = AdjustmentLine(sku=lamp.sku, counted=0)
            adjust_stock(location=shop, reason="count", lines=[line], actor="x")
        except (OperationalError, DomainError) as error:
            lost.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=miss)

    def give_it_time() -> None:
        if threading.current_thread() is not other and not other.is_alive():
            other.start()
            other.join(1)

    after(monkeypatch, "inventory.services.adjusting.serve_waiting", give_it_time, once=True)
    if not pools_first:
        deadlocks.expected = True
        monkeypatch.setattr("inventory.services.serving.Posting.hold_pools", hold_late(Posting.hold_pools))

    adjust_stock(location=warehouse, reason="found", lines=[AdjustmentLine(sku=lamp.sku, change=1)], actor="x")

    other.join(10)
    assert not lost
    assert deadlocks.seen == (0 if pools_first else 1)
    assert WaitingDemand.objects.get().quantity == 4


def hold_late(hold: Callable[[Posting], None]) -> Callable[[Posting], None]:
    """Hold the pools when everything is written, not before."""
    return lambda posting: hold(posting) if sys._getframe(1).f_code.co_name == "_write_movements" else None


# --- 6. time runs out while the goods leave --------------------------------------------------------------------------


def test_an_expired_promise_is_used_or_swept_but_never_both(warehouse: Any) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(12):
        lamp = ItemFactory.create()
        put_on_hand(lamp, warehouse, 2)
        reserve(f"cart:{number}", {lamp: 2}, warehouse)
        reserve(f"next:{number}", {lamp: 2}, warehouse)
        Reservation.objects.filter(document=f"cart:{number}").update(expires_at=PAST)
        leaving = [Leaving(line=1, item_id=lamp.pk, quantity=2)]

        sent, _ = together(
            lambda n=number, x=leaving: consume_stock(document=f"cart:{n}", location=warehouse, leaving=x, actor="x"),
            release_expired_reservations,
        )

        assert not failures([sent], NotThere)
        promise = Reservation.objects.get(document=f"cart:{number}")
        waiting = WaitingDemand.objects.get(document=f"next:{number}")
        if sent is None:
            assert (promise.consumed, promise.released, waiting.quantity) == (2, 0, 2)
        else:
            assert (promise.consumed, promise.released, waiting.quantity) == (0, 2, 0)
        outcomes["sent" if sent is None else "swept"] += 1
    assert sum(outcomes.values()) == 12


@pytest.mark.parametrize("lock", [ledger.LOCK, ""], ids=["locked", "control"])
def test_a_parcel_and_the_sweep_that_both_saw_an_expired_promise(
    warehouse: Any, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 2)
    reserve("cart:1", {lamp: 2}, warehouse, expires_at=PAST)
    monkeypatch.setattr(ledger, "LOCK", lock)
    point = MeetingPoint(2, patience=0.5 if lock else 10)
    after(monkeypatch, "inventory.services.consuming.open_demand", point.meet)
    after(monkeypatch, RESERVING, point.meet)
    leaving = [Leaving(line=1, item_id=lamp.pk, quantity=2)]

    answers = together(
        lambda: consume_stock(document="cart:1", location=warehouse, leaving=leaving, actor="x"),
        release_expired_reservations,
    )

    if lock:
        assert not failures(answers)
        promise = Reservation.objects.get()
        # Swept first, the two are free and leave all the same.
        assert sorted([promise.consumed, promise.released]) == [0, 2]
        assert figures(lamp, warehouse) == (0, 0, 0, 0)
    else:
        # Used and given back: only the database's check stood in the way.
        (error,) = failures(answers)
        assert "reservation_is_used_at_most_once" in str(error) or "promises_are_covered" in str(error)


# --- 7. a count while goods leave ------------------------------------------------------------------------------------


def test_a_count_is_what_it_was_when_it_was_booked_and_sales_come_off_it(warehouse: Any) -> None:
    for number in range(12):
        lamp = ItemFactory.create()
        put_on_hand(lamp, warehouse, 10)

        answers = together(
            lambda sku=lamp.sku: adjust_stock(
                location=warehouse, reason="count", lines=[AdjustmentLine(sku=sku, counted=7)], actor="x"
            ),
            lambda n=number, pk=lamp.pk: consume_stock(
                document=f"cart:{n}",
                location=warehouse,
                leaving=[Leaving(line=1, item_id=pk, quantity=2)],
                actor="x",
            ),
        )

        assert not failures(answers)
        reasons = list(StockMovement.objects.filter(item=lamp).order_by("pk").values_list("reason", flat=True))
        assert figures(lamp, warehouse)[0] == (5 if reasons[-1] == "sale" else 7)


# --- 8. the first goods ever at a place ------------------------------------------------------------------------------


def test_the_first_movement_by_many_at_once_makes_one_level(warehouse: Any) -> None:
    for _ in range(20):
        items = ItemFactory.create_batch(6)

        def first(number: int, items: Any = items) -> Any:
            lines = [ReceiptLine(item_id=item.pk, quantity=1) for item in random.Random(number).sample(items, 4)]
            return receive_stock(location=warehouse, lines=lines, document=f"delivery:{number}", actor="x")

        assert not failures(crowd(8, first))
        levels = StockLevel.objects.filter(item__in=items)
        assert (levels.count(), sum(level.sellable for level in levels)) == (6, 32)
        assert CostPool.objects.filter(item__in=items).count() == 6


@pytest.mark.parametrize("kind", ["made together", "control"])
def test_two_who_make_the_first_level(warehouse: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control makes the missing row as if nobody else could."""
    lamp = ItemFactory.create()
    if kind == "control":
        alone = ledger._LOCK_LEVELS.replace("ON CONFLICT DO NOTHING", "")
        monkeypatch.setattr(ledger, "_LOCK_LEVELS", alone)
    after(monkeypatch, "inventory.services.adjusting.lock_levels", MeetingPoint(2, patience=0.5).meet)
    lines = [AdjustmentLine(sku=lamp.sku, change=1)]

    answers = crowd(2, lambda _: adjust_stock(location=warehouse, reason="found", lines=lines, actor="x"))

    if kind == "control":
        (error,) = failures(answers)
        assert "stock_level_one_per_item_and_location" in str(error)
    else:
        assert not failures(answers)
        assert figures(lamp, warehouse)[0] == 2


# --- 9. once ---------------------------------------------------------------------------------------------------------


def test_one_delivery_told_four_times_is_booked_once(warehouse: Any) -> None:
    for number in range(10):
        lamp = ItemFactory.create()

        answers = crowd(4, lambda _, x=lamp, key=f"despatch-{number}": receive(x, warehouse, 3, key=key))

        assert not failures(answers)
        assert sorted(a.again for a in answers) == [False, True, True, True]
        assert figures(lamp, warehouse)[0] == 3


def test_one_order_told_eight_times_is_one_order(web: Any, warehouse: Any) -> None:
    from customers.models import Customer
    from customers.services.finding import Person

    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 50)
    ana = Person(name="Ana", email="ana@example.org", external_id="1", channel="web")

    for number in range(8):
        answers = crowd(8, lambda _, n=number: buy(web, f"order-{n}", (lamp.sku, 2), customer=ana))

        assert not failures(answers)
        assert sum(a.created for a in answers) == 1
        assert len({a.number for a in answers}) == 1
    assert (Order.objects.count(), Customer.objects.count(), figures(lamp, warehouse)[1]) == (8, 1, 16)


def test_one_parcel_sent_by_four_leaves_once(web: Any, warehouse: Any) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 50)
    for number in range(6):
        pk = placed(web, str(number), (lamp.sku, 2)).order_id

        answers = crowd(4, lambda _, pk=pk: ship_order(order_id=pk, location=warehouse, lines=None, actor="x"))

        assert len(failures(answers, DomainError)) == 0
        assert len(failures(answers)) == 3
    assert figures(lamp, warehouse)[0] == 38


# --- 19. two channels, one unit --------------------------------------------------------------------------------------


def test_two_channels_that_sell_the_same_last_unit_keep_both_orders_and_raise_one_alarm(
    web: Any, warehouse: Any, shop: Any, deliver: Any
) -> None:
    market = SalesChannelFactory.create(code="market", pool=pool_of(shop, warehouse))
    for number in range(12):
        lamp = ItemFactory.create()
        put_on_hand(lamp, warehouse, 1)

        answers = together(
            lambda n=number, sku=lamp.sku: buy(web, str(n), (sku, 1)),
            lambda n=number, sku=lamp.sku: buy(market, str(n), (sku, 1)),
        )

        assert sorted(a.lines[0].reserved for a in answers) == [0, 1]
    deliver()
    assert Order.objects.count() == 24
    assert Attention.objects.filter(resolved_at__isnull=True, kind="short").count() == 12


# --- served while it is being cancelled, and other meetings ----------------------------------------------------------


def test_an_order_that_is_served_while_it_is_cancelled_holds_nothing_afterwards(
    web: Any, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goods arrive just after the cancellation looked what the order holds, and serve it at a place it did not hold."""
    lamp = ItemFactory.create()
    order = placed(web, "1", (lamp.sku, 2))

    def goods_arrive() -> None:
        crowd(1, lambda _: receive(lamp, warehouse, 5))

    after(monkeypatch, "inventory.services.releasing._touched", goods_arrive, once=True)
    cancel_order(order_id=order.order_id, actor="x")

    assert figures(lamp, warehouse) == (5, 0, 0, 0)


def test_looking_elsewhere_and_cancelling_queue_for_the_order(
    web: Any, warehouse: Any, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.listeners import look_elsewhere

    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 2)
    order = placed(web, "1", (lamp.sku, 2))
    put_on_hand(lamp, shop, 2)
    adjust_stock(location=warehouse, reason="count", lines=[AdjustmentLine(sku=lamp.sku, counted=0)], actor="x")
    point = MeetingPoint(2, patience=1.5)
    after(monkeypatch, "inventory.services.serving.lock_levels", point.meet)
    after(monkeypatch, "orders.services.cancelling.lock_order", point.meet)

    def listen() -> None:
        from django.db import transaction

        with transaction.atomic():
            look_elsewhere([{"documents": [f"order:{order.number}"]}])

    answers = together(listen, lambda: cancel_order(order_id=order.order_id, actor="x"))

    assert not failures(answers)
    assert figures(lamp, shop) == (2, 0, 0, 0)


@pytest.mark.parametrize("held", [True, False], ids=["held", "control"])
def test_a_shortage_is_not_raised_after_it_was_settled(
    web: Any, warehouse: Any, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker has read that goods are missing; they come, and another worker settles before the first one writes."""
    from django.db import transaction
    from django.db.models import QuerySet

    from orders.services import flagging

    lamp = ItemFactory.create()
    order = placed(web, "1", (lamp.sku, 2))
    point = MeetingPoint(2, patience=3.0, times=2)
    real = flagging.stock_of_lines
    if not held:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)

    def slow(orders: Any) -> Any:
        stock = real(orders)
        if stock[order.order_id][1].short:
            point.meet()  # the goods come now
            point.meet()  # the other one has settled, or waits for us
        return stock

    monkeypatch.setattr(flagging, "stock_of_lines", slow)

    def flag() -> None:
        with transaction.atomic():
            flagging.flag_shortages([order.order_id])

    def come_and_settle() -> None:
        point.meet()
        receive(lamp, warehouse, 2)
        flag()
        point.meet()

    assert not failures(together(flag, come_and_settle))

    left_open = Attention.objects.filter(resolved_at__isnull=True).count()
    assert left_open == (0 if held else 1)


def test_a_count_and_a_sale_without_the_lock(warehouse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lock a count and a sale book against the same figure: the ledger's control of scenario 7."""
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 10)
    monkeypatch.setattr(ledger, "LOCK", "")
    point = MeetingPoint(2, patience=10)
    after(monkeypatch, "inventory.services.adjusting.lock_levels", point.meet)
    after(monkeypatch, "inventory.services.releasing.lock_levels", point.meet)

    together(
        lambda: adjust_stock(
            location=warehouse, reason="count", lines=[AdjustmentLine(sku=lamp.sku, counted=1)], actor="x"
        ),
        lambda: consume_stock(
            document="cart:1", location=warehouse, leaving=[Leaving(line=1, item_id=lamp.pk, quantity=9)], actor="x"
        ),
    )

    # Each believed in ten: the books would say -8, so the database refuses one of the two.
    assert StockMovement.objects.exclude(reason="opening").count() == 1
    assert figures(lamp, warehouse)[0] == 1


def test_nothing_of_this_left_a_lock_behind() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' "
            "AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)
    assert Place(1, 2) < Place(2, 1), "levels are locked by item, then by place"
