from __future__ import annotations

import pytest

from tests.channels.sandbox_fixture import RunningShop


def pages(shop: RunningShop, start: str, limit: int) -> list[list[str]]:
    """The order ids of page after page, until the shop says that there is no more."""
    read: list[list[str]] = []
    cursor = start
    while True:
        page = shop.http.get("/api/orders", params={"updated_after": cursor, "limit": limit}).json()
        read.append([order["id"] for order in page["orders"]])
        cursor = page["next_cursor"]
        if not page["more"]:
            return read


def newest_cursor(shop: RunningShop) -> str:
    cursor = ""
    while True:
        page = shop.http.get("/api/orders", params={"updated_after": cursor, "limit": 250}).json()
        cursor = page["next_cursor"] or ""
        if not page["more"]:
            return cursor


def test_orders_changed_at_the_same_instant_are_neither_skipped_nor_repeated(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=10)
    start = newest_cursor(shop)
    shop.stop_clock()
    placed = [shop.buy(sku) for _ in range(10)]
    assert len({order["updated_at"] for order in placed}) == 1

    read = pages(shop, start, 3)

    assert [len(page) for page in read] == [3, 3, 3, 1]
    assert [order_id for page in read for order_id in page] == [order["id"] for order in placed]


def test_an_order_that_changes_comes_again_at_the_end(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    start = newest_cursor(shop)
    first, second = shop.buy(sku), shop.buy(sku)
    after_both = newest_cursor(shop)

    shop.cancel(first["id"])

    assert pages(shop, start, 250) == [[second["id"], first["id"]]]
    assert pages(shop, after_both, 250) == [[first["id"]]]


def test_an_empty_page_leads_back_to_where_it_stood(shop: RunningShop, sku: str) -> None:
    cursor = newest_cursor(shop) or "2026-01-01T00:00:00Z"

    page = shop.http.get("/api/orders", params={"updated_after": cursor}).json()

    assert (page["orders"], page["next_cursor"], page["more"]) == ([], cursor, False)


def test_reading_may_begin_at_an_instant(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    first, second = shop.buy(sku), shop.buy(sku)

    assert pages(shop, first["updated_at"], 250) == [[first["id"], second["id"]]]
    assert pages(shop, "2999-01-01T00:00:00Z", 250) == [[]]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "bm90IGEgY3Vyc29y", "2026-01-01", "ä", "MjAyNg=="])
def test_a_cursor_of_somebody_elses_is_refused(shop: RunningShop, cursor: str) -> None:
    answer = shop.http.get("/api/orders", params={"updated_after": cursor})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "251", "-1", "x", "1.5", "٣", ""])
def test_a_page_has_1_to_250_orders(shop: RunningShop, limit: str) -> None:
    assert shop.http.get("/api/orders", params={"limit": limit}).status_code in (400, 422)
