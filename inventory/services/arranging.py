"""Places and pools: where goods may stand and from where they may be promised."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from inventory.models import Location, StockPool, StockPoolLocation
from inventory.services.finding import UnknownLocation, ensure_off_the_road
from retailhub.core.errors import DomainError, Invalid, Offence


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


@transaction.atomic
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
    return pool
