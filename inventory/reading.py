"""What the item page tells about stock: where it stands, how it came and went, who holds it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.core import signing
from django.db.models import Q, QuerySet, Sum

from inventory.models import (
    CostLayer,
    CostMethodChange,
    CostPool,
    IncomingSupply,
    Item,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    ValueAdjustment,
    WaitingDemand,
)
from retailhub.core.access import Principal

PAGE = 25


@dataclass(slots=True)
class PlaceStock:
    """How many units of an item stand at one place, by state, and how many are on their way there."""

    place: Location
    available: int = 0
    reserved: int = 0
    damaged: int = 0
    on_hold: int = 0
    incoming: int = 0
    safety: int = 0

    @property
    def on_hand(self) -> int:
        return self.available + self.reserved + self.damaged + self.on_hold

    @property
    def unavailable(self) -> int:
        return self.damaged + self.on_hold

    def add(self, other: PlaceStock) -> None:
        for name in ("available", "reserved", "damaged", "on_hold", "incoming", "safety"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class ItemStock:
    """One total, split by place and state."""

    places: list[PlaceStock]
    total: PlaceStock

    @property
    def widest(self) -> int:
        """The most any place holds: the length of the longest bar."""
        return max((place.on_hand for place in self.places), default=0)


def stock_of(item: Item, principal: Principal) -> ItemStock:
    """Answer where the item stands, at the places this principal sees, fullest first. Two statements."""
    found: dict[int, PlaceStock] = {}
    levels = StockLevel.objects.for_principal(principal).filter(item=item).select_related("location")
    for level in levels:
        found[level.location_id] = PlaceStock(
            place=level.location,
            available=level.available,
            reserved=level.reserved,
            damaged=level.damaged,
            on_hold=level.on_hold,
            safety=level.safety,
        )
    codes = principal.places("stock:read")
    coming = IncomingSupply.objects.filter(item=item, quantity__gt=0).select_related("location")
    if codes is not None:
        coming = coming.filter(location__code__in=codes)
    for supply in coming:
        entry = found.setdefault(supply.location_id, PlaceStock(place=supply.location))
        entry.incoming += supply.quantity
    places = sorted(found.values(), key=lambda entry: (-entry.on_hand, entry.place.code))
    places = [entry for entry in places if entry.on_hand or entry.incoming or entry.safety]
    total = PlaceStock(place=Location(code="", name=""))
    for entry in places:
        total.add(entry)
    return ItemStock(places=places, total=total)


@dataclass(frozen=True, slots=True)
class Step:
    """One movement as the history tells it: what it changed on hand and what was there afterwards."""

    movement: StockMovement
    change: int
    balance: int


@dataclass(frozen=True, slots=True)
class History:
    steps: list[Step]
    older: str
    """Where the next page goes on, signed; empty at the beginning of the history."""


def history_of(item: Item, principal: Principal, *, place: str = "", cursor: str = "") -> History:
    """Answer a page of the item's movements, newest first, with the running balance at the visible places.

    What lies before a movement never changes, so a page's cursor carries the balance with which the next one goes on.
    """
    seen = Location.objects.for_principal(principal)
    if place:
        seen = seen.filter(code=place)
    ids = set(seen.values_list("pk", flat=True))
    rows = StockMovement.objects.for_principal(principal).filter(item=item)
    if place or principal.places("stock:read") is not None:
        rows = rows.filter(Q(from_location__in=ids) | Q(to_location__in=ids))
    start = _unsign(cursor, item, place)
    if start is None:
        balance = StockLevel.objects.filter(item=item, location__in=ids).aggregate(units=Sum("on_hand"))["units"] or 0
    else:
        rows = rows.filter(pk__lt=start[0])
        balance = start[1]
    if not principal.sees_costs:
        rows = rows.defer("value")
    movements = list(rows.select_related("from_location", "to_location").order_by("-pk")[: PAGE + 1])
    steps: list[Step] = []
    for movement in movements[:PAGE]:
        change = movement.quantity * ((movement.to_location_id in ids) - (movement.from_location_id in ids))
        steps.append(Step(movement, change, balance))
        balance -= change
    older = ""
    if len(movements) > PAGE:
        older = signing.dumps([steps[-1].movement.pk, balance, item.pk, place], salt="history", compress=True)
    return History(steps=steps, older=older)


def _unsign(cursor: str, item: Item, place: str) -> tuple[int, int] | None:
    if not cursor:
        return None
    try:
        pk, balance, item_id, where = signing.loads(cursor, salt="history")
    except (signing.BadSignature, ValueError):
        return None
    return (pk, balance) if (item_id, where) == (item.pk, place) else None


@dataclass(frozen=True, slots=True)
class Promises:
    reservations: list[Reservation]
    waiting: list[WaitingDemand]
    incoming: list[IncomingSupply]


def promises_on(item: Item, principal: Principal, *, most: int = 50) -> Promises:
    """Answer who holds the item, who waits for it and what comes in."""
    held = Reservation.objects.for_principal(principal).open().filter(item=item).select_related("location")
    waiting = WaitingDemand.objects.filter(item=item, quantity__gt=0).select_related("pool", "location")
    coming = IncomingSupply.objects.filter(item=item, quantity__gt=0).select_related("location")
    codes = principal.places("stock:read")
    if codes is not None:
        waiting = waiting.filter(Q(location__code__in=codes) | Q(pool__entries__location__code__in=codes)).distinct()
        coming = coming.filter(location__code__in=codes)
    return Promises(
        reservations=list(held.order_by("pk")[:most]),
        waiting=list(waiting.order_by("promised_at", "pk")[:most]),
        incoming=list(coming.order_by("due", "pk")[:most]),
    )


@dataclass(frozen=True, slots=True)
class ComponentStock:
    item: Item
    per_kit: int
    available: int

    @property
    def kits(self) -> int:
        return max(0, self.available) // self.per_kit


def components_of(kit: Item, principal: Principal) -> list[ComponentStock]:
    """Answer what a kit is made of and how many units of each part are free at the visible places."""
    parts = list(kit.components.select_related("component").order_by("component__sku_key"))
    levels: QuerySet[StockLevel] = StockLevel.objects.for_principal(principal)
    free: dict[int, int] = dict(
        levels.filter(item__in=[part.component_id for part in parts])
        .order_by()
        .values("item")
        .annotate(units=Sum("available"))
        .values_list("item", "units")
    )
    return [ComponentStock(part.component, part.quantity, free.get(part.component_id, 0)) for part in parts]


@dataclass(frozen=True, slots=True)
class Costs:
    """What an item costs: its pool, the layers that leave in this order, and what changed its value without a move."""

    pool: CostPool | None
    layers: list[CostLayer]
    adjustments: list[ValueAdjustment]
    changes: list[CostMethodChange]

    @property
    def unit_cost(self) -> Decimal | None:
        return self.pool.value / self.pool.quantity if self.pool and self.pool.quantity else None


def costs_of(item: Item, *, most: int = 50) -> Costs:
    """Answer what the item costs, for who may see costs. Four statements at most."""
    pool = CostPool.objects.filter(item=item).first()
    layers = CostLayer.objects.filter(item=item, quantity__gt=0, folded_after__isnull=True)
    return Costs(
        pool=pool,
        layers=list(layers.select_related("movement").order_by("pk")[:most])
        if pool is not None and pool.method == CostPool.Method.FIFO
        else [],
        adjustments=list(ValueAdjustment.objects.filter(item=item).select_related("receipt").order_by("-pk")[:most]),
        changes=list(CostMethodChange.objects.filter(item=item).order_by("-pk")[:most]),
    )
