"""Asking a channel for its orders: the net under every webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from channels.connectors.base import Capability, ConnectorError, Page, UnreadableOrder
from channels.models import Account, Cursor
from channels.services.health import may_call, note_failure, note_success
from channels.services.importing import Imported, import_orders
from channels.services.settings import connector_of, settings_of
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention

STREAM = "orders"
SHORT_OVERLAP = timedelta(seconds=20)
LONG_OVERLAP = timedelta(minutes=15)
LONG_EVERY = timedelta(minutes=10)


@dataclass(slots=True)
class Pulled:
    """What a pull found."""

    pages: int = 0
    new: int = 0
    cancelled: int = 0
    refused: int = 0


def pull_orders(*, account_id: int, most_pages: int = 50) -> Pulled:
    """Read the orders that changed since the cursor, with an overlap, and take them into the book page by page.

    The cursor moves in the transaction that stores its page, so a page is read again rather than missed. Every ten
    minutes the overlap is a quarter of an hour, for what the channel wrote late. Repeats change nothing.
    """
    account = Account.objects.select_related("channel").get(pk=account_id)
    connector = connector_of(account)
    pulled = Pulled()
    if Capability.ORDERS not in connector.capabilities or account.state == Account.State.SETUP or not may_call(account):
        return pulled
    cursor, _ = Cursor.objects.get_or_create(account=account, stream=STREAM)
    now = timezone.now()
    long = cursor.swept_at is None or now - cursor.swept_at > LONG_EVERY
    position: str | None = None
    if cursor.value:
        position = connector.rewind(cursor.value, LONG_OVERLAP if long else SHORT_OVERLAP)
    try:
        for _ in range(most_pages):
            page = connector.pull_orders(settings_of(account), position)
            _store(account, cursor, page, pulled)
            position = page.next_cursor or position
            if not page.more:
                break
    except ConnectorError as error:
        note_failure(account, error)
        return pulled
    if long:
        Cursor.objects.filter(pk=cursor.pk).update(swept_at=now)
    note_success(account, last_pull_at=now)
    return pulled


def _store(account: Account, cursor: Cursor, page: Page, pulled: Pulled) -> None:
    with transaction.atomic():
        report: Imported = import_orders(account=account, orders=page.orders)
        _quarantine(account, [*page.unreadable])
        raise_attention([_attention(account, reference, reason) for reference, reason in report.refused.items()])
        if page.next_cursor:
            Cursor.objects.filter(pk=cursor.pk).update(value=page.next_cursor, moved_at=timezone.now())
    pulled.pages += 1
    pulled.new += len(report.new)
    pulled.cancelled += len(report.cancelled)
    pulled.refused += len(report.refused) + len(page.unreadable)


def _quarantine(account: Account, unreadable: list[UnreadableOrder]) -> None:
    raise_attention([_attention(account, order.external_id, order.reason) for order in unreadable])


def _attention(account: Account, external_id: str, reason: str) -> Attention:
    return Attention(
        kind="order_refused",
        subject=f"Order {external_id} · {account.channel.name}",
        reason=reason[:1000],
        document=f"channel_order:{account.channel.code}:{external_id}"[:80],
        channel=account.channel.code,
        scope="orders:write",
        step_label="Look at the channel",
        step_url=f"/channels/{account.channel.code}/",
    )
