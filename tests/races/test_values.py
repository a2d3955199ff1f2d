"""Value that moves while others look: sales, receipts, corrections and summaries at once, and no cent goes missing."""

from __future__ import annotations

import random
from contextlib import suppress
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from inventory.models import CostPool, Location, StockMovement, WaitingDemand
from inventory.services import journalising
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.costing import cents
from inventory.services.costing_methods import change_costing_method
from inventory.services.journalising import post_stock_summary
from inventory.services.linking import NothingWaits, link_demand, unlink_demand
from inventory.services.receiving import ReceiptLine, receive_stock
from inventory.services.returning import AlreadyReversed, reverse_receipt
from inventory.services.revaluing import Correction
from retailhub.accounting.models import JournalLine
from retailhub.core.errors import DomainError
from tests.books import figures
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand, receive, reserve
from tests.inventory.papers import correct, take_in
from tests.races.crowd import MeetingPoint, after, crowd, deadlocks, failures, together  # noqa: F401

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def warehouse() -> Location:
    return LocationFactory.create(code="warehouse")


def stands(*roles: str) -> Decimal:
    return JournalLine.objects.filter(account__role__in=roles).aggregate(x=Sum("amount"))["x"] or Decimal(0)


class Hands:
    """One worker who does one thing after the other, by his own seed."""

    def __init__(self, seed: int, items: list[Any], place: Any, numbers: Any) -> None:
        self.chance, self.items, self.place, self.numbers = random.Random(seed), items, place, numbers

    def work(self, times: int) -> None:
        for _ in range(times):
            act = self.chance.choice([self.sell, self.sell, self.take_in, self.adjust, self.correct, self.summarise])
            with suppress(DomainError):
                act()

    def sell(self) -> None:
        leaving = [
            Leaving(line=n, item_id=item.pk, quantity=self.chance.randint(1, 3))
            for n, item in enumerate(self.chance.sample(self.items, 3), 1)
        ]
        consume_stock(document=f"cart:{next(self.numbers)}", location=self.place, leaving=leaving, actor="x")

    def take_in(self) -> None:
        lines = [(item, 3, f"{self.chance.randint(1, 999) / 100:.2f}") for item in self.chance.sample(self.items, 2)]
        with transaction.atomic():
            take_in(self.place, *lines, document=f"receipt:GR-{next(self.numbers)}")

    def adjust(self) -> None:
        line = AdjustmentLine(sku=self.chance.choice(self.items).sku, change=self.chance.choice([-1, 2]))
        adjust_stock(location=self.place, reason="correction", lines=[line], actor="x")

    def correct(self) -> None:
        known = list(StockMovement.objects.filter(document__startswith="receipt:").values_list("document", "line"))
        if known:
            document, line = self.chance.choice(known)
            change = Decimal(self.chance.randint(-50, 99)) / 100
            with transaction.atomic():
                correct(
                    Correction(document=document, line=line, quantity=1, value_change=change, reference="x"),
                    document=f"supplier_invoice:{next(self.numbers)}",
                )

    def summarise(self) -> None:
        post_stock_summary()


def test_every_cent_is_in_the_journal_whoever_was_quicker(warehouse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journalising, "BATCH", 2)
    items = ItemFactory.create_batch(5)
    change_costing_method(items=items[:2], method="fifo", actor="x")
    for item in items:
        put_on_hand(item, warehouse, 20, "3.333333")
    numbers = count(1)

    answers = crowd(6, lambda seed: Hands(seed, items, warehouse, numbers).work(30))

    assert not failures(answers)
    post_stock_summary()
    worth = sum((cents(pool.value) for pool in CostPool.objects.all()), Decimal(0))
    assert stands("inventory", "in_transit") == worth
    assert post_stock_summary().entries == []


def test_two_summaries_at_once_post_everything_once(warehouse: Any) -> None:
    for number in range(6):
        items = ItemFactory.create_batch(10)
        for item in items:
            put_on_hand(item, warehouse, 2, "1.25")

        answers = crowd(4, lambda _: post_stock_summary())

        assert not failures(answers)
        assert stands("opening") == -25 * (number + 1)


def test_a_movement_that_is_written_while_the_summary_reads_is_in_the_next_one(
    warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary holds the pool; a sale waits for it and gets the next number of the item."""
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 10, "5")
    point = MeetingPoint(2, patience=1.0)
    after(monkeypatch, "inventory.services.journalising.post_entries", point.meet)
    leaving = [Leaving(line=1, item_id=lamp.pk, quantity=2)]

    def sell() -> None:
        point.meet()
        consume_stock(document="cart:1", location=warehouse, leaving=leaving, actor="x")

    assert not failures(together(post_stock_summary, sell))

    post_stock_summary()
    assert (stands("cogs"), stands("inventory")) == (10, 40)


def test_layers_are_given_out_once(warehouse: Any) -> None:
    lamp = ItemFactory.create()
    change_costing_method(items=[lamp], method="fifo", actor="x")
    for each in range(1, 9):
        receive(lamp, warehouse, 1, str(each))

    def sell(number: int) -> None:
        leaving = [Leaving(line=1, item_id=lamp.pk, quantity=1)]
        consume_stock(document=f"cart:{number}", location=warehouse, leaving=leaving, actor="x")

    assert not failures(crowd(8, sell))

    values = StockMovement.objects.filter(reason="sale").order_by("pk").values_list("value", flat=True)
    assert list(values) == list(range(1, 9))


def test_a_receipt_reversed_by_four_is_reversed_once(warehouse: Any) -> None:
    lamp = ItemFactory.create()
    for number in range(6):
        receive(lamp, warehouse, 3, "2", document=f"receipt:RC-{number}")
        receive(lamp, warehouse, 3, "2")

        answers = crowd(4, lambda _, n=number: reverse_receipt(document=f"receipt:RC-{n}", actor="x"))

        assert not failures(answers, AlreadyReversed)
        assert sum(isinstance(a, AlreadyReversed) for a in answers) == 3
        assert figures(lamp, warehouse)[0] == 3 * (number + 1)


def test_goods_that_come_while_demand_is_linked_or_unlinked_serve_it_or_wait_for_it(warehouse: Any) -> None:
    for number in range(10):
        lamp = ItemFactory.create()
        cart = f"cart:{number}"
        reserve(cart, {lamp: 2}, warehouse)
        linked = number % 2
        if linked:
            link_demand(document=cart, line=1, supply="po:PO-1#1", actor="x")
        line = ReceiptLine(item_id=lamp.pk, quantity=2)

        answers = together(
            lambda x=line, n=number: receive_stock(location=warehouse, lines=[x], document=f"delivery:{n}", actor="x"),
            (lambda c=cart: unlink_demand(document=c, line=1, actor="x"))
            if linked
            else (lambda c=cart: link_demand(document=c, line=1, supply="po:PO-1#1", actor="x")),
        )

        assert not failures(answers, NothingWaits)
        demand = WaitingDemand.objects.get(document=cart)
        served = figures(lamp, warehouse)[1]
        assert (served, demand.quantity) == ((0, 2) if demand.supply else (2, 0))
