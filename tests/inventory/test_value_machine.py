"""The verbs that move value in any order: pools, layers and journal agree after every step, to the cent.

Two items are valued a second time by replaying their whole history with the receipts as they cost by now, one by the
moving average, one by layers. A third one is put through everything, changes of method and write-downs too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
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

from inventory.models import CostPool, StockLevel
from inventory.services import verifying
from inventory.services.adjusting import AdjustmentLine, BelowZero, adjust_stock
from inventory.services.consuming import Leaving, NotThere, consume_stock
from inventory.services.costing import cents
from inventory.services.costing_methods import change_costing_method
from inventory.services.journalising import post_stock_summary
from inventory.services.ledger import forget_counterparties
from inventory.services.receipts import ExceedsReceived, UnknownReceipt
from inventory.services.returning import AlreadyReversed, GoodsGone, ReturnLine
from inventory.services.revaluing import Correction, CostBelowZero, preview_corrections
from inventory.services.transferring import (
    Arrived,
    TransferDraftLine,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from inventory.services.writing_down import ExceedsValue, write_down
from retailhub.accounting.models import JournalLine
from retailhub.accounting.services import verifying as accounting
from tests.factories.inventory import ItemFactory, LocationFactory, receive
from tests.inventory.papers import correct, send_back, take_back, take_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broken_books")]

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
ITEMS, PLACES = ("AVERAGE", "LAYERS", "ANY"), ("warehouse", "shop")
items, places = st.sampled_from(ITEMS), st.sampled_from(PLACES)
few = st.integers(1, 9)
amounts = st.integers(0, 5_000).map(lambda n: Decimal(n) / 100)
NEARLY = Fraction(1, 100)


@dataclass
class History:
    """What happened to one item: (document, units, value) came, or units left. Values are those known by now."""

    steps: list[tuple[str, int]] = field(default_factory=list)
    costs: dict[str, Fraction] = field(default_factory=dict)

    def came(self, document: str, units: int, value: Decimal) -> None:
        self.steps.append((document, units))
        self.costs[document] = Fraction(value)

    def left(self, units: int) -> None:
        self.steps.append(("", units))

    def by_the_average(self) -> Fraction:
        units, value = 0, Fraction(0)
        for document, change in self.steps:
            if document:
                units, value = units + change, value + self.costs[document]
            else:
                value, units = value - value * change / units, units - change
        return value

    def by_layers(self) -> Fraction:
        layers: list[list[Any]] = []
        for document, change in self.steps:
            if document:
                layers.append([change, self.costs[document] / change])
                continue
            while change:
                gone = min(change, layers[0][0])
                layers[0][0] -= gone
                change -= gone
                if not layers[0][0]:
                    layers.pop(0)
        return sum((units * each for units, each in layers), Fraction(0))


class Books(RuleBasedStateMachine):
    """Goods come and go, papers are corrected, and the summary runs whenever it likes."""

    @initialize()
    def open(self) -> None:
        self.savepoint = transaction.savepoint()
        forget_counterparties()
        self.number = count(1)
        self.items = {sku: ItemFactory.create(sku=sku) for sku in ITEMS}
        self.places = {code: LocationFactory.create(code=code) for code in PLACES}
        self.past = {sku: History() for sku in ITEMS}
        self.receipts: list[tuple[str, str, int]] = []
        self.transfers: list[tuple[int, str, int]] = []
        change_costing_method(items=[self.items["LAYERS"]], method="fifo", actor="x")
        for item in ITEMS:
            for place, units, value in (("warehouse", 7, "23.10"), ("shop", 5, "9.99")):
                self.bring(item, place, units, Decimal(value))

    def bring(self, item: str, place: str, units: int, value: Decimal) -> None:
        document = f"receipt:GR-{next(self.number)}"
        take_in(self.places[place], (self.items[item], units, str(value)), document=document)
        self.past[item].came(document, units, value)
        self.receipts.append((document, item, units))

    def free(self, item: str, place: str) -> int:
        levels = StockLevel.objects.filter(item=self.items[item], location=self.places[place])
        return levels.values_list("available", flat=True).first() or 0

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)
            forget_counterparties()

    def tries(self, act: Any, *refusals: Any) -> bool:
        try:
            with transaction.atomic():
                act()
        except refusals:
            return False
        return True

    # --- goods -------------------------------------------------------------------------------------------------------
    @rule(item=items, place=places, units=few, value=amounts)
    def take_in(self, item: str, place: str, units: int, value: Decimal) -> None:
        self.bring(item, place, units, value)

    @rule(item=items, place=places, units=few, each=st.integers(0, 99_999))
    def receive_without_order(self, item: str, place: str, units: int, each: int) -> None:
        document = f"receipt:RC-{next(self.number)}"
        receive(self.items[item], self.places[place], units, str(Decimal(each) / 10_000), document=document)
        self.past[item].came(document, units, Decimal(each) / 10_000 * units)

    @rule(item=items, place=places, share=st.integers(1, 4))
    def sell(self, item: str, place: str, share: int) -> None:
        """A quarter of what lies there, a half, three quarters, or all of it."""
        if not (units := -(-self.free(item, place) * share // 4)):
            return
        leaving = [Leaving(line=1, item_id=self.items[item].pk, quantity=units)]
        consume_stock(document="cart:1", location=self.places[place], leaving=leaving, actor="x")
        self.past[item].left(units)

    @rule(item=items, place=places)
    def sell_what_is_not_there(self, item: str, place: str) -> None:
        leaving = [Leaving(line=1, item_id=self.items[item].pk, quantity=self.free(item, place) + 1)]
        assert not self.tries(
            lambda: consume_stock(document="cart:1", location=self.places[place], leaving=leaving, actor="x"), NotThere
        )

    @rule(item=items, place=places, change=st.integers(-6, 6).filter(bool), each=st.integers(0, 999))
    def adjust(self, item: str, place: str, change: int, each: int) -> None:
        document = f"found:{next(self.number)}"
        cost = Decimal(each) / 100
        line = AdjustmentLine(sku=item, change=change, unit_cost=cost if change > 0 else None)
        if self.tries(
            lambda: adjust_stock(location=self.places[place], reason="correction", lines=[line], actor="x"), BelowZero
        ):
            if change > 0:
                self.past[item].came(document, change, cost * change)
            else:
                self.past[item].left(-change)

    @rule(item=items, origin=places, units=few)
    def send(self, item: str, origin: str, units: int) -> None:
        if self.free(item, origin) < units:
            return
        goal = next(code for code in PLACES if code != origin)
        lines = [TransferDraftLine(sku=item, quantity=units)]
        pk = draft_transfer(origin=self.places[origin], destination=self.places[goal], lines=lines, actor="x").pk
        ready_transfer(transfer_id=pk, actor="x")
        ship_transfer(transfer_id=pk, actor="x")
        self.transfers.append((pk, item, units))

    @precondition(lambda self: self.transfers)
    @rule(data=st.data())
    def arrive(self, data: Any) -> None:
        pk, item, units = self.transfers.pop(data.draw(st.integers(0, len(self.transfers) - 1)))
        lost = data.draw(st.integers(0, units))
        receive_transfer(transfer_id=pk, arrived=[Arrived(line=1, received=units - lost, lost=lost)], actor="x")
        if lost:
            self.past[item].left(lost)

    # --- papers ------------------------------------------------------------------------------------------------------
    @rule(data=st.data(), item=items, change=st.integers(-900, 3_000))
    def correct(self, data: Any, item: str, change: int) -> None:
        document, _, units = data.draw(st.sampled_from([entry for entry in self.receipts if entry[1] == item]))
        fix = Correction(
            document=document,
            line=1,
            quantity=data.draw(st.integers(1, units)),
            value_change=Decimal(change) / 100,
            reference="x",
        )
        refusals = (CostBelowZero, ExceedsReceived, UnknownReceipt)

        def act() -> None:
            preview = preview_corrections(corrections=[fix])
            (answer,) = correct(fix)
            assert [answer] == preview
            assert answer.to_stock + answer.to_sold == fix.value_change

        if self.tries(act, *refusals):
            self.past[item].costs[document] += Fraction(fix.value_change)

    @rule(data=st.data(), whole=st.booleans(), place=places)
    def give_back(self, data: Any, whole: bool, place: str) -> None:
        document, item, units = data.draw(st.sampled_from([entry for entry in self.receipts if entry[1] == "ANY"]))
        if whole:
            self.tries(lambda: take_back(document), AlreadyReversed, GoodsGone)
            return
        line = ReturnLine(
            item_id=self.items[item].pk,
            quantity=data.draw(st.integers(1, units)),
            receipt=document,
            receipt_line=1,
        )
        name = f"supplier_return:RV-{next(self.number)}"
        self.tries(
            lambda: send_back(self.places[place], line, document=name), GoodsGone, ExceedsReceived, UnknownReceipt
        )

    @rule(amount=amounts.filter(bool))
    def write_down(self, amount: Decimal) -> None:
        self.tries(lambda: write_down(item=self.items["ANY"], amount=amount, actor="x"), ExceedsValue)

    @rule(method=st.sampled_from(["average", "fifo"]))
    def change_method(self, method: str) -> None:
        change_costing_method(items=[self.items["ANY"]], method=method, actor="x")

    @rule()
    def summarise(self) -> None:
        post_stock_summary()
        worth = sum((cents(pool.value) for pool in CostPool.objects.filter(item__sku__in=ITEMS)), Decimal(0))
        assert self.stands("inventory", "in_transit") == worth
        assert post_stock_summary().entries == []
        assert accounting.verify() == []

    # --- always ------------------------------------------------------------------------------------------------------
    def stands(self, *roles: str) -> Decimal:
        found = JournalLine.objects.filter(account__role__in=roles).aggregate(x=Sum("amount"))["x"]
        return found or Decimal(0)

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "items"):
            return
        assert verifying.verify() == []
        pools = {pool.item_id: pool for pool in CostPool.objects.filter(item__in=self.items.values())}
        booked = sum((pool.booked_value for pool in pools.values()), Decimal(0))
        assert self.stands("inventory", "in_transit") == booked
        assert self.stands("in_transit") == sum((pool.booked_transit for pool in pools.values()), Decimal(0))
        for sku, value in (("AVERAGE", History.by_the_average), ("LAYERS", History.by_layers)):
            pool = pools.get(self.items[sku].pk)
            assert abs(Fraction(pool.value if pool else 0) - value(self.past[sku])) < NEARLY


def test_value_is_kept_to_the_cent_through_any_order_of_verbs() -> None:
    assert connection.in_atomic_block
    profile = settings(
        max_examples=500 if SOAK else 30,
        stateful_step_count=120 if SOAK else 40,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=list(Phase) if SOAK else [Phase.explicit, Phase.generate],
    )
    run_state_machine_as_test(Books, settings=profile)
