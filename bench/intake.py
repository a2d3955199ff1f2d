"""Benchmarks 1 to 3: orders over HTTP, one by one and in bulk, spread over the catalogue and all for one SKU."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson

from bench import raw
from bench.cpu import seconds_used
from bench.figures import Figure, Rate, compare
from bench.house import CHANNEL, ITEMS, House, sku
from bench.load import Answer, Tally, drive, post

HOT = 7
_numbers = itertools.count(1)
_chance = random.Random(20_26)


def order(*items: int, reference: str = "", **more: Any) -> dict[str, Any]:
    """Answer an order of one unit of each item, as a web shop would send it."""
    number = next(_numbers)
    return {
        "channel": CHANNEL,
        "external_reference": reference or f"B-{number}",
        "placed_at": "2026-11-22T10:00:00Z",
        "currency": "EUR",
        "shipping": {
            "method": "standard",
            "address": {"name": "A. Buyer", "line1": "1 High Street", "city": "Utrecht", "country": "NL"},
            "price": "4.90",
        },
        "lines": [{"sku": sku(item), "quantity": 1, "unit_price": "19.90", "tax_rate": "0.21"} for item in items],
        **more,
    }


def three_lines() -> dict[str, Any]:
    return order(*_chance.sample(range(ITEMS), 3))


def one_hot_line() -> dict[str, Any]:
    return order(HOT)


class Shop:
    """Sends orders to a house."""

    def __init__(self, house: House) -> None:
        self.house = house

    def request(self, path: str, body: Any, key: str = "") -> bytes:
        return post(path, orjson.dumps(body), api_key=self.house.api_key, key=key or f"k-{next(_numbers)}")

    def singly(self, make: Callable[[], Any], *, connections: int, seconds: float) -> Tally:
        """Place orders one a request."""
        tally = drive(
            self.house.web_port,
            lambda: self.request("/api/v1/orders/", make()),
            connections=connections,
            seconds=seconds,
        )
        expect(tally, 201)
        return tally

    def in_bulk(self, make: Callable[[], Any], *, connections: int, seconds: float, size: int = 100) -> Tally:
        """Place orders so many a request, each refused or accepted on its own."""

        def look(answer: Answer) -> None:
            if answer.status == 207 and answer.body.count(b'"status":201') != size:
                raise RuntimeError(f"not every order was accepted: {answer.body[:300]!r}")

        tally = drive(
            self.house.web_port,
            lambda: self.request("/api/v1/orders/bulk/", {"entries": [make() for _ in range(size)]}),
            connections=connections,
            seconds=seconds,
            look_at=look,
        )
        expect(tally, 207)
        return tally


def expect(tally: Tally, status: int) -> None:
    if set(tally.statuses) != {status}:
        raise RuntimeError(f"answers other than {status}: {dict(tally.statuses)}")


def _times(tallies: list[Tally], rounds: int) -> str:
    p50 = sorted(t.quantile(0.5) for t in tallies)[len(tallies) // 2]
    p95 = sorted(t.quantile(0.95) for t in tallies)[len(tallies) // 2]
    return f"{rounds} rounds; a request takes {p50 * 1000:.1f} ms (p50), {p95 * 1000:.1f} ms (p95)"


def _measure(
    house: House,
    *,
    name: str,
    script: str,
    clients: int,
    run: Callable[[], Tally],
    orders: int,
    floor: float,
    moonshot: float,
    rounds: int,
    seconds: int,
) -> Figure:
    tallies: list[Tally] = []

    def subject() -> Rate:
        roots = (house.postgres_pid, house.web_pid, os.getpid())
        before = seconds_used(*roots)
        tally = run()
        tallies.append(tally)
        # what came before and after is in the processor time, so it is in the count
        count = (tally.uncounted + sum(tally.statuses.values())) * orders
        return Rate(tally.per_second * orders, cpu_ms=1000 * (seconds_used(*roots) - before) / max(1, count))

    compared = compare(
        raw=lambda: raw.per_second(house, script, clients=clients, seconds=seconds), subject=subject, rounds=rounds
    )
    cpu = (median(rate.cpu_ms for rate in compared.raw), median(rate.cpu_ms for rate in compared.subject))
    return Figure(
        name=name,
        floor=floor,
        moonshot=moonshot,
        value=median(compared.ratios),
        raw=median(rate.per_second for rate in compared.raw),
        subject=median(rate.per_second for rate in compared.subject),
        note=f"{_times(tallies, rounds)}; processor time an order {cpu[0]:.2f} ms raw, {cpu[1]:.2f} ms here, "
        f"ratio {median(compared.cpu_ratios):.3f}",
        detail={"ratios": compared.ratios, "cpu_ratios": compared.cpu_ratios},
    )


def single_orders(house: House, rounds: int, seconds: int) -> list[Figure]:
    """Benchmark 1: POST /orders/ with three lines on 8 connections."""
    shop = Shop(house)
    return [
        _measure(
            house,
            name="1 POST /orders, 3 lines, c=8",
            script=raw.ORDER,
            clients=8,
            run=lambda: shop.singly(three_lines, connections=8, seconds=seconds + 1),
            orders=1,
            floor=0.08,
            moonshot=0.30,
            rounds=rounds,
            seconds=seconds,
        )
    ]


def bulk_orders(house: House, rounds: int, seconds: int) -> list[Figure]:
    """Benchmark 2: POST /orders/bulk/, 100 orders of three lines a request, on 8 connections."""
    shop = Shop(house)
    return [
        _measure(
            house,
            name="2 POST /orders/bulk, 100 a request, c=8",
            script=raw.ORDER,
            clients=8,
            run=lambda: shop.in_bulk(three_lines, connections=8, seconds=seconds + 1),
            orders=100,
            floor=1.0,
            moonshot=3.0,
            rounds=rounds,
            seconds=seconds,
        )
    ]


def hot_orders(house: House, rounds: int, seconds: int) -> list[Figure]:
    """Benchmark 3: everybody wants one SKU, on 16 connections, singly and in bulk."""
    shop = Shop(house)
    return [
        _measure(
            house,
            name="3 hot SKU, one order a request, c=16",
            script=raw.HOT,
            clients=16,
            run=lambda: shop.singly(one_hot_line, connections=16, seconds=seconds),
            orders=1,
            floor=0.05,
            moonshot=0.25,
            rounds=rounds,
            seconds=seconds,
        ),
        _measure(
            house,
            name="3 hot SKU, 100 orders a request, c=16",
            script=raw.HOT,
            clients=16,
            run=lambda: shop.in_bulk(one_hot_line, connections=16, seconds=seconds + 1),
            orders=100,
            floor=0.25,
            moonshot=1.0,
            rounds=rounds,
            seconds=seconds,
        ),
    ]
