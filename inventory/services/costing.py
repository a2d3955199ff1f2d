"""What leaves at which cost: the moving average, or the oldest goods first. Pools are locked here, after the levels.

A pool is worked on in memory under its lock and written with the movements that explain it. What the journal is told
is always round(value after) - round(value before), so that the sum of what it was told is the rounded value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings

from inventory.models import CostLayer, CostPool
from retailhub.core.errors import TryAgain
from retailhub.core.money import round_cost, round_total
from retailhub.core.sql import OneTrip, prepared_rows


class BooksDisagree(RuntimeError):
    """Levels and cost pools tell different stories: a defect, found before it spreads. `verify_all` names the place."""


def cents(value: Decimal) -> Decimal:
    """Round a value to the places of the home currency: what the journal writes."""
    return round_total(value, settings.HOME_CURRENCY)


@dataclass(slots=True)
class Layer:
    """Units that came in together. A new one knows the number of its movement in the posting instead of an id."""

    received: int
    quantity: int
    value: Decimal
    pk: int | None = None
    movement_id: int | None = None
    move: int | None = None
    _before: tuple[int, Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self._before = (self.quantity, self.value)

    @property
    def changed(self) -> bool:
        return (self.quantity, self.value) != self._before

    def take(self, quantity: int) -> Decimal:
        """Take units out; the last one takes the whole rest."""
        value = self.value if quantity == self.quantity else round_cost(self.value * quantity / self.quantity)
        self.quantity -= quantity
        self.value -= value
        return value


@dataclass(slots=True)
class Pool:
    """A locked cost pool, as it will be once the posting is written; `layers`, oldest first, where they are kept."""

    quantity: int
    value: Decimal
    last_unit_cost: Decimal
    booked_value: Decimal = Decimal(0)
    layers: list[Layer] | None = None
    _before: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._before = self._figures()

    def _figures(self) -> tuple[object, ...]:
        return (self.quantity, self.value, self.last_unit_cost, self.booked_value)

    @property
    def changed(self) -> bool:
        return self._figures() != self._before

    @property
    def unit_cost(self) -> Decimal:
        return self.value / self.quantity if self.quantity else self.last_unit_cost

    def take(self, quantity: int, *, at: Decimal | None = None, of: int | None = None) -> Decimal:
        """Take units out and answer their value; the last unit takes the whole rest.

        By the moving average they cost the average, or `at` as far as the pool goes. Where layers are kept the layer of
        the movement `of` gives first, then the oldest.
        """
        if quantity > self.quantity:
            raise BooksDisagree(f"{quantity} units leave a cost pool that holds {self.quantity}")
        if self.layers is not None:
            value = self._take_from_layers(self.layers, quantity, of)
        elif quantity == self.quantity:
            value = self.value
        else:
            value = round_cost(self.value * quantity / self.quantity) if at is None else min(at, self.value)
        self.quantity -= quantity
        self.value -= value
        return value

    @staticmethod
    def _take_from_layers(layers: Sequence[Layer], quantity: int, of: int | None) -> Decimal:
        value = Decimal(0)
        own = [layer for layer in layers if of is not None and layer.movement_id == of]
        for layer in (*own, *layers):
            if units := min(quantity, layer.quantity):
                value += layer.take(units)
                quantity -= units
        if quantity:
            raise BooksDisagree(f"the layers of a cost pool hold {quantity} units less than the pool")
        return value

    def put(self, quantity: int, value: Decimal, *, move: int | None = None) -> None:
        """Take units in; where layers are kept they are a layer of their own, made by the posting's movement `move`."""
        self.quantity += quantity
        self.value += value
        if self.layers is not None:
            self.layers.append(Layer(received=quantity, quantity=quantity, value=value, move=move))


# Rows that are missing are made first, as with levels.
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
    SELECT c.item_id, c.method, c.quantity, c.value, c.last_unit_cost, c.booked_value
    FROM inventory_costpool c JOIN wanted USING (item_id)
    WHERE (SELECT count(*) FROM made) = (SELECT count(*) FROM missing)
    ORDER BY c.item_id FOR NO KEY UPDATE OF c
)
SELECT * FROM locked UNION ALL SELECT item_id, 'average', 0, 0, last_unit_cost, 0 FROM made
"""

_LAYERS = """
SELECT item_id, received, quantity, value, id, movement_id FROM inventory_costlayer
WHERE item_id = ANY(%s::bigint[]) AND quantity > 0 AND folded_after IS NULL ORDER BY item_id, id
"""


def lock_pools(item_ids: Iterable[int]) -> dict[int, Pool]:
    """Hold the cost pools until the transaction ends, in the order of their items; missing ones are made.

    One statement, and one more where an item keeps layers.
    """
    wanted = sorted(set(item_ids))
    if not wanted:
        return {}
    for _ in range(3):
        found = prepared_rows(_LOCK_POOLS, [wanted])
        if len(found) == len(wanted):
            pools = {row[0]: Pool(*row[2:]) for row in found}
            layered = sorted(row[0] for row in found if row[1] == CostPool.Method.FIFO)
            if layered:
                read_layers(pools, layered)
            return pools
    raise TryAgain


def read_pools(item_ids: Iterable[int]) -> dict[int, Pool]:
    """Answer the pools as they are, without holding them: to look ahead, never to write."""
    found = CostPool.objects.filter(item__in=set(item_ids)).order_by("item")
    pools = {x.item_id: Pool(x.quantity, x.value, x.last_unit_cost, x.booked_value) for x in found}
    layered = [x.item_id for x in found if x.method == CostPool.Method.FIFO]
    if layered:
        read_layers(pools, layered)
    return pools


def read_layers(pools: dict[int, Pool], item_ids: Sequence[int]) -> None:
    """Give the pools of these items their open layers."""
    found: dict[int, list[Layer]] = {item_id: [] for item_id in item_ids}
    for item_id, *layer in prepared_rows(_LAYERS, [list(item_ids)]):
        found[item_id].append(Layer(*layer))
    for item_id, layers in found.items():
        pools[item_id].layers = layers


def write_pools(trip: OneTrip, pools: dict[int, Pool], *, movements: str = "", revalued: bool = False) -> None:
    """Add what changed to the trip: pools, layers, and new layers of the movements that the part `movements` makes.

    Without movements the pools are `revalued`, so that the next stock summary looks at them.
    """
    touched = [item for item, pool in pools.items() if pool.changed]
    flag = {"revalued": [True] * len(touched)} if revalued else {}
    trip.update(
        CostPool,
        {"item": touched},
        put={
            "quantity": [pools[item].quantity for item in touched],
            "value": [pools[item].value for item in touched],
            "last_unit_cost": [pools[item].last_unit_cost for item in touched],
            "booked_value": [pools[item].booked_value for item in touched],
            **flag,
        },
    )
    layers = [(item, layer) for item, pool in pools.items() for layer in pool.layers or ()]
    old = [layer for _, layer in layers if layer.pk is not None and layer.changed]
    trip.update(
        CostLayer,
        {"id": [layer.pk for layer in old]},
        put={"quantity": [layer.quantity for layer in old], "value": [layer.value for layer in old]},
    )
    new = [(item, layer) for item, layer in layers if layer.pk is None]
    if new:
        # Ids are given in the order of the rows, so the movements of a posting can be counted off.
        trip.add(
            f"""INSERT INTO inventory_costlayer (item_id, movement_id, received, quantity, value)
                SELECT v.item_id, m.id, v.received, v.quantity, v.value
                FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM {movements}) m
                JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[])
                     AS v(number, item_id, received, quantity, value) ON v.number = m.number ORDER BY m.id""",  # noqa: S608  the name of a part
            [
                [layer.move for _, layer in new],
                [item for item, _ in new],
                [layer.received for _, layer in new],
                [layer.quantity for _, layer in new],
                [layer.value for _, layer in new],
            ],
        )
