"""Messages of a channel: believed or not, kept once, worked off later, and what becomes of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels.connectors.base import OrderStatus, Ping, Rejected, Retryable, WebhookEvent
from channels.models import Account, InboxMessage
from channels.services.pulling import pull_orders
from channels.services.taking_in import NotBelieved, TooLarge, process_inbox, replay_inbox, take_in
from channels.services.verifying import verify
from inventory.models import Location
from orders.models import Order
from retailhub.core.errors import NotFound
from retailhub.core.models import Attention
from tests.channels.scripted import ScriptedConnector, told_order
from tests.factories.channels import account_of, listed
from tests.factories.inventory import ItemFactory, put_on_hand

State = InboxMessage.State


@pytest.fixture
def account(connector: ScriptedConnector, warehouse: Location) -> Account:
    account = account_of(warehouse, code="web")
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    listed(account, item)
    return account


def hear(
    connector: ScriptedConnector,
    event_id: str,
    order: str = "A-1",
    version: int | None = 1,
    topic: str = "order.created",
) -> bool:
    verdict = WebhookEvent(
        event_id=event_id,
        topic=topic,
        external_id=order,
        version=version,
        occurred_at=datetime(2026, 11, 22, 10, tzinfo=UTC),
    )
    return _hear(connector, verdict)


def _hear(connector: ScriptedConnector, verdict: Any, code: str = "web", body: bytes = b"{}") -> bool:
    connector.verify_webhook = lambda *args, **kwargs: verdict  # type: ignore[method-assign]
    return take_in(channel_code=code, headers={"Content-Type": "application/json", "X": "1"}, raw_body=body, url="")


def work(times: int = 1) -> None:
    """Work the inbox off as if the pauses were over."""
    for _ in range(times):
        InboxMessage.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        process_inbox()


def states() -> dict[str, str]:
    return dict(InboxMessage.objects.values_list("event_id", "state"))


def test_a_message_is_kept_once_and_worked_off_later(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))

    assert hear(connector, "e1") is True
    assert hear(connector, "e1") is False
    assert not Order.objects.exists()
    message = InboxMessage.objects.get()
    assert (bytes(message.body), message.headers) == (b"{}", {"Content-Type": "application/json"})

    assert process_inbox() == 1
    assert process_inbox() == 0

    order = Order.objects.get()
    assert (order.external_reference, order.external_version, order.status) == ("A-1", "1", "allocated")
    assert states() == {"e1": State.APPLIED}
    assert verify() == []


@pytest.mark.parametrize("reason", ["signature_wrong", "header_missing", "out_of_time"])
def test_nothing_is_kept_of_what_is_not_believed(account: Account, connector: ScriptedConnector, reason: str) -> None:
    with pytest.raises(NotBelieved) as refusal:
        _hear(connector, Rejected(reason=reason))

    assert reason not in str(refusal.value)
    assert not InboxMessage.objects.exists()


def test_a_ping_is_answered_and_not_kept(account: Account, connector: ScriptedConnector) -> None:
    assert _hear(connector, Ping(event_id="p")) is False
    assert not InboxMessage.objects.exists()


def test_a_body_that_is_too_large_is_not_even_looked_at(account: Account, connector: ScriptedConnector) -> None:
    with pytest.raises(TooLarge):
        _hear(connector, Rejected(reason="looked at"), body=b"x" * (1024 * 1024 + 1))


@pytest.mark.parametrize("code", ["nowhere", "desk"])
def test_there_is_nothing_to_tell_at_a_channel_without_a_connector(
    account: Account, warehouse: Location, connector: ScriptedConnector, code: str
) -> None:
    account_of(warehouse, kind="desk", code="desk", live=False)

    with pytest.raises(NotFound):
        _hear(connector, Ping(), code=code)


@pytest.mark.parametrize(
    ("event_id", "order", "version"),
    [("e" * 255, "A-1", 1), ("e1", "A-1", 10**40), ("e1", "A-1", -1), ("e1", "A\x00-1", 1), ("e1", "A" * 500, 1),
     ("e1", "\ud800", 1), ("e1", "A-1", None)],
    ids=["long event", "huge version", "negative version", "nul", "long order", "half a pair", "no version"],
)  # fmt: skip
def test_odd_values_in_a_signed_message_are_kept_as_far_as_they_go(
    account: Account, connector: ScriptedConnector, event_id: str, order: str, version: int | None
) -> None:
    assert hear(connector, event_id, order, version) is True
    assert hear(connector, event_id, order, version) is False
    work()
    assert InboxMessage.objects.get().state == State.PENDING  # no such order yet


def test_several_messages_about_one_order_make_one_fetch(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2))
    for version in (2, 1, 2):
        hear(connector, f"e{version}{InboxMessage.objects.count()}", version=version)

    work()

    assert connector.fetched == ["A-1"]
    assert set(states().values()) == {State.APPLIED}
    assert Order.objects.get().external_version == "2"


def test_news_older_than_the_book_is_superseded_without_a_call(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2), version=3))
    pull_orders(account_id=account.pk)
    hear(connector, "late", version=2)

    work()

    assert states() == {"late": State.SUPERSEDED}
    assert connector.fetched == []


def test_a_message_without_a_version_is_always_looked_at(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    pull_orders(account_id=account.pk)
    hear(connector, "e1", version=None)

    work()

    assert connector.fetched == ["A-1"]
    assert states() == {"e1": State.APPLIED}


def test_news_that_comes_before_the_order_can_be_read_is_tried_again(
    account: Account, connector: ScriptedConnector
) -> None:
    hear(connector, "e1")
    work()
    message = InboxMessage.objects.get()
    assert (message.state, message.attempts) == (State.PENDING, 1)
    assert message.due_at > timezone.now()

    connector.sell(told_order("A-1", ("MUG", 2)))
    work()

    assert states() == {"e1": State.APPLIED}
    assert Order.objects.count() == 1


def test_an_order_that_never_comes_is_quarantined_after_eight_tries(
    account: Account, connector: ScriptedConnector
) -> None:
    hear(connector, "e1")

    work(8)

    assert states() == {"e1": State.QUARANTINED}
    row = Attention.objects.get(kind="quarantined")
    assert row.document == f"inbox:{InboxMessage.objects.get().pk}"


def test_quarantined_messages_can_be_replayed(account: Account, connector: ScriptedConnector) -> None:
    hear(connector, "e1")
    work(8)
    connector.sell(told_order("A-1", ("MUG", 2)))

    assert replay_inbox(message_ids=[InboxMessage.objects.get().pk], by="Ada") == 1
    work()

    assert states() == {"e1": State.APPLIED}
    assert Attention.objects.get(kind="quarantined").resolved_by == "Ada"


def test_a_channel_that_is_down_does_not_wear_messages_out(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    hear(connector, "e1")
    connector.fetch_trouble = [Retryable("down")] * 12
    for _ in range(12):
        Account.objects.update(open_again_at=None)
        work()

    message = InboxMessage.objects.get()
    assert (message.state, message.attempts) == (State.PENDING, 0)
    Account.objects.update(open_again_at=None)
    work()
    assert states() == {"e1": State.APPLIED}
    account.refresh_from_db()
    assert account.failures_in_a_row == 0


def test_after_one_call_is_asked_for_patience_no_other_is_made(account: Account, connector: ScriptedConnector) -> None:
    for number in range(5):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))
        hear(connector, f"e{number}", f"A-{number}")
    connector.fetch_trouble = [Retryable("slow down", retry_after=60)]

    work(3)

    assert len(connector.fetched) == 1
    assert set(states().values()) == {State.PENDING}


def test_a_message_that_kills_its_worker_stops_after_three_deaths(
    account: Account, connector: ScriptedConnector
) -> None:
    class Killed(BaseException):
        pass

    connector.sell(told_order("A-1", ("MUG", 2)))
    hear(connector, "e1")
    connector.fetch_trouble = [Killed()] * 3  # type: ignore[list-item]
    for _ in range(3):
        with pytest.raises(Killed):
            work()

    work()

    assert states() == {"e1": State.QUARANTINED}
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_bad_order_does_not_hold_the_others(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 1)))
    connector.sell(told_order("BAD", ("MUG", 3_000_000_000)))
    connector.sell(told_order("TWICE", ("MUG", 1), currency="X" * 40))
    for number, order in enumerate(("A-1", "BAD", "TWICE")):
        hear(connector, f"e{number}", order)

    work(8)

    assert states() == {"e0": State.APPLIED, "e1": State.QUARANTINED, "e2": State.QUARANTINED}
    assert list(Order.objects.values_list("external_reference", flat=True)) == ["A-1"]


def test_what_is_not_about_an_order_is_left(account: Account, connector: ScriptedConnector) -> None:
    hear(connector, "e1", topic="shop.renamed")

    work()

    assert states() == {"e1": State.SUPERSEDED}


def test_a_cancelled_order_is_heard_of_by_message(account: Account, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    hear(connector, "e1")
    work()
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2, status=OrderStatus.CANCELLED))
    hear(connector, "e2", version=2, topic="order.cancelled")

    work()

    assert Order.objects.get().status == "cancelled"


def test_a_message_in_an_unknown_state_is_a_breach(account: Account, connector: ScriptedConnector) -> None:
    hear(connector, "e1")
    InboxMessage.objects.update(state="lost")

    assert [breach.check for breach in verify()] == ["inbox"]


def test_an_applied_message_without_its_order_is_a_breach(account: Account, connector: ScriptedConnector) -> None:
    hear(connector, "e1")
    InboxMessage.objects.update(state=State.APPLIED)

    assert [breach.found for breach in verify() if breach.check == "inbox"] == ["nothing"]
