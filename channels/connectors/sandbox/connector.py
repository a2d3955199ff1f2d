"""The connector to a Sandbox shop: batches, cursors and outcomes around the client and the mapper."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeVar

from channels.connectors.base import (
    AccountCheck,
    AccountSettings,
    Capability,
    ConnectorBase,
    Limits,
    ListingDraft,
    RatePolicy,
    SettingField,
    StockReading,
    StockTarget,
    WebhookVerdict,
)
from channels.connectors.orders import ChannelOrder, FulfilmentDraft, Page
from channels.connectors.outcomes import (
    ConnectorError,
    ItemResult,
    NeedsAuth,
    Outcome,
    Permanent,
    Retryable,
    Unknown,
)
from channels.connectors.sandbox import mapping, signing
from channels.connectors.sandbox.client import Reply, SandboxClient, Throttled, path_part

Item = TypeVar("Item", StockTarget, ListingDraft)


class SandboxConnector(ConnectorBase):
    key: ClassVar[str] = "sandbox"
    label: ClassVar[str] = "Sandbox shop"
    settings_schema: ClassVar[tuple[SettingField, ...]] = (
        SettingField(name="base_url", label="Address", kind="url", help="What the shop printed when it started."),
        SettingField(name="api_key", label="API key", secret=True),
        SettingField(name="webhook_secret", label="Webhook secret", secret=True, required=False),
        SettingField(
            name="previous_webhook_secret",
            label="Previous webhook secret",
            secret=True,
            required=False,
            help="Still accepted while the shop changes over.",
        ),
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.LISTINGS,
            Capability.PRICES,
            Capability.STOCK,
            Capability.STOCK_CAS,
            Capability.NATIVE_IDEMPOTENCY,
            Capability.ORDERS,
            Capability.FULFILMENTS,
            Capability.WEBHOOKS,
        }
    )
    limits: ClassVar[Limits] = Limits(stock_batch=250, listing_batch=250, order_page=250)
    rate_policy: ClassVar[RatePolicy] = RatePolicy(per_second=50, burst=100, concurrency=4)

    def __init__(self, client: SandboxClient | None = None) -> None:
        self._client = client or SandboxClient()

    def close(self) -> None:
        self._client.close()

    def check(self, account: AccountSettings) -> AccountCheck:
        told = self._client.read(account, "/api/shop")
        return AccountCheck(name=str(told.get("name") or ""), facts={"shop time": str(told.get("now") or "")})

    def push_listings(self, account: AccountSettings, items: Sequence[ListingDraft]) -> list[ItemResult]:
        def send(batch: Sequence[ListingDraft]) -> list[ItemResult]:
            body = {"listings": [mapping.listing_entry(draft) for draft in batch]}
            told = _told(self._client.write(account, "POST", "/api/listings/bulk", body), len(batch))
            return [mapping.listing_result(draft, result) for draft, result in zip(batch, told, strict=True)]

        return _in_batches(items, self.limits.listing_batch, send)

    def push_stock(self, account: AccountSettings, targets: Sequence[StockTarget]) -> list[ItemResult]:
        def send(batch: Sequence[StockTarget]) -> list[ItemResult]:
            body = {"entries": [mapping.stock_entry(target) for target in batch]}
            reply = self._client.write(account, "POST", "/api/stock/bulk", body, key=batch_key(batch))
            told = _told(reply, len(batch))
            return [
                mapping.stock_result(target, result, replayed=reply.replayed)
                for target, result in zip(batch, told, strict=True)
            ]

        return _in_batches(targets, self.limits.stock_batch, send)

    def read_stock(self, account: AccountSettings, external_ids: Sequence[str]) -> list[StockReading]:
        readings: list[StockReading] = []
        for batch in mapping.split(external_ids, self.limits.stock_batch):
            told = self._client.read(account, "/api/stock", [("listing", external_id) for external_id in batch])
            readings += _understood(lambda told=told: mapping.stock_readings(told))  # type: ignore[misc]
        return readings

    def pull_orders(self, account: AccountSettings, cursor: str | None, *, limit: int | None = None) -> Page:
        asked = min(limit or self.limits.order_page, self.limits.order_page)
        position, _ = _open_cursor(cursor)
        told = self._client.read(account, "/api/orders", {"updated_after": position, "limit": asked})
        payloads = told.get("orders")
        if not isinstance(payloads, list):
            raise Retryable("The page of orders cannot be read.", code="unreadable_answer")
        read = [mapping.order_or_reason(payload) for payload in payloads]
        orders = tuple(order for order in read if isinstance(order, ChannelOrder))
        unreadable = tuple(order for order in read if not isinstance(order, ChannelOrder))
        following = cursor
        if payloads and isinstance(told.get("next_cursor"), str):
            following = _make_cursor(told["next_cursor"], _changed_at(payloads[-1]))
        return Page(orders=orders, next_cursor=following, more=told.get("more") is True, unreadable=unreadable)

    def cursor_at(self, instant: datetime) -> str:
        return _make_cursor("", mapping.instant_text(instant))

    def rewind(self, cursor: str, by: timedelta) -> str:
        _, changed_at = _open_cursor(cursor)
        return self.cursor_at(mapping.instant(changed_at) - by)

    def fetch_order(self, account: AccountSettings, external_id: str) -> ChannelOrder:
        """The order as it is now. Raises NotFound, and Permanent when it cannot be understood."""
        told = self._client.read(account, f"/api/orders/{path_part(external_id)}")
        try:
            return mapping.order(told)
        except mapping.Unreadable as trouble:
            raise Permanent(str(trouble), code="unreadable_order") from trouble

    def push_fulfilment(self, account: AccountSettings, draft: FulfilmentDraft) -> ItemResult:
        """Tell the shop of a parcel; telling it again under the same key changes nothing."""
        path = f"/api/orders/{path_part(draft.order_external_id)}/fulfilments"
        try:
            reply = self._client.write(account, "POST", path, mapping.fulfilment_body(draft), key=draft.key)
        except Throttled as trouble:
            return _throttled(draft.key, trouble)
        except Unknown as trouble:
            return ItemResult(key=draft.key, outcome=Outcome.UNKNOWN, code=trouble.code, message=trouble.message)
        except Permanent as trouble:
            return ItemResult(
                key=draft.key,
                outcome=Outcome.REJECTED,
                code=trouble.code,
                message=trouble.message,
                field=trouble.field,
            )
        external_id = str(reply.payload.get("id") or "") or None
        outcome = Outcome.UNCHANGED if reply.replayed else Outcome.OK
        return ItemResult(key=draft.key, outcome=outcome, external_id=external_id, replayed=reply.replayed)

    def register_webhook(self, account: AccountSettings, url: str) -> None:
        self._client.write(account, "PUT", "/api/webhook", {"url": url})

    def verify_webhook(
        self, account: AccountSettings, headers: Mapping[str, str], raw_body: bytes, *, url: str, now: datetime
    ) -> WebhookVerdict:
        """Check against the current secret and the previous one.

        The previous one counts until `previous_webhook_secret_until` (ISO time) of the credentials, or, when that is
        not set, for as long as it is kept.
        """
        secrets = [account.credentials.get("webhook_secret", "")]
        until = account.credentials.get("previous_webhook_secret_until", "")
        if not until or now < mapping.instant(until):
            secrets.append(account.credentials.get("previous_webhook_secret", ""))
        return signing.verify(headers, raw_body, secrets=[secret for secret in secrets if secret], now=now)


def batch_key(batch: Sequence[StockTarget]) -> str:
    """The key of a call, made of the keys and figures in it: the same batch again is the same call again."""
    content = [[target.key, target.external_id, target.quantity, target.expected, target.version] for target in batch]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:45]


def _in_batches(
    items: Sequence[Item], size: int, send: Callable[[Sequence[Item]], list[ItemResult]]
) -> list[ItemResult]:
    """Send batch after batch, and stop at the first that fails; see `Connector` for what then comes back."""
    results: list[ItemResult] = []
    for batch in mapping.split(items, size):
        stopped: ConnectorError
        try:
            results += send(batch)
            continue
        except Unknown as trouble:
            results += [_unknown(item, trouble) for item in batch]
            stopped = Retryable("Not sent, for the call before it got no answer.", code="not_sent")
        except Throttled as trouble:
            stopped = trouble
        except (Retryable, NeedsAuth, Permanent) as trouble:
            if not results:
                raise
            stopped = trouble
        results += [_throttled(item.key, stopped, item.external_id) for item in items[len(results) :]]
        break
    return results


def _unknown(item: StockTarget | ListingDraft, trouble: Unknown) -> ItemResult:
    return ItemResult(
        key=item.key,
        outcome=Outcome.UNKNOWN,
        external_id=item.external_id,
        code=trouble.code,
        message=trouble.message,
    )


def _throttled(key: str, trouble: ConnectorError, external_id: str | None = None) -> ItemResult:
    wished = trouble.retry_after if isinstance(trouble, Retryable) else None
    return ItemResult(
        key=key,
        outcome=Outcome.THROTTLED,
        external_id=external_id,
        retry_after=mapping.TRY_AGAIN_AFTER if wished is None else wished,
        code=trouble.code,
        message=trouble.message,
    )


def _told(reply: Reply, many: int) -> list[object]:
    results = reply.payload.get("results")
    if not isinstance(results, list) or len(results) != many:
        raise Unknown("The answer does not fit the request.", code="unreadable_answer")
    return results


def _make_cursor(position: str, changed_at: str) -> str:
    """Our cursor: the shop's own, and beside it the time it stands for, so that it can be wound back."""
    return f"{changed_at} {position}".strip()


def _open_cursor(cursor: str | None) -> tuple[str, str]:
    """What to send to the shop, and the time the cursor stands for."""
    if not cursor:
        return "", mapping.instant_text(datetime.fromtimestamp(0, UTC))
    changed_at, _, position = cursor.partition(" ")
    try:
        mapping.instant(changed_at)
    except mapping.Unreadable as trouble:
        raise Permanent("This cursor was not made by this connector.", code="invalid_cursor") from trouble
    return position or changed_at, changed_at


def _changed_at(payload: object) -> str:
    told = payload.get("updated_at") if isinstance(payload, dict) else None
    try:
        return mapping.instant_text(mapping.instant(told))
    except mapping.Unreadable as trouble:
        raise Retryable("The page of orders cannot be read.", code="unreadable_answer") from trouble


def _understood(read: Callable[[], list[StockReading]]) -> list[StockReading]:
    try:
        return read()
    except mapping.Unreadable as trouble:
        raise Retryable(str(trouble), code="unreadable_answer") from trouble
