"""The stock verbs in any order against a plain model: after every step levels, promises and values are the same."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory.models import Location, StockLevel
from inventory.services import verifying
from inventory.services.adjusting import AdjustmentLine, BelowReserved, BelowZero, adjust_stock
from inventory.services.consuming import Leaving, NotThere, consume_stock
from inventory.services.ledger import forget_counterparties
from inventory.services.moving import MoveLine, move_stock
from inventory.services.releasing import release_stock
from inventory.services.reserving import release_expired_reservations
from inventory.services.transferring import (
    TransferDraftLine,
    cancel_transfer,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from orders.services.cancelling import cancel_order
from orders.services.placing import PlacedOrder, place_orders
from orders.services.shipping import ship_order
from retailhub.core.errors import DomainError
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, receive, reserve
from tests.factories.orders import SalesChannelFactory, new_order
from tests.plain_model import PlainStock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broken_books")]

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
ITEMS, PLACES = ("A", "B"), ("warehouse", "shop")
PAST = datetime(2020, 1, 1, tzinfo=UTC)

items, places = st.sampled_from(ITEMS), st.sampled_from(PLACES)
few, buckets = st.integers(1, 6), st.sampled_from(["sellable", "damaged", "on_hold"])


class StockRoom(RuleBasedStateMachine):
    """Every rule does one thing in both worlds; where the plain one says no, the real one has to refuse."""

    @initialize()
    def open(self) -> None:
        self.savepoint = transaction.savepoint()
        forget_counterparties()
        self.number = count(1)
        self.plain = PlainStock()
        self.items = {sku: ItemFactory.create(sku=sku) for sku in ITEMS}
        self.places = {code: LocationFactory.create(code=code) for code in PLACES}
        self.places["in-transit"] = Location.objects.get(code="in-transit")
        self.web = SalesChannelFactory.create(pool=pool_of(self.places["warehouse"]))
        self.carts: list[tuple[str, bool]] = []
        self.orders: dict[str, int] = {}
        self.transfers: dict[str, tuple[int, str, str, str, str, int]] = {}

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)
            forget_counterparties()

    def refuses(self, kind: Any, act: Any) -> None:
        with pytest.raises(kind), transaction.atomic():
            act()

    def ran_out(self, item: str, place: str, *, but: str = "") -> list[str]:
        """Answer the carts whose time is up and that still hold the item there."""
        return [x for x, soft in self.carts if soft and x != but and self.plain.holds(x).get((item, place))]

    def make_way(self, item: str, place: str, *, but: str = "") -> None:
        """What ran out at this place goes before anybody is refused."""
        for cart in self.ran_out(item, place, but=but):
            self.plain.let_go(cart)

    def could_be_free(self, item: str, place: str, *, but: str = "") -> int:
        carts = self.ran_out(item, place, but=but)
        return self.plain.free(item, place) + sum(self.plain.holds(x)[(item, place)] for x in carts)

    @rule(item=items, place=places, units=few, bucket=buckets, cost=st.integers(0, 999))
    def receive(self, item: str, place: str, units: int, bucket: str, cost: int) -> None:
        receive(self.items[item], self.places[place], units, f"{cost / 100:.2f}", bucket=bucket)
        self.plain.put(item, place, units, bucket)

    @rule(item=items, place=places, units=few, soft=st.booleans())
    def reserve(self, item: str, place: str, units: int, soft: bool) -> None:
        if self.plain.free(item, place) < units:
            self.make_way(item, place)
        document = f"cart:{next(self.number)}"
        outcome = reserve(
            document,
            {self.items[item]: units},
            self.places[place],
            all_or_nothing=True,
            expires_at=PAST if soft else None,
        )
        assert (outcome.refusal is None) == (self.plain.free(item, place) >= units)
        if outcome.refusal is None:
            self.plain.hold(document, item, place, units)
            self.carts.append((document, soft))

    @rule()
    def expire(self) -> None:
        while release_expired_reservations():
            pass
        for cart, soft in self.carts:
            if soft:
                self.plain.let_go(cart)

    @precondition(lambda self: self.carts)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        cart, _ = data.draw(st.sampled_from(self.carts))
        assert release_stock(document=cart, actor="x") == sum(self.plain.holds(cart).values())
        self.plain.let_go(cart)

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), units=few, place=places)
    def consume(self, data: Any, units: int, place: str) -> None:
        cart, _ = data.draw(st.sampled_from(self.carts))
        holds = self.plain.holds(cart)
        item, held_at = next(iter(holds), ("A", place))
        mine = holds.get((item, held_at), 0)

        def act() -> None:
            leaving = [Leaving(line=1, item_id=self.items[item].pk, quantity=units)]
            consume_stock(document=cart, location=self.places[place], leaving=leaving, actor="x")

        own = mine if held_at == place else 0
        if self.could_be_free(item, place, but=cart) + own < units:
            self.refuses(NotThere, act)
            return
        if self.plain.free(item, place) + own < units:
            self.make_way(item, place, but=cart)
            self.make_way(item, held_at, but=cart)
        act()
        self.plain.put(item, place, -units)
        if mine:
            self.plain.hold(cart, item, held_at, -min(mine, units))

    @rule(item=items, place=places, bucket=buckets, change=st.integers(-6, 6))
    def adjust(self, item: str, place: str, bucket: str, change: int) -> None:
        def act() -> None:
            lines = [AdjustmentLine(sku=item, change=change, bucket=bucket)]
            adjust_stock(location=self.places[place], reason="correction", lines=lines, actor="x")

        left = self.plain.have(item, place, bucket) + change
        if left < 0:
            self.refuses(BelowZero, act)
        elif bucket == "sellable" and self.could_be_free(item, place) + change < 0:
            self.refuses(BelowReserved, act)
        else:
            if bucket == "sellable" and left < self.plain.reserved(item, place):
                self.make_way(item, place)
            act()
            self.plain.put(item, place, change, bucket)

    @rule(item=items, place=places, more=st.integers(0, 6))
    def count(self, item: str, place: str, more: int) -> None:
        counted = self.plain.reserved(item, place) + more
        lines = [AdjustmentLine(sku=item, counted=counted)]
        adjust_stock(location=self.places[place], reason="count", lines=lines, actor="x")
        self.plain.units[(item, place, "sellable")] = counted

    @rule(item=items, place=places, units=few, source=buckets, goal=buckets)
    def move(self, item: str, place: str, units: int, source: str, goal: str) -> None:
        def act() -> None:
            line = MoveLine(sku=item, quantity=units, from_bucket=source, to_bucket=goal)
            move_stock(location=self.places[place], reason="quality", lines=[line], actor="x")

        have = self.could_be_free(item, place) if source == "sellable" else self.plain.have(item, place, source)
        if source == goal or have < units:
            self.refuses(DomainError, act)
            return
        if source == "sellable" and self.plain.free(item, place) < units:
            self.make_way(item, place)
        act()
        self.plain.put(item, place, -units, source)
        self.plain.put(item, place, units, goal)

    # --- transfers ---------------------------------------------------------------------------------------------------
    @rule(item=items, origin=places, units=few)
    def ready(self, item: str, origin: str, units: int) -> None:
        if self.plain.free(item, origin) < units:
            return
        destination = next(code for code in PLACES if code != origin)
        transfer = draft_transfer(
            origin=self.places[origin],
            destination=self.places[destination],
            lines=[TransferDraftLine(sku=item, quantity=units)],
            actor="x",
        )
        ready_transfer(transfer_id=transfer.pk, actor="x")
        self.plain.hold(transfer.reference, item, origin, units)
        self.transfers[transfer.reference] = (transfer.pk, "ready", item, origin, destination, units)

    @precondition(lambda self: self.transfers)
    @rule(data=st.data(), cancel=st.booleans())
    def go_on(self, data: Any, cancel: bool) -> None:
        reference = data.draw(st.sampled_from(sorted(self.transfers)))
        pk, state, item, origin, destination, units = self.transfers.pop(reference)
        if state == "road":
            receive_transfer(transfer_id=pk, arrived=None, actor="x")
            self.plain.put(item, "in-transit", -units)
            self.plain.put(item, destination, units)
        elif cancel:
            cancel_transfer(transfer_id=pk, actor="x")
            self.plain.let_go(reference)
        else:
            ship_transfer(transfer_id=pk, actor="x")
            self.plain.let_go(reference)
            self.plain.put(item, origin, -units)
            self.plain.put(item, "in-transit", units)
            self.transfers[reference] = (pk, "road", item, origin, destination, units)

    # --- orders ------------------------------------------------------------------------------------------------------
    @rule(units=st.lists(few, min_size=2, max_size=2))
    def order(self, units: list[int]) -> None:
        wanted = dict(zip(ITEMS, units, strict=True))
        if any(self.plain.free(item, "warehouse") < n for item, n in wanted.items()):
            return
        batch = [new_order(self.web, f"{next(self.number)}", *wanted.items(), all_or_nothing=True)]
        (answer,) = place_orders(batch=batch, actor="x")
        assert isinstance(answer, PlacedOrder)
        reference = f"order:{answer.number}"
        self.orders[reference] = answer.order_id
        for item, n in wanted.items():
            self.plain.hold(reference, item, "warehouse", n)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), ship=st.booleans())
    def finish(self, data: Any, ship: bool) -> None:
        reference = data.draw(st.sampled_from(sorted(self.orders)))
        pk = self.orders.pop(reference)
        holds = self.plain.holds(reference)
        self.plain.let_go(reference)
        if not ship:
            cancel_order(order_id=pk, actor="x")
            return
        ship_order(order_id=pk, location=self.places["warehouse"], lines=None, actor="x")
        for (item, place), n in holds.items():
            self.plain.put(item, place, -n)

    # --- always ------------------------------------------------------------------------------------------------------
    @invariant()
    def books_tell_what_the_plain_model_tells(self) -> None:
        if not hasattr(self, "plain"):
            return
        found = {
            (sku, code): tuple(level)
            for sku, code, *level in StockLevel.objects.filter(item__sku__in=ITEMS).values_list(
                "item__sku", "location__code", "sellable", "reserved", "damaged", "on_hold"
            )
            if any(level)
        }
        assert found == self.plain.figures()
        assert verifying.verify() == []


def test_any_order_of_verbs_keeps_the_books() -> None:
    assert connection.in_atomic_block
    profile = settings(
        max_examples=2_000 if SOAK else 40,
        stateful_step_count=100 if SOAK else 40,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        suppress_health_check=list(HealthCheck),
        # A failure is told at once; HYPOTHESIS_PROFILE=soak looks for the shortest way to it.
        phases=list(Phase) if SOAK else [Phase.explicit, Phase.generate],
    )
    run_state_machine_as_test(StockRoom, settings=profile)
