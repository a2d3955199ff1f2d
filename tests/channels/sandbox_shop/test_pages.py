from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.channels.sandbox_fixture import RunningShop, plain_client, running_shop


@pytest.fixture
def browser(shop: RunningShop) -> Iterator[httpx.Client]:
    with plain_client(base_url=shop.base_url, headers={"Origin": shop.base_url}) as client:
        yield client


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page))


def filled(browser: httpx.Client, listing_id: str, **given: str) -> dict[str, str]:
    page = browser.get(f"/buy/{listing_id}").text
    return hidden(page) | {"quantity": "1", "name": "Ada Buyer", "email": "ada@example.com"} | given


def test_a_person_can_buy(shop: RunningShop, browser: httpx.Client, sku: str) -> None:
    listing_id = shop.add(sku, quantity=5, title="Blue <b>mug</b>")
    front = browser.get("/").text
    assert "Blue &lt;b&gt;mug&lt;/b&gt;" in front
    assert "5 in stock" in front

    answer = browser.post(f"/buy/{listing_id}", data=filled(browser, listing_id, quantity="2"))

    assert answer.status_code == 302
    page = browser.get(answer.headers["Location"]).text
    [number] = re.findall(r'<strong class="number">(A-\d+)</strong>', page)
    assert shop.stock()[sku] == 3
    assert browser.get("/stock.json").json()["stock"][listing_id] == 3
    room = browser.get("/admin-lite").text
    assert number in room
    assert "Ada" not in room


def test_a_double_click_buys_once(shop: RunningShop, browser: httpx.Client, sku: str) -> None:
    listing_id = shop.add(sku, quantity=5)
    form = filled(browser, listing_id)

    first, again = (browser.post(f"/buy/{listing_id}", data=form) for _ in range(2))

    assert first.headers["Location"] == again.headers["Location"]
    assert shop.stock()[sku] == 4


def test_who_comes_too_late_is_told_how_many_are_left(shop: RunningShop, browser: httpx.Client, sku: str) -> None:
    listing_id = shop.add(sku, quantity=2)
    form = filled(browser, listing_id, quantity="2")
    shop.buy(sku)

    answer = browser.post(f"/buy/{listing_id}", data=form)

    assert answer.status_code == 409
    assert "only 1 left" in answer.text
    assert 'value="Ada Buyer"' in answer.text
    assert shop.stock()[sku] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"email": "nobody"},
        {"name": ""},
        {"name": "x\x00"},
        {"quantity": "0"},
        {"quantity": "many"},
        {"quantity": "99999999999999999999"},
        {"country": "Germany"},
        {"purchase": "short"},
        {"name": "x" * 201},
    ],
)
def test_a_form_with_mistakes_is_shown_again(
    shop: RunningShop, browser: httpx.Client, sku: str, change: dict[str, str]
) -> None:
    listing_id = shop.add(sku, quantity=2)

    answer = browser.post(f"/buy/{listing_id}", data=filled(browser, listing_id, **change))

    assert answer.status_code == 422
    assert "Place the order" in answer.text
    assert shop.stock()[sku] == 2


def test_a_form_from_elsewhere_buys_nothing(shop: RunningShop, browser: httpx.Client, sku: str) -> None:
    listing_id = shop.add(sku, quantity=2)
    form = filled(browser, listing_id)

    without = browser.post(f"/buy/{listing_id}", data={k: v for k, v in form.items() if k != "csrfmiddlewaretoken"})
    foreign = browser.post(f"/buy/{listing_id}", data=form, headers={"Origin": "http://127.0.0.1:1"})

    assert (without.status_code, foreign.status_code) == (403, 403)
    assert "Nothing was ordered" in without.text
    assert shop.stock()[sku] == 2


def test_pages_bring_nothing_from_other_hosts(shop: RunningShop, browser: httpx.Client, sku: str) -> None:
    listing_id = shop.add(sku, quantity=2)
    for path in ("/", f"/buy/{listing_id}", "/admin-lite", "/nothing", "/shop.css", "/shop.js"):
        answer = browser.get(path)
        assert "http://" not in answer.text, path
        assert "https://" not in answer.text, path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers or "HttpOnly" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "path", ["/buy/99999999", "/buy/x", "/thanks/x", "/thanks/%00", "/nothing", "/buy/1%20or%201=1"]
)
def test_what_is_not_there_is_said_kindly(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)

    assert answer.status_code == 404
    assert "To the shop" in answer.text


def test_an_empty_shop_says_so() -> None:
    with running_shop("Corner shop") as empty:
        assert "The shelves are empty" in empty.http.get("/").text
        assert "Nobody has bought anything yet" in empty.http.get("/admin-lite").text
        assert empty.http.get("/stock.json").json() == {"stock": {}}
        assert empty.http.get("/healthz").json() == {"status": "ok", "name": "Corner shop"}
