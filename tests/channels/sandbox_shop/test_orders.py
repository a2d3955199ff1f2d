from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from tests.channels.sandbox_fixture import RunningShop, ShopRefused


def test_a_sale_lowers_the_figure_and_stands_in_the_order_book(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5, price="12.50")

    order = shop.order(
        [{"sku": sku, "quantity": 2, "discount": "1.00"}],
        shipping_price="4.90",
        shipping_address={"name": "Ada", "line1": "1 Way", "city": "Town", "country": "DE"},
    )

    assert shop.stock()[sku] == 3
    assert (order["status"], order["version"], order["currency"], order["total"]) == ("open", 1, "EUR", "28.90")
    [line] = order["lines"]
    assert (line["sku"], line["quantity"], line["unit_price"], line["discount"]) == (sku, 2, "12.50", "1.00")
    assert shop.read_order(order["id"]) == order


def test_what_is_not_there_is_not_sold(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=1)
    shop.add(f"{sku}-more", quantity=9)

    with pytest.raises(ShopRefused) as refusal:
        shop.order([{"sku": f"{sku}-more", "quantity": 3}, {"sku": sku, "quantity": 2}])

    assert (refusal.value.status, refusal.value.code) == (409, "sold_out")
    assert refusal.value.error["lines"] == [{"sku": sku, "asked": 2, "available": 1}]
    assert (shop.stock()[sku], shop.stock()[f"{sku}-more"]) == (1, 9)
    assert shop.log("sale_refused")[-1]["lines"] == refusal.value.error["lines"]


def test_two_lines_of_one_article_are_counted_together(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=3)

    with pytest.raises(ShopRefused, match="sold_out"):
        shop.order([{"sku": sku, "quantity": 2}, {"sku": sku, "quantity": 2}])

    assert shop.stock()[sku] == 3


def test_a_forced_sale_goes_below_zero(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=1)

    shop.buy(sku, 3, force=True)

    assert shop.stock()[sku] == -2
    sale = shop.log("sale")[-1]
    assert (sale["sku"], sale["left"], sale["forced"]) == (sku, -2, True)


def test_an_article_that_is_not_listed_is_only_sold_by_force(shop: RunningShop, sku: str) -> None:
    with pytest.raises(ShopRefused, match="sku_not_listed"):
        shop.buy(sku)

    order = shop.order([{"sku": sku, "quantity": 1, "unit_price": "9.00"}], force=True, currency="JPY")

    assert order["lines"][0]["listing_id"] is None


def test_one_order_has_one_currency(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=1)
    shop.add(f"{sku}-yen", quantity=1, price="900", currency="JPY")

    with pytest.raises(ShopRefused, match="mixed_currencies"):
        shop.order([{"sku": sku, "quantity": 1}, {"sku": f"{sku}-yen", "quantity": 1}])


def test_of_many_buyers_of_the_last_unit_exactly_one_gets_it(shop: RunningShop, sku: str) -> None:
    buyers = 8
    for n in range(5):
        article = f"{sku}-{n}"
        shop.add(article, quantity=1)
        start = threading.Barrier(buyers)
        answers: list[int] = []

        def buy(article: str = article, start: threading.Barrier = start, answers: list[int] = answers) -> None:
            start.wait(10)
            answers.append(shop.http.post("/api/orders", json={"lines": [{"sku": article}]}).status_code)

        threads = [threading.Thread(target=buy) for _ in range(buyers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

        assert sorted(answers) == [201] + [409] * (buyers - 1)
        assert shop.stock()[article] == 0


def test_the_same_key_buys_once(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    body, headers = {"lines": [{"sku": sku}]}, {"Idempotency-Key": f"buy-{sku}"}

    first = shop.http.post("/api/orders", json=body, headers=headers)
    again = shop.http.post("/api/orders", json=body, headers=headers)

    assert (first.status_code, again.json()) == (201, first.json())
    assert shop.stock()[sku] == 4


def test_a_cancelled_order_goes_back_on_the_shelf_once(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = shop.buy(sku, 2)

    cancelled = shop.cancel(order["id"])
    again = shop.cancel(order["id"])

    assert (cancelled["status"], cancelled["version"]) == ("cancelled", 2)
    assert again == cancelled
    assert shop.stock()[sku] == 5


def test_a_cancelled_order_may_keep_its_goods(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)

    shop.cancel(shop.buy(sku, 2)["id"], restock=False)

    assert shop.stock()[sku] == 3


def fulfil(shop: RunningShop, order: dict[str, Any], quantity: int, *, key: str) -> httpx.Response:
    body = {
        "lines": [{"line_id": order["lines"][0]["id"], "quantity": quantity}],
        "carrier": "Post",
        "tracking_number": "T1",
    }
    path = f"/api/orders/{order['id']}/fulfilments"
    return shop.http.post(path, json=body, headers={"Idempotency-Key": key})


def test_a_parcel_told_twice_is_one_parcel(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = shop.buy(sku, 2)

    first = fulfil(shop, order, 1, key=f"f-{sku}")
    again = fulfil(shop, order, 1, key=f"f-{sku}")

    assert (first.status_code, again.json()) == (201, first.json())
    now = shop.read_order(order["id"])
    assert (now["lines"][0]["fulfilled"], len(now["fulfilments"]), now["version"]) == (1, 1, 2)


def test_no_more_is_sent_than_was_ordered(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = shop.buy(sku, 2)
    fulfil(shop, order, 1, key=f"one-{sku}")

    answer = fulfil(shop, order, 2, key=f"two-{sku}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "more_than_ordered")
    assert answer.json()["error"]["open"] == 1
    assert len(shop.read_order(order["id"])["fulfilments"]) == 1


def test_sending_and_cancelling_exclude_each_other(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    sent, cancelled = shop.buy(sku), shop.buy(sku)
    fulfil(shop, sent, 1, key=f"sent-{sku}")
    shop.cancel(cancelled["id"])

    with pytest.raises(ShopRefused, match="already_fulfilled"):
        shop.cancel(sent["id"])
    assert fulfil(shop, cancelled, 1, key=f"late-{sku}").json()["error"]["code"] == "order_cancelled"


def test_an_order_may_be_edited_after_the_fact(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = shop.buy(sku, 2)

    edited = shop.edit_order(order["id"], lines=[{"line_id": order["lines"][0]["id"], "quantity": 1}])

    assert (edited["version"], edited["lines"][0]["quantity"], edited["total"]) == (2, 1, "10.00")
    assert shop.stock()[sku] == 4


def test_an_order_of_two_thousand_lines(shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=2000)

    order = shop.order([{"sku": sku, "quantity": 1}] * 2000)

    assert len(shop.read_order(order["id"])["lines"]) == 2000
    assert shop.stock()[sku] == 0
