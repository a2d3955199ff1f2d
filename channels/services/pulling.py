"""Asking a channel for its orders: the net under every webhook."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.utils import timezone

from channels.connectors.base import Capability, ChannelOrder, ConnectorError, Page
from channels.models import Account, Cursor
from channels.services.health import may_call, note_failure, note_success
from channels.services.importing import Imported, import_orders
from channels.services.quarantining import Bad, quarantine
from channels.services.settings import connector_of, settings_of
from retailhub.core.bells import ring_on_commit
from retailhub.core.errors import TryAgain
from retailhub.core.transactions import retried

log = logging.getLogger(__name__)

STREAM = "orders"
NO_OVERLAP = timedelta(seconds=2)
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


def pull_orders(*, account_id: int, most_pages: int = 50, newest_only: bool = False) -> Pulled:
    """Read the orders that changed since the cursor, with an overlap, and take them into the book page by page.

    The cursor moves in the transaction that stores its page, so a page is read again rather than missed. Every ten
    minutes the overlap is a quarter of an hour, for what the channel wrote late; `newest_only` leaves it at two
    seconds. Repeats change nothing.
    """
    account = Account.objects.select_related("channel").get(pk=account_id)
    connector = connector_of(account)
    pulled = Pulled()
    if Capability.ORDERS not in connector.capabilities or account.state == Account.State.SETUP or not may_call(account):
        return pulled
    cursor, _ = Cursor.objects.get_or_create(account=account, stream=STREAM)
    now = timezone.now()
    long = not newest_only and (cursor.swept_at is None or now - cursor.swept_at > LONG_EVERY)
    overlap = NO_OVERLAP if newest_only else LONG_OVERLAP if long else SHORT_OVERLAP
    try:
        position = connector.rewind(cursor.value, overlap) if cursor.value else None
        for _ in range(most_pages):
            account.refresh_from_db(fields=["open_again_at"])
            if not may_call(account):
                return pulled  # another call was asked for patience meanwhile
            page = connector.pull_orders(settings_of(account), position)
            _store(account, cursor, page, pulled)
            if not page.more or page.next_cursor in (None, position):
                note_success(account, last_pull_at=_later_of(account, now))
                if long:
                    Cursor.objects.filter(pk=cursor.pk).update(swept_at=now)
                break
            position = page.next_cursor
        else:
            # There is more: figures that wait for the orders which explain them go on waiting.
            note_success(account)
            ring_on_commit("channels.tasks.pull_orders", account.pk)
    except ConnectorError as error:
        note_failure(account, error)
        return pulled
    return pulled


def _later_of(account: Account, now: datetime) -> datetime:
    return max(now, account.last_pull_at or now)


def _store(account: Account, cursor: Cursor, page: Page, pulled: Pulled) -> None:
    """Take a page into the book together; when that fails, order by order, so that a bad one does not hold the rest."""
    bad = [
        Bad(
            external_id=order.external_id,
            version=hashlib.sha256(order.raw.encode("utf-8", "replace")).hexdigest()[:16],
            reason=order.reason,
            raw=order.raw,
        )
        for order in page.unreadable
    ]
    try:
        report = _keep(account, cursor, page, page.orders, bad)
    except (OperationalError, TryAgain):
        raise
    except Exception as error:  # noqa: BLE001  whatever a bad order does, the others go on; it is kept and shown
        log.warning("a page of orders of %s failed, trying one by one: %s", account.channel.code, error)
        report = Imported()
        for order in page.orders:
            try:
                _add(report, import_orders(account=account, orders=[order]))
            except (OperationalError, TryAgain):
                raise
            except Exception as trouble:  # noqa: BLE001
                report.refused[order.external_id] = f"{type(trouble).__name__}: {trouble}"
        bad += _refused(report, page.orders)
        _keep(account, cursor, page, (), bad)
    pulled.pages += 1
    pulled.new += len(report.new)
    pulled.cancelled += len(report.cancelled)
    pulled.refused += len(report.refused) + len(page.unreadable)


@retried(on_twin=True)
def _keep(account: Account, cursor: Cursor, page: Page, orders: Sequence[ChannelOrder], bad: Sequence[Bad]) -> Imported:
    """Store orders, what cannot be an order, and how far the channel was read: all of it or nothing."""
    with transaction.atomic():
        report = import_orders(account=account, orders=orders) if orders else Imported()
        quarantine(account, [*bad, *_refused(report, orders)])
        if page.next_cursor:
            Cursor.objects.filter(pk=cursor.pk).update(value=page.next_cursor, moved_at=timezone.now())
    return report


def _refused(report: Imported, orders: Sequence[ChannelOrder]) -> list[Bad]:
    versions = {order.external_id: str(order.version) for order in orders}
    return [
        Bad(external_id=external_id, version=versions.get(external_id, ""), reason=reason)
        for external_id, reason in report.refused.items()
    ]


def _add(total: Imported, part: Imported) -> None:
    total.new += part.new
    total.cancelled += part.cancelled
    total.same += part.same
    total.edited += part.edited
    total.refused |= part.refused
