"""Channels through the API: opened, listed on, offered, explained, paused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from channels.models import Account, InboxMessage, Listing
from inventory.models import Item, Location
from orders.models import SalesChannel
from tests.factories.core import Program, program
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, put_on_hand

pytestmark = pytest.mark.django_db

SECRET = "whsec_" + base64.b64encode(b"a secret of the shop").decode()


@pytest.fixture
def paris() -> Location:
    return LocationFactory.create(code="paris")


@pytest.fixture
def tee(paris: Location) -> Item:
    tee = ItemFactory.create(sku="TEE-S")
    put_on_hand(tee, paris, 10)
    return tee


def open_channel(client: Program, code: str, kind: str = "sandbox", **more: Any) -> Any:
    return client.send(
        "/channels/",
        {"code": code, "name": code.title(), "kind": kind, "currency": "EUR", "locations": ["paris"]} | more,
        key=None,
    )


def live(client: Program, code: str = "shop", **more: Any) -> None:
    """Have a live sandbox channel that lists TEE-S."""
    assert open_channel(client, code, **more).status_code == 201
    assert client.send(f"/channels/{code}/resume/").status_code == 200
    listed = client.send(f"/channels/{code}/listings/bulk/", {"entries": [{"seller_sku": "TEE-S", "state": "live"}]})
    assert listed.json()["results"][0]["status"] == 201


def test_a_desk_is_live_at_once_any_other_is_set_up_first(tee: Item) -> None:
    client = program()

    desk, shop = open_channel(client, "desk", "desk"), open_channel(client, "shop")

    assert desk.status_code == 201
    assert desk.json() == {
        "code": "desk",
        "name": "Desk",
        "kind": "desk",
        "currency": "EUR",
        "prices_include_tax": True,
        "locations": ["paris"],
        "is_active": True,
        "state": "live",
        "state_reason": "",
        "buffer": 0,
        "share_percent": 100,
        "base_url": "",
    }
    assert shop.json()["state"] == "setup"
    assert client.read("/channels/shop/").json() == shop.json()
    assert [row["code"] for row in client.read("/channels/").json()["results"]] == ["desk", "shop"]
    twin = open_channel(client, "shop")
    assert (twin.status_code, twin.json()["code"]) == (409, "duplicate_channel")


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"kind": "carrier pigeon"}, 400, "invalid", "/kind"),
        ({"locations": []}, 400, "invalid", "/locations"),
        ({"locations": ["paris", "moon", 5]}, 400, "invalid", "/locations/2"),
        ({"locations": ["paris", "moon", "@loss"]}, 422, "unknown_location", "/locations/1"),
        ({"currency": "??"}, 400, "invalid", "/currency"),
        ({"code": "a b"}, 400, "invalid", "/code"),
        ({"prices_include_tax": "yes"}, 400, "invalid", "/prices_include_tax"),
        ({"secret": "x"}, 400, "unknown_field", "/secret"),
    ],
)
def test_channels_that_make_no_sense(
    paris: Location, change: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    answer = open_channel(program(), **({"code": "x"} | change))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not SalesChannel.objects.exists()


def test_secrets_go_in_and_never_out(tee: Item) -> None:
    client = program()

    made = open_channel(client, "shop", credentials={"api_key": "very-secret"}, base_url="https://shop.example")

    assert Account.objects.get().credentials == {"api_key": "very-secret"}
    for path in ("/channels/", "/channels/shop/", "/channels/shop/sync/"):
        assert b"very-secret" not in client.read(path).content + made.content


def test_listings_are_made_changed_and_found(tee: Item) -> None:
    client = program()
    open_channel(client, "shop")

    bulk = client.send(
        "/channels/shop/listings/bulk/",
        {
            "entries": [
                {"seller_sku": "TEE-S", "price": "21.5", "channel_code": "A1"},
                {"seller_sku": "THEIRS"},
                {"seller_sku": "X", "sku": "NO"},
                {"seller_sku": "Y", "channel_code": "A1"},
                {"seller_sku": "Z", "pack": 0},
                {"seller_sku": "Q", "state": "live"},
                {"seller_sku": "TEE-S", "share_percent": 50},
            ]
        },
    )

    results = bulk.json()["results"]
    assert [r["status"] for r in results] == [201, 201, 422, 409, 400, 400, 201]
    assert (results[0]["body"]["sku"], results[0]["body"]["state"]) == ("TEE-S", "mapped")
    assert results[0]["body"]["price"] == "21.50"
    assert results[1]["body"]["state"] == "unmapped"
    assert results[3]["problem"]["code"] == "channel_code_taken"
    found = client.read("/channels/shop/listings/", state="mapped").json()["results"]
    assert [(row["seller_sku"], row["share_percent"]) for row in found] == [("TEE-S", 50)]
    changed = client.send("/channels/shop/listings/", {"seller_sku": "TEE-S", "buffer": 2}, method="patch")
    assert (changed.status_code, changed.json()["buffer"], changed.json()["share_percent"]) == (200, 2, 50)
    unknown = client.send("/channels/shop/listings/", {"seller_sku": "NO"}, method="patch")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_listing")
    assert client.read("/channels/shop/listings/", colour="red").status_code == 400


def test_what_a_channel_is_offered_has_a_version(tee: Item) -> None:
    client = program()
    live(client)

    (offered,) = client.read("/channels/shop/availability/").json()["results"]
    client.send("/channels/shop/", {"buffer": 3}, method="patch")
    (later,) = client.read("/channels/shop/availability/", sku="tee-s").json()["results"]

    assert (offered["sku"], offered["seller_sku"], offered["quantity"]) == ("TEE-S", "TEE-S", 10)
    assert later["quantity"] == 7
    assert later["version"] > offered["version"]
    assert client.read("/channels/shop/availability/", sku="NO").json()["results"] == []


def test_a_desk_is_offered_every_item_of_its_places(tee: Item) -> None:
    kit_of({tee: 3}, sku="PACK")
    client = program()
    open_channel(client, "desk", "desk")

    offered = client.read("/channels/desk/availability/").json()["results"]

    assert {row["sku"]: row["quantity"] for row in offered} == {"TEE-S": 10, "PACK": 3}
    (again,) = client.read("/channels/desk/availability/", sku="TEE-S").json()["results"]
    assert again["version"] > offered[0]["version"]


def test_a_figure_explains_itself(tee: Item, paris: Location) -> None:
    client = program()
    live(client)
    client.send("/channels/shop/", {"buffer": 1, "share_percent": 50}, method="patch")

    told = client.read("/stock/explain/", sku="TEE-S", channel="shop").json()

    assert told["levels"] == [
        {
            "sku": "TEE-S",
            "location": "paris",
            "sellable": 10,
            "reserved": 0,
            "available": 10,
            "safety": 0,
            "damaged": 0,
            "on_hold": 0,
        }
    ]
    assert [(s["name"], s["result"]) for s in told["steps"]] == [
        ("offered", 10), ("share", 5), ("buffer", 4), ("result", 4),
    ]  # fmt: skip
    assert (told["buffer"], told["share"], told["cap"], told["safety"], told["result"]) == (1, 50, None, 0, 4)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"sku": "TEE-S"}, 400, "invalid"),
        ({"sku": "TEE-S", "channel": "no"}, 422, "unknown_channel"),
        ({"sku": "NO", "channel": "shop"}, 422, "unknown_sku"),
        ({"sku": "TEE-S", "channel": "shop", "x": "1"}, 400, "unknown_parameter"),
    ],
)
def test_figures_of_nothing_are_not_explained(tee: Item, query: dict[str, str], status: int, code: str) -> None:
    client = program()
    open_channel(client, "shop")

    answer = client.read("/stock/explain/", **query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_item_that_is_not_listed_is_offered_nowhere(tee: Item) -> None:
    client = program()
    open_channel(client, "shop")

    told = client.read("/stock/explain/", sku="TEE-S", channel="shop").json()

    assert (told["seller_sku"], told["result"], told["steps"][0]["name"]) == (None, 0, "state")


def test_a_channel_is_paused_resumed_and_synced(tee: Item) -> None:
    client = program()
    live(client)

    paused = client.send("/channels/shop/pause/", {"reason": "stocktaking"}).json()
    assert paused["state"] == "paused"
    assert paused["state_reason"].startswith("stocktaking")
    assert client.send("/channels/shop/resume/", key=None).json()["state"] == "live"
    started = client.send("/channels/shop/sync/")
    assert (started.status_code, started.json()) == (202, {"channel": "shop", "listings": 1})
    state = client.read("/channels/shop/sync/").json()
    assert (state["channel"], state["state"], state["waiting"]) == ("shop", "live", 1)
    later = client.send("/channels/shop/promises/", {"lines": []})
    assert (later.status_code, later.json()["code"]) == (409, "not_available_yet")


def test_a_key_for_one_channel_sees_no_other(tee: Item) -> None:
    client = program()
    live(client)
    live(client, "other")
    mine = program(channel="shop")

    assert [row["code"] for row in mine.read("/channels/").json()["results"]] == ["shop"]
    for path in ("", "listings/", "availability/", "sync/"):
        assert mine.read(f"/channels/shop/{path}").status_code == 200
        assert mine.read(f"/channels/other/{path}").status_code == 404
    for verb in ("pause/", "resume/", "sync/", "listings/bulk/", "promises/"):
        assert mine.send(f"/channels/other/{verb}", {"entries": []}).status_code == 404
    assert mine.send("/channels/other/", {"buffer": 1}, method="patch").status_code == 404
    assert mine.send("/channels/other/listings/", {"seller_sku": "TEE-S"}, method="patch").status_code == 404
    assert mine.read("/stock/explain/", sku="TEE-S", channel="other").json()["code"] == "unknown_channel"
    assert open_channel(mine, "third").status_code == 403
    assert Listing.objects.filter(buffer=1).count() == 0


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"evt_1.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def test_webhooks_are_believed_by_their_signature_alone(tee: Item) -> None:
    open_channel(
        program(), "shop", credentials={"api_key": "k", "webhook_secret": SECRET}, base_url="http://127.0.0.1:1"
    )
    told = {"type": "order.created", "data": {"order_id": "o-1", "version": 1}, "timestamp": "2026-11-22T10:00:00Z"}
    body = json.dumps(told).encode()
    anybody: Any = APIClient()

    def post(code: str, raw: bytes, headers: dict[str, str]) -> Any:
        return anybody.generic("POST", f"/api/v1/webhooks/{code}/", raw, "application/json", headers=headers)

    assert post("shop", body, {}).status_code == 401
    assert post("shop", body + b"\n", signed(body)).status_code == 401
    assert post("nobody", body, signed(body)).status_code == 404
    assert anybody.get("/api/v1/webhooks/shop/").status_code == 405
    assert not InboxMessage.objects.exists()
    for _ in range(2):
        assert post("shop", body, signed(body)).status_code == 200
    assert InboxMessage.objects.get().external_id == "o-1"
    assert post("shop", b"x" * 9_000_000, signed(body)).status_code == 413
