"""The worker's doors to channels: ids in, one service called, safe to repeat."""

from __future__ import annotations

import time

from celery import shared_task
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from channels.models import Account, StockIntent
from channels.services import listing, pulling, pushing, taking_in, telling
from orders.models import Shipment
from retailhub.core.bells import ring, unmute


@shared_task(ignore_result=True)
def push_stock(account_id: int) -> None:
    """Tell the channel what is due until nothing is, for at most half a minute at a time."""
    unmute("channels.tasks.push_stock", account_id)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        report = pushing.push_stock(account_id=account_id)
        if report.stale:
            # The channel sold something we have not heard of: its orders explain the gap.
            pulling.pull_orders(account_id=account_id)
        if report.again_in is None:
            return
        if report.again_in > 1:
            break
        time.sleep(max(report.again_in, 0.01))
    ring("channels.tasks.push_stock", account_id, after=min(report.again_in or 0.1, 30.0))


@shared_task(ignore_result=True)
def sweep_stock_sync() -> None:
    """Wake workers for accounts with figures due, or claimed by a worker that is gone, for which nobody rang."""
    now = timezone.now()
    waiting = StockIntent.objects.filter(account=OuterRef("pk")).filter(
        Q(state="due", due_at__lte=now) | Q(state="unsure") | Q(state="sending", leased_until__lte=now)
    )
    for account_id in Account.objects.filter(Exists(waiting), state=Account.State.LIVE).values_list("pk", flat=True):
        ring("channels.tasks.push_stock", account_id)


@shared_task(ignore_result=True)
def process_inbox() -> None:
    """Work the inbox off until nothing is due."""
    unmute("channels.tasks.process_inbox")
    end = time.monotonic() + 30
    while taking_in.process_inbox() and time.monotonic() < end:
        pass


@shared_task(ignore_result=True)
def sweep_inbox() -> None:
    process_inbox()


@shared_task(ignore_result=True)
def pull_orders(account_id: int) -> None:
    unmute("channels.tasks.pull_orders", account_id)
    pulling.pull_orders(account_id=account_id)


@shared_task(ignore_result=True)
def pull_orders_of_all_accounts() -> None:
    """Have every channel with a connector asked for its orders; paused ones too, their orders are facts."""
    for account_id in Account.objects.exclude(state=Account.State.SETUP).exclude(kind="desk").values_list("pk", flat=True):
        ring("channels.tasks.pull_orders", account_id)


@shared_task(ignore_result=True)
def tell_shipments(account_id: int) -> None:
    unmute("channels.tasks.tell_shipments", account_id)
    telling.tell_shipments(account_id=account_id)


@shared_task(ignore_result=True)
def sweep_shipments() -> None:
    """Tell channels of parcels for which nobody rang."""
    untold = Shipment.objects.filter(order__channel=OuterRef("channel"), told_channel_at__isnull=True)
    accounts = Account.objects.filter(Exists(untold), state=Account.State.LIVE).exclude(kind="desk")
    for account_id in accounts.values_list("pk", flat=True):
        ring("channels.tasks.tell_shipments", account_id)


@shared_task(ignore_result=True)
def publish_listings(account_id: int) -> None:
    listing.publish_listings(account_id=account_id)
