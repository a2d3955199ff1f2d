"""Worker, web and database killed without warning while orders pour in: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import httpx
import pytest

from tests.flows.installation import Installation, post, running_installation

SKUS = [f"LOAD-{n:03d}" for n in range(30)]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_installation(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture(scope="module")
def key(installation: Installation) -> str:
    key = installation.new_key()
    with installation.client(key) as client:
        made = post(client, "/locations/", {"code": "main", "name": "Main", "kind": "warehouse"}, "location")
        assert made.status_code == 201, made.text
        channel = {"code": "desk", "name": "Desk", "kind": "desk", "currency": "EUR", "prices_include_tax": True}
        made = post(client, "/channels/", channel | {"locations": ["main"]}, "channel")
        assert made.status_code == 201, made.text
        items = [{"sku": sku, "name": sku, "price": "10.00", "currency": "EUR", "cost": "4.00"} for sku in SKUS]
        made = post(client, "/items/bulk/", {"entries": items}, "items")
        assert made.status_code == 207, made.text
        lines = [{"sku": sku, "change": 60} for sku in SKUS]
        made = post(client, "/stock/adjustments/", {"location": "main", "reason": "opening", "lines": lines}, "opening")
        assert made.status_code == 201, made.text
    return key


def order(reference: str, lines: list[tuple[str, int]], **more: Any) -> dict[str, Any]:
    return {
        "channel": "desk",
        "external_reference": reference,
        "placed_at": "2026-11-22T10:00:00Z",
        "currency": "EUR",
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": "10.00", "tax_rate": "0.20"} for sku, quantity in lines
        ],
    } | more


def test_every_acknowledged_order_is_there_once(installation: Installation, key: str) -> None:
    acknowledged: dict[str, str] = {}
    odd: list[str] = []
    stop = threading.Event()

    def buy(number: int) -> None:
        chance, client, count = random.Random(number), installation.client(key), 0
        while not stop.is_set():
            count += 1
            reference = f"{number}-{count}"
            body = order(reference, [(sku, chance.randint(1, 3)) for sku in chance.sample(SKUS, 3)])
            while True:
                try:
                    answer = post(client, "/orders/", body, reference)
                except httpx.HTTPError:
                    client.close()
                    client = installation.client(key)
                    time.sleep(0.1)
                else:
                    if answer.status_code in {200, 201}:
                        acknowledged[reference] = answer.json()["number"]
                        break
                    if answer.status_code not in {409, 500, 502, 503}:
                        odd.append(f"{answer.status_code} {answer.text[:200]}")
                        break
                    if answer.status_code == 500:
                        odd.append(f"500 {answer.text[:200]}")
                    time.sleep(0.1)
                if stop.is_set():
                    break
        client.close()

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for name in ("worker", "postgres", "web"):
        time.sleep(3)
        installation.kill(name)
    installation.wait_until_answering()
    time.sleep(3)
    stop.set()
    for thread in threads:
        thread.join(40)

    assert not odd, odd[:5]
    assert len(acknowledged) > 50
    with installation.client(key) as client:
        found = _all_orders(client)
    assert {reference: found.get(reference) for reference in acknowledged} == acknowledged
    _wait_until_delivered(installation)
    verified = installation.manage("verify_all", check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _all_orders(client: httpx.Client) -> dict[str, str]:
    found: dict[str, str] = {}
    url: str | None = "/orders/?channel=desk&page_size=500"
    while url:
        page = client.get(url).json()
        for row in page["results"]:
            assert row["external_reference"] not in found
            found[row["external_reference"]] = row["number"]
        url = page["next"]
    return found


def _wait_until_delivered(installation: Installation, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        metrics = httpx.get(f"{installation.url}/metrics", trust_env=False).text
        if "retailhub_outbox_oldest_seconds 0" in metrics.splitlines():
            return
        time.sleep(0.5)
    raise AssertionError(metrics)


def test_fifty_buyers_of_ten_units_and_one_key_twenty_times(installation: Installation, key: str) -> None:
    with installation.client(key) as client:
        item = {"sku": "SCARCE", "name": "Scarce", "price": "10.00", "currency": "EUR"}
        assert post(client, "/items/", item, "scarce").status_code == 201
        body = {"location": "main", "reason": "opening", "lines": [{"sku": "SCARCE", "change": 10}]}
        assert post(client, "/stock/adjustments/", body, "scarce-stock").status_code == 201
    codes: list[int] = []
    bodies: list[str] = []
    barrier = threading.Barrier(50)

    def buy(number: int, reference: str, idempotency_key: str, **more: Any) -> None:
        with installation.client(key) as client:
            barrier.wait(30)
            while True:
                answer = post(client, "/orders/", order(reference, [("SCARCE", 1)], **more), idempotency_key)
                if answer.json().get("code") != "idempotency_key_in_use":
                    break
                time.sleep(0.2)
            codes.append(answer.status_code)
            bodies.append(answer.json().get("number", ""))

    _at_once([(n, f"fifty-{n}", f"fifty-{n}") for n in range(50)], buy, allocation="all_or_nothing")
    assert sorted(codes) == [201] * 10 + [409] * 40

    codes.clear()
    bodies.clear()
    barrier = threading.Barrier(20)
    _at_once([(n, "twenty", "twenty") for n in range(20)], buy)
    assert codes == [201] * 20
    assert len(set(bodies)) == 1


def _at_once(calls: list[tuple[int, str, str]], buy: Any, **more: Any) -> None:
    threads = [threading.Thread(target=buy, args=call, kwargs=more) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
