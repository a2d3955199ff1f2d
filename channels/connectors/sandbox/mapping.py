"""The shop's words to ours and back. Pure functions: no network, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from channels.connectors.base import ListingDraft, StockReading, StockTarget
from channels.connectors.orders import (
    ChannelAddress,
    ChannelCustomer,
    ChannelOrder,
    ChannelOrderLine,
    ChannelPayment,
    FulfilmentDraft,
    OrderStatus,
    UnreadableOrder,
)
from channels.connectors.outcomes import ItemResult, Outcome

TRY_AGAIN_AFTER = 1.0
_STOCK_OUTCOMES = {"applied": Outcome.OK, "unchanged": Outcome.UNCHANGED, "stale": Outcome.STALE}
_LISTING_OUTCOMES = {"created": Outcome.OK, "updated": Outcome.OK, "unchanged": Outcome.UNCHANGED}


class Unreadable(ValueError):
    """The shop said something this connector does not understand."""


def instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise Unreadable(f"not a time: {value!r:.80}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as trouble:
        raise Unreadable(f"not a time: {value!r:.80}") from trouble
    if moment.tzinfo is None:
        raise Unreadable(f"a time without its zone: {value!r:.80}")
    return moment.astimezone(UTC)


def instant_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def money(value: Any) -> Decimal:
    if not isinstance(value, str):
        raise Unreadable(f"an amount must be text: {value!r:.80}")
    try:
        amount = Decimal(value)
    except InvalidOperation as trouble:
        raise Unreadable(f"not an amount: {value!r:.80}") from trouble
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
        raise Unreadable(f"not an amount: {value!r:.80}")
    return amount


def text(value: Any) -> str:
    """Text as it came; what is not there is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"not text: {value!r:.80}")
    return value


def _id(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Unreadable(f"not an id: {value!r:.80}")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"not a whole number: {value!r:.80}")
    return value


def _part(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"not an object: {value!r:.80}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable(f"not a list: {value!r:.80}")
    return value


def order(payload: Any) -> ChannelOrder:
    """One order. Raises Unreadable with the first thing that cannot be understood."""
    told = _part(payload)
    for needed in ("id", "number", "placed_at", "updated_at", "version", "status", "currency", "lines"):
        if needed not in told:
            raise Unreadable(f"`{needed}` is missing")
    try:
        status = OrderStatus(text(told["status"]))
    except ValueError as trouble:
        raise Unreadable(f"unknown status {told['status']!r:.80}") from trouble
    shipping = _part(told.get("shipping") or {})
    return ChannelOrder(
        external_id=_id(told["id"]),
        number=text(told["number"]),
        placed_at=instant(told["placed_at"]),
        updated_at=instant(told["updated_at"]),
        version=_whole(told["version"]),
        status=status,
        currency=_id(told["currency"]),
        prices_include_tax=told.get("prices_include_tax") is not False,
        lines=tuple(_order_line(line) for line in _list(told["lines"])),
        shipping_price=money(shipping.get("price", "0")),
        shipping_method=text(shipping.get("method")),
        total=money(told["total"]) if told.get("total") is not None else None,
        customer=_customer(told.get("customer")),
        shipping_address=_address(told.get("shipping_address")),
        payments=tuple(_payment(payment) for payment in _list(told.get("payments") or [])),
        note=text(told.get("note")),
    )


def order_or_reason(payload: Any) -> ChannelOrder | UnreadableOrder:
    """One order of a page; what cannot be read keeps its raw text, for a person to look at."""
    try:
        return order(payload)
    except Unreadable as trouble:
        external_id = payload.get("id") if isinstance(payload, dict) else None
        raw = json.dumps(payload, ensure_ascii=False)
        return UnreadableOrder(external_id=str(external_id or "")[:100], reason=str(trouble), raw=raw)


def _order_line(payload: Any) -> ChannelOrderLine:
    told = _part(payload)
    listing_id = told.get("listing_id")
    return ChannelOrderLine(
        external_id=_id(told.get("id")),
        external_sku=text(told.get("sku")),
        external_listing_id=None if listing_id is None else _id(listing_id),
        title=text(told.get("title")),
        quantity=_whole(told.get("quantity")),
        unit_price=money(told.get("unit_price")),
        tax_rate=money(told.get("tax_rate", "0")),
        discount=money(told.get("discount", "0")),
        fulfilled=_whole(told.get("fulfilled", 0)),
    )


def _payment(payload: Any) -> ChannelPayment:
    told = _part(payload)
    return ChannelPayment(
        external_id=_id(told.get("id")),
        method=text(told.get("method")),
        amount=money(told.get("amount")),
        currency=_id(told.get("currency")),
        status=text(told.get("status")),
        paid_at=instant(told["paid_at"]) if told.get("paid_at") is not None else None,
    )


def _customer(payload: Any) -> ChannelCustomer | None:
    if payload is None:
        return None
    told = _part(payload)
    name, email, phone = text(told.get("name")), text(told.get("email")), text(told.get("phone"))
    return ChannelCustomer(name=name, email=email, phone=phone) if name or email or phone else None


def _address(payload: Any) -> ChannelAddress | None:
    if payload is None:
        return None
    told = _part(payload)
    parts = {field: text(told.get(field)) for field in ChannelAddress.__dataclass_fields__}
    return ChannelAddress(**parts) if any(parts.values()) else None


def stock_entry(target: StockTarget) -> dict[str, Any]:
    return {
        "listing_id": target.external_id,
        "quantity": target.quantity,
        "expected": target.expected,
        "version": target.version,
    }


def stock_result(target: StockTarget, told: Any, *, replayed: bool) -> ItemResult:
    """What the shop says about one figure; an outcome nobody knows is treated as no answer at all."""
    result = told if isinstance(told, dict) else {}
    outcome = _STOCK_OUTCOMES.get(str(result.get("outcome")))
    actual, version = result.get("actual"), result.get("actual_version")
    if outcome is None or not isinstance(actual, int):
        return _other_result(target.key, result, external_id=target.external_id, replayed=replayed)
    return ItemResult(
        key=target.key,
        outcome=outcome,
        external_id=target.external_id,
        actual=actual,
        actual_version=version if isinstance(version, int) else None,
        code=str(result.get("code") or ""),
        replayed=replayed,
    )


def listing_entry(draft: ListingDraft) -> dict[str, Any]:
    return {
        "sku": draft.sku,
        "title": draft.title,
        "description": draft.description,
        "price": f"{draft.price:f}",
        "currency": draft.currency,
        "tax_rate": f"{draft.tax_rate:f}",
    }


def listing_result(draft: ListingDraft, told: Any) -> ItemResult:
    result = told if isinstance(told, dict) else {}
    outcome = _LISTING_OUTCOMES.get(str(result.get("outcome")))
    listing_id = result.get("listing_id")
    if outcome is None or not isinstance(listing_id, str):
        return _other_result(draft.key, result, external_id=draft.external_id, replayed=False)
    return ItemResult(key=draft.key, outcome=outcome, external_id=listing_id)


def _other_result(key: str, result: Mapping[str, Any], *, external_id: str | None, replayed: bool) -> ItemResult:
    error = result.get("error")
    told: Mapping[str, Any] = error if isinstance(error, dict) else {}
    code, message, field = str(told.get("code") or ""), str(told.get("message") or ""), told.get("field")
    if result.get("outcome") == "try_again":
        return ItemResult(
            key=key,
            outcome=Outcome.THROTTLED,
            external_id=external_id,
            retry_after=TRY_AGAIN_AFTER,
            code=code,
            message=message,
            replayed=replayed,
        )
    if result.get("outcome") == "rejected":
        return ItemResult(
            key=key,
            outcome=Outcome.REJECTED,
            external_id=external_id,
            code=code or "rejected",
            message=message,
            field=str(field) if field is not None else None,
            replayed=replayed,
        )
    return ItemResult(key=key, outcome=Outcome.UNKNOWN, external_id=external_id, code="unreadable_answer")


def stock_readings(payload: Mapping[str, Any]) -> list[StockReading]:
    return [
        StockReading(
            external_id=_id(_part(told).get("listing_id")),
            sku=text(told.get("sku")),
            quantity=_whole(told.get("quantity")),
            version=_whole(told.get("version")),
        )
        for told in _list(payload.get("stock"))
    ]


def fulfilment_body(draft: FulfilmentDraft) -> dict[str, Any]:
    return {
        "lines": [{"line_id": line.external_line_id, "quantity": line.quantity} for line in draft.lines],
        "carrier": draft.carrier,
        "tracking_number": draft.tracking_number,
        "tracking_url": draft.tracking_url,
    }


def split(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
