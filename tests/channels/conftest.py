"""Channels for tests: an account opened through the verbs, and a connector that does as the test says."""

from __future__ import annotations

import pytest

from channels.connectors import registry
from inventory.models import Location
from tests.channels.scripted import ScriptedConnector
from tests.factories.inventory import LocationFactory


@pytest.fixture
def warehouse(db: None) -> Location:
    return LocationFactory.create(code="wh")


@pytest.fixture
def connector(monkeypatch: pytest.MonkeyPatch) -> ScriptedConnector:
    """A channel in memory, of the kind `scripted`."""
    made = ScriptedConnector()
    monkeypatch.setitem(registry.BUILT_IN, "scripted", "tests.channels.scripted:ScriptedConnector")
    real = registry.connector_for

    def found(kind: str) -> object:
        return made if kind == "scripted" else real(kind)

    monkeypatch.setattr("channels.services.settings.connector_for", found)
    return made
