"""From which places a sales channel sells."""

from __future__ import annotations

from inventory.models import WaitingDemand
from inventory.services.arranging import let_wait_in
from orders.events import ChannelPoolChanged
from orders.models import Order, SalesChannel
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


@retried()
def sell_from(*, channel_id: int, pool_id: int) -> SalesChannel:
    """Have the channel sell from this pool; its orders that wait for goods now wait for them there."""
    channel = SalesChannel.objects.select_for_update(of=("self",), no_key=True).get(pk=channel_id)
    old = channel.pool_id
    if old == pool_id:
        return channel
    channel.pool_id = pool_id
    channel.save(update_fields=["pool"])
    let_wait_in(documents=_waiting(channel, old), from_pool_id=old, pool_id=pool_id)
    publish(ChannelPoolChanged(channel_id=channel.pk))
    return channel


def _waiting(channel: SalesChannel, pool_id: int) -> list[str]:
    """Answer the references of the channel's orders that wait in the pool."""
    documents = WaitingDemand.objects.filter(pool=pool_id, quantity__gt=0, document__startswith="order:")
    numbers = [document.removeprefix("order:") for document in documents.values_list("document", flat=True)]
    return [order.reference for order in Order.objects.filter(channel=channel, number__in=numbers)]
