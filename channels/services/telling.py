"""Parcels told to the channel whose order they serve."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from channels.connectors.base import Capability, ConnectorError, FulfilmentDraft, FulfilmentLine, Outcome
from channels.models import Account, Listing
from channels.services.health import may_call, note_failure
from channels.services.settings import connector_of, settings_of
from orders.models import Shipment
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention


def tell_shipments(*, account_id: int, most: int = 100) -> int:
    """Tell the channel of every parcel it has not heard of; answers how many it took.

    Each carries its own key, so that telling twice is harmless. What the channel refuses is raised for a person once.
    """
    account = Account.objects.select_related("channel").get(pk=account_id)
    connector = connector_of(account)
    if (
        Capability.FULFILMENTS not in connector.capabilities
        or account.state != Account.State.LIVE
        or not may_call(account)
    ):
        return 0
    untold = (
        Shipment.objects.filter(order__channel=account.channel_id, told_channel_at__isnull=True)
        .select_related("order")
        .prefetch_related("lines__order_line")
        .order_by("pk")[:most]
    )
    told = 0
    for shipment in untold:
        draft = FulfilmentDraft(
            order_external_id=shipment.order.external_reference,
            lines=_lines(account, shipment),
            key=shipment.number,
            carrier=shipment.carrier,
            tracking_number=shipment.tracking_number,
            shipped_at=shipment.shipped_at,
        )
        try:
            result = connector.push_fulfilment(settings_of(account), draft)
        except ConnectorError as error:
            note_failure(account, error)
            break
        if result.applied:
            told += 1
            Shipment.objects.filter(pk=shipment.pk).update(told_channel_at=timezone.now())
        elif result.outcome == Outcome.REJECTED:
            _give_up(account, shipment, result.message or result.code)
    return told


def _lines(account: Account, shipment: Shipment) -> tuple[FulfilmentLine, ...]:
    lines = [line for line in shipment.lines.all() if line.order_line.external_id]
    packs = _packs(account, [line.order_line.item_id for line in lines if line.order_line.item_id])
    return tuple(
        FulfilmentLine(
            external_line_id=line.order_line.external_id,
            quantity=max(1, line.quantity // packs.get(line.order_line.item_id or 0, 1)),
        )
        for line in lines
    )


def _packs(account: Account, item_ids: Sequence[int]) -> dict[int, int]:
    return dict(Listing.objects.filter(account=account, item__in=item_ids, pack__gt=1).values_list("item_id", "pack"))


def _give_up(account: Account, shipment: Shipment, reason: str) -> None:
    Shipment.objects.filter(pk=shipment.pk).update(told_channel_at=timezone.now())
    raise_attention(
        [
            Attention(
                kind="shipment_refused",
                subject=f"{shipment.number} · {account.channel.name}",
                reason=f"The channel does not take this parcel: {reason}",
                document=f"shipment:{shipment.number}",
                channel=account.channel.code,
                scope="orders:write",
                step_label="Look at the order",
                step_url=f"/orders/{shipment.order.number}/",
            )
        ]
    )
