"""Which channels a principal may place orders on."""

from __future__ import annotations

from orders.models import SalesChannel
from retailhub.core.access import Principal

SCOPE = "orders:write"


def channels_open_to(principal: Principal) -> frozenset[str] | None:
    """Answer the codes of the channels a principal may place orders on; None means all, without asking the database.

    A key for one channel has that one; who works at some places has the channels that sell from one of them.
    """
    codes = principal.places(SCOPE)
    if codes is None:
        return frozenset({principal.channel}) if principal.channel else None
    channels = SalesChannel.objects.filter(pool__entries__location__code__in=codes)
    if principal.channel:
        channels = channels.filter(code=principal.channel)
    return frozenset(channels.values_list("code", flat=True))
