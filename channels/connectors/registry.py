"""Which connectors there are: ours, one line each, and those that installed packages bring along."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from channels.connectors.base import Connector

ENTRY_POINT_GROUP = "retailhub.connectors"

BUILT_IN: dict[str, str] = {
    "sandbox": "channels.connectors.sandbox.connector:SandboxConnector",
}


class UnknownConnector(LookupError):
    """No connector of this kind is installed."""


class BrokenConnector(TypeError):
    """What was registered under this kind is not a connector."""


def connector_kinds() -> tuple[str, ...]:
    """Every kind that can be asked for, in alphabetical order."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))}))


@cache
def connector_for(kind: str) -> Connector:
    """The one connector of this kind. A package cannot replace one of ours."""
    made: object
    if kind in BUILT_IN:
        module, _, name = BUILT_IN[kind].partition(":")
        made = getattr(import_module(module), name)()
    else:
        found = list(entry_points(group=ENTRY_POINT_GROUP, name=kind))
        if not found:
            raise UnknownConnector(f"no connector of kind {kind!r} is installed")
        made = found[0].load()()
    if not isinstance(made, Connector):
        raise BrokenConnector(f"{type(made).__name__} lacks verbs of the connector protocol")
    return made
