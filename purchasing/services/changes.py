"""What is wanted otherwise in an order that was sent: asked for, kept in a proposal, told by a revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from purchasing.models import PurchaseCharge, PurchaseOrder, PurchaseOrderLine, SpecialOrder
from purchasing.services.closing import CustomersWait
from purchasing.services.drafting import OrderedCharge, OrderedLine, build_charges, build_lines
from retailhub.core.errors import DomainError, Invalid, Offence, Unknown
from retailhub.core.money import round_cost


class BelowReceived(DomainError):
    """A line cannot ask for less than what came or was billed already."""

    code = "below_received"


class UnknownLine(Unknown):
    """The order has no such line."""

    code = "unknown_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """What shall be otherwise in one line; None leaves it.

    `quantity` is what shall be ordered in all, without what was cancelled before; 0 calls the line off. `unit_cost` is
    per base unit, `price` per purchase unit of the line.
    """

    line: int
    quantity: int | None = None
    unit_cost: Decimal | None = None
    price: Decimal | None = None
    discount_percent: Decimal | None = None
    expected_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanges:
    """Changes to lines, new lines, all charges anew, and words. `rejected`: the supplier declines the whole order."""

    lines: Sequence[LineChange] = ()
    added: Sequence[OrderedLine] = ()
    charges: Sequence[OrderedCharge] | None = None
    expected_on: date | None = None
    note: str | None = None
    rejected: bool = False

    def as_json(self) -> dict[str, Any]:
        """Answer them as a proposal keeps them; what is left alone is left out."""
        told: dict[str, Any] = {
            "lines": [_told(asdict(line)) for line in self.lines],
            "added": [_told(asdict(line)) for line in self.added],
        }
        if self.charges is not None:
            told["charges"] = [_told(asdict(charge)) for charge in self.charges]
        if self.expected_on is not None:
            told["expected_on"] = self.expected_on.isoformat()
        if self.note is not None:
            told["note"] = self.note
        if self.rejected:
            told["rejected"] = True
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> OrderChanges:
        charges = told.get("charges")
        return cls(
            lines=[LineChange(**_read(line)) for line in told.get("lines", ())],
            added=[OrderedLine(**_read(line)) for line in told.get("added", ())],
            charges=None if charges is None else [OrderedCharge(**_read(charge)) for charge in charges],
            expected_on=date.fromisoformat(told["expected_on"]) if told.get("expected_on") else None,
            note=told.get("note"),
            rejected=bool(told.get("rejected")),
        )


_AMOUNTS = frozenset({"unit_cost", "price", "discount_percent", "tax_rate", "over_percent", "amount"})


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: format(value, "f")
        if isinstance(value, Decimal)
        else value.isoformat()
        if isinstance(value, date)
        else value
        for name, value in values.items()
        if value is not None
    }


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Decimal(value) if name in _AMOUNTS else date.fromisoformat(value) if name == "expected_on" else value
        for name, value in values.items()
    }


@dataclass(slots=True)
class Outcome:
    """What applying changes came to, in memory: lines that differ, new ones, and which of them nobody confirmed."""

    changed: list[PurchaseOrderLine] = field(default_factory=list)
    fresh: list[PurchaseOrderLine] = field(default_factory=list)
    charges: list[PurchaseCharge] | None = None
    unsettled: list[PurchaseOrderLine] = field(default_factory=list)


def apply_changes(
    order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], changes: OrderChanges, *, on: date
) -> Outcome:
    """Let the rows in memory be as wanted; nothing is written. The caller holds the order.

    Raises UnknownLine, Invalid for a line that is named twice, BelowReceived and CustomersWait, naming every line.
    """
    by_number = {line.line: line for line in lines}
    _refuse_unknown(order, by_number, changes.lines)
    _refuse_too_little(by_number, changes.lines)
    outcome = Outcome()
    for change in changes.lines:
        line = by_number[change.line]
        before = (line.quantity, line.cancelled, line.expected_on)
        _change(line, change)
        outcome.changed.append(line)
        if (line.quantity, line.cancelled, line.expected_on) != before:
            outcome.unsettled.append(line)
    if changes.note is not None:
        order.note = changes.note
    if changes.expected_on is not None:
        named = {change.line for change in changes.lines if change.expected_on is not None}
        for line in lines:
            if line.line not in named and line.quantity - line.cancelled > line.received + line.rejected:
                if line.expected_on != changes.expected_on:
                    outcome.unsettled.append(line)
                line.expected_on = changes.expected_on
                if line not in outcome.changed:
                    outcome.changed.append(line)
        order.expected_on = changes.expected_on
    if changes.added:
        first = max((line.line for line in lines), default=0) + 1
        try:
            outcome.fresh = build_lines(order, changes.added, on=on, first=first)
        except DomainError as refusal:
            raise _moved_to_added(refusal) from refusal
    if changes.charges is not None:
        outcome.charges = build_charges(order, changes.charges)
    return outcome


def _moved_to_added(refusal: DomainError) -> DomainError:
    """Answer the refusal of a new line with its place in what was sent."""
    errors = [
        Offence(pointer=e.pointer.replace("/lines/", "/added/", 1), code=e.code, detail=e.detail, extra=e.extra)
        for e in refusal.errors
    ]
    return type(refusal)(refusal.detail, errors=errors, **refusal.details)


def _change(line: PurchaseOrderLine, change: LineChange) -> None:
    if change.quantity == 0:
        line.cancelled, line.replacement_due = line.quantity, 0
    elif change.quantity is not None:
        line.quantity = change.quantity + line.cancelled
    if change.unit_cost is not None:
        line.price, line.price_source = round_cost(change.unit_cost), "hand"
        line.pack_code, line.pack_numerator, line.pack_denominator = "", 1, 1
        line.discount_percent = Decimal(0) if change.discount_percent is None else line.discount_percent
    elif change.price is not None:
        line.price, line.price_source = round_cost(change.price), "hand"
    if change.discount_percent is not None:
        line.discount_percent = change.discount_percent
    if change.expected_on is not None:
        line.expected_on = change.expected_on
    if change.note is not None:
        line.note = change.note


def _refuse_unknown(
    order: PurchaseOrder, by_number: Mapping[int, PurchaseOrderLine], changes: Sequence[LineChange]
) -> None:
    unknown = [
        Offence(pointer=f"/lines/{i}/line", code="unknown_line", detail=f"{order.number} has no line {change.line}")
        for i, change in enumerate(changes)
        if change.line not in by_number
    ]
    if unknown:
        raise UnknownLine(errors=unknown)
    seen: set[int] = set()
    twice = []
    for i, change in enumerate(changes):
        if change.line in seen:
            twice.append(
                Offence(pointer=f"/lines/{i}/line", code="invalid", detail=f"line {change.line} is named twice")
            )
        seen.add(change.line)
    if twice:
        raise Invalid(errors=twice)


def _refuse_too_little(by_number: Mapping[int, PurchaseOrderLine], changes: Sequence[LineChange]) -> None:
    asked = {by_number[c.line].pk: c for c in changes if c.quantity is not None}
    promised: dict[int, int] = dict(
        SpecialOrder.objects.filter(order_line__in=asked, state=SpecialOrder.State.OPEN)
        .values_list("order_line")
        .annotate(units=Sum(F("quantity") - F("received")))
    )
    low, waited_for = [], []
    for index, change in enumerate(changes):
        if change.quantity is None:
            continue
        line = by_number[change.line]
        came, billed = line.received + line.rejected, line.invoiced - line.credited
        # What came in place of goods that went back was not ordered once more.
        kept = min(came, max(line.quantity - line.cancelled, came - line.replacement_due))
        if change.quantity < max(kept, billed):
            detail = f"line {line.line}: {kept} came and {billed} are billed, {change.quantity} would be less"
            low.append(
                Offence(
                    pointer=f"/lines/{index}/quantity",
                    code="below_received",
                    detail=detail,
                    extra={"line": line.line, "received": kept, "invoiced": billed},
                )
            )
        waiting = promised.get(line.pk, 0)
        if change.quantity - came + line.replacement_due < waiting:
            detail = f"line {line.line}: customers wait for {waiting}"
            waited_for.append(Offence(pointer=f"/lines/{index}/quantity", code="customers_wait", detail=detail))
    if low:
        raise BelowReceived(errors=low)
    if waited_for:
        raise CustomersWait(errors=waited_for)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "") -> list[list[Any]]:
    """Answer [JSON pointer, before, after] of everything that differs between two snapshots; None: not there."""
    found: list[list[Any]] = []
    for name in [*before, *(name for name in after if name not in before)]:
        old, new, pointer = before.get(name), after.get(name), f"{at}/{name}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, pointer)
        elif isinstance(old, list) and isinstance(new, list) and any(isinstance(x, Mapping) for x in (*old, *new)):
            found += differences(dict(enumerate(old)), dict(enumerate(new)), pointer)  # type: ignore[arg-type]
        elif old != new:
            found.append([pointer, old, new])
    return found
