"""The one module that writes levels and movements.

A verb locks the levels it touches (`lock_levels`, always in the order item, location), works on the copies in memory,
and hands everything to `Posting.write`, which sends it in one statement: levels, movements, reservations, waiting
demand, cost pools and the events. The database's checks stand behind it: 0 <= reserved <= sellable, always.

Lock order: document, levels by (item, location), cost pools by item, ledger, outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from inventory.events import DemandServed, DemandShort, StockChanged
from inventory.models import (
    Bucket,
    CostPool,
    IncomingSupply,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    WaitingDemand,
)
from retailhub.core.errors import TryAgain
from retailhub.core.money import round_cost
from retailhub.core.sql import OneTrip, prepared_rows
from retailhub.outbox.services.publishing import Event, publish

LOCK = "FOR NO KEY UPDATE OF l"
"""What makes two callers queue. The races in the tests take it away to see what it is worth."""


class Place(NamedTuple):
    """Key of a level."""

    item_id: int
    location_id: int


@dataclass(slots=True)
class Level:
    """A locked level, as it will be once the posting is written."""

    sellable: int = 0
    reserved: int = 0
    damaged: int = 0
    on_hold: int = 0
    safety: int = 0

    @property
    def available(self) -> int:
        return self.sellable - self.reserved


Levels = dict[Place, Level]

# Missing rows are made before any is locked, and when somebody else made one first nothing is locked: whoever came
# back for it would hold later rows while waiting for an earlier one.
_LOCK_LEVELS = """
WITH wanted(item_id, location_id) AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[])),
missing AS (
    SELECT w.item_id, w.location_id FROM wanted w WHERE NOT EXISTS (
        SELECT 1 FROM inventory_stocklevel l WHERE l.item_id = w.item_id AND l.location_id = w.location_id
    )
),
made AS (
    INSERT INTO inventory_stocklevel (item_id, location_id, sellable, reserved, damaged, on_hold, safety)
    SELECT item_id, location_id, 0, 0, 0, 0, 0 FROM missing ORDER BY 1, 2 ON CONFLICT DO NOTHING
    RETURNING item_id, location_id
),
locked AS (
    SELECT l.item_id, l.location_id, l.sellable, l.reserved, l.damaged, l.on_hold, l.safety
    FROM inventory_stocklevel l JOIN wanted w ON w.item_id = l.item_id AND w.location_id = l.location_id
    WHERE (SELECT count(*) FROM made) = (SELECT count(*) FROM missing)
    ORDER BY l.item_id, l.location_id {lock}
)
SELECT item_id, location_id, sellable, reserved, damaged, on_hold, safety FROM locked
UNION ALL SELECT item_id, location_id, 0, 0, 0, 0, 0 FROM made
"""


def lock_levels(places: Iterable[Place]) -> Levels:
    """Hold the levels until the transaction ends and answer what they say now; missing rows are made first.

    A row that does not exist cannot be locked, and demand that waits for goods at such a place could miss them. One
    statement; two when somebody else made a row in the same instant.
    """
    wanted = sorted(set(places))
    if not wanted:
        return {}
    statement = _LOCK_LEVELS.format(lock=LOCK)
    for _ in range(3):
        found = prepared_rows(statement, [[p.item_id for p in wanted], [p.location_id for p in wanted]])
        if len(found) == len(wanted):
            return {Place(row[0], row[1]): Level(*row[2:]) for row in found}
    raise TryAgain


@dataclass(slots=True)
class Pool:
    """A locked cost pool, as it will be once the posting is written."""

    quantity: int
    value: Decimal
    last_unit_cost: Decimal

    def take(self, quantity: int) -> Decimal:
        """Take units out at the moving average and answer their value; the last unit takes the whole rest."""
        if quantity > self.quantity:
            raise BooksDisagree(f"{quantity} units leave a cost pool that holds {self.quantity}")
        value = self.value if quantity == self.quantity else round_cost(self.value * quantity / self.quantity)
        self.quantity -= quantity
        self.value -= value
        return value

    def put(self, quantity: int, value: Decimal) -> None:
        self.quantity += quantity
        self.value += value

    @property
    def unit_cost(self) -> Decimal:
        return self.value / self.quantity if self.quantity else self.last_unit_cost


class BooksDisagree(RuntimeError):
    """Levels and cost pools tell different stories: a defect, found before it spreads. `verify_all` names the place."""


_LOCK_POOLS = """
WITH wanted(item_id) AS (SELECT * FROM unnest(%s::bigint[])),
missing AS (
    SELECT item_id FROM wanted w WHERE NOT EXISTS (SELECT 1 FROM inventory_costpool c WHERE c.item_id = w.item_id)
),
made AS (
    INSERT INTO inventory_costpool (item_id, method, quantity, value, last_unit_cost)
    SELECT i.id, 'average', 0, 0, coalesce(i.cost, 0) FROM missing JOIN inventory_item i ON i.id = missing.item_id
    ORDER BY 1 ON CONFLICT DO NOTHING RETURNING item_id, last_unit_cost
),
locked AS (
    SELECT c.item_id, c.quantity, c.value, c.last_unit_cost FROM inventory_costpool c JOIN wanted USING (item_id)
    WHERE (SELECT count(*) FROM made) = (SELECT count(*) FROM missing)
    ORDER BY c.item_id FOR NO KEY UPDATE OF c
)
SELECT * FROM locked UNION ALL SELECT item_id, 0, 0, last_unit_cost FROM made
"""


def _lock_pools(item_ids: Iterable[int]) -> dict[int, Pool]:
    wanted = sorted(set(item_ids))
    for _ in range(3):
        found = prepared_rows(_LOCK_POOLS, [wanted])
        if len(found) == len(wanted):
            return {row[0]: Pool(*row[1:]) for row in found}
    raise TryAgain


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Units that go from one place and bucket to another. `unit_cost` counts for goods that come in from outside."""

    item_id: int
    quantity: int
    from_location: Location
    to_location: Location
    from_bucket: str = Bucket.SELLABLE
    to_bucket: str = Bucket.SELLABLE
    reason: str
    document: str
    line: int | None = None
    unit_cost: Decimal | None = None
    value: Decimal | None = None
    note: str = ""
    key: str | None = None
    reverses_id: int | None = None


@dataclass(slots=True)
class Posting:
    """What one verb does to the books: collected in memory under the locks, then written in one statement."""

    levels: Levels
    actor: str
    occurred_at: datetime = field(default_factory=timezone.now)
    moves: list[Move] = field(default_factory=list)
    # (document, line, item, location) -> units; document -> expiry and pool
    promises: dict[tuple[str, int, int, int], int] = field(default_factory=dict)
    terms: dict[str, tuple[datetime | None, int | None]] = field(default_factory=dict)
    consumed: dict[int, int] = field(default_factory=dict)
    released: dict[int, int] = field(default_factory=dict)
    demand: dict[tuple[str, int, int], WaitingDemand] = field(default_factory=dict)
    demand_ids: dict[tuple[str, int, int], int] = field(default_factory=dict)
    demand_change: dict[int, int] = field(default_factory=dict)
    incoming: list[IncomingSupply] = field(default_factory=list)
    incoming_change: dict[int, int] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    _before: Mapping[Place, tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._before = {place: _figures(level) for place, level in self.levels.items()}

    # --- what a verb may say ---------------------------------------------------------------------------------------
    def move(self, move: Move) -> None:
        """Take the units from one level and put them on another; counterparties have none."""
        self._shift(move.item_id, move.from_location, move.from_bucket, -move.quantity)
        self._shift(move.item_id, move.to_location, move.to_bucket, move.quantity)
        self.moves.append(move)

    def promise(
        self,
        *,
        document: str,
        line: int,
        place: Place,
        quantity: int,
        expires_at: datetime | None = None,
        pool_id: int | None = None,
    ) -> None:
        """Reserve units at a place for a line of a document."""
        self.levels[place].reserved += quantity
        key = (document, line, place.item_id, place.location_id)
        self.promises[key] = self.promises.get(key, 0) + quantity
        self.terms[document] = (expires_at, pool_id)

    def consume(self, reservation_id: int, place: Place, quantity: int) -> None:
        """Use units of a reservation up; the goods themselves leave by `move`."""
        self.levels[place].reserved -= quantity
        self.consumed[reservation_id] = self.consumed.get(reservation_id, 0) + quantity

    def release(self, reservation_id: int, place: Place, quantity: int) -> None:
        """Give units of a reservation back."""
        self.levels[place].reserved -= quantity
        self.released[reservation_id] = self.released.get(reservation_id, 0) + quantity

    def wait(self, demand: WaitingDemand) -> None:
        """Let a line wait for units; the same line, item and document wait once."""
        key = (demand.document, demand.line, demand.item_id)
        if known := self.demand_ids.get(key):
            # Served a moment ago in this posting: one statement must not change a row twice.
            self.demand_change[known] = self.demand_change.get(known, 0) + demand.quantity
        elif key in self.demand:
            self.demand[key].quantity += demand.quantity
        else:
            self.demand[key] = demand

    # --- writing ---------------------------------------------------------------------------------------------------
    def write(self, trip: OneTrip | None = None) -> None:
        """Send everything as one statement (two where goods moved: the cost pools are locked first).

        With `trip` it travels together with what the caller has to write.
        """
        trip = trip or OneTrip()
        changed = self._write_levels(trip)
        self._write_movements(trip)
        self._write_promises(trip)
        if changed:
            self.events.append(StockChanged(item_ids=sorted({place.item_id for place in changed})))
        if self.served:
            self.events.append(DemandServed(documents=sorted(self.served)))
        if self.short:
            self.events.append(DemandShort(documents=sorted(self.short)))
        publish(*self.events, trip=trip)
        trip.run()

    def _shift(self, item_id: int, location: Location, bucket: str, quantity: int) -> None:
        if location.kind == Location.Kind.COUNTERPARTY:
            return
        level = self.levels[Place(item_id, location.pk)]
        setattr(level, bucket, getattr(level, bucket) + quantity)

    def _write_levels(self, trip: OneTrip) -> list[Place]:
        changed = [place for place, level in self.levels.items() if _figures(level) != self._before[place]]
        changes = [
            [now - was for now, was in zip(_figures(self.levels[place]), self._before[place], strict=True)]
            for place in changed
        ]
        names = ("sellable", "reserved", "damaged", "on_hold")
        trip.update(
            StockLevel,
            {"item": [p.item_id for p in changed], "location": [p.location_id for p in changed]},
            add={name: [change[i] for change in changes] for i, name in enumerate(names)},
        )
        return changed

    def _write_movements(self, trip: OneTrip) -> None:
        if not self.moves:
            return
        pools = _lock_pools(move.item_id for move in self.moves)
        before = {item: (pool.quantity, pool.value, pool.last_unit_cost) for item, pool in pools.items()}
        values = [self._value(move, pools[move.item_id]) for move in self.moves]
        trip.insert(
            StockMovement,
            {
                "item": [m.item_id for m in self.moves],
                "from_location": [m.from_location.pk for m in self.moves],
                "from_bucket": [str(m.from_bucket) for m in self.moves],
                "to_location": [m.to_location.pk for m in self.moves],
                "to_bucket": [str(m.to_bucket) for m in self.moves],
                "quantity": [m.quantity for m in self.moves],
                "value": values,
                "reason": [str(m.reason) for m in self.moves],
                "document": [m.document for m in self.moves],
                "line": [m.line for m in self.moves],
                "actor": [self.actor] * len(self.moves),
                "note": [m.note for m in self.moves],
                "key": [m.key for m in self.moves],
                "reverses": [m.reverses_id for m in self.moves],
                "occurred_at": [self.occurred_at] * len(self.moves),
            },
        )
        touched = [i for i, pool in pools.items() if (pool.quantity, pool.value, pool.last_unit_cost) != before[i]]
        trip.update(
            CostPool,
            {"item": touched},
            put={
                "quantity": [pools[i].quantity for i in touched],
                "value": [pools[i].value for i in touched],
                "last_unit_cost": [pools[i].last_unit_cost for i in touched],
            },
        )

    def _value(self, move: Move, pool: Pool) -> Decimal:
        """Answer what the units are worth, and let the pool follow what enters and leaves our ownership."""
        was_ours, is_ours = _ours(move.from_location), _ours(move.to_location)
        if was_ours and is_ours:
            return round_cost(pool.unit_cost * move.quantity)
        if was_ours:
            return pool.take(move.quantity)
        if not is_ours:
            return Decimal(0)
        value = move.value
        if value is None:
            value = round_cost((pool.unit_cost if move.unit_cost is None else move.unit_cost) * move.quantity)
        pool.put(move.quantity, value)
        if move.unit_cost is not None:
            pool.last_unit_cost = round_cost(move.unit_cost)
        return value

    def _write_promises(self, trip: OneTrip) -> None:
        keys = list(self.promises)
        trip.insert(
            Reservation,
            {
                "document": [k[0] for k in keys],
                "line": [k[1] for k in keys],
                "item": [k[2] for k in keys],
                "location": [k[3] for k in keys],
                "quantity": [self.promises[k] for k in keys],
                "consumed": [0] * len(keys),
                "released": [0] * len(keys),
                "expires_at": [self.terms[k[0]][0] for k in keys],
                "pool": [self.terms[k[0]][1] for k in keys],
            },
            ending="""ON CONFLICT (document, line, item_id, location_id)
                      DO UPDATE SET quantity = inventory_reservation.quantity + excluded.quantity, expires_at = CASE
                          WHEN inventory_reservation.quantity
                               = inventory_reservation.consumed + inventory_reservation.released
                          THEN excluded.expires_at
                          WHEN excluded.expires_at IS NULL OR inventory_reservation.expires_at IS NULL THEN NULL
                          ELSE greatest(inventory_reservation.expires_at, excluded.expires_at) END""",
        )
        ids = sorted(self.consumed.keys() | self.released.keys())
        trip.update(
            Reservation,
            {"id": ids},
            add={
                "consumed": [self.consumed.get(i, 0) for i in ids],
                "released": [self.released.get(i, 0) for i in ids],
            },
        )
        waiting = list(self.demand.values())
        trip.insert(
            WaitingDemand,
            {
                "document": [d.document for d in waiting],
                "line": [d.line for d in waiting],
                "item": [d.item_id for d in waiting],
                "pool": [d.pool_id for d in waiting],
                "location": [d.location_id for d in waiting],
                "quantity": [d.quantity for d in waiting],
                "promised_at": [d.promised_at for d in waiting],
            },
            ending="""ON CONFLICT (document, line, item_id)
                      DO UPDATE SET quantity = inventory_waitingdemand.quantity + excluded.quantity""",
        )
        waits = sorted(self.demand_change)
        trip.update(WaitingDemand, {"id": waits}, add={"quantity": [self.demand_change[i] for i in waits]})
        trip.insert(
            IncomingSupply,
            {
                "document": [s.document for s in self.incoming],
                "line": [s.line for s in self.incoming],
                "item": [s.item_id for s in self.incoming],
                "location": [s.location_id for s in self.incoming],
                "quantity": [s.quantity for s in self.incoming],
                "due": [s.due for s in self.incoming],
            },
        )
        coming = sorted(self.incoming_change)
        trip.update(IncomingSupply, {"id": coming}, add={"quantity": [self.incoming_change[i] for i in coming]})


def put_safety(wanted: Mapping[Place, int]) -> list[Place]:
    """Have each level keep back so many units from every channel; answers the places where that changed."""
    levels = lock_levels(wanted)
    changed = sorted(place for place, units in wanted.items() if levels[place].safety != units)
    if changed:
        trip = OneTrip()
        trip.update(
            StockLevel,
            {"item": [place.item_id for place in changed], "location": [place.location_id for place in changed]},
            put={"safety": [wanted[place] for place in changed]},
        )
        publish(StockChanged(item_ids=sorted({place.item_id for place in changed})), trip=trip)
        trip.run()
    return changed


def _figures(level: Level) -> tuple[int, ...]:
    return (level.sellable, level.reserved, level.damaged, level.on_hold)


def _ours(location: Location) -> bool:
    return location.kind != Location.Kind.COUNTERPARTY and location.owned


def counterparty(code: str) -> Location:
    """Answer one of the four outside ends of movements. They are made by a migration and never change."""
    known = _counterparties.get((connection.alias, code))
    if known is None:
        known = _counterparties[(connection.alias, code)] = Location.objects.get(code=code)
    return known


def forget_counterparties() -> None:
    """Forget what was remembered of them, after the database was emptied."""
    _counterparties.clear()


_counterparties: dict[tuple[str, str], Location] = {}
