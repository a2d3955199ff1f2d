from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.channels.sandbox_fixture import RunningShop

Push = Callable[..., httpx.Response]


def entry(listing_id: str, quantity: int, *, expected: int | None, version: int) -> dict[str, Any]:
    return {"listing_id": listing_id, "quantity": quantity, "expected": expected, "version": version}


def only_result(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    [result] = answer.json()["results"]
    assert isinstance(result, dict)
    return result


def test_a_figure_that_meets_what_it_expects_is_applied(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku, quantity=5)

    result = only_result(push(entry(listing_id, 8, expected=5, version=1)))

    assert result["outcome"] == "applied"
    assert (result["before"], result["actual"], result["actual_version"]) == (5, 8, 1)
    assert shop.stock()[sku] == 8


def test_a_figure_that_expects_another_one_is_stale_and_told_the_present_one(
    shop: RunningShop, push: Push, sku: str
) -> None:
    listing_id = shop.add(sku, quantity=5)
    push(entry(listing_id, 5, expected=5, version=3))
    shop.buy(sku, 2)

    result = only_result(push(entry(listing_id, 9, expected=5, version=4)))

    assert (result["outcome"], result["code"]) == ("stale", "expected_differs")
    assert (result["actual"], result["actual_version"]) == (3, 3)
    assert shop.stock()[sku] == 3


def test_null_opts_out_of_the_comparison(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku, quantity=5)

    assert only_result(push(entry(listing_id, 9, expected=None, version=1)))["outcome"] == "applied"
    assert shop.stock()[sku] == 9


def test_leaving_expected_out_is_refused(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku, quantity=5)

    result = only_result(push({"listing_id": listing_id, "quantity": 9, "version": 1}))

    assert (result["outcome"], result["error"]["field"]) == ("rejected", "expected")
    assert shop.stock()[sku] == 5


def test_an_older_version_never_follows_a_newer_one(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    push(entry(listing_id, 7, expected=0, version=10))

    result = only_result(push(entry(listing_id, 99, expected=None, version=9)))

    assert (result["outcome"], result["code"]) == ("stale", "older_version")
    assert (result["actual"], result["actual_version"]) == (7, 10)
    written = [told for told in shop.log("stock_write") if told["listing_id"] == listing_id]
    assert [(told["version"], told["quantity"]) for told in written] == [(10, 7)]


def test_the_same_version_may_come_again(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    push(entry(listing_id, 7, expected=0, version=10))

    assert only_result(push(entry(listing_id, 7, expected=7, version=10)))["outcome"] == "unchanged"
    assert only_result(push(entry(listing_id, 6, expected=7, version=10)))["outcome"] == "applied"


def test_the_same_key_gives_the_same_answer_and_does_nothing_again(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    first = push(entry(listing_id, 7, expected=None, version=1), key="replay-1")
    shop.buy(sku, 2)

    again = push(entry(listing_id, 7, expected=None, version=1), key="replay-1")

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert shop.stock()[sku] == 5


def test_a_key_cannot_be_used_for_another_request(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    push(entry(listing_id, 7, expected=None, version=1), key="reuse-1")

    answer = push(entry(listing_id, 8, expected=None, version=2), key="reuse-1")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key_reused")
    assert shop.stock()[sku] == 7


@pytest.mark.parametrize(("key", "code"), [(None, "key_missing"), ("", "key_invalid"), ("a b", "key_invalid")])
def test_a_key_is_compulsory(shop: RunningShop, sku: str, key: str | None, code: str) -> None:
    listing_id = shop.add(sku)
    headers = {} if key is None else {"Idempotency-Key": key}

    body = {"entries": [entry(listing_id, 7, expected=None, version=1)]}
    answer = shop.http.post("/api/stock/bulk", json=body, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert shop.stock()[sku] == 0


def test_entries_do_not_depend_on_each_other(shop: RunningShop, push: Push, sku: str) -> None:
    good, twice = shop.add(sku), shop.add(f"{sku}-twice")

    answer = push(
        entry("987654321", 1, expected=None, version=1),
        entry(twice, 1, expected=None, version=1),
        entry(twice, 2, expected=None, version=2),
        entry(good, 4, expected=0, version=1),
    )

    told = [(result["outcome"], result.get("error", {}).get("code")) for result in answer.json()["results"]]
    assert told == [
        ("rejected", "listing_not_found"),
        ("rejected", "duplicate_entry"),
        ("rejected", "duplicate_entry"),
        ("applied", None),
    ]
    assert (shop.stock()[sku], shop.stock()[f"{sku}-twice"]) == (4, 0)


def test_a_call_takes_250_figures_and_no_more(shop: RunningShop, push: Push, sku: str) -> None:
    drafts = [{"sku": f"{sku}-{n}", "title": "x", "price": "1.00", "currency": "EUR"} for n in range(250)]
    results = shop.http.post("/api/listings/bulk", json={"listings": drafts}).json()["results"]
    figures = [entry(result["listing_id"], 1, expected=0, version=1) for result in results]

    assert push(*figures, figures[0]).status_code == 422
    answer = push(*figures)

    assert {result["outcome"] for result in answer.json()["results"]} == {"applied"}
    assert [result["listing_id"] for result in answer.json()["results"]] == [told["listing_id"] for told in figures]


def test_stock_can_be_read_back_by_listing(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    push(entry(listing_id, 7, expected=0, version=4))

    answer = shop.http.get("/api/stock", params={"listing": [listing_id, "424242", "x"]}).json()

    assert answer["stock"] == [{"listing_id": listing_id, "sku": sku, "quantity": 7, "version": 4}]
    assert answer["not_found"] == ["424242", "x"]


def test_publishing_an_article_again_leaves_its_figure_alone(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    push(entry(listing_id, 7, expected=0, version=4))

    assert shop.add(sku, price="11.00") == listing_id
    assert shop.stock()[sku] == 7


def test_versions_sent_all_at_once_in_any_order_leave_the_newest(shop: RunningShop, push: Push, sku: str) -> None:
    listing_id = shop.add(sku)
    versions = list(range(1, 41))
    random.Random(11).shuffle(versions)

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda n: push(entry(listing_id, n, expected=None, version=n)), versions))

    assert {only_result(answer)["outcome"] for answer in answers} <= {"applied", "stale"}
    assert shop.stock()[sku] == 40
    assert shop.version_breaches() == []
    written = [told["version"] for told in shop.log("stock_write") if told["listing_id"] == listing_id]
    assert written == sorted(written)
    assert len(written) + len([1 for told in shop.log("stock_refused") if told["listing_id"] == listing_id]) == 40
