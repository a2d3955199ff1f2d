"""Who may look into the books. There is one journal for the whole house, so the right must be held everywhere."""

from __future__ import annotations

from retailhub.core.access import Principal

READ, WRITE = "accounting:read", "accounting:write"


def has_the_books(principal: Principal, scope: str = READ) -> bool:
    """Whether the scope is held for the whole house: a right at some places or on one channel opens no part of it."""
    return principal.may(scope) and principal.places(scope) is None and not principal.channel
