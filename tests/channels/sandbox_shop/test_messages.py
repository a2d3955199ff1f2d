from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.message_box import Message, MessageBox, listening
from tests.channels.sandbox_fixture import RunningShop


@pytest.fixture
def box(shop: RunningShop) -> Iterator[MessageBox]:
    """Registered with the shop, its ping already taken."""
    with listening() as listener:
        shop.register_webhook(listener.url)
        listener.wait_for(lambda messages: len(messages) == 1)
        listener.messages.clear()
        shop.wait_until_sent()
        yield listener
        shop.http.delete("/api/webhook")


def told(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message.body)
    return body


def topics(messages: list[Message]) -> list[str]:
    return [told(message)["type"] for message in messages]


def signed_with(message: Message, secret: str) -> bool:
    """Checked as the standard says, with nothing of ours."""
    content = b".".join([message.headers["webhook-id"].encode(), message.headers["webhook-timestamp"].encode(), b""])
    key = base64.b64decode(secret.split("_", 1)[1])
    right = base64.b64encode(hmac.new(key, content + message.body, hashlib.sha256).digest()).decode()
    return message.headers["webhook-signature"] == f"v1,{right}"


def test_every_change_of_an_order_is_told_signed(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    order = shop.buy(sku)
    shop.edit_order(order["id"], lines=[{"line_id": order["lines"][0]["id"], "quantity": 1}])
    shop.cancel(order["id"])

    messages = box.wait_for(lambda came: len(came) == 3)

    assert topics(messages) == ["order.created", "order.updated", "order.cancelled"]
    assert [told(message)["data"]["version"] for message in messages] == [1, 2, 3]
    assert {told(message)["data"]["order_id"] for message in messages} == {order["id"]}
    assert all(signed_with(message, shop.webhook_secret) for message in messages)
    assert len({message.headers["webhook-id"] for message in messages}) == 3


def test_a_refused_message_comes_again_until_it_is_taken(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    box.answers = [500, 503]

    shop.buy(sku)

    messages = box.wait_for(lambda came: len(came) == 3)
    assert len({message.headers["webhook-id"] for message in messages}) == 1
    assert len({message.body for message in messages}) == 1
    shop.wait_until_sent()
    time.sleep(0.2)
    assert len(box.messages) == 3


def test_a_sale_that_is_refused_is_no_news(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=0)

    shop.http.post("/api/orders", json={"lines": [{"sku": sku}]})

    assert shop.messages()["waiting"] == 0
    assert box.messages == []


def test_a_message_may_come_several_times(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    shop.script_faults([{"kind": "duplicate", "n": 2}])

    shop.buy(sku)

    messages = box.wait_for(lambda came: len(came) == 3)
    assert len({message.headers["webhook-id"] for message in messages}) == 1


def test_messages_may_overtake_each_other(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    shop.script_faults([{"kind": "reorder", "operation": "webhook.order.created", "seconds": 5}])

    shop.cancel(shop.buy(sku)["id"])

    messages = box.wait_for(lambda came: len(came) == 2, seconds=3)
    assert topics(messages) == ["order.cancelled", "order.created"]


def test_a_message_may_be_late(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    shop.script_faults([{"kind": "delay", "ms": 400}])
    began = time.monotonic()

    shop.buy(sku)

    box.wait_for(lambda came: len(came) == 1)
    assert time.monotonic() - began >= 0.4


def test_a_message_may_be_lost(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    shop.script_faults([{"kind": "drop"}])
    shop.buy(sku)
    order = shop.buy(sku)

    messages = box.wait_for(lambda came: len(came) == 1)
    shop.wait_until_sent()

    assert told(messages[0])["data"]["order_id"] == order["id"]
    assert len(box.messages) == 1


def test_a_lie_may_come_ahead_of_the_truth(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    shop.script_faults([{"kind": "forged"}])

    shop.buy(sku)

    lie, truth = box.wait_for(lambda came: len(came) == 2)
    assert (told(lie)["data"]["status"], signed_with(lie, shop.webhook_secret)) == ("cancelled", False)
    assert (told(truth)["type"], signed_with(truth, shop.webhook_secret)) == ("order.created", True)


def test_the_secret_can_be_changed(shop: RunningShop, box: MessageBox, sku: str) -> None:
    shop.add(sku, quantity=5)
    fresh = "whsec_" + base64.b64encode(b"n" * 32).decode()
    shop.change_keys(webhook_secret=fresh)

    shop.buy(sku)

    [message] = box.wait_for(lambda came: len(came) == 1)
    assert signed_with(message, fresh)
    shop.change_keys(webhook_secret=shop.webhook_secret)
