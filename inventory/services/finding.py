"""Finding items and places by the keys people and programs use, and refusing clearly what names nothing."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.models import Item, Location
from retailhub.core.errors import DomainError, Offence, Unknown


class UnknownSku(Unknown):
    """A SKU names nothing in the catalogue."""

    code = "unknown_sku"


class UnknownLocation(Unknown):
    """A location code names nothing."""

    code = "unknown_location"


class NotStocked(DomainError):
    """A kit has no stock of its own; its components have."""

    code = "not_stocked"


class OnTheRoad(DomainError):
    """Goods on the road are moved by their transfers alone."""

    code = "on_the_road"


def find_items(skus: Sequence[str], *, pointer: str = "/lines/{}/sku", stocked: bool = True) -> list[Item]:
    """Answer the items in the order asked. Raises UnknownSku or NotStocked naming every offending line."""
    found = Item.objects.defer("search_text").by_sku(skus)
    unknown = [
        Offence(pointer=pointer.format(i), code="unknown_sku", detail=f"no item has the SKU {sku}")
        for i, sku in enumerate(skus)
        if sku not in found
    ]
    if unknown:
        raise UnknownSku(errors=unknown)
    if stocked:
        kits = [
            Offence(pointer=pointer.format(i), code="not_stocked", detail=f"{sku} is a kit: name its components")
            for i, sku in enumerate(skus)
            if found[sku].kind == Item.Kind.KIT
        ]
        if kits:
            raise NotStocked(errors=kits)
    return [found[sku] for sku in skus]


def find_location(code: str, *, pointer: str = "/location") -> Location:
    """Answer the place. Raises UnknownLocation; counterparties are no places."""
    location = Location.objects.places().filter(code=code).first()
    if location is None:
        raise UnknownLocation(
            errors=[Offence(pointer=pointer, code="unknown_location", detail=f"no location has the code {code}")]
        )
    return location


def ensure_off_the_road(*places: tuple[Location, str]) -> None:
    """Raise OnTheRoad naming every place, by its pointer, that stands for goods on the road.

    What is taken from there by anything else is missing when its transfer arrives.
    """
    errors = [
        Offence(pointer=pointer, code="on_the_road", detail=f"goods {location.code} are moved by their transfers alone")
        for location, pointer in places
        if location.kind == Location.Kind.TRANSIT
    ]
    if errors:
        raise OnTheRoad(errors=errors)
