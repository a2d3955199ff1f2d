"""Who may do what, where. One table of roles serves people in the browser and programs with keys alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from retailhub.core.models import ApiKey, User

SCOPES: dict[str, str] = {
    "items:read": "See items and prices",
    "items:write": "Change items and prices",
    "locations:write": "Change locations and stock pools",
    "stock:read": "See stock, movements and transfers",
    "stock:write": "Receive, adjust, count, move and transfer stock",
    "costs:read": "See unit costs and stock values",
    "orders:read": "See orders",
    "orders:write": "Place, cancel, hold and ship orders",
    "customers:read": "See customers",
    "customers:write": "Change customers",
    "purchasing:read": "See suppliers, purchase orders and receipts",
    "purchasing:write": "Change suppliers and price lists, write and send purchase orders",
    "purchasing:approve": "Approve purchase orders of others",
    "invoices:read": "See supplier invoices and what is owed",
    "invoices:write": "Enter, match and dispute supplier invoices",
    "invoices:approve": "Release holds, approve, post and pay supplier invoices",
    "accounting:read": "See the journal and stock values posted to it",
    "accounting:write": "Post by hand and close periods",
    "channels:read": "See channels, listings and their sync",
    "channels:write": "Connect, pause and change channels and listings",
    "imports:write": "Import files",
    "work:read": "See what needs attention and running jobs",
    "system:read": "See the outbox, the inbox and the audit trail",
    "system:write": "Replay failed deliveries, manage people and keys",
}
_READING = {scope for scope in SCOPES if scope.endswith(":read")} - {
    "costs:read",
    "system:read",
    "invoices:read",
    "accounting:read",
}


class Role(models.TextChoices):
    STORE_MANAGER = "store_manager", "Store manager"
    WAREHOUSE = "warehouse", "Warehouse and shop staff"
    BUYER = "buyer", "Buyer"
    ACCOUNTANT = "accountant", "Accountant"
    ADMINISTRATOR = "administrator", "Administrator"


ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.STORE_MANAGER: frozenset(
        _READING | {"stock:write", "orders:write", "customers:write", "items:write", "costs:read", "imports:write"}
    ),
    Role.WAREHOUSE: frozenset(_READING - {"customers:read"} | {"stock:write"}),
    Role.BUYER: frozenset(
        _READING
        | {"items:write", "costs:read", "imports:write", "purchasing:write", "purchasing:approve", "invoices:read"}
    ),
    Role.ACCOUNTANT: frozenset(
        _READING
        | {
            "costs:read",
            "invoices:read",
            "invoices:write",
            "invoices:approve",
            "accounting:read",
            "accounting:write",
        }
    ),
    Role.ADMINISTRATOR: frozenset(SCOPES),
}


@dataclass(frozen=True)
class Grant:
    """Some scopes, at some locations (codes) or, with None, at all of them."""

    scopes: frozenset[str]
    locations: frozenset[str] | None


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whoever asks: a person, a key or the system itself. Every queryset that leaves the house starts from one."""

    actor: str
    grants: tuple[Grant, ...] = ()
    channel: str = ""
    roles: frozenset[str] = frozenset()
    """The roles of a person, for rules of the trade that ask for one; a key has none."""
    scopes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scopes", frozenset[str]().union(*(grant.scopes for grant in self.grants)))

    def may(self, scope: str, *, location: str | None = None) -> bool:
        """Whether the scope is held: anywhere, or at the location named."""
        if location is None:
            return scope in self.scopes
        return any(
            scope in grant.scopes and (grant.locations is None or location in grant.locations) for grant in self.grants
        )

    def places(self, scope: str) -> frozenset[str] | None:
        """Answer the location codes at which the scope is held; None means everywhere, an empty set nowhere."""
        found: set[str] = set()
        for grant in self.grants:
            if scope in grant.scopes:
                if grant.locations is None:
                    return None
                found |= grant.locations
        return frozenset(found)

    @cached_property
    def rights(self) -> str:
        """Spell out what is held where, the same for two principals who may do the same."""
        held = [
            f"{','.join(sorted(g.scopes))}@{'*' if g.locations is None else ','.join(sorted(g.locations))}"
            for g in self.grants
        ]
        return ";".join([self.channel, *sorted(held)])

    @property
    def sees_costs(self) -> bool:
        return "costs:read" in self.scopes


SYSTEM = Principal(actor="system", grants=(Grant(frozenset(SCOPES), None),))
NOBODY = Principal(actor="nobody")


def principal_of_user(user: User | AnonymousUser) -> Principal:
    """Answer what a person may do, from his memberships. One query, remembered on the user object for the request."""
    if not user.is_authenticated or not user.is_active:
        return NOBODY
    known: Principal | None = getattr(user, "_principal", None)
    if known is None:
        if user.is_superuser:
            grants: Iterable[Grant] = (Grant(frozenset(SCOPES), None),)
            roles = frozenset(Role.values)
        else:
            memberships = list(user.memberships.all())
            grants = (
                Grant(ROLE_SCOPES[membership.role], None if membership.everywhere else frozenset(membership.locations))
                for membership in memberships
            )
            roles = frozenset(membership.role for membership in memberships)
        known = Principal(actor=f"user:{user.get_username()}", grants=tuple(grants), roles=roles)
        user._principal = known  # type: ignore[attr-defined]
    return known


def principal_of_key(key: ApiKey) -> Principal:
    """Answer what the holder of an API key may do."""
    places = None if key.locations is None else frozenset(key.locations)
    return Principal(actor=f"key:{key.name}", grants=(Grant(frozenset(key.scopes), places),), channel=key.channel or "")


# Which scope guards which model in the admin: (to look at, to change). An unlisted model is for superusers alone.
MODEL_SCOPES: dict[str, tuple[str, str]] = {}


def guard(scopes: tuple[str, str], *labels: str) -> None:
    """Say, in an AppConfig's ready, which scopes (to look at, to change) guard models named like `inventory.item`."""
    for label in labels:
        MODEL_SCOPES[label] = scopes
