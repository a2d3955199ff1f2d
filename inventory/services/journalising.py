"""The stock entries of the journal: a repeatable summary of valued movements per business day and kind, by place.

Selling never waits for bookkeeping: movements carry their value, and this writes it down afterwards, pool by pool. An
item's movements are written only while its pool is locked, so its ids come in the order of their commits, and one
watermark per pool says which of them are in the journal. What is posted for a pool always adds up to the rounded value
of the pool: cents that rounding leaves over go with the next movement instead of getting lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from inventory.models import CostPool
from inventory.services.costing import BooksDisagree, cents
from inventory.services.documents import next_number
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.money import exponent
from retailhub.core.sql import OneTrip, rows
from retailhub.core.transactions import retried

BATCH = 200
"""Pools per transaction: so many are held at once, for as long as their entries take."""


@dataclass(slots=True)
class Summary:
    """What a run did: pools it looked at, and entries it wrote."""

    pools: int = 0
    entries: list[str] = field(default_factory=list)


class _Kind(NamedTuple):
    """How movements from or to one outside end are booked."""

    role: str
    name: str
    text: str


_SOLD = _Kind("cogs", "stock_sold", "Cost of goods sold")
_KINDS = {
    "@supplier": _Kind("grni", "stock_received", "Goods received without a purchase order"),
    "@customer": _SOLD,
    "@loss": _Kind("shrink", "stock_lost", "Stock lost and found"),
    "@opening": _Kind("opening", "stock_opened", "Opening stock"),
}
_MOVED = _Kind("", "stock_moved", "Stock moved between places")
_ROUNDED = _Kind("rounding", "stock_rounded", "Cents of stock values")


def post_stock_summary(*, actor: str = "system") -> Summary:
    """Post what the journal does not know yet of the stock's value, and answer what was written.

    Run twice it writes nothing new. Pools are taken in batches, each in a transaction of its own where none is open.
    A day whose period is closed is posted on the first open one.
    """
    summary = Summary()
    after = 0
    while ids := _waiting(after):
        after = ids[-1]
        written = _post_batch(ids, actor=actor)
        summary.pools += written.pools
        summary.entries += written.entries
    return summary


def post_before_closing(*, until: date) -> None:
    """Have everything of the days through `until` in the journal: what is recorded so far is posted."""
    post_stock_summary()


_NEEDED = """(p.revalued OR EXISTS (
    SELECT 1 FROM inventory_stockmovement m WHERE m.item_id = p.item_id AND m.id > p.booked_movement))"""
_WAITING = f"SELECT p.item_id FROM inventory_costpool p WHERE p.item_id > %s AND {_NEEDED} ORDER BY 1 LIMIT %s"  # noqa: S608
_LOCK = f"""
SELECT p.item_id, p.quantity, p.value, p.booked_value, p.booked_transit, p.booked_movement
FROM inventory_costpool p WHERE p.item_id = ANY(%s) AND {_NEEDED} ORDER BY p.item_id FOR NO KEY UPDATE OF p
"""  # noqa: S608  constants of our own
_LATEST = """
SELECT w.item_id, coalesce((SELECT max(m.id) FROM inventory_stockmovement m WHERE m.item_id = w.item_id), 0),
       coalesce((SELECT sum(l.on_hand) FROM inventory_stocklevel l JOIN inventory_location t ON t.id = l.location_id
                 WHERE l.item_id = w.item_id AND t.kind = 'transit' AND t.owned), 0)
FROM unnest(%s::bigint[]) AS w(item_id)
"""
# What comes from a supplier is rounded movement by movement, so that what is owed for a receipt is provable.
_FLOWS = """
SELECT m.item_id, (m.recorded_at AT TIME ZONE %s)::date AS day,
       f.code, f.kind, f.owned AND f.kind <> 'counterparty', t.code, t.kind, t.owned AND t.kind <> 'counterparty',
       CASE WHEN '@supplier' IN (f.code, t.code) THEN m.document ELSE '' END AS reference,
       sum(m.value), sum(round(m.value, %s)), count(*)
FROM unnest(%s::bigint[], %s::bigint[]) AS w(item_id, booked)
JOIN inventory_stockmovement m ON m.item_id = w.item_id AND m.id > w.booked
JOIN inventory_location f ON f.id = m.from_location_id JOIN inventory_location t ON t.id = m.to_location_id
WHERE NOT m.self_posted AND m.from_location_id <> m.to_location_id AND m.value <> 0
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
ORDER BY 1, 2, 9 DESC, 3, 6
"""


class _End(NamedTuple):
    """One end of movements: a place, and whether what stands there is ours."""

    code: str
    kind: str
    ours: bool

    @property
    def role(self) -> str:
        return "in_transit" if self.kind == "transit" else "inventory"


class _Flow(NamedTuple):
    """What went from one end to another on a day, together."""

    day: date
    source: _End
    goal: _End
    reference: str
    value: Decimal
    in_cents: Decimal
    movements: int


@dataclass(slots=True)
class _Books:
    """The lines of the batch's entries, by day and kind."""

    lines: dict[tuple[date, _Kind], dict[tuple[str, str, str], Decimal]] = field(default_factory=dict)

    def say(
        self, day: date, kind: _Kind, amount: Decimal, *, debit: tuple[str, str], credit: tuple[str, str, str]
    ) -> None:
        """Add an amount on one side and take it from the other: (role, place) and (role, place, reference)."""
        lines = self.lines.setdefault((day, kind), {})
        for key, signed in (((*debit, ""), amount), (credit, -amount)):
            lines[key] = lines.get(key, Decimal(0)) + signed


@retried()
def _post_batch(item_ids: Sequence[int], *, actor: str) -> Summary:
    locked = rows(_LOCK, [list(item_ids)])
    if not locked:
        return Summary()
    ids = [row[0] for row in locked]
    latest = {item: (newest, on_road) for item, newest, on_road in rows(_LATEST, [ids])}
    flows: dict[int, list[_Flow]] = {}
    values = [settings.TIME_ZONE, exponent(settings.HOME_CURRENCY), ids, [row[5] for row in locked]]
    for item_id, day, *ends, reference, value, in_cents, count in rows(_FLOWS, values):
        flow = _Flow(day, _End(*ends[:3]), _End(*ends[3:]), reference, value, in_cents, count)
        flows.setdefault(item_id, []).append(flow)
    books = _Books()
    today = timezone.localdate()
    transit = []
    for item_id, quantity, value, booked_value, booked_transit, _ in locked:
        mine = flows.get(item_id, [])
        on_road = booked_transit + _book_flows(books, item_id, mine, value, booked_value, today)
        due = cents(value * latest[item_id][1] / quantity) if quantity else Decimal(0)
        if due != on_road:
            # What is on the road is worth its share of the pool, whatever it was worth when it left.
            day = mine[-1].day if mine else today
            books.say(day, _MOVED, due - on_road, debit=("in_transit", ""), credit=("inventory", "", ""))
        transit.append(due)
    entries = _entries(books)
    written = post_entries(entries=entries, actor=actor)
    trip = OneTrip()
    trip.update(
        CostPool,
        {"item": ids},
        put={
            "booked_value": [cents(row[2]) for row in locked],
            "booked_transit": transit,
            "booked_movement": [latest[item_id][0] for item_id in ids],
            "revalued": [False] * len(ids),
        },
    )
    trip.run()
    return Summary(pools=len(ids), entries=[entry.number for entry in written])


def _book_flows(
    books: _Books, item_id: int, flows: Sequence[_Flow], value: Decimal, booked: Decimal, today: date
) -> Decimal:
    """Say what the item's flows mean to the books; answers by how much that changed what is on the road.

    The exact value runs along beside what is booked, and each flow is posted as the difference of the two, rounded.
    """
    on_road = Decimal(0)
    exact = value - sum((f.value * (f.goal.ours - f.source.ours) for f in flows), Decimal(0))
    loose = 1
    for flow in flows:
        source, goal = flow.source, flow.goal
        loose += flow.movements
        if source.ours and goal.ours:
            amount = cents(flow.value)
            books.say(flow.day, _MOVED, amount, debit=(goal.role, goal.code), credit=(source.role, source.code, ""))
            on_road += amount * ((goal.role == "in_transit") - (source.role == "in_transit"))
            continue
        here, outside, sign = (goal, source, 1) if goal.ours else (source, goal, -1)
        exact += sign * flow.value
        # Goods that go to a place that is not ours are no stock any more, as if they were sold.
        kind = _KINDS.get(outside.code, _SOLD)
        amount = sign * flow.in_cents if outside.code == "@supplier" else cents(exact) - booked
        booked += amount
        books.say(flow.day, kind, amount, debit=(here.role, here.code), credit=(kind.role, here.code, flow.reference))
        on_road += amount * (here.role == "in_transit")
    left = cents(value) - booked
    if abs(left) > cents(Decimal(1)) * loose:
        raise BooksDisagree(f"item {item_id} is worth {value}, and {booked} would be booked of it")
    if left:
        day = flows[-1].day if flows else today
        books.say(day, _ROUNDED, left, debit=("inventory", ""), credit=(_ROUNDED.role, "", ""))
    return on_road


def _entries(books: _Books) -> list[NewEntry]:
    """Answer the entries: one per day and kind, under a number that was never given before."""
    filled = [
        (day, kind, {key: amount for key, amount in lines.items() if amount})
        for (day, kind), lines in sorted(books.lines.items())
    ]
    filled = [entry for entry in filled if entry[2]]
    if not filled:
        return []
    number = next_number("SS")
    return [
        NewEntry(
            key=f"stock:{number}:{day}:{kind.name}",
            kind=kind.name,
            document=f"stock_summary:{number}",
            date=day,
            text=kind.text,
            or_first_open=True,
            lines=[
                EntryLine(account=role, amount=amount, location=place, reference=reference)
                for (role, place, reference), amount in sorted(lines.items())
            ],
        )
        for day, kind, lines in filled
    ]


def _waiting(after: int) -> list[int]:
    return [row[0] for row in rows(_WAITING, [after, BATCH])]
