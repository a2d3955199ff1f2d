"""Two items, two places, and books that must agree after every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from inventory.models import Item, Location, StockPool
from tests.books import assert_books_agree
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of


@pytest.fixture(autouse=True)
def _books_agree_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
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


@pytest.fixture
def lamp(db: Any) -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def rope(db: Any) -> Item:
    return ItemFactory.create(sku="ROPE")


@pytest.fixture
def warehouse(db: Any) -> Location:
    return LocationFactory.create(code="warehouse", name="Warehouse")


@pytest.fixture
def shop(db: Any) -> Location:
    return LocationFactory.create(code="shop", name="Shop", kind=Location.Kind.STORE)


@pytest.fixture
def pool(warehouse: Location, shop: Location) -> StockPool:
    return pool_of(warehouse, shop)
