"""A channel in memory that does as a test says: it keeps figures and versions, and answers what was scripted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from channels.connectors.base import (
    AccountCheck,
    AccountSettings,
    Capability,
    ChannelOrder,
    ChannelOrderLine,
    ConnectorBase,
    FulfilmentDraft,
    ItemResult,
    Limits,
    NotFound,
    OrderStatus,
    Outcome,
    Page,
    RatePolicy,
    SettingField,
    StockReading,
    StockTarget,
    UnreadableOrder,
)

Answer = Exception | Outcome | Callable[[Sequence[StockTarget]], list[ItemResult]]


class ScriptedConnector(ConnectorBase):
    """`script` holds what the next stock calls end in: an error to raise, one outcome for every item, a function, or
    (None) what the channel would really do. `applies` lets the figure be applied before an error is raised."""

    key: ClassVar[str] = "scripted"
    label: ClassVar[str] = "Scripted channel"
    settings_schema: ClassVar[tuple[SettingField, ...]] = ()
    rate_policy: ClassVar[RatePolicy] = RatePolicy(per_second=1000, burst=1000, concurrency=1)

    def __init__(self) -> None:
        self.capabilities = frozenset(Capability)
        self.limits = Limits(stock_batch=250, listing_batch=250, order_page=250)
        self.script: list[Answer | None] = []
        self.read_script: list[Exception | None] = []
        self.applies = False
        self.calls: list[list[StockTarget]] = []
        self.in_call: Callable[[], None] | None = None
        self.shown: dict[str, int] = {}
        self.versions: dict[str, int] = {}
        self.orders: list[ChannelOrder | UnreadableOrder] = []
        self.pull_trouble: list[Exception | None] = []
        self.pulls: list[str | None] = []
        self.page_size = 250
        self.fetched: list[str] = []
        self.fetch_trouble: list[Exception | None] = []
        self.parcels: list[FulfilmentDraft] = []
        self.parcel_answers: list[Exception | ItemResult | None] = []
        self._lock = threading.Lock()

    # --- what a test says ------------------------------------------------------------------------------------------
    @property
    def told(self) -> list[list[tuple[str, int]]]:
        """Each call's (code, figure) pairs in order."""
        return [[(target.external_id, target.quantity) for target in call] for call in self.calls]

    def sell(self, order: ChannelOrder) -> ChannelOrder:
        """Take the order as the channel: its figures fall and the order can be read."""
        for line in order.lines:
            code = f"at-{line.external_sku}"
            self.shown[code] = self.shown.get(code, 0) - line.quantity
        self.orders.append(order)
        return order

    # --- verbs -----------------------------------------------------------------------------------------------------
    def check(self, account: AccountSettings) -> AccountCheck:
        return AccountCheck(name="Scripted")

    def push_stock(self, account: AccountSettings, targets: Sequence[StockTarget]) -> list[ItemResult]:
        with self._lock:
            self.calls.append(list(targets))
            answer = self.script.pop(0) if self.script else None
        if self.in_call:
            self.in_call()
        if isinstance(answer, Exception):
            if self.applies:
                self._apply(targets)
            raise answer
        if isinstance(answer, Outcome):
            if self.applies:
                self._apply(targets)
            return [_result(target.key, answer) for target in targets]
        return answer(targets) if answer else self._apply(targets)

    def _apply(self, targets: Sequence[StockTarget]) -> list[ItemResult]:
        with self._lock:
            return [self._apply_one(target) for target in targets]

    def _apply_one(self, target: StockTarget) -> ItemResult:
        code = target.external_id
        shown, version = self.shown.get(code, 0), self.versions.get(code, 0)
        if target.version < version or (target.expected is not None and target.expected != shown):
            return ItemResult(key=target.key, outcome=Outcome.STALE, actual=shown, actual_version=version)
        self.shown[code], self.versions[code] = target.quantity, target.version
        outcome = Outcome.UNCHANGED if shown == target.quantity else Outcome.OK
        return ItemResult(key=target.key, outcome=outcome, actual=target.quantity, actual_version=target.version)

    def read_stock(self, account: AccountSettings, external_ids: Sequence[str]) -> list[StockReading]:
        trouble = self.read_script.pop(0) if self.read_script else None
        if trouble:
            raise trouble
        return [
            StockReading(external_id=code, sku=code, quantity=self.shown[code], version=self.versions.get(code, 0))
            for code in external_ids
            if code in self.shown
        ]

    def pull_orders(self, account: AccountSettings, cursor: str | None, *, limit: int | None = None) -> Page:
        self.pulls.append(cursor)
        trouble = self.pull_trouble.pop(0) if self.pull_trouble else None
        if trouble:
            raise trouble
        start = int(cursor or 0)
        page = self.orders[start : start + self.page_size]
        end = start + len(page)
        return Page(
            orders=tuple(order for order in page if isinstance(order, ChannelOrder)),
            unreadable=tuple(order for order in page if isinstance(order, UnreadableOrder)),
            next_cursor=str(end) if page else cursor,
            more=end < len(self.orders),
        )

    def cursor_at(self, instant: datetime) -> str:
        return "0"

    def rewind(self, cursor: str, by: timedelta) -> str:
        """One order back, whatever the time."""
        return str(max(0, int(cursor) - 1))

    def fetch_order(self, account: AccountSettings, external_id: str) -> ChannelOrder:
        self.fetched.append(external_id)
        trouble = self.fetch_trouble.pop(0) if self.fetch_trouble else None
        if trouble:
            raise trouble
        found = [o for o in self.orders if isinstance(o, ChannelOrder) and o.external_id == external_id]
        if not found:
            raise NotFound("There is no such order.")
        return max(found, key=lambda order: order.version)

    def push_fulfilment(self, account: AccountSettings, draft: FulfilmentDraft) -> ItemResult:
        self.parcels.append(draft)
        answer = self.parcel_answers.pop(0) if self.parcel_answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer or ItemResult(key=draft.key, outcome=Outcome.OK)


def _result(key: str, outcome: Outcome) -> ItemResult:
    more: dict[str, Any] = {
        Outcome.STALE: {"actual": 0},
        Outcome.REJECTED: {"code": "listing_removed", "message": "It is gone."},
        Outcome.THROTTLED: {"retry_after": 30.0, "code": "throttled"},
        Outcome.PENDING: {"ref": "r1"},
    }.get(outcome, {})
    return ItemResult(key=key, outcome=outcome, **more)


def told_order(external_id: str, *lines: tuple[str, int], version: int = 1, **kwargs: Any) -> ChannelOrder:
    """An order of these (SKU, quantity) as a channel tells it."""
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    return ChannelOrder(
        external_id=external_id,
        number=external_id,
        placed_at=at,
        updated_at=at + timedelta(seconds=version),
        version=version,
        status=kwargs.pop("status", OrderStatus.OPEN),
        currency=kwargs.pop("currency", "EUR"),
        lines=tuple(
            ChannelOrderLine(
                external_id=f"{external_id}-{number}",
                external_sku=sku,
                title=sku,
                quantity=quantity,
                unit_price=Decimal("10.00"),
            )
            for number, (sku, quantity) in enumerate(lines, 1)
        ),
        **kwargs,
    )
