"""The inbox: what a channel tells us is verified, stored raw and answered at once; the work is done later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import orjson
from django.db import transaction
from django.utils import timezone

from channels.connectors.base import Capability, ChannelOrder, ConnectorError, NotFound, Ping, Rejected
from channels.models import Account, InboxMessage
from channels.services.health import may_call, note_failure
from channels.services.importing import import_orders
from channels.services.settings import connector_of, settings_of
from orders.models import Order
from retailhub.core.bells import ring_on_commit
from retailhub.core.errors import DomainError
from retailhub.core.errors import NotFound as NothingHere
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.sql import rows

MOST_TRIES = 8
LEASE_SECONDS = 120
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
                account.pk, verdict.event_id[:200], verdict.topic[:80], verdict.external_id[:120],
                "" if verdict.version is None else str(verdict.version), _kept(headers), raw_body,
            ],
        )  # fmt: skip
        if made:
            ring_on_commit("channels.tasks.process_inbox")
    return bool(made)


def _kept(headers: Mapping[str, str]) -> str:
    return orjson.dumps({k: v[:500] for k, v in headers.items() if k.lower() in KEPT_HEADERS}).decode()


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
        if message.topic.startswith("order") and message.external_id and Capability.ORDERS in connector.capabilities:
            about[message.external_id].append(message)
        else:
            _settle([message], InboxMessage.State.SUPERSEDED, "nothing to do for this topic")
    held = {
        order.external_reference: int(order.external_version)
        for order in Order.objects.filter(channel=account.channel_id, external_reference__in=about)
        if order.external_version.isdecimal()
    }
    fetched: list[ChannelOrder] = []
    for external_id, told in list(about.items()):
        versions = [int(m.version) for m in told if m.version.isdecimal()]
        if external_id in held and len(versions) == len(told) and max(versions) <= held[external_id]:
            _settle(told, InboxMessage.State.SUPERSEDED, "")
            del about[external_id]
            continue
        if not may_call(account):
            _again(told, "the channel is not to be called now")
            del about[external_id]
            continue
        try:
            fetched.append(connector.fetch_order(settings_of(account), external_id))
        except NotFound as error:
            # Not proof of anything: the news may be ahead of the channel's own reads.
            _again(told, str(error))
            del about[external_id]
        except ConnectorError as error:
            note_failure(account, error)
            _again(told, str(error))
            del about[external_id]
    _apply(account, fetched, about)


def _apply(account: Account, orders: Sequence[ChannelOrder], about: Mapping[str, list[InboxMessage]]) -> None:
    """Apply together; when that fails, one by one, so that a bad order does not hold the good ones."""
    if not orders:
        return
    try:
        with transaction.atomic():
            report = import_orders(account=account, orders=orders)
            for order in orders:
                told = about[order.external_id]
                if order.external_id in report.refused:
                    _settle(told, InboxMessage.State.QUARANTINED, report.refused[order.external_id], account)
                else:
                    _settle(told, InboxMessage.State.APPLIED, "")
    except Exception as error:  # noqa: BLE001  whatever a bad order does, the others go on; it is counted and shown
        if len(orders) > 1:
            for order in orders:
                _apply(account, [order], about)
        else:
            _again(about[orders[0].external_id], f"{type(error).__name__}: {error}", account)


def _settle(
    messages: Sequence[InboxMessage], state: InboxMessage.State, error: str, account: Account | None = None
) -> None:
    InboxMessage.objects.filter(pk__in=[m.pk for m in messages], state=InboxMessage.State.PENDING).update(
        state=state, error=error[:4000], settled_at=timezone.now()
    )
    if state == InboxMessage.State.QUARANTINED and account is not None:
        raise_attention(
            [
                Attention(
                    kind="quarantined",
                    subject=f"{message.topic} {message.external_id} · {account.channel.name}",
                    reason=error[:1000],
                    document=f"inbox:{message.pk}",
                    channel=account.channel.code,
                    scope="system:write",
                    step_label="Look and replay",
                    step_url=f"/admin/channels/inboxmessage/{message.pk}/change/",
                )
                for message in messages
            ]
        )


def _again(messages: Sequence[InboxMessage], error: str, account: Account | None = None) -> None:
    for message in messages:
        if message.attempts >= MOST_TRIES:
            _settle([message], InboxMessage.State.QUARANTINED, error, account or message.account)
        else:
            pause = min(900.0, 0.5 * 2**message.attempts)
            InboxMessage.objects.filter(pk=message.pk, state=InboxMessage.State.PENDING).update(
                due_at=timezone.now() + timedelta(seconds=pause), error=error[:4000]
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
