"""What channels do when stock and orders speak. Network calls are left to tasks: a listener runs in a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from channels.models import Account
from channels.services.recounting import ask_recount
from channels.services.wanting import want_items_pushed
from orders.models import Order
from retailhub.core.bells import ring_on_commit


def want_stock_pushed(payloads: Sequence[dict[str, Any]]) -> None:
    """Levels changed, or what kits are made of: every listing whose figure changed with them is to be told."""
    item_ids = {item_id for payload in payloads for item_id in payload["item_ids"]}
    want_items_pushed(item_ids, since=min((payload["at"] for payload in payloads), default=None))


def look_at_figures_anew(payloads: Sequence[dict[str, Any]]) -> None:
    """Pools have other places: every figure of the channels that sell from them may be another."""
    pool_ids = {pool_id for payload in payloads for pool_id in payload["pool_ids"]}
    _recount(Account.objects.filter(channel__pool__in=pool_ids), payloads)


def look_at_figures_of_channels(payloads: Sequence[dict[str, Any]]) -> None:
    """Channels sell from other pools: every figure of theirs may be another."""
    channel_ids = {payload["channel_id"] for payload in payloads}
    _recount(Account.objects.filter(channel__in=channel_ids), payloads)


def _recount(accounts: QuerySet[Account], payloads: Sequence[dict[str, Any]]) -> None:
    account_ids = accounts.exclude(kind="desk").values_list("pk", flat=True)
    ask_recount(account_ids, since=min((payload["at"] for payload in payloads), default=None))


def tell_channel_of_shipment(payloads: Sequence[dict[str, Any]]) -> None:
    """A parcel left: its channel is to hear of it."""
    channel_ids = set(
        Order.objects.filter(pk__in=[payload["order_id"] for payload in payloads]).values_list("channel_id", flat=True)
    )
    accounts = Account.objects.filter(channel__in=channel_ids).exclude(kind="desk")
    for account_id in accounts.values_list("pk", flat=True):
        ring_on_commit("channels.tasks.tell_shipments", account_id)
