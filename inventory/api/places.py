"""Places that a principal may name."""

from __future__ import annotations

from inventory.models import Location
from inventory.services.finding import UnknownLocation
from retailhub.core.access import Principal
from retailhub.core.errors import Offence


def place_for(principal: Principal, code: str, *, scope: str, pointer: str = "/location") -> Location:
    """Answer the place, if the principal holds the scope there. Raises UnknownLocation: others do not exist for him."""
    location = Location.objects.for_principal(principal, scope).filter(code=code).first()
    if location is None:
        raise UnknownLocation(
            errors=[Offence(pointer=pointer, code="unknown_location", detail=f"no location has the code {code}")]
        )
    return location
