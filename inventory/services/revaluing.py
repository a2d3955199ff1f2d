"""Receipts that turn out to cost more or less: corrected from today on, never in the past.

What has left keeps the value it left with. A correction is shared between what is still here and what is not by
following the units forward from the receipt: by the moving average every issue takes its part of the correction along,
where layers are kept the units of the receipt's own layer do. The past is read, nothing of it is written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from inventory.models import ValueAdjustment
from inventory.services.costing import Pool, cents, lock_pools, read_pools, write_pools
from inventory.services.receipts import ExceedsReceived, Receipt, UnknownReceipt, receipts_of
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.money import round_cost
from retailhub.core.sql import OneTrip, rows
from retailhub.core.transactions import retried


class CostBelowZero(DomainError):
    """A receipt cannot cost less than nothing."""

    code = "cost_below_zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """So many units of a receipt line turn out to cost `value_change` more (or less), in whole cents.

    `document` is the document of the receipt, such as receipt:GR-12; `reference` says where the correction stands, such
    as invoice:17#2.
    """

    document: str
    line: int
    quantity: int
    value_change: Decimal
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """How a correction is shared, in whole cents: what stays in stock and what is cost of sales; together all of it."""

    to_stock: Decimal
    to_sold: Decimal
    item_id: int
    location: str


@dataclass(frozen=True, slots=True)
class _Part:
    """What one movement of the receipt line gets of a correction."""

    receipt: Receipt
    quantity: int
    change: Decimal
    to_stock: Decimal


def preview_corrections(*, corrections: Sequence[Correction]) -> list[Corrected]:
    """Answer what `correct_receipts` would, and write nothing."""
    receipts = _find(corrections)
    pools = read_pools({x.item_id for found in receipts for x in found})
    return _share_out(corrections, receipts, pools)[0]


@retried()
def correct_receipts(
    *, corrections: Sequence[Correction], document: str, reason: str, actor: str, note: str = ""
) -> list[Corrected]:
    """Let the stock value follow what `document` says the receipts cost, and answer each correction's shares.

    The caller posts the shares to the journal in this transaction; the pools count them as booked. A fixed number of
    statements. Raises UnknownReceipt, ExceedsReceived (more units than were received and kept) and CostBelowZero,
    naming every offending correction; then nothing happens.
    """
    if reason not in ValueAdjustment.Reason.values or reason == ValueAdjustment.Reason.WRITE_DOWN:
        raise ValueError(f"{reason} is no reason for a correction")
    if not corrections:
        return []
    pools = lock_pools({x.item_id for found in _find(corrections) for x in found})
    # Asked after locking: earlier corrections, returns and reversals of the same receipts are seen.
    receipts = _find(corrections)
    answers, parts = _share_out(corrections, receipts, pools)
    trip = OneTrip()
    made = [(correction, part) for correction, found in zip(corrections, parts, strict=True) for part in found]
    trip.insert(
        ValueAdjustment,
        {
            "item": [part.receipt.item_id for _, part in made],
            "receipt": [part.receipt.pk for _, part in made],
            "document": [document] * len(made),
            "reference": [correction.reference for correction, _ in made],
            "quantity": [part.quantity for _, part in made],
            "to_stock": [part.to_stock for _, part in made],
            "to_sold": [part.change - part.to_stock for _, part in made],
            "reason": [str(reason)] * len(made),
            "note": [note] * len(made),
            "actor": [actor] * len(made),
        },
    )
    write_pools(trip, pools, revalued=True)
    trip.run()
    return answers


def _find(corrections: Sequence[Correction]) -> list[list[Receipt]]:
    """Answer the movements of each correction's receipt line that are still to be corrected, or refuse."""
    known: dict[tuple[str, int], list[Receipt]] = {}
    for receipt in receipts_of(sorted({x.document for x in corrections})):
        known.setdefault((receipt.document, receipt.line), []).append(receipt)
    found = [[x for x in known.get((c.document, c.line), ()) if not x.reversed] for c in corrections]
    invalid, unknown, exceeding = [], [], []
    for index, (correction, receipts) in enumerate(zip(corrections, found, strict=True)):
        kept = sum(x.kept for x in receipts)
        if correction.quantity < 1 or correction.value_change != cents(correction.value_change):
            invalid.append(_offence(index, "invalid", "a correction is of whole cents on one unit or more"))
        elif not receipts:
            detail = f"line {correction.line} of {correction.document} brought nothing, or was reversed"
            unknown.append(_offence(index, "unknown_receipt", detail))
        elif correction.quantity > kept:
            detail = f"line {correction.line} of {correction.document} brought {kept} that did not go back"
            exceeding.append(_offence(index, "exceeds_received", detail, received=kept))
    if invalid:
        raise Invalid(errors=invalid)
    if unknown:
        raise UnknownReceipt(errors=unknown)
    if exceeding:
        raise ExceedsReceived(errors=exceeding)
    return found


def _offence(index: int, code: str, detail: str, **extra: object) -> Offence:
    return Offence(pointer=f"/corrections/{index}", code=code, detail=detail, extra=extra)


def _share_out(
    corrections: Sequence[Correction], receipts: Sequence[Sequence[Receipt]], pools: dict[int, Pool]
) -> tuple[list[Corrected], list[list[_Part]]]:
    """Change the pools in memory; answer the shares in whole cents and, exactly, what each movement gets."""
    _refuse_below_zero(corrections, receipts)
    past = _read_past([x for found in receipts for x in found], pools)
    answers, parts = [], []
    for correction, found in zip(corrections, receipts, strict=True):
        booked = Decimal(0)
        mine: list[_Part] = []
        line = frozenset(x.pk for x in found)
        for receipt, quantity, change in _spread(correction, found):
            pool = pools[receipt.item_id]
            before = cents(pool.value)
            to_stock = past[receipt.item_id].apply(receipt, change, pool, line)
            pool.booked_value += cents(pool.value) - before
            booked += cents(pool.value) - before
            mine.append(_Part(receipt, quantity, change, to_stock))
        parts.append(mine)
        answers.append(
            Corrected(
                to_stock=booked,
                to_sold=correction.value_change - booked,
                item_id=found[0].item_id,
                location=found[0].location,
            )
        )
    return answers, parts


def _refuse_below_zero(corrections: Sequence[Correction], receipts: Sequence[Sequence[Receipt]]) -> None:
    left: dict[tuple[str, int], Decimal] = {}
    errors = []
    for index, (correction, found) in enumerate(zip(corrections, receipts, strict=True)):
        key = (correction.document, correction.line)
        cost = left.get(key, sum((x.cost for x in found), Decimal(0)))
        left[key] = cost + correction.value_change
        if left[key] < 0:
            detail = f"line {correction.line} of {correction.document} costs {cents(cost)} so far"
            errors.append(_offence(index, "cost_below_zero", detail, cost=str(cents(cost))))
    if errors:
        raise CostBelowZero(errors=errors)


def _spread(correction: Correction, receipts: Sequence[Receipt]) -> list[tuple[Receipt, int, Decimal]]:
    """Share a correction among the movements of its line by the units that each of them kept."""
    parts = []
    units, change = correction.quantity, correction.value_change
    # Goods that were moved to another bucket before they went back were counted against the movement of that bucket.
    beyond = -sum(min(0, x.kept) for x in receipts)
    left = []
    for receipt in receipts:
        gone = min(beyond, max(0, receipt.kept))
        beyond -= gone
        if receipt.kept > gone:
            left.append((receipt, receipt.kept - gone))
    kept = sum(mine for _, mine in left)
    for receipt, mine in left:
        part = change if mine == kept else round_cost(change * mine / kept)
        share = units if mine == kept else units * mine // kept
        kept -= mine
        units -= share
        change -= part
        parts.append((receipt, max(1, share), part))
    return parts


# --- forward through the past ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Issue:
    """Units that left our ownership, and how many there were before and after."""

    pk: int
    before: int
    after: int
    reverses: bool
    returns: int | None


@dataclass(slots=True)
class _KnownLayer:
    """A layer as it is stored: where it began, and whether the moving average took over from it."""

    pk: int
    movement_id: int | None
    received: int
    quantity: int
    opened_after: int | None
    folded_after: int | None


@dataclass(slots=True)
class _Past:
    """What happened to one item since the receipts that are corrected."""

    issues: list[_Issue] = field(default_factory=list)
    layers: list[_KnownLayer] = field(default_factory=list)

    def apply(self, receipt: Receipt, change: Decimal, pool: Pool, line: frozenset[int]) -> Decimal:
        """Change pool and layer by what is left of the correction; answer that part. Nothing falls below zero.

        `line` are all movements of the receipt's line.
        """
        share, known = self._remaining(receipt, line)
        if not share or not pool.quantity:
            return Decimal(0)
        part = round_cost(change * share)
        layer = next((x for x in pool.layers or () if known is not None and x.pk == known.pk), None)
        if pool.layers is not None and layer is None:
            return Decimal(0)
        part = max(part, -(pool.value if layer is None else layer.value))
        if layer is not None:
            layer.value += part
        pool.value += part
        return part

    def _remaining(self, receipt: Receipt, line: frozenset[int]) -> tuple[Decimal, _KnownLayer | None]:
        """Answer which part of what the receipt brought is still here, and the layer it lies in if layers are kept."""
        share = Decimal(1)
        own = next((x for x in self.layers if x.movement_id == receipt.pk), None)
        if own is not None:
            kept = max(own.received - receipt.returned, own.quantity)
            share = Decimal(own.quantity) / kept if kept else Decimal(0)
        layer, since = own, receipt.pk
        with localcontext(prec=50):
            while layer is None or layer.folded_after is not None:
                if layer is not None:
                    since = layer.folded_after  # type: ignore[assignment]  # asked by the loop
                after = 0 if layer is None else layer.pk
                opening = next(
                    (x for x in self.layers if x.opened_after is not None and x.opened_after >= since and x.pk > after),
                    None,
                )
                until = None if opening is None else opening.opened_after
                share *= self._kept_by_the_average(line, since, until)
                if opening is None:
                    return share, None
                share = share * opening.quantity / opening.received
                layer = opening
        return share, layer

    def _kept_by_the_average(self, line: frozenset[int], since: int, until: int | None) -> Decimal:
        share = Decimal(1)
        start = bisect_right(self.issues, since, key=lambda issue: issue.pk)
        for issue in self.issues[start:]:
            if until is not None and issue.pk > until:
                break
            if not issue.after:
                return Decimal(0)
            # What goes back leaves at its own cost: nothing of the correction goes with it.
            if issue.reverses or issue.returns in line:
                continue
            share = share * issue.after / issue.before
        return share


_ISSUES = """
WITH since AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS s(item_id, id, now)),
flow AS (
    SELECT m.item_id, m.id, m.quantity * (t.ours::int - f.ours::int) AS change, s.now,
           m.reverses_id IS NOT NULL AS reverses, m.returns_id
    FROM since s JOIN inventory_stockmovement m ON m.item_id = s.item_id AND m.id > s.id
    JOIN (SELECT id, owned AND kind <> 'counterparty' AS ours FROM inventory_location) f ON f.id = m.from_location_id
    JOIN (SELECT id, owned AND kind <> 'counterparty' AS ours FROM inventory_location) t ON t.id = m.to_location_id
    WHERE f.ours <> t.ours
),
running AS (
    SELECT item_id, id, change, reverses, returns_id,
           now - coalesce(sum(change) OVER (PARTITION BY item_id ORDER BY id DESC
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS after FROM flow
)
SELECT item_id, id, (after - change)::bigint, after::bigint, reverses, returns_id
FROM running WHERE change < 0 ORDER BY item_id, id
"""


def _read_past(receipts: Sequence[Receipt], pools: dict[int, Pool]) -> dict[int, _Past]:
    """Answer what happened to each item since the first of its receipts. Two statements."""
    first: dict[int, int] = {}
    for receipt in receipts:
        first[receipt.item_id] = min(receipt.pk, first.get(receipt.item_id, receipt.pk))
    past = {item_id: _Past() for item_id in first}
    quantities = [pools[item_id].quantity for item_id in first]
    for item_id, *issue in rows(_ISSUES, [list(first), list(first.values()), quantities]):
        past[item_id].issues.append(_Issue(*issue))
    for item_id, *layer in rows(
        """SELECT item_id, id, movement_id, received, quantity, opened_after, folded_after FROM inventory_costlayer
           WHERE movement_id = ANY(%s) OR (item_id = ANY(%s) AND movement_id IS NULL) ORDER BY item_id, id""",
        [[x.pk for x in receipts], list(first)],
    ):
        past[item_id].layers.append(_KnownLayer(*layer))
    return past
