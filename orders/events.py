"""What happens to orders, as facts made of ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class OrdersPlaced:
    """Orders were taken into the book."""

    name: ClassVar[str] = "orders.orders_placed"
    order_ids: list[int]


@dataclass(frozen=True, kw_only=True)
class OrdersShort:
    """Orders were taken for which not everything could be reserved."""

    name: ClassVar[str] = "orders.orders_short"
    order_ids: list[int]


@dataclass(frozen=True, kw_only=True)
class OrderCancelled:
    """An order, or a part of it, was cancelled."""

    name: ClassVar[str] = "orders.order_cancelled"
    order_id: int
    document: str = ""
    """How stock names the order: those below know it by that alone."""


@dataclass(frozen=True, kw_only=True)
class OrderShipped:
    """A parcel of an order left."""

    name: ClassVar[str] = "orders.order_shipped"
    order_id: int
    shipment_id: int


@dataclass(frozen=True, kw_only=True)
class ChannelPoolChanged:
    """A channel sells from another pool of places."""

    name: ClassVar[str] = "orders.channel_pool_changed"
    channel_id: int
