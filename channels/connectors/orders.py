"""An order as a channel tells it, in our words: plain values, money as Decimal, times aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class OrderStatus(StrEnum):
    """All that the core needs to know: does the sale stand or not."""

    OPEN = "open"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class ChannelAddress:
    """Where a parcel goes. `country` is the two-letter code; every part may be empty."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class ChannelCustomer:
    """Who bought. A guest has no `external_id`."""

    external_id: str | None = None
    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class ChannelPayment:
    """Money the channel says it has taken, as a fact."""

    external_id: str
    method: str
    amount: Decimal
    currency: str
    status: str
    paid_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelOrderLine:
    """One line. `discount` is for the whole line, `tax_rate` a fraction (0.07), `fulfilled` what was sent."""

    external_id: str
    external_sku: str
    title: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    external_listing_id: str | None = None
    fulfilled: int = 0


@dataclass(frozen=True, kw_only=True)
class ChannelOrder:
    """One order at one version: a higher `version` is the later truth, whatever order the news arrived in."""

    external_id: str
    number: str
    placed_at: datetime
    updated_at: datetime
    version: int
    status: OrderStatus
    currency: str
    lines: tuple[ChannelOrderLine, ...]
    shipping_price: Decimal = Decimal(0)
    prices_include_tax: bool = True
    total: Decimal | None = None
    customer: ChannelCustomer | None = None
    shipping_address: ChannelAddress | None = None
    billing_address: ChannelAddress | None = None
    shipping_method: str = ""
    payments: tuple[ChannelPayment, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class UnreadableOrder:
    """An order the mapper could not read. It goes to quarantine with the reason; the rest of its page goes on."""

    external_id: str
    reason: str
    raw: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of changed orders, oldest change first. Store it before storing `next_cursor`."""

    orders: tuple[ChannelOrder, ...]
    next_cursor: str | None
    more: bool
    unreadable: tuple[UnreadableOrder, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FulfilmentLine:
    external_line_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class FulfilmentDraft:
    """A parcel to tell the channel about. `key` makes telling it twice harmless."""

    order_external_id: str
    lines: tuple[FulfilmentLine, ...]
    key: str
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
