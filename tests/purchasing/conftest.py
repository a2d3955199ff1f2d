"""A supplier, two items, two places, and books that must agree after every test."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import Item, Location
from purchasing.models import Supplier
from tests.books import books_agree_afterwards, broken_books  # noqa: F401
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory


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
def siam(db: Any) -> Supplier:
    return SupplierFactory.create(code="SIAM", name="Siam Textiles")
