"""What channels do when stock and orders speak. Network calls are left to tasks: a listener runs in a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from channels.models import Account
from channels.services.wanting import want_items_pushed
from orders.models import Order
from retailhub.core.bells import ring_on_commit


def want_stock_pushed(payloads: Sequence[dict[str, Any]]) -> None:
    """Levels changed: every listing whose figure changed with them is to be told."""
    item_ids = {item_id for payload in payloads for item_id in payload["item_ids"]}
    want_items_pushed(item_ids, since=min((payload["at"] for payload in payloads), default=None))


def tell_channel_of_shipment(payloads: Sequence[dict[str, Any]]) -> None:
    """A parcel left: its channel is to hear of it."""
    channel_ids = set(
        Order.objects.filter(pk__in=[payload["order_id"] for payload in payloads]).values_list("channel_id", flat=True)
    )
    accounts = Account.objects.filter(channel__in=channel_ids).exclude(kind="desk")
    for account_id in accounts.values_list("pk", flat=True):
        ring_on_commit("channels.tasks.tell_shipments", account_id)
