"""Which messages are believed. Signed here with a few lines of our own, not with the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.connectors.base import AccountSettings, Ping, Rejected, WebhookEvent, WebhookVerdict
from channels.connectors.sandbox.connector import SandboxConnector
from tests.channels.message_box import listening
from tests.channels.sandbox_fixture import RunningShop

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
DATA = {"order_id": "17", "number": "A-1017", "version": 3, "status": "open"}
BODY = json.dumps({"type": "order.updated", "timestamp": "2026-11-23T11:59:58.5Z", "data": DATA}).encode()
EVENT_ID = "msg_0001"


def account(**credentials: str) -> AccountSettings:
    return AccountSettings(base_url="http://127.0.0.1:9", credentials={"webhook_secret": SECRET} | credentials)


def digest(body: bytes, *, secret: str = SECRET, event_id: str = EVENT_ID, at: datetime = NOW) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return hmac.new(key, f"{event_id}.{int(at.timestamp())}.".encode() + body, hashlib.sha256).digest()


def signature(body: bytes = BODY, **more: Any) -> str:
    return "v1," + base64.b64encode(digest(body, **more)).decode()


def headers(**change: str | None) -> dict[str, str]:
    told: dict[str, str | None] = {
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature(),
    }
    told.update({name.replace("_", "-"): value for name, value in change.items()})
    return {name: value for name, value in told.items() if value is not None}


def verdict(
    told: Mapping[str, str] | None = None,
    body: bytes = BODY,
    *,
    settings: AccountSettings | None = None,
    now: datetime = NOW,
) -> WebhookVerdict:
    return SandboxConnector().verify_webhook(
        settings or account(), headers() if told is None else told, body, url="http://127.0.0.1/in", now=now
    )


def test_a_signed_message_is_believed() -> None:
    assert verdict() == WebhookEvent(
        event_id=EVENT_ID,
        topic="order.updated",
        external_id="17",
        version=3,
        occurred_at=datetime(2026, 11, 23, 11, 59, 58, 500000, tzinfo=UTC),
    )


def test_header_names_are_the_same_in_any_case() -> None:
    assert isinstance(verdict({name.title(): value for name, value in headers().items()}), WebhookEvent)


def test_a_ping_is_nothing_to_do() -> None:
    body = b'{"type":"ping","timestamp":"2026-11-23T12:00:00Z","data":{}}'

    assert verdict(headers(webhook_signature=signature(body)), body) == Ping(event_id=EVENT_ID)


CHANGED_BODIES = {
    "re-serialised": json.dumps(json.loads(BODY), separators=(",", ":")).encode(),
    "sorted": json.dumps(json.loads(BODY), sort_keys=True).encode(),
    "trailing newline": BODY + b"\n",
    "leading space": b" " + BODY,
    "byte order mark": b"\xef\xbb\xbf" + BODY,
    "another order": BODY.replace(b'"17"', b'"18"'),
    "another status": BODY.replace(b"open", b"gone"),
    "empty": b"",
    "cut": BODY[:-1],
    "doubled": BODY + BODY,
    "utf-16": BODY.decode().encode("utf-16"),
    "nul at the end": BODY + b"\x00",
}


@pytest.mark.parametrize("body", CHANGED_BODIES.values(), ids=CHANGED_BODIES)
def test_a_changed_body_is_not_believed(body: bytes) -> None:
    assert verdict(body=body) == Rejected(reason="signature_wrong")


RIGHT = base64.b64encode(digest(BODY)).decode()
STAMP = str(int(NOW.timestamp()))
WRONG_SIGNATURES = {
    "other shop's secret": signature(secret=OTHER_SECRET),
    "old secret not kept": signature(secret=OLD_SECRET),
    "other id": signature(event_id="msg_0002"),
    "other time": signature(at=NOW + timedelta(seconds=1)),
    "no version": RIGHT,
    "version 2": f"v2,{RIGHT}",
    "version 1a": f"v1a,{RIGHT}",
    "capital version": f"V1,{RIGHT}",
    "equals sign for comma": f"v1={RIGHT}",
    "hex": f"v1,{digest(BODY).hex()}",
    "url-safe alphabet": "v1," + base64.urlsafe_b64encode(digest(BODY)).decode().replace("=", "%3D"),
    "no padding": f"v1,{RIGHT.rstrip('=')}",
    "too much padding": f"v1,{RIGHT}==",
    "line break inside": f"v1,{RIGHT[:20]}\n{RIGHT[20:]}",
    "blank inside": f"v1,{RIGHT[:20]} {RIGHT[20:]}",
    "loose last bits": f"v1,{RIGHT[:-2]}{chr(ord(RIGHT[-2]) + 1)}=",
    "lower case": f"v1,{RIGHT.lower()}",
    "first half": f"v1,{RIGHT[:22]}",
    "half the digest": "v1," + base64.b64encode(digest(BODY)[:16]).decode(),
    "empty value": "v1,",
    "comma only": ",",
    "blank": " ",
    "unicode": "v1,ключ",
    "surrogate": "v1,\udcff",
    "very long": "v1," + "A" * 100_000,
    "right one too far back": " ".join(["v1,AAAA"] * 16 + [f"v1,{RIGHT}"]),
    "secret as text": "v1,"
    + base64.b64encode(
        hmac.new(SECRET.encode(), f"{EVENT_ID}.{STAMP}.".encode() + BODY, hashlib.sha256).digest()
    ).decode(),
    "body alone": "v1," + base64.b64encode(hmac.new(bytes(range(32)), BODY, hashlib.sha256).digest()).decode(),
    "sha-1": "v1,"
    + base64.b64encode(
        hmac.new(bytes(range(32)), f"{EVENT_ID}.{STAMP}.".encode() + BODY, hashlib.sha1).digest()
    ).decode(),
    "empty key": "v1,"
    + base64.b64encode(hmac.new(b"", f"{EVENT_ID}.{STAMP}.".encode() + BODY, hashlib.sha256).digest()).decode(),
}


@pytest.mark.parametrize("value", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES)
def test_a_wrong_signature_is_not_believed(value: str) -> None:
    assert verdict(headers(webhook_signature=value)) == Rejected(reason="signature_wrong")


@pytest.mark.parametrize("name", ["webhook_id", "webhook_timestamp", "webhook_signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_every_header_is_needed(name: str, value: str | None) -> None:
    assert verdict(headers(**{name: value})) == Rejected(reason="header_missing")


@pytest.mark.parametrize(
    "value", ["now", "1.5", "-1", "0x10", " 1", "1e9", "१२३", "9" * 13, "2026-11-23T12:00:00Z", "1\n"]
)
def test_a_timestamp_is_whole_seconds(value: str) -> None:
    assert verdict(headers(webhook_timestamp=value)) == Rejected(reason="header_malformed")


@pytest.mark.parametrize("value", ["a b", "a\nb", "ä", "x" * 256])
def test_an_id_is_short_and_plain(value: str) -> None:
    assert verdict(headers(webhook_id=value)) == Rejected(reason="header_malformed")


@pytest.mark.parametrize(
    ("seconds", "believed"),
    [(0, True), (299, True), (300, True), (301, False), (-300, True), (-301, False), (10**9, False)],
)
def test_a_message_counts_for_five_minutes(seconds: int, believed: bool) -> None:
    found = verdict(now=NOW + timedelta(seconds=seconds))

    assert isinstance(found, WebhookEvent) if believed else found == Rejected(reason="out_of_time")


def test_a_fresh_timestamp_does_not_rescue_an_old_signature() -> None:
    later = NOW + timedelta(hours=1)

    found = verdict(headers(webhook_timestamp=str(int(later.timestamp()))), now=later)

    assert found == Rejected(reason="signature_wrong")


@pytest.mark.parametrize(
    ("credentials", "believed"),
    [
        ({"previous_webhook_secret": OLD_SECRET}, True),
        ({"previous_webhook_secret": OLD_SECRET, "previous_webhook_secret_until": "2026-11-23T12:00:01Z"}, True),
        ({"previous_webhook_secret": OLD_SECRET, "previous_webhook_secret_until": "2026-11-23T12:00:00Z"}, False),
        ({"previous_webhook_secret": OTHER_SECRET}, False),
        ({"previous_webhook_secret": ""}, False),
        ({}, False),
    ],
)
def test_the_previous_secret_counts_while_it_is_kept(credentials: dict[str, str], believed: bool) -> None:
    found = verdict(headers(webhook_signature=signature(secret=OLD_SECRET)), settings=account(**credentials))

    assert isinstance(found, WebhookEvent) if believed else found == Rejected(reason="signature_wrong")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_right_signature_among_several_is_enough(order: tuple[int, int]) -> None:
    both = [signature(secret=OTHER_SECRET), signature()]

    assert isinstance(verdict(headers(webhook_signature=" ".join(both[n] for n in order))), WebhookEvent)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_ä"])
def test_without_a_secret_nothing_is_believed(secret: str) -> None:
    empty_key = (
        "v1,"
        + base64.b64encode(hmac.new(b"", f"{EVENT_ID}.{STAMP}.".encode() + BODY, hashlib.sha256).digest()).decode()
    )

    assert verdict(headers(webhook_signature=empty_key), settings=account(webhook_secret=secret)) == Rejected(
        reason="signature_wrong"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"type":5}',
        b'{"type":"order.created"}',
        b'{"type":"order.created","data":[]}',
        b'{"type":"order.created","timestamp":"2026-11-23T12:00:00Z","data":{"order_id":17}}',
        b'{"type":"order.created","timestamp":"2026-11-23T12:00:00Z","data":{"order_id":""}}',
        b'{"type":"order.created","timestamp":"yesterday","data":{"order_id":"17"}}',
        b'{"type":"order.created","timestamp":"2026-11-23T12:00:00","data":{"order_id":"17"}}',
    ],
)
def test_a_signed_body_that_says_nothing_is_put_down(body: bytes) -> None:
    assert verdict(headers(webhook_signature=signature(body)), body) == Rejected(reason="body_unreadable")


def test_a_version_nobody_understands_is_no_version() -> None:
    body = BODY.replace(b'"version": 3', b'"version": "3"')

    found = verdict(headers(webhook_signature=signature(body)), body)

    assert isinstance(found, WebhookEvent)
    assert found.version is None


def test_too_long_a_body_is_not_even_hashed() -> None:
    body = b"x" * (1024 * 1024 + 1)

    assert verdict(headers(webhook_signature=signature(body)), body) == Rejected(reason="too_large")


def test_what_the_shop_sends_is_believed_and_what_is_forged_is_not(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    shop.add(sku, quantity=5)
    with listening() as box:
        connector.register_webhook(shop.account(), box.url)
        box.wait_for(lambda came: len(came) == 1)
        shop.script_faults([{"kind": "forged"}])
        order = shop.buy(sku)
        ping, lie, truth = box.wait_for(lambda came: len(came) == 3)
        shop.http.delete("/api/webhook")

    now = datetime.now(UTC)
    found = [
        connector.verify_webhook(shop.account(), message.headers, message.body, url=box.url, now=now)
        for message in (ping, lie, truth)
    ]

    assert isinstance(found[0], Ping)
    assert found[1] == Rejected(reason="signature_wrong")
    assert isinstance(found[2], WebhookEvent)
    assert (found[2].topic, found[2].external_id, found[2].version) == ("order.created", order["id"], 1)


def test_a_shop_whose_clock_is_wrong_is_not_believed(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    shop.add(sku, quantity=5)
    with listening() as box:
        shop.register_webhook(box.url)
        box.wait_for(lambda came: len(came) == 1)
        shop.skew_clock(120)
        shop.buy(sku)
        box.wait_for(lambda came: len(came) == 2)
        shop.skew_clock(-400)
        shop.buy(sku)
        _, near, far = box.wait_for(lambda came: len(came) == 3)
        shop.http.delete("/api/webhook")

    now = datetime.now(UTC)
    assert isinstance(
        connector.verify_webhook(shop.account(), near.headers, near.body, url=box.url, now=now), WebhookEvent
    )
    assert connector.verify_webhook(shop.account(), far.headers, far.body, url=box.url, now=now) == Rejected(
        reason="out_of_time"
    )
