"""Places and pools: where goods may stand, from where they may be promised, and what is kept back there.

Whatever changes how much can be promised is told in the same transaction: channels then show other figures, and who
waits may be served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from inventory.events import PoolsChanged
from inventory.models import Location, StockPool, StockPoolLocation, WaitingDemand
from inventory.services.finding import UnknownLocation, ensure_off_the_road, find_items
from inventory.services.ledger import Place, put_safety
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish

MOST_UNITS = 1_000_000_000


class DuplicateLocation(DomainError):
    """A location with this code exists already."""

    code = "duplicate_location"


@transaction.atomic
def open_location(
    *, code: str, name: str, kind: str, owned: bool | None = None, time_zone: str = "UTC", address: object = None
) -> Location:
    """Have a new place. Goods held by a supplier are not ours unless said otherwise."""
    if kind not in Location.Kind.values or kind == Location.Kind.COUNTERPARTY:
        raise Invalid(errors=[Offence(pointer="/kind", code="invalid", detail=f"there is no kind of location {kind}")])
    location, made = Location.objects.get_or_create(
        code=code,
        defaults={
            "name": name,
            "kind": kind,
            "owned": kind != Location.Kind.SUPPLIER if owned is None else owned,
            "time_zone": time_zone,
            "address": address or {},
        },
    )
    if not made:
        raise DuplicateLocation(
            errors=[Offence(pointer="/code", code="duplicate_location", detail=f"{code} is {location.name}")]
        )
    return location


@retried()
def set_in_use(*, location_id: int, in_use: bool) -> Location:
    """Have a place in use, or closed: a closed one keeps its goods, and nothing there is promised or shown."""
    location = Location.objects.places().select_for_update(no_key=True).get(pk=location_id)
    if location.is_active != in_use:
        location.is_active = in_use
        location.save(update_fields=["is_active"])
        _tell_pools_of(location)
    return location


def _tell_pools_of(location: Location) -> None:
    if pool_ids := sorted(location.pool_entries.values_list("pool", flat=True)):
        publish(PoolsChanged(pool_ids=pool_ids))


@retried(on_twin=True)
def arrange_pool(*, code: str, name: str, location_codes: Sequence[str]) -> StockPool:
    """Have a pool with exactly these places in this order. Asking twice changes nothing."""
    found = {location.code: location for location in Location.objects.places().filter(code__in=location_codes)}
    missing = [
        Offence(pointer=f"/locations/{i}", code="unknown_location", detail=f"no location has the code {location_code}")
        for i, location_code in enumerate(location_codes)
        if location_code not in found
    ]
    if missing:
        raise UnknownLocation(errors=missing)
    ensure_off_the_road(*((found[location_code], f"/locations/{i}") for i, location_code in enumerate(location_codes)))
    pool, _ = StockPool.objects.update_or_create(code=code, defaults={"name": name})
    wanted = [(found[location_code].pk, i) for i, location_code in enumerate(dict.fromkeys(location_codes))]
    if list(pool.entries.values_list("location_id", "position")) != wanted:
        pool.entries.all().delete()
        StockPoolLocation.objects.bulk_create(
            StockPoolLocation(pool=pool, location_id=location_id, position=position) for location_id, position in wanted
        )
        publish(PoolsChanged(pool_ids=[pool.pk]))
    return pool


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyLine:
    """Units of an item that a place keeps back from every channel."""

    sku: str
    units: int


@retried()
def keep_back(*, location: Location, lines: Sequence[SafetyLine]) -> int:
    """Have the place keep back so many units of each item from every channel; answers how many figures changed.

    Kept back is not promised away: an order may still have them. Raises UnknownSku or NotStocked naming every
    offending line; then nothing is kept.
    """
    items = find_items([line.sku for line in lines])
    bad = [
        Offence(pointer=f"/lines/{i}/units", code="invalid", detail="a number of units is 0 or more")
        for i, line in enumerate(lines)
        if not 0 <= line.units <= MOST_UNITS
    ]
    if bad:
        raise Invalid(errors=bad)
    wanted = {Place(item.pk, location.pk): line.units for item, line in zip(items, lines, strict=True)}
    return len(put_safety(wanted))


@transaction.atomic
def let_wait_in(*, documents: Sequence[str], from_pool_id: int, pool_id: int) -> int:
    """Let what these documents wait for in one pool be served from another; answers how many lines.

    Demand that waits for goods at one place goes on waiting there.
    """
    waiting = WaitingDemand.objects.filter(document__in=documents, pool=from_pool_id, location=None, quantity__gt=0)
    # In the order in which goods that come are handed out, so that both queue.
    ids = [row.pk for row in waiting.order_by("promised_at", "pk").select_for_update(no_key=True).only("pk")]
    return WaitingDemand.objects.filter(pk__in=ids).update(pool=pool_id)
