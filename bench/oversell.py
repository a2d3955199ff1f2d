"""Benchmark 4: many buyers, ten units, several web processes. Ten get one, everybody else hears a clean no."""

from __future__ import annotations

import random
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.figures import Figure
from bench.house import CHANNEL, LOCATION, House
from bench.intake import Shop
from bench.load import Answer, all_at_once

UNITS = 10
CHANGED_THEIR_MINDS = 3
_chance = random.Random(4)


@dataclass
class Outcome:
    """What became of one crowd."""

    sold: set[str] = field(default_factory=set)
    refused: int = 0
    seconds_of_refusals: list[float] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    @property
    def p99(self) -> float:
        ordered = sorted(self.seconds_of_refusals) or [0.0]
        return ordered[int(0.99 * (len(ordered) - 1))]


def no_oversell(house: House, *, crowds: tuple[int, ...]) -> list[Figure]:
    """Let crowds of buyers at ten units, then a crowd at baskets that cross each other."""
    most = max(crowds) * 2 + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < most <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    shop = Shop(house)
    return [*(_one_item(house, shop, buyers) for buyers in crowds), _crossing_baskets(house, shop)]


def _one_item(house: House, shop: Shop, buyers: int) -> Figure:
    sku = f"LAST-{buyers}"
    _stock(house, shop, [sku])
    first = _let_in(shop, [_basket([sku], f"{sku}-{n}") for n in range(buyers)])
    # Some change their minds, and what they give back is sold again, no more and no less.
    numbers = sorted(first.sold)[:CHANGED_THEIR_MINDS]
    cancels = [shop.request(f"/api/v1/orders/{number}/cancel/", {"reason": "changed my mind"}) for number in numbers]
    cancelled = sum(1 for answer in all_at_once(house.web_port, cancels) if answer and answer.status == 200)
    second = _let_in(shop, [_basket([sku], f"{sku}-again-{n}") for n in range(50)])
    wrong = (
        abs(len(first.sold) - UNITS)
        + abs(len(second.sold) - cancelled)
        + sum(first.others.values())
        + sum(second.others.values())
        + _promised_wrongly(house, {sku: UNITS})
    )
    return Figure(
        name=f"4 {buyers:,} buyers of {UNITS} units: wrong outcomes",
        floor=0,
        moonshot=0,
        value=wrong,
        unit="",
        smaller_is_better=True,
        note=f"{len(first.sold)} sold, {first.refused} refused with 409, others {dict(first.others)}; "
        f"after {cancelled} cancelled, {len(second.sold)} sold again; {house.web_processes} web processes; "
        f"p99 of a refusal {first.p99 * 1000:.0f} ms",
    )


def _crossing_baskets(house: House, shop: Shop) -> Figure:
    skus = [f"CROSS-{n}" for n in range(12)]
    _stock(house, shop, skus)
    crowd = _let_in(shop, [_basket(_chance.sample(skus, 3), f"cross-{n}") for n in range(120)])
    bodies = Counter[str]()
    for number in crowd.sold:
        for (sku,) in house.ask(
            "SELECT l.sku FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id WHERE o.number = %s",
            [number],
        ):
            bodies[sku] += 1
    wrong = sum(crowd.others.values()) + _promised_wrongly(house, {sku: bodies[sku] for sku in skus})
    wrong += sum(1 for units in bodies.values() if units > UNITS)
    return Figure(
        name="4 120 baskets of 3 crossing SKUs: wrong outcomes",
        floor=0,
        moonshot=0,
        value=wrong,
        unit="",
        smaller_is_better=True,
        note=f"{len(crowd.sold)} sold, {crowd.refused} refused, others {dict(crowd.others)}",
    )


def _basket(skus: list[str], reference: str) -> dict[str, Any]:
    return {
        "channel": CHANNEL,
        "external_reference": reference,
        "currency": "EUR",
        "allocation": "all_or_nothing",
        "lines": [{"sku": sku, "quantity": 1, "unit_price": "9.90"} for sku in skus],
    }


def _let_in(shop: Shop, baskets: list[dict[str, Any]]) -> Outcome:
    """Send every basket at once, one in ten of them twice under one key, as impatient people do; ask until answered."""
    outcome = Outcome()
    waiting: list[tuple[str, bytes]] = []
    for basket in baskets:
        reference = basket["external_reference"]
        request = shop.request("/api/v1/orders/", basket, key=f"buy-{reference}")
        waiting += [(reference, request)] * (2 if _chance.random() < 0.1 else 1)
    settled: dict[str, Answer] = {}
    for _ in range(20):
        answers = all_at_once(shop.house.web_port, [request for _, request in waiting])
        again = []
        for (reference, request), answer in zip(waiting, answers, strict=True):
            if answer is not None and answer.status == 409 and b"idempotency_key_in_use" in answer.body:
                again.append((reference, request))
                continue
            first = settled.setdefault(reference, answer or Answer(0, b"", 0.0))
            if answer is None or answer.status != first.status:
                outcome.others["two answers under one key"] += 1
        waiting = again
        if not waiting:
            break
        time.sleep(0.1)
    for answer in settled.values():
        if answer.status == 201:
            outcome.sold.add(orjson.loads(answer.body)["number"])
        elif answer.status == 409 and b'"not_enough_stock"' in answer.body:
            outcome.refused += 1
            outcome.seconds_of_refusals.append(answer.seconds)
        else:
            outcome.others[str(answer.status)] += 1
    outcome.others.update({"never answered": len(waiting)} if waiting else {})
    return outcome


def _stock(house: House, shop: Shop, skus: list[str]) -> None:
    """Have the items with ten units each, through the doors that people use."""
    made = [shop.request("/api/v1/items/", {"sku": sku, "name": sku}) for sku in skus]
    lines = [{"sku": sku, "counted": UNITS} for sku in skus]
    counted = shop.request("/api/v1/stock/adjustments/", {"location": LOCATION, "reason": "count", "lines": lines})
    for answer in [*all_at_once(house.web_port, made), *all_at_once(house.web_port, [counted])]:
        if answer is None or answer.status != 201:
            raise RuntimeError(f"the house cannot be stocked: {answer}")


def _promised_wrongly(house: House, expected: dict[str, int]) -> int:
    """Count the items whose level or reservations say anything else than what was sold."""
    found = house.ask(
        """SELECT i.sku, l.reserved, (SELECT coalesce(sum(r.quantity - r.consumed - r.released), 0)
               FROM inventory_reservation r WHERE r.item_id = i.id)
           FROM inventory_item i JOIN inventory_stocklevel l ON l.item_id = i.id WHERE i.sku = ANY(%s)""",
        [list(expected)],
    )
    return sum(1 for sku, reserved, promised in found if not reserved == promised == expected[sku])
