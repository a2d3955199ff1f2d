from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from orders.models import SalesChannel
from orders.services.placing import NewLine, NewOrder, PlacedOrder, place_orders
from tests.factories.inventory import StockPoolFactory


class SalesChannelFactory(DjangoModelFactory[SalesChannel]):
    class Meta:
        model = SalesChannel

    code = factory.Sequence(lambda n: f"channel-{n}")
    name = factory.Sequence(lambda n: f"Channel {n}")
    currency = "EUR"
    pool = factory.SubFactory(StockPoolFactory)


def new_order(channel: SalesChannel, reference: str, *lines: tuple[str, int], **kwargs: Any) -> NewOrder:
    """Answer an order of these (SKU, quantity) at 10.00 each."""
    return NewOrder(
        channel=channel.code,
        external_reference=reference,
        placed_at=kwargs.pop("placed_at", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        currency=channel.currency,
        lines=[NewLine(sku=sku, quantity=quantity, unit_price=Decimal("10.00")) for sku, quantity in lines],
        **kwargs,
    )


def placed(channel: SalesChannel, reference: str, *lines: tuple[str, int], **kwargs: Any) -> PlacedOrder:
    """Have the order in the book."""
    (answer,) = place_orders(batch=[new_order(channel, reference, *lines, **kwargs)], actor="test")
    assert isinstance(answer, PlacedOrder)
    return answer
