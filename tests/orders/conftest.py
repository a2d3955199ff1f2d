"""A channel that sells from two places, and books that must agree after every test."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import Item, Location
from orders.models import SalesChannel
from tests.books import books_agree_afterwards, broken_books  # noqa: F401
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of
from tests.factories.orders import SalesChannelFactory


@pytest.fixture
def lamp(db: Any) -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def rope(db: Any) -> Item:
    return ItemFactory.create(sku="ROPE")


@pytest.fixture
def shop(db: Any) -> Location:
    return LocationFactory.create(code="shop", name="Shop", kind=Location.Kind.STORE)


@pytest.fixture
def warehouse(db: Any) -> Location:
    return LocationFactory.create(code="warehouse", name="Warehouse")


@pytest.fixture
def web(shop: Location, warehouse: Location) -> SalesChannel:
    return SalesChannelFactory.create(code="web", name="Web", pool=pool_of(warehouse, shop))
