"""Parcels told to the channel whose order they serve."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorError,
    FulfilmentDraft,
    FulfilmentLine,
    NotFound,
    Outcome,
    Retryable,
)
from channels.models import Account, Listing
from channels.services.health import may_call, note_failure, note_success
from channels.services.settings import connector_of, settings_of
from orders.models import Shipment, ShipmentLine
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
        try:
            lines = _lines(account, connector, shipment)
            if not lines:
                _note_told(shipment)  # nothing of it is a thing that this channel sold
                continue
            result = connector.push_fulfilment(
                settings_of(account),
                FulfilmentDraft(
                    order_external_id=shipment.order.external_reference,
                    lines=lines,
                    key=shipment.number,
                    carrier=shipment.carrier,
                    tracking_number=shipment.tracking_number,
                    shipped_at=shipment.shipped_at,
                ),
            )
        except NotFound as error:
            _give_up(account, shipment, str(error))
            continue
        except ConnectorError as error:
            note_failure(account, error)
            break
        if result.applied:
            told += 1
            _note_told(shipment)
        elif result.outcome == Outcome.REJECTED:
            _give_up(account, shipment, result.message or result.code)
        else:
            # It asks for patience, or its answer got lost: the same key again, next time.
            note_failure(account, Retryable(result.message or result.code, retry_after=result.retry_after))
            break
    else:
        if told:
            note_success(account)
    return told


def _note_told(shipment: Shipment) -> None:
    Shipment.objects.filter(pk=shipment.pk).update(told_channel_at=timezone.now())


def _lines(account: Account, connector: Connector, shipment: Shipment) -> tuple[FulfilmentLine, ...]:
    """Answer what left, in the channel's lines and units: whole packs, counted over all parcels of the line."""
    lines = [line for line in shipment.lines.all() if line.order_line.external_id]
    items = [line.order_line.item_id for line in lines if line.order_line.item_id]
    sold_as: dict[str, int] = {}
    if Listing.objects.filter(account=account, item__in=items, pack__gt=1).exists():
        order = connector.fetch_order(settings_of(account), shipment.order.external_reference)
        sold_as = {line.external_id: line.quantity for line in order.lines}
    earlier = dict(
        ShipmentLine.objects.filter(order_line__in=[line.order_line_id for line in lines], shipment__lt=shipment.pk)
        .values_list("order_line")
        .annotate(Sum("quantity"))
    )
    told = []
    for line in lines:
        sold = sold_as.get(line.order_line.external_id)
        pack = max(1, line.order_line.quantity // sold) if sold else 1
        before = earlier.get(line.order_line_id, 0)
        if packs := (before + line.quantity) // pack - before // pack:
            told.append(FulfilmentLine(external_line_id=line.order_line.external_id, quantity=packs))
    return tuple(told)


@transaction.atomic
def _give_up(account: Account, shipment: Shipment, reason: str) -> None:
    _note_told(shipment)
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
