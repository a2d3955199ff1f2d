"""The worker's doors to channels: ids in, one service called, safe to repeat."""

from __future__ import annotations

import time
from uuid import UUID

from celery import shared_task
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from channels.models import Account, Recount, StockIntent
from channels.services import listing, pulling, pushing, recounting, taking_in, taking_turns, telling
from orders.models import Shipment
from retailhub.core.bells import ring, unmute

# At most so long does one worker stay with one account before others have their turn: with fewer workers than accounts
# a busy one would keep the rest waiting. What is due later than that is left to the sweep.
LONGEST_STAY = 0.5
LONGEST_NAP = 0.5


@shared_task(ignore_result=True)
def push_stock(account_id: int) -> None:
    """Tell the channel what is due until nothing is, for a moment at most; then the bell rings again.

    One worker at a time stays with an account, so that a slow channel does not take them all. Who finds another there
    leaves: the other looks once more after its turn. What is due later is left to the sweep.
    """
    unmute("channels.tasks.push_stock", account_id)
    end = time.monotonic() + LONGEST_STAY
    while (turn := taking_turns.take_turn(account_id)) is not None:
        try:
            again_in = _push_until(account_id, turn, end)
        finally:
            taking_turns.end_turn(account_id, turn)
        if time.monotonic() >= end:
            ring("channels.tasks.push_stock", account_id)
            return
        if again_in is None:
            again_in = pushing.next_due(account_id)
        if again_in is None or again_in > LONGEST_NAP:
            return


def _push_until(account_id: int, turn: UUID, end: float) -> float | None:
    """Push round after round; answers when there is more to do, None when nothing is left."""
    while True:
        report = pushing.push_stock(account_id=account_id)
        if report.again_in is None or report.again_in > LONGEST_NAP or time.monotonic() >= end:
            return report.again_in
        # Short naps: a figure that falls to zero meanwhile is not to wait for one that rises.
        time.sleep(min(report.again_in, 0.03))
        if taking_turns.take_turn(account_id, turn) is None:
            return None


@shared_task(ignore_result=True)
def sweep_stock_sync() -> None:
    """Wake workers for accounts with figures due, or claimed by a worker that is gone, for which nobody rang."""
    now = timezone.now()
    waiting = StockIntent.objects.filter(account=OuterRef("pk")).filter(
        Q(state__in=["due", "unsure"], due_at__lte=now) | Q(state="sending", leased_until__lte=now)
    )
    ready = Account.objects.filter(Exists(waiting), state=Account.State.LIVE).exclude(open_again_at__gt=now)
    for account_id in ready.values_list("pk", flat=True):
        ring("channels.tasks.push_stock", account_id)


@shared_task(ignore_result=True)
def recount_figures(account_id: int) -> None:
    """Look at the account's figures anew, page by page; after a while others have their turn and the bell rings."""
    unmute("channels.tasks.recount_figures", account_id)
    end = time.monotonic() + LONGEST_STAY
    while recounting.recount_page(account_id=account_id):
        if time.monotonic() >= end:
            ring("channels.tasks.recount_figures", account_id)
            return


@shared_task(ignore_result=True)
def sweep_recounts() -> None:
    """Wake workers for accounts whose figures are to be looked at anew and for which nobody rang."""
    for account_id in Recount.objects.values_list("account", flat=True):
        ring("channels.tasks.recount_figures", account_id)


@shared_task(ignore_result=True)
def process_inbox() -> None:
    """Work the inbox off until nothing is due."""
    unmute("channels.tasks.process_inbox")
    end = time.monotonic() + LONGEST_STAY
    while taking_in.process_inbox():
        if time.monotonic() >= end:
            ring("channels.tasks.process_inbox")
            return


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
    for account_id in (
        Account.objects.exclude(state=Account.State.SETUP).exclude(kind="desk").values_list("pk", flat=True)
    ):
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
