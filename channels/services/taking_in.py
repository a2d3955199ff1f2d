"""The inbox: what a channel tells us is verified, stored raw and answered at once; the work is done later."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import orjson
from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from channels.connectors.base import (
    Capability,
    ChannelOrder,
    Connector,
    ConnectorError,
    NotFound,
    Permanent,
    Ping,
    Rejected,
)
from channels.models import Account, InboxMessage
from channels.services.health import note_failure, note_success, seconds_to_call
from channels.services.importing import import_orders
from channels.services.quarantining import raise_quarantined, storable
from channels.services.settings import connector_of, settings_of
from orders.models import Order
from retailhub.core.bells import ring_on_commit
from retailhub.core.errors import DomainError, TryAgain
from retailhub.core.errors import NotFound as NothingHere
from retailhub.core.services.attending import settle_attention
from retailhub.core.sql import rows
from retailhub.core.transactions import retried

MOST_TRIES = 8
MOST_CRASHES = 3
LEASE_SECONDS = 60
KEPT_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp", "x-request-id"})


class NotBelieved(DomainError):
    """The message does not carry the channel's signature."""

    code = "bad_signature"
    status = 401


class TooLarge(DomainError):
    """The message is larger than this channel sends."""

    code = "too_large"
    status = 413


def take_in(*, channel_code: str, headers: Mapping[str, str], raw_body: bytes, url: str) -> bool:
    """Keep the channel's message, once; answers whether it was new. Nothing of a message that is not believed is kept.

    Three statements and no call to anybody, so that the channel has its answer well under a second.
    """
    account = Account.objects.select_related("channel").filter(channel__code=channel_code).first()
    if account is None or account.kind == "desk":
        raise NothingHere
    connector = connector_of(account)
    if len(raw_body) > connector.limits.webhook_body:
        raise TooLarge
    now = timezone.now()
    verdict = connector.verify_webhook(settings_of(account), headers, raw_body, url=url, now=now)
    if isinstance(verdict, Rejected):
        raise NotBelieved
    if isinstance(verdict, Ping):
        return False
    with transaction.atomic():
        ((made,),) = rows(
            """WITH made AS (
                   INSERT INTO channels_inboxmessage
                       (account_id, event_id, topic, external_id, version, headers, body, state, attempts, error)
                   VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, 'pending', 0, '')
                   ON CONFLICT (account_id, event_id) DO NOTHING RETURNING id)
               SELECT count(*) FROM made""",
            [
                account.pk, _event_id(verdict.event_id), storable(verdict.topic)[:80],
                storable(verdict.external_id)[:120], _told_version(verdict.version), _kept(headers), raw_body,
            ],
        )  # fmt: skip
        if made:
            ring_on_commit("channels.tasks.process_inbox")
    return bool(made)


def _event_id(told: str) -> str:
    """Answer the id as it is, or what stands for it when it is longer than any that we keep."""
    return told if len(told) <= 200 and told.isprintable() else hashlib.sha256(told.encode()).hexdigest()


def _told_version(version: int | None) -> str:
    return "" if version is None or not 0 <= version < 2**63 else str(version)


def _kept(headers: Mapping[str, str]) -> str:
    return orjson.dumps({k: storable(v)[:500] for k, v in headers.items() if k.lower() in KEPT_HEADERS}).decode()


_CLAIM = """
WITH due AS (
    SELECT id FROM channels_inboxmessage WHERE state = 'pending' AND due_at <= clock_timestamp()
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE channels_inboxmessage m
SET attempts = m.attempts + 1, due_at = clock_timestamp() + make_interval(secs => %s)
FROM due WHERE m.id = due.id RETURNING m.id
"""


def process_inbox(*, most: int = 100) -> int:
    """Work off what waits: fetch each object that was spoken of as it is now and apply it; answers how many were tried.

    Several messages about one object make one fetch. A message about a version that the book has already is superseded.
    """
    ids = [row[0] for row in rows(_CLAIM, [most, LEASE_SECONDS])]
    by_account: dict[int, list[InboxMessage]] = defaultdict(list)
    for message in InboxMessage.objects.filter(pk__in=ids).defer("body", "headers"):
        by_account[message.account_id].append(message)
    for account in Account.objects.filter(pk__in=by_account).select_related("channel"):
        _process(account, by_account[account.pk])
    return len(ids)


def _process(account: Account, messages: Sequence[InboxMessage]) -> None:
    connector = connector_of(account)
    about: dict[str, list[InboxMessage]] = defaultdict(list)
    for message in messages:
        if message.attempts > MOST_TRIES or (message.attempts > MOST_CRASHES and not message.error):
            reason = message.error or f"its worker died {message.attempts - 1} times"
            _settle([message], InboxMessage.State.QUARANTINED, reason, account)
        elif not message.topic.startswith("order") or Capability.ORDERS not in connector.capabilities:
            _settle([message], InboxMessage.State.SUPERSEDED, "nothing to do for this topic")
        elif not message.external_id:
            _settle([message], InboxMessage.State.QUARANTINED, "it does not say which order", account)
        else:
            about[message.external_id].append(message)
    for external_id in _held(account, about):
        _settle(about.pop(external_id), InboxMessage.State.SUPERSEDED, "")
    _apply(account, _fetch(account, connector, about), about)


def _held(account: Account, about: Mapping[str, Sequence[InboxMessage]]) -> list[str]:
    """Answer the orders that the book has at every version that was spoken of, or a newer one."""
    held = {
        order.external_reference: int(order.external_version)
        for order in Order.objects.filter(channel=account.channel_id, external_reference__in=about)
        if order.external_version.isdecimal()
    }
    return [
        external_id
        for external_id, told in about.items()
        if external_id in held and all(m.version.isdecimal() and int(m.version) <= held[external_id] for m in told)
    ]


def _fetch(account: Account, connector: Connector, about: Mapping[str, Sequence[InboxMessage]]) -> list[ChannelOrder]:
    """Ask for each order as it is now, a few at a time; what does not come now is tried again later.

    A channel that is down, or asks for patience, is no fault of the message: that does not count as an attempt.
    """
    if not about:
        return []
    wait = seconds_to_call(account)
    if wait:
        for told in about.values():
            _wait(told, wait, "The channel is not to be called now.")
        return []
    settings = settings_of(account)
    down = threading.Event()

    def ask(external_id: str) -> ChannelOrder | ConnectorError | None:
        if down.is_set():
            return None
        try:
            return connector.fetch_order(settings, external_id)
        except NotFound as error:
            return error
        except ConnectorError as error:
            if not isinstance(error, Permanent):
                down.set()  # no call before the channel says so: the rest of this batch waits too
            return error

    many = min(len(about), connector.rate_policy.concurrency)
    if many == 1:
        answers = [ask(external_id) for external_id in about]
    else:
        with ThreadPoolExecutor(many) as pool:
            answers = list(pool.map(ask, about))
    fetched: list[ChannelOrder] = []
    trouble = next((x for x in answers if isinstance(x, ConnectorError) and not isinstance(x, Permanent)), None)
    pause = note_failure(account, trouble) if trouble else 0.0
    for told, answer in zip(about.values(), answers, strict=True):
        if isinstance(answer, ChannelOrder) and answer.external_id == told[0].external_id:
            fetched.append(answer)
        elif isinstance(answer, ChannelOrder):
            _again(told, "The channel answered with another order.", account)
        elif isinstance(answer, Permanent):
            # Not found is no proof of anything either: the news may be ahead of the channel's own reads.
            _again(told, str(answer), account)
        else:
            _wait(told, pause, str(answer or trouble))
    if fetched and not trouble:
        note_success(account)
    return fetched


def _apply(account: Account, orders: Sequence[ChannelOrder], about: Mapping[str, Sequence[InboxMessage]]) -> None:
    """Apply together; when that fails, one by one, so that a bad order does not hold the good ones."""
    if not orders:
        return
    try:
        _take(account, orders, about)
    except Exception as error:  # noqa: BLE001  whatever a bad order does, the others go on; it is counted and shown
        if len(orders) > 1:
            for order in orders:
                _apply(account, [order], about)
        elif isinstance(error, OperationalError | TryAgain):
            _wait(about[orders[0].external_id], 1.0, f"{type(error).__name__}: {error}")
        else:
            _again(about[orders[0].external_id], f"{type(error).__name__}: {error}", account)


@retried(on_twin=True)
def _take(account: Account, orders: Sequence[ChannelOrder], about: Mapping[str, Sequence[InboxMessage]]) -> None:
    report = import_orders(account=account, orders=orders)
    for order in orders:
        told = about[order.external_id]
        if order.external_id in report.refused:
            _settle(told, InboxMessage.State.QUARANTINED, report.refused[order.external_id], account)
        else:
            _settle(told, InboxMessage.State.APPLIED, "")


def _settle(
    messages: Sequence[InboxMessage], state: InboxMessage.State, error: str, account: Account | None = None
) -> None:
    InboxMessage.objects.filter(pk__in=[m.pk for m in messages], state=InboxMessage.State.PENDING).update(
        state=state, error=storable(error)[:4000], settled_at=timezone.now()
    )
    if state == InboxMessage.State.QUARANTINED and account is not None:
        raise_quarantined(account, [(m.pk, f"{m.topic} {m.external_id}", storable(error)) for m in messages])


def _again(messages: Sequence[InboxMessage], error: str, account: Account) -> None:
    """Try again later, each time a little later; after the last try it is a person's turn."""
    for message in messages:
        if message.attempts >= MOST_TRIES:
            _settle([message], InboxMessage.State.QUARANTINED, error, account)
        else:
            _put_off([message.pk], min(900.0, 0.5 * 2**message.attempts), error)


def _wait(messages: Sequence[InboxMessage], seconds: float, error: str) -> None:
    """Try again when the channel may be called; the message is not to blame."""
    ids = [message.pk for message in messages]
    _put_off(ids, seconds, error)
    InboxMessage.objects.filter(pk__in=ids, attempts__gt=0).update(attempts=F("attempts") - 1)


def _put_off(ids: Sequence[int], seconds: float, error: str) -> None:
    InboxMessage.objects.filter(pk__in=ids, state=InboxMessage.State.PENDING).update(
        due_at=timezone.now() + timedelta(seconds=seconds), error=storable(error)[:4000]
    )


def replay_inbox(*, message_ids: Sequence[int], by: str) -> int:
    """Let settled messages be worked off again from the first attempt; answers how many there were."""
    with transaction.atomic():
        count = (
            InboxMessage.objects.filter(pk__in=message_ids)
            .exclude(state=InboxMessage.State.PENDING)
            .update(state=InboxMessage.State.PENDING, attempts=0, error="", due_at=timezone.now())
        )
        settle_attention(kind="quarantined", documents=[f"inbox:{pk}" for pk in message_ids], by=by)
        ring_on_commit("channels.tasks.process_inbox")
    return count
