"""Taking orders into the book: a batch at a time, each order once, with its stock promised in the same transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from customers.services.finding import Person, decide, write_decision
from inventory.services.ledger import Posting
from inventory.services.reserving import Outcome, Request, Wanted, allocate, lock_for
from orders.events import OrdersPlaced, OrdersShort
from orders.models import Order, OrderLine, OrderLinePart, Payment, Status
from orders.queries import ChannelFacts, Intake, read_intake
from orders.services.describing import PlacedLine, PlacedOrder, describe_orders
from orders.services.totals import Totals, line_amount, totals_of
from retailhub.core import money, quantities
from retailhub.core.errors import DomainError, Invalid, Offence, Unknown
from retailhub.core.sql import OneTrip
from retailhub.core.text import sku_key
from retailhub.core.transactions import retried


class UnknownChannel(Unknown):
    """A channel code names nothing."""

    code = "unknown_channel"


class UnknownSkuOrdered(Unknown):
    """An order names a SKU that is not in the catalogue."""

    code = "unknown_sku"


class UnknownPickupLocation(Unknown):
    """The pickup location names nothing."""

    code = "unknown_location"


class TooMuch(Invalid):
    """More is ordered than the books can count."""


class DuplicateOrder(DomainError):
    """This channel has another order with the same reference."""

    code = "duplicate_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """Units of a SKU at a price: gross where the channel's prices include tax. `discount` is an amount off the line."""

    sku: str
    quantity: int
    unit_price: Decimal
    tax_rate: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShipping:
    """How the order is to reach the customer."""

    method: str = ""
    address: Mapping[str, Any] = field(default_factory=dict)
    pickup_location: str = ""
    price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """Money paid or promised with the order."""

    method: str
    amount: Decimal
    reference: str = ""
    captured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order as a channel tells it. A connector sets `keep_unmapped`: its orders are facts, known SKU or not."""

    channel: str
    external_reference: str
    placed_at: datetime
    currency: str
    lines: Sequence[NewLine]
    customer: Person | None = None
    shipping: NewShipping = field(default_factory=NewShipping)
    payments: Sequence[NewPayment] = ()
    all_or_nothing: bool = False
    keep_unmapped: bool = False
    external_version: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.channel, self.external_reference)

    def fingerprint(self) -> str:
        """Answer the SHA-256 of what makes a repeated order the same: currency, lines in order, prices, shipping."""
        told = [
            self.currency,
            [
                [sku_key(x.sku), x.quantity, f"{x.unit_price:.4f}", f"{x.discount:.4f}", f"{x.tax_rate:.6f}"]
                for x in self.lines
            ],
            [self.shipping.method, self.shipping.pickup_location, f"{self.shipping.price:.4f}"],
            dict(self.shipping.address),
        ]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


Placed = PlacedOrder | DomainError


@retried(on_twin=True)
def place_orders(*, batch: Sequence[NewOrder], actor: str) -> list[Placed]:
    """Take each order into the book once, its stock promised from the channel's places, and answer what became of it.

    Answers in the order given: a PlacedOrder (`created` false when the same order came before), or the refusal:
    UnknownChannel, UnknownPickupLocation, UnknownSkuOrdered, TooMuch, DuplicateOrder, or NotEnoughStock for an order
    that wants all or nothing. A refused order leaves nothing behind and does not stop the others. What an accepted
    order cannot get waits for goods.
    Three statements, whatever the number of orders and lines; a repeated order takes three more to describe.
    """
    intake = _read(batch)
    answers: list[Placed | None] = [None] * len(batch)
    fresh: dict[tuple[str, str], int] = {}
    repeats: list[int] = []
    for index, order in enumerate(batch):
        if order.key in intake.existing or order.key in fresh:
            repeats.append(index)
        elif refusal := _refuse(order, intake):
            answers[index] = refusal
        else:
            fresh[order.key] = index
    _take(batch, list(fresh.values()), intake, answers, actor)
    _answer_repeats(batch, repeats, fresh, intake, answers)
    return [answer for answer in answers if answer is not None]


def _read(batch: Sequence[NewOrder]) -> Intake:
    return read_intake(
        channels=[order.channel for order in batch],
        sku_keys=[sku_key(line.sku) for order in batch for line in order.lines],
        references=[order.key for order in batch],
        identities=[key for order in batch if order.customer for key in order.customer.identities()],
        places=[order.shipping.pickup_location for order in batch if order.shipping.pickup_location],
        people=sum(1 for order in batch if order.customer),
    )


def unknown_channel(order: NewOrder) -> UnknownChannel:
    detail = f"no channel has the code {order.channel}"
    return UnknownChannel(errors=[Offence(pointer="/channel", code="unknown_channel", detail=detail)])


def unknown_pickup(order: NewOrder) -> UnknownPickupLocation:
    detail = f"no location has the code {order.shipping.pickup_location}"
    return UnknownPickupLocation(
        errors=[Offence(pointer="/shipping/pickup_location", code="unknown_location", detail=detail)]
    )


def _refuse(order: NewOrder, intake: Intake) -> DomainError | None:
    if order.channel not in intake.channels:
        return unknown_channel(order)
    if order.shipping.pickup_location and order.shipping.pickup_location not in intake.places:
        return unknown_pickup(order)
    unknown = [
        Offence(pointer=f"/lines/{i}/sku", code="unknown_sku", detail=f"no item has the SKU {line.sku}")
        for i, line in enumerate(order.lines)
        if sku_key(line.sku) not in intake.items
    ]
    if unknown and not order.keep_unmapped:
        return UnknownSkuOrdered(errors=unknown)
    return _refuse_too_much(order, intake)


def _refuse_too_much(order: NewOrder, intake: Intake) -> TooMuch | None:
    """Refuse what no column holds, or one order out of measure would take its whole batch down with it."""
    errors, amount = [], order.shipping.price
    for i, line in enumerate(order.lines):
        item = intake.items.get(sku_key(line.sku))
        if line.quantity * (max(item.parts.values()) if item else 1) > quantities.MOST:
            detail = f"{line.quantity} of {line.sku} are more than {quantities.MOST} units"
            errors.append(Offence(pointer=f"/lines/{i}/quantity", code="max_value", detail=detail))
        amount += line.quantity * line.unit_price * (1 + line.tax_rate)
        if amount >= money.MOST:
            detail = f"the order comes to {money.MOST:,.0f} or more"
            errors.append(Offence(pointer=f"/lines/{i}/unit_price", code="max_value", detail=detail))
            break
    return TooMuch(errors=errors) if errors else None


def _take(
    batch: Sequence[NewOrder], indexes: Sequence[int], intake: Intake, answers: list[Placed | None], actor: str
) -> None:
    if not indexes:
        return
    ids = dict(zip(indexes, intake.order_ids, strict=False))
    requests = [_request(batch[i], ids[i], intake) for i in indexes]
    levels = lock_for(requests)
    posting, outcomes = allocate(requests=requests, levels=levels, actor=actor)
    kept: list[tuple[int, Outcome]] = []
    for index, outcome in zip(indexes, outcomes, strict=True):
        if outcome.refusal:
            answers[index] = outcome.refusal
        else:
            kept.append((index, outcome))
    if not kept:
        # Nothing is taken, but what had expired was swept on the way.
        posting.write()
        return
    _write(batch, kept, ids, intake, posting, answers, actor)


def _request(order: NewOrder, order_id: int, intake: Intake) -> Request:
    channel = intake.channels[order.channel]
    location_ids = list(channel.location_ids)
    if order.shipping.pickup_location:
        pickup = intake.places[order.shipping.pickup_location]
        location_ids = [pickup, *(x for x in location_ids if x != pickup)]
    return Request(
        document=f"order:OR-{order_id}",
        wanted=[
            Wanted(line=number, sku=line.sku, quantity=line.quantity, parts=intake.items[key].parts)
            for number, line in enumerate(order.lines, 1)
            if (key := sku_key(line.sku)) in intake.items
        ],
        location_ids=location_ids,
        pool_id=channel.pool_id,
        all_or_nothing=order.all_or_nothing,
        promised_at=order.placed_at,
    )


def _write(
    batch: Sequence[NewOrder],
    kept: Sequence[tuple[int, Outcome]],
    ids: Mapping[int, int],
    intake: Intake,
    posting: Posting,
    answers: list[Placed | None],
    actor: str,
) -> None:
    decision = decide([batch[i].customer for i, _ in kept], intake.identities, iter(intake.customer_ids))
    trip = OneTrip()
    write_decision(decision, trip)
    short: list[int] = []
    orders: dict[str, list[Any]] = {name: [] for name in _ORDER_COLUMNS}
    lines: dict[str, list[Any]] = {name: [] for name in _LINE_COLUMNS}
    parts: dict[str, list[Any]] = {name: [] for name in _PART_COLUMNS}
    payments: dict[str, list[Any]] = {name: [] for name in _PAYMENT_COLUMNS}
    for (index, outcome), customer_id in zip(kept, decision.customer_ids, strict=True):
        order, channel = batch[index], intake.channels[batch[index].channel]
        placed = _describe(order, ids[index], outcome, channel, intake)
        answers[index] = placed
        if any(line.short for line in placed.lines):
            short.append(placed.order_id)
        _add_order(orders, order, placed, channel, customer_id, actor)
        for line, told in zip(placed.lines, order.lines, strict=True):
            item = intake.items.get(sku_key(told.sku))
            _append(
                lines, placed.order_id, line.line, item.id if item else None, told.sku, told.quantity, 0, 0,
                told.unit_price, told.discount, told.tax_rate, told.external_id,
            )  # fmt: skip
            # What a kit holds today is what this order gets, whatever the catalogue says tomorrow.
            if item and item.part_skus:
                for part_id, units in item.parts.items():
                    _append(parts, placed.order_id, line.line, part_id, units)
        for payment in order.payments:
            _append(payments, placed.order_id, payment.method, payment.amount, payment.reference, payment.captured)
    trip.insert(Order, orders)
    trip.insert(OrderLine, lines)
    trip.insert(OrderLinePart, parts)
    trip.insert(Payment, payments)
    posting.events.append(OrdersPlaced(order_ids=[ids[i] for i, _ in kept]))
    if short:
        posting.events.append(OrdersShort(order_ids=short))
    posting.write(trip)


_ORDER_COLUMNS = (
    "id", "number", "channel", "external_reference", "status", "currency", "customer", "placed_at", "shipping_method",
    "shipping_address", "pickup_location", "shipping_price", "lines_total", "tax_total", "total", "prices_include_tax",
    "fingerprint", "external_version", "held_reason", "actor",
)  # fmt: skip
_LINE_COLUMNS = (
    "order", "line", "item", "sku", "quantity", "cancelled", "shipped", "unit_price", "discount", "tax_rate",
    "external_id",
)  # fmt: skip
_PART_COLUMNS = ("order", "line", "item", "quantity")
_PAYMENT_COLUMNS = ("order", "method", "amount", "reference", "captured")


def _append(columns: dict[str, list[Any]], *values: Any) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)


def _add_order(
    columns: dict[str, list[Any]],
    order: NewOrder,
    placed: PlacedOrder,
    channel: ChannelFacts,
    customer_id: int | None,
    actor: str,
) -> None:
    shipping, totals = order.shipping, placed.totals
    _append(
        columns, placed.order_id, placed.number, channel.id, order.external_reference, str(placed.status),
        order.currency, customer_id, order.placed_at, shipping.method, dict(shipping.address),
        shipping.pickup_location, shipping.price, totals.lines, totals.tax, totals.total,
        channel.prices_include_tax, order.fingerprint(), order.external_version, "", actor,
    )  # fmt: skip


def _describe(order: NewOrder, order_id: int, outcome: Outcome, channel: ChannelFacts, intake: Intake) -> PlacedOrder:
    promises = {promise.line: promise for promise in outcome.promises}
    lines = []
    for number, told in enumerate(order.lines, 1):
        promise = promises.get(number)
        item = intake.items.get(sku_key(told.sku))
        parts = item.part_skus if item else {}
        lines.append(
            PlacedLine(
                line=number,
                sku=told.sku,
                quantity=told.quantity,
                reserved=promise.reserved if promise else 0,
                short=promise.short if promise else told.quantity,
                allocations=[
                    {"location": intake.location_codes[place.location_id], "quantity": units}
                    | ({"sku": parts[place.item_id]} if parts else {})
                    for place, units in (promise.places if promise else {}).items()
                ],
            )
        )
    return PlacedOrder(
        order_id=order_id,
        number=f"OR-{order_id}",
        status=status_on_arrival(lines),
        currency=order.currency,
        lines=lines,
        totals=_totals(order, channel),
        created=True,
    )


def status_on_arrival(lines: Sequence[PlacedLine]) -> Status:
    """Answer allocated, part_allocated or open, by what is reserved."""
    if all(line.short == 0 for line in lines):
        return Status.ALLOCATED
    return Status.PART_ALLOCATED if any(line.reserved for line in lines) else Status.OPEN


def _totals(order: NewOrder, channel: ChannelFacts) -> Totals:
    return totals_of(
        [
            (line_amount(line.quantity, line.unit_price, line.discount, order.currency), line.tax_rate)
            for line in order.lines
        ],
        shipping=order.shipping.price,
        currency=order.currency,
        prices_include_tax=channel.prices_include_tax,
    )


def _answer_repeats(
    batch: Sequence[NewOrder],
    repeats: Sequence[int],
    fresh: Mapping[tuple[str, str], int],
    intake: Intake,
    answers: list[Placed | None],
) -> None:
    same: dict[int, int] = {}
    for index in repeats:
        order = batch[index]
        first = fresh.get(order.key)
        if first is not None:
            told = answers[first]
            equal = batch[first].fingerprint() == order.fingerprint()
            answers[index] = (
                _duplicate(order) if not equal else told.repeated() if isinstance(told, PlacedOrder) else told
            )
            continue
        order_id, fingerprint = intake.existing[order.key]
        if fingerprint == order.fingerprint():
            same[index] = order_id
        else:
            answers[index] = _duplicate(order)
    if same:
        described = describe_orders(list(set(same.values())))
        for index, order_id in same.items():
            answers[index] = described[order_id]


def _duplicate(order: NewOrder) -> DuplicateOrder:
    return DuplicateOrder(
        errors=[
            Offence(
                pointer="/external_reference",
                code="duplicate_order",
                detail=f"{order.channel} has another order {order.external_reference}",
            )
        ]
    )
