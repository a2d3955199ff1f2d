"""The books as a test looks at them: whether they agree, and what was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from channels.services import verifying as channels
from inventory.models import StockLevel
from inventory.services import verifying as inventory
from orders.services import verifying as orders
from purchasing.services import verifying as purchasing
from retailhub.accounting.services import verifying as accounting
from retailhub.core.verifying import Breach
from retailhub.outbox.models import OutboxEvent
from retailhub.outbox.services import verifying as outbox


def breaches() -> list[Breach]:
    """Answer every place where two records of one truth disagree, in all apps."""
    return [
        *inventory.verify(),
        *orders.verify(),
        *purchasing.verify(),
        *channels.verify(),
        *outbox.verify(),
        *accounting.verify(),
    ]


def assert_books_agree() -> None:
    found = breaches()
    assert not found, "\n".join(map(str, found))


def figures(item: Any, location: Any) -> tuple[int, int, int, int]:
    """Answer (sellable, reserved, damaged, on hold) of the item there; zeros where no level is."""
    names = ("sellable", "reserved", "damaged", "on_hold")
    return StockLevel.objects.filter(item=item, location=location).values_list(*names).first() or (0, 0, 0, 0)


def published(name: str, *, after: int = 0) -> list[dict[str, Any]]:
    """Answer the payloads of all events of that name, oldest first; `after` an event's id."""
    return list(OutboxEvent.objects.filter(name=name, pk__gt=after).order_by("pk").values_list("payload", flat=True))


def last_event() -> int:
    """Answer the id of the latest event, for `published(..., after=...)`."""
    return OutboxEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def names_of_events(*, after: int = 0) -> Sequence[str]:
    return list(OutboxEvent.objects.filter(pk__gt=after).order_by("pk").values_list("name", flat=True))


# --- named in the conftest.py of the folders that use them
@pytest.fixture(autouse=True)
def books_agree_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did through the verbs, levels, movements, promises and values tell one story in the end."""
    uses_database = request.node.get_closest_marker("django_db") is not None
    if uses_database:
        request.getfixturevalue("db")
    yield
    if uses_database and "broken_books" not in request.fixturenames:
        assert_books_agree()


@pytest.fixture
def broken_books() -> None:
    """Asked for by a test that breaks the books by hand."""
