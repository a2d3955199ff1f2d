"""Each way a call can fail, and what the connector makes of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import httpx
import pytest
import respx

from channels.connectors.base import (
    AccountSettings,
    NeedsAuth,
    NotFound,
    Outcome,
    Permanent,
    Retryable,
    StockTarget,
    Unknown,
)
from channels.connectors.sandbox.client import base_url
from channels.connectors.sandbox.connector import SandboxConnector
from tests.channels.sandbox_fixture import RunningShop

ACCOUNT = AccountSettings(base_url="http://127.0.0.1:9", credentials={"api_key": "k3y-of-the-shop"})


def target(external_id: str, key: str) -> StockTarget:
    return StockTarget(listing_id=1, external_id=external_id, quantity=4, expected=0, version=1, key=key)


@pytest.mark.parametrize(
    ("kind", "outcome", "applied"),
    [
        ("timeout_before", Outcome.UNKNOWN, False),
        ("timeout_after_commit", Outcome.UNKNOWN, True),
        ("reset_before", Outcome.UNKNOWN, False),
        ("reset_after_commit", Outcome.UNKNOWN, True),
        ("half_json", Outcome.UNKNOWN, True),
        ("cut_body", Outcome.UNKNOWN, True),
        ("429", Outcome.THROTTLED, False),
        ("slow", Outcome.OK, True),
    ],
)
def test_each_fault_has_its_outcome_and_repeating_it_is_harmless(
    connector: SandboxConnector, shop: RunningShop, sku: str, kind: str, outcome: Outcome, applied: bool
) -> None:
    listing_id = shop.add(sku)
    account = shop.account(timeout_seconds=0.5)
    shop.script_faults([{"operation": "stock.bulk", "kind": kind}])

    [result] = connector.push_stock(account, [target(listing_id, sku)])

    assert result.outcome == outcome
    assert shop.stock()[sku] == (4 if applied else 0)
    [again] = connector.push_stock(account, [target(listing_id, sku)])
    assert again.outcome == Outcome.OK
    assert again.replayed is applied
    written = [told for told in shop.log("stock_write") if told["listing_id"] == listing_id]
    assert [told["quantity"] for told in written] == [4]


@pytest.mark.parametrize(("kind", "applied"), [("500", False), ("500_after_commit", True)])
def test_a_server_error_may_be_repeated_under_the_same_key(
    connector: SandboxConnector, shop: RunningShop, sku: str, kind: str, applied: bool
) -> None:
    listing_id = shop.add(sku)
    shop.script_faults([{"operation": "stock.bulk", "kind": kind}])

    with pytest.raises(Retryable) as trouble:
        connector.push_stock(shop.account(), [target(listing_id, sku)])

    assert trouble.value.code == "internal_error"
    assert shop.stock()[sku] == (4 if applied else 0)
    [again] = connector.push_stock(shop.account(), [target(listing_id, sku)])
    assert (again.outcome, again.replayed) == (Outcome.OK, applied)
    assert len([told for told in shop.log("stock_write") if told["listing_id"] == listing_id]) == 1


def test_dice_with_a_seed_fall_the_same_way_again(shop: RunningShop) -> None:
    def fallen() -> list[int]:
        shop.script_faults([{"operation": "shop", "kind": "500", "probability": 0.5, "times": None}], seed=7)
        return [shop.http.get("/api/shop").status_code for _ in range(20)]

    first = fallen()

    assert fallen() == first
    assert set(first) == {200, 500}


def test_the_rate_limit_of_the_shop_is_told_with_its_wait(connector: SandboxConnector, shop: RunningShop) -> None:
    shop.limit(per_second=1, burst=2)
    connector.check(shop.account())
    connector.check(shop.account())

    with pytest.raises(Retryable) as trouble:
        connector.check(shop.account())

    assert trouble.value.code == "throttled"
    assert trouble.value.retry_after is not None
    assert 1 <= trouble.value.retry_after <= 2


def test_a_slow_drip_does_not_outlast_the_total_time(connector: SandboxConnector, shop: RunningShop) -> None:
    shop.script_faults([{"operation": "shop", "kind": "timeout_before", "times": None, "seconds": 30}])
    began = time.monotonic()

    with pytest.raises(Retryable):
        connector.check(shop.account(timeout_seconds=0.3))

    assert time.monotonic() - began < 2


def test_a_shop_that_is_not_there_is_tried_again_later(connector: SandboxConnector) -> None:
    with pytest.raises(Retryable) as trouble:
        connector.push_stock(ACCOUNT, [target("1", "k")])

    assert trouble.value.code == "unreachable"


def test_a_connection_that_went_stale_is_replaced(connector: SandboxConnector, shop: RunningShop) -> None:
    connector.check(shop.account())
    shop.restart()

    assert connector.check(shop.account()).name == "Sandbox A"


def test_a_closed_connector_opens_again(connector: SandboxConnector, shop: RunningShop) -> None:
    connector.check(shop.account())
    connector.close()
    connector.close()

    assert connector.check(shop.account()).name == "Sandbox A"


def test_a_forked_process_makes_connections_of_its_own(connector: SandboxConnector, shop: RunningShop) -> None:
    connector.check(shop.account())
    inherited = connector._client._http

    connector._client._owner = os.getpid() + 1
    connector.check(shop.account())

    assert connector._client._http is not inherited
    assert inherited is not None
    inherited.close()


@pytest.fixture
def line() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=ACCOUNT.base_url) as router:
        yield router


@pytest.mark.parametrize(
    ("mishap", "sent"),
    [
        (httpx.ConnectError, False),
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.WriteTimeout, True),
        (httpx.WriteError, True),
        (httpx.ReadTimeout, True),
        (httpx.ReadError, True),
        (httpx.RemoteProtocolError, True),
        (httpx.CloseError, True),
    ],
)
def test_only_what_may_have_been_sent_is_unknown(
    connector: SandboxConnector, line: respx.MockRouter, mishap: type[httpx.TransportError], sent: bool
) -> None:
    line.post("/api/stock/bulk").mock(side_effect=mishap("broken"))

    if sent:
        assert connector.push_stock(ACCOUNT, [target("1", "k")])[0].outcome == Outcome.UNKNOWN
    else:
        with pytest.raises(Retryable):
            connector.push_stock(ACCOUNT, [target("1", "k")])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), NeedsAuth),
        (httpx.Response(403), NeedsAuth),
        (httpx.Response(404), NotFound),
        (httpx.Response(400, json={"error": {"code": "x"}}), Permanent),
        (httpx.Response(422, json={"error": "odd"}), Permanent),
        (httpx.Response(302, headers={"Location": "http://127.0.0.1:9/elsewhere"}), Permanent),
        (httpx.Response(408), Retryable),
        (httpx.Response(502, text="<html>"), Retryable),
        (httpx.Response(503, headers={"Retry-After": "soon"}), Retryable),
        (httpx.Response(429), Retryable),
    ],
)
def test_each_status_has_its_error(
    connector: SandboxConnector, line: respx.MockRouter, answer: httpx.Response, error: type[Exception]
) -> None:
    route = line.get("/api/shop").mock(return_value=answer)

    with pytest.raises(error):
        connector.check(ACCOUNT)

    assert route.call_count == 1


@pytest.mark.parametrize(
    ("told", "waited"), [("0", 0.0), ("2.5", 2.5), ("999999", 900.0), ("-1", 1.0), ("nan", 1.0), ("soon", 1.0)]
)
def test_the_wait_is_kept_within_reason(
    connector: SandboxConnector, line: respx.MockRouter, told: str, waited: float
) -> None:
    line.post("/api/stock/bulk").mock(return_value=httpx.Response(429, headers={"Retry-After": told}))

    assert connector.push_stock(ACCOUNT, [target("1", "k")])[0].retry_after == waited


@pytest.mark.parametrize(
    "payload",
    [
        [],
        {},
        {"results": None},
        {"results": []},
        {"results": [{}, {}]},
        {"results": [None]},
        {"results": [{"outcome": "applied"}]},
        {"results": [{"outcome": "stale", "actual": "5"}]},
        {"results": [{"outcome": "melted", "actual": 5}]},
    ],
)
def test_an_answer_that_does_not_fit_proves_nothing(
    connector: SandboxConnector, line: respx.MockRouter, payload: object
) -> None:
    line.post("/api/stock/bulk").mock(return_value=httpx.Response(200, content=json.dumps(payload)))

    assert connector.push_stock(ACCOUNT, [target("1", "k")])[0].outcome == Outcome.UNKNOWN


@pytest.mark.parametrize(
    "address",
    [
        "http://192.168.1.1",
        "http://169.254.169.254/latest",
        "http://example.com",
        "https://127.0.0.1",
        "http://127.0.0.1@example.com",
        "http://user:word@127.0.0.1",
        "http://127.0.0.1.nip.io",
        "http://2130706433",
        "http://0x7f.1",
        "http://0.0.0.0",
        "http://[::ffff:10.0.0.1]",
        "http://[fe80::1]",
        "http://127.0.0.1:99999",
        "http://127.0.0.1/?x=1",
        "file:///etc/passwd",
        "",
        "127.0.0.1:80",
        "http://",
        "http://[",
    ],
)
def test_a_sandbox_lives_on_this_machine(connector: SandboxConnector, address: str) -> None:
    with pytest.raises(Permanent) as trouble:
        connector.check(AccountSettings(base_url=address, credentials={}))

    assert trouble.value.code == "address_not_allowed"


@pytest.mark.parametrize(
    ("address", "used"),
    [
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/shop/", "http://[::1]:8000/shop"),
        ("http://127.8.9.1", "http://127.8.9.1"),
    ],
)
def test_an_address_on_this_machine_is_used_as_it_is(address: str, used: str) -> None:
    assert base_url(AccountSettings(base_url=address, credentials={})) == used


@pytest.mark.parametrize("key", ["two\nlines", "ключ", ""])
def test_a_key_that_cannot_be_sent_is_no_crash(shop: RunningShop, connector: SandboxConnector, key: str) -> None:
    with pytest.raises((Permanent, NeedsAuth)):
        connector.check(AccountSettings(base_url=shop.base_url, credentials={"api_key": key}))


def test_keys_do_not_show_in_what_is_logged(connector: SandboxConnector, line: respx.MockRouter) -> None:
    assert "k3y-of-the-shop" not in repr(ACCOUNT)
    line.put("/api/webhook").mock(side_effect=httpx.ReadTimeout("slow"))

    with pytest.raises(Unknown) as trouble:
        connector.register_webhook(ACCOUNT, "http://127.0.0.1:9/inbox")

    assert "k3y-of-the-shop" not in str(trouble.value)


def test_an_answer_without_end_is_cut(connector: SandboxConnector, line: respx.MockRouter) -> None:
    line.get("/api/shop").mock(return_value=httpx.Response(200, content=b"x" * (17 * 1024 * 1024)))

    with pytest.raises(Retryable):
        connector.check(ACCOUNT)
