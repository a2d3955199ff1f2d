"""What every connector offers to the core: its self-description and its verbs.

A connector keeps no state and touches no database. Each verb gets the account's settings as a value and answers with
plain values. What a connector can do it declares in `capabilities`; the scheduler and the pages read that declaration,
so nowhere else does the code ask which channel it is talking to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from channels.connectors.orders import (
    ChannelAddress,
    ChannelCustomer,
    ChannelOrder,
    ChannelOrderLine,
    ChannelPayment,
    FulfilmentDraft,
    FulfilmentLine,
    OrderStatus,
    Page,
    UnreadableOrder,
)
from channels.connectors.outcomes import (
    ConnectorError,
    ItemResult,
    NeedsAuth,
    NotFound,
    Outcome,
    Permanent,
    Retryable,
    Unknown,
    Unsupported,
)

__all__ = [  # one door for the core: it imports every name from here
    "AccountCheck",
    "AccountSettings",
    "Capability",
    "ChannelAddress",
    "ChannelCustomer",
    "ChannelLocation",
    "ChannelOrder",
    "ChannelOrderLine",
    "ChannelPayment",
    "Connector",
    "ConnectorBase",
    "ConnectorError",
    "FulfilmentDraft",
    "FulfilmentLine",
    "ItemResult",
    "Limits",
    "ListingDraft",
    "NeedsAuth",
    "NotFound",
    "OrderStatus",
    "Outcome",
    "Page",
    "Permanent",
    "Ping",
    "RatePolicy",
    "Rejected",
    "Retryable",
    "SettingField",
    "StockReading",
    "StockTarget",
    "Unknown",
    "UnreadableOrder",
    "Unsupported",
    "WebhookEvent",
    "WebhookVerdict",
]


class Capability(StrEnum):
    LISTINGS = "listings"
    PRICES = "prices"
    STOCK = "stock"
    ORDERS = "orders"
    FULFILMENTS = "fulfilments"
    REFUNDS_IN = "refunds_in"
    REFUNDS_OUT = "refunds_out"
    RETURNS = "returns"
    WEBHOOKS = "webhooks"
    LOCATIONS = "locations"
    STOCK_DELTA = "stock_delta"
    STOCK_CAS = "stock_cas"  # a stock write may name the figure it expects to replace
    NATIVE_IDEMPOTENCY = "native_idempotency"  # repeating a write under its key is harmless
    ASYNC_SUBMISSIONS = "async_submissions"


@dataclass(frozen=True, kw_only=True)
class SettingField:
    """One field of the form in which a person connects an account."""

    name: str
    label: str
    kind: str = "text"  # text, url, integer, flag
    secret: bool = False
    required: bool = True
    help: str = ""
    default: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much fits into one call, and how often a listing may be revised (None: no limit)."""

    stock_batch: int
    listing_batch: int
    order_page: int
    webhook_body: int = 1024 * 1024
    revisions_per_day: int | None = None


@dataclass(frozen=True, kw_only=True)
class RatePolicy:
    """How fast to call before the channel has told us better. `concurrency` is calls in flight per account."""

    per_second: float
    burst: int
    concurrency: int = 4


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """One account's address, credentials and choices. Credentials never show in a repr, so never in a log."""

    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AccountCheck:
    """The channel knows us: the shop's own name, and what to show beside it."""

    name: str
    message: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChannelLocation:
    external_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ListingDraft:
    """One article as the channel shall show it. `listing_id` is ours, `external_id` theirs (None: not there yet)."""

    listing_id: int
    sku: str
    title: str
    price: Decimal
    currency: str
    key: str
    external_id: str | None = None
    description: str = ""
    barcode: str = ""
    tax_rate: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class StockTarget:
    """The absolute figure one listing shall show. `expected` is the figure it replaces; None writes unconditionally.

    `version` rises with each decision about this listing: a channel that keeps it refuses what is older than it has.
    """

    listing_id: int
    external_id: str
    quantity: int
    expected: int | None
    version: int
    key: str
    location: str | None = None


@dataclass(frozen=True, kw_only=True)
class StockReading:
    """What the channel shows right now."""

    external_id: str
    sku: str
    quantity: int
    version: int | None = None
    location: str | None = None


@dataclass(frozen=True, kw_only=True)
class WebhookEvent:
    """Verified news. Only a hint: fetch the object, apply it when its version is newer."""

    event_id: str
    topic: str
    external_id: str
    version: int | None
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ping:
    """Verified, and nothing to do: the channel tries whether we are there."""

    event_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Not to be believed. `reason` is a word for the log, never for the answer."""

    reason: str


WebhookVerdict = WebhookEvent | Ping | Rejected


@runtime_checkable
class Connector(Protocol):
    """All verbs of all connectors. One whose capability is not declared raises Unsupported.

    The `push_…` verbs answer one result per item, in the order given, and split long lists into batches themselves.
    When the first batch fails as a whole they raise Retryable, NeedsAuth or Permanent, and nothing was applied. When a
    later one does, its items and all after it come back THROTTLED, `code` naming the cause: they were not applied.
    The same when the channel asks for patience, be it at the first batch. A batch that was sent and not answered comes
    back UNKNOWN, item by item. Verbs that only read raise instead, and may always be repeated.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    settings_schema: ClassVar[tuple[SettingField, ...]]
    capabilities: ClassVar[frozenset[Capability]]
    limits: ClassVar[Limits]
    rate_policy: ClassVar[RatePolicy]

    def check(self, account: AccountSettings) -> AccountCheck: ...

    def discover_locations(self, account: AccountSettings) -> tuple[ChannelLocation, ...]: ...

    def push_listings(self, account: AccountSettings, items: Sequence[ListingDraft]) -> list[ItemResult]: ...

    def push_stock(self, account: AccountSettings, targets: Sequence[StockTarget]) -> list[ItemResult]: ...

    def read_stock(self, account: AccountSettings, external_ids: Sequence[str]) -> list[StockReading]:
        """Tell what the channel shows; ids it does not know are left out, which proves nothing about them."""
        ...

    def poll_submission(self, account: AccountSettings, ref: str) -> list[ItemResult]: ...

    def pull_orders(self, account: AccountSettings, cursor: str | None, *, limit: int | None = None) -> Page:
        """Read orders changed after `cursor`, oldest change first; None begins at the beginning."""
        ...

    def cursor_at(self, instant: datetime) -> str:
        """A cursor that starts at this instant."""
        ...

    def rewind(self, cursor: str, by: timedelta) -> str:
        """A cursor that starts so much earlier: repeats are normal, gaps are not."""
        ...

    def fetch_order(self, account: AccountSettings, external_id: str) -> ChannelOrder: ...

    def push_fulfilment(self, account: AccountSettings, draft: FulfilmentDraft) -> ItemResult: ...

    def register_webhook(self, account: AccountSettings, url: str) -> None: ...

    def verify_webhook(
        self, account: AccountSettings, headers: Mapping[str, str], raw_body: bytes, *, url: str, now: datetime
    ) -> WebhookVerdict: ...

    def close(self) -> None:
        """Give back kept connections. The connector may be used again afterwards."""
        ...


class ConnectorBase:
    """The verbs a connector does not have, each refused by name."""

    label: ClassVar[str]

    def _unsupported(self, verb: str) -> Unsupported:
        return Unsupported(f"{self.label} cannot {verb}.")

    def discover_locations(self, account: AccountSettings) -> tuple[ChannelLocation, ...]:
        raise self._unsupported("tell its locations")

    def push_listings(self, account: AccountSettings, items: Sequence[ListingDraft]) -> list[ItemResult]:
        raise self._unsupported("take listings")

    def push_stock(self, account: AccountSettings, targets: Sequence[StockTarget]) -> list[ItemResult]:
        raise self._unsupported("take stock figures")

    def read_stock(self, account: AccountSettings, external_ids: Sequence[str]) -> list[StockReading]:
        raise self._unsupported("tell its stock")

    def poll_submission(self, account: AccountSettings, ref: str) -> list[ItemResult]:
        raise self._unsupported("report on submissions")

    def pull_orders(self, account: AccountSettings, cursor: str | None, *, limit: int | None = None) -> Page:
        raise self._unsupported("give orders")

    def cursor_at(self, instant: datetime) -> str:
        raise self._unsupported("give orders")

    def rewind(self, cursor: str, by: timedelta) -> str:
        raise self._unsupported("give orders")

    def fetch_order(self, account: AccountSettings, external_id: str) -> ChannelOrder:
        raise self._unsupported("give orders")

    def push_fulfilment(self, account: AccountSettings, draft: FulfilmentDraft) -> ItemResult:
        raise self._unsupported("take fulfilments")

    def register_webhook(self, account: AccountSettings, url: str) -> None:
        raise self._unsupported("send webhooks")

    def verify_webhook(
        self, account: AccountSettings, headers: Mapping[str, str], raw_body: bytes, *, url: str, now: datetime
    ) -> WebhookVerdict:
        return Rejected(reason="unsupported")

    def close(self) -> None:
        return None
