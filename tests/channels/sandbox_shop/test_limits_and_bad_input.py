from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.channels.sandbox_fixture import RunningShop

KEY = {"Idempotency-Key": "bad-input"}
LISTING = {"sku": "X", "title": "X", "price": "1.00", "currency": "EUR"}


def test_who_calls_too_often_is_told_when_to_come_back(shop: RunningShop) -> None:
    shop.limit(per_second=1, burst=3)

    answers = [shop.http.get("/api/shop") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 2
    assert "Retry-After" not in answers[0].headers


def test_a_wrong_key_is_turned_away_and_costs_the_right_one_nothing(shop: RunningShop) -> None:
    shop.limit(per_second=1, burst=1)

    for key in ("", "wrong", shop.control_key, shop.api_key + "x", "\xe4"):
        assert shop.http.get("/api/shop", headers=[(b"X-Api-Key", key.encode("latin-1"))]).status_code == 401

    assert shop.http.get("/api/shop").status_code == 200


def test_the_control_desk_has_a_key_of_its_own(shop: RunningShop) -> None:
    for path in ("/control/faults", "/control/log", "/control/messages"):
        assert shop.http.get(path).status_code == 401
        assert shop.http.get(path, headers={"X-Control-Key": shop.api_key}).status_code == 401


NO_OBJECTS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"\xff\xfe",
    b'{"entries": NaN}',
    b"[" * 100_000,
    b'{"entries": ' + b"9" * 5000 + b"}",
    b"a=b&c=d",
    json.dumps({"entries": []}).encode("utf-16"),
]


@pytest.mark.parametrize("path", ["/api/stock/bulk", "/api/listings/bulk", "/api/orders"])
def test_a_body_that_is_no_json_object_is_refused(shop: RunningShop, path: str) -> None:
    for raw in NO_OBJECTS:
        answer = shop.http.post(path, content=raw, headers=KEY)

        assert answer.status_code in (400, 422), raw[:50]
        assert answer.json()["error"]["code"]


WRONG: list[Any] = [None, "", " ", "x\x00y", "a\nb", "\ud800", "x" * 3000, 5, 1.5, True, [], {}, [1]]
ODD_NUMBERS: list[Any] = [None, "1", 1.5, True, -1, 2**63, 10**30, [], {}, ""]
ODD_PRICES = ["-1", "1e3", "NaN", "Infinity", "1,5", "1.23456", "0x1", "\u0661", "1" * 20, " 1", "1."]


@pytest.mark.parametrize(
    ("field", "values"),
    [("sku", WRONG), ("title", WRONG), ("price", WRONG + ODD_PRICES), ("currency", [*WRONG, "eur", "EURO", "E R"])],
)
def test_a_listing_is_checked_field_by_field(shop: RunningShop, sku: str, field: str, values: list[Any]) -> None:
    wanted = [LISTING | {"sku": f"{sku}-{n}"} | {field: value} for n, value in enumerate(values)]

    answer = shop.http.post("/api/listings/bulk", content=json.dumps({"listings": wanted}))

    assert answer.status_code == 200, answer.text
    for value, result in zip(values, answer.json()["results"], strict=True):
        assert (result["outcome"], result["error"]["field"]) == ("rejected", field), repr(value)[:50]


@pytest.mark.parametrize("field", ["quantity", "version", "expected"])
def test_a_figure_is_checked_field_by_field(shop: RunningShop, sku: str, field: str) -> None:
    # null opts out of the comparison, and a shop may have oversold
    values = [value for value in ODD_NUMBERS if field != "expected" or value not in (None, -1)]
    skus = [f"{sku}-{n}" for n, _ in enumerate(values)]
    entries = [
        {"listing_id": shop.add(each), "quantity": 1, "version": 1, "expected": 0} | {field: value}
        for each, value in zip(skus, values, strict=True)
    ]

    body = json.dumps({"entries": entries})
    answer = shop.http.post("/api/stock/bulk", content=body, headers={"Idempotency-Key": sku})

    for value, result in zip(values, answer.json()["results"], strict=True):
        assert (result["outcome"], result["error"]["field"]) == ("rejected", field), repr(value)[:50]
    stock = shop.stock()
    assert {stock[each] for each in skus} == {0}


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"lines": "x"},
        {"lines": [1]},
        {"lines": [{}]},
        {"lines": [{"sku": "X", "quantity": 0}]},
        {"lines": [{"sku": "X", "quantity": 10**12}]},
        {"lines": [{"sku": "X", "quantity": "1"}]},
        {"lines": [{"sku": "X", "discount": "-1"}]},
        {"lines": [{"sku": "X", "unit_price": 3}]},
        {"customer": "Ada"},
        {"customer": {"email": "nobody"}},
        {"customer": {"name": 5}},
        {"shipping_address": []},
        {"shipping_address": {"city": 1}},
        {"shipping_price": 4.9},
        {"force": "yes"},
        {"note": "\ud83d"},
        {"note": "x" * 501},
    ],
)
def test_an_order_is_checked_field_by_field(shop: RunningShop, sku: str, change: dict[str, Any]) -> None:
    shop.add(sku, quantity=3)
    body = {"lines": [{"sku": sku}]} | change

    answer = shop.http.post("/api/orders", content=json.dumps(body))

    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["message"]
    assert shop.stock()[sku] == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/orders/0", 404),
        ("GET", "/api/orders/x", 404),
        ("GET", "/api/orders/" + "9" * 30, 404),
        ("GET", "/api/orders/%00", 404),
        ("GET", "/api/orders/²", 404),
        ("GET", "/api/nothing", 404),
        ("POST", "/api/orders/1", 405),
        ("PUT", "/api/stock/bulk", 405),
        ("GET", "/api/listings/bulk", 405),
        ("GET", "/api/listings?after=x", 400),
        ("DELETE", "/api/listings/99999999", 404),
        ("POST", "/api/orders/99999999/cancel", 404),
    ],
)
def test_a_wrong_address_is_answered_in_json(shop: RunningShop, method: str, path: str, status: int) -> None:
    answer = shop.http.request(method, path)

    assert answer.status_code == status
    assert answer.json()["error"]["code"]


def test_too_long_a_body_is_refused(shop: RunningShop) -> None:
    answer = shop.http.post("/api/orders", content=b'{"note": "' + b"x" * (2 * 1024 * 1024) + b'"}')

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Transfer-Encoding: chunked", "", "0", ""], b"411"),
        (["Content-Length: -5", ""], b"40"),
        (["Content-Length: x", ""], b"40"),
        (["Host: evil.example", "Content-Length: 0", ""], b"400"),
    ],
)
def test_a_request_of_doubtful_length_or_host_is_not_served(shop: RunningShop, lines: list[str], status: bytes) -> None:
    host, _, port = shop.base_url.removeprefix("http://").partition(":")
    head = ["POST /api/orders HTTP/1.1", f"X-Api-Key: {shop.api_key}", "Connection: close"]
    if not any(line.startswith("Host") for line in lines):
        head.append(f"Host: {host}:{port}")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall("\r\n".join([*head, *lines, ""]).encode())
        first = line.recv(4096).split(b"\r\n")[0]

    assert b" " + status in first


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.1/x",
        "https://127.0.0.1/x",
        "http://example.com/x",
        "http://u:p@127.0.0.1/",
        "ftp://127.0.0.1/",
        "http://0.0.0.0/",
        "http://127.0.0.1.example.com/",
        "http://[::ffff:192.168.1.1]/",
        "http://127.0.0.1:99999/",
        "",
        "x",
    ],
)
def test_messages_go_to_this_machine_only(shop: RunningShop, url: str) -> None:
    answer = shop.http.put("/api/webhook", json={"url": url})

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "url")
    assert shop.http.get("/api/webhook").json()["url"] is None


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "x"},
        {"kind": "500", "times": 0},
        {"kind": "500", "times": "1"},
        {"kind": "500", "probability": 2},
        {"kind": "slow", "ms": -1},
        {"kind": "slow", "seconds": 1e9},
        {"kind": "duplicate", "n": 0},
    ],
)
def test_a_fault_script_is_checked_too(shop: RunningShop, rule: dict[str, Any]) -> None:
    answer = shop.http.post("/control/faults", json={"rules": [rule]}, headers={"X-Control-Key": shop.control_key})

    assert answer.status_code == 422
