"""The one module that writes levels and movements.

A verb locks the levels it touches (`lock_levels`, always in the order item, location), works on the copies in memory,
and hands everything to `Posting.write`, which sends it in one statement: levels, movements, reservations, waiting
demand, cost pools and the events. The database's checks stand behind it: 0 <= reserved <= sellable, always.

Lock order: document, levels by (item, location), cost pools by item, waiting demand, ledger, outbox.
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
    IncomingSupply,
    Location,
    Reason,
    Reservation,
    StockLevel,
    StockMovement,
    WaitingDemand,
)
from inventory.services.costing import Pool, cents, lock_pools, write_pools
from retailhub.core.errors import TryAgain
from retailhub.core.money import round_cost
from retailhub.core.sql import OneTrip, prepared_rows
from retailhub.core.transactions import OutOfTurn
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Units that go from one place and bucket to another.

    For goods that become ours `value`, or else `unit_cost`, says what they are worth. For goods that leave it `value`
    is what they should leave at, as far as the pool goes; the layer of the receipt they reverse or return gives first.
    What is `self_posted` is in the journal by its own document; the pool counts it as booked. Without an `occurred_at`
    of its own it happened when the posting did.
    """

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
    returns_id: int | None = None
    self_posted: bool = False
    occurred_at: datetime | None = None


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
    # (document, line, item) of what was expected -> units that came of it
    arrived: dict[tuple[str, int, int], int] = field(default_factory=dict)
    # Once written: what each movement was worth, and by how much the stock value in the journal changed for it
    values: list[Decimal] = field(default_factory=list)
    booked: list[Decimal] = field(default_factory=list)
    pools: dict[int, Pool] = field(default_factory=dict)
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

    def hold_pools(self) -> None:
        """Lock the cost pools of what moved so far. Pools come after levels and before the demand rows of others.

        A count that writes to a demand row holds pools already; who locked that row first must not wait for them.
        """
        missing = {move.item_id for move in self.moves} - self.pools.keys()
        if missing and self.pools and min(missing) < max(self.pools):
            raise OutOfTurn
        self.pools |= lock_pools(missing)

    # --- writing ---------------------------------------------------------------------------------------------------
    def write(self, trip: OneTrip | None = None) -> None:
        """Send everything as one statement. Where goods moved, their cost pools, and layers if any, are read first.

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
        self.hold_pools()
        pools = self.pools
        for number, move in enumerate(self.moves):
            pool = pools[move.item_id]
            before = cents(pool.value)
            self.values.append(self._value(number, move, pool))
            self.booked.append(cents(pool.value) - before)
            if move.self_posted:
                pool.booked_value += self.booked[-1]
        layered = any(pool.layers is not None for pool in pools.values())
        movements = trip.insert(
            StockMovement,
            {
                "item": [m.item_id for m in self.moves],
                "from_location": [m.from_location.pk for m in self.moves],
                "from_bucket": [str(m.from_bucket) for m in self.moves],
                "to_location": [m.to_location.pk for m in self.moves],
                "to_bucket": [str(m.to_bucket) for m in self.moves],
                "quantity": [m.quantity for m in self.moves],
                "value": self.values,
                "reason": [str(m.reason) for m in self.moves],
                "document": [m.document for m in self.moves],
                "line": [m.line for m in self.moves],
                "actor": [self.actor] * len(self.moves),
                "note": [m.note for m in self.moves],
                "key": [m.key for m in self.moves],
                "self_posted": [m.self_posted for m in self.moves],
                "reverses": [m.reverses_id for m in self.moves],
                "returns": [m.returns_id for m in self.moves],
                "occurred_at": [m.occurred_at or self.occurred_at for m in self.moves],
            },
            ending="RETURNING id" if layered else "",
        )
        write_pools(trip, pools, movements=movements)

    def _value(self, number: int, move: Move, pool: Pool) -> Decimal:
        """Answer what the units are worth, and let the pool follow what enters and leaves our ownership."""
        was_ours, is_ours = _ours(move.from_location), _ours(move.to_location)
        if was_ours and is_ours:
            return round_cost(pool.unit_cost * move.quantity)
        if was_ours:
            return pool.take(move.quantity, at=move.value, of=move.reverses_id or move.returns_id)
        if not is_ours:
            return Decimal(0)
        value = move.value
        if value is None:
            value = round_cost((pool.unit_cost if move.unit_cost is None else move.unit_cost) * move.quantity)
            if move.self_posted:
                value = cents(value)
        pool.put(move.quantity, value, move=number)
        if move.unit_cost is not None:
            pool.last_unit_cost = round_cost(move.unit_cost)
        elif move.value is not None and move.reason == Reason.RECEIPT:
            pool.last_unit_cost = round_cost(move.value / move.quantity)
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
                "supply": [d.supply for d in waiting],
            },
            # Who was served by his purchase line and lost the goods to a count waits for any goods now.
            ending="""ON CONFLICT (document, line, item_id)
                      DO UPDATE SET quantity = inventory_waitingdemand.quantity + excluded.quantity, supply = CASE
                          WHEN inventory_waitingdemand.quantity = 0 THEN excluded.supply
                          ELSE inventory_waitingdemand.supply END""",
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
        if self.arrived:
            trip.add(
                """UPDATE inventory_incomingsupply s SET quantity = greatest(0, s.quantity - v.quantity)
                   FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::int[]) AS v(document, line, item_id, quantity)
                   WHERE s.document = v.document AND s.line = v.line AND s.item_id = v.item_id""",
                [*map(list, zip(*self.arrived, strict=True)), list(self.arrived.values())],
            )


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
