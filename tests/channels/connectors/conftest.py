"""One shop and one connector for all these tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from channels.connectors.sandbox.connector import SandboxConnector
from tests.channels.sandbox_fixture import RunningShop, running_shop

_serial = itertools.count(1)


@pytest.fixture(scope="session")
def one_shop() -> Iterator[RunningShop]:
    with running_shop() as shop:
        yield shop


@pytest.fixture
def shop(one_shop: RunningShop) -> Iterator[RunningShop]:
    yield one_shop
    one_shop.calm_down()


@pytest.fixture
def connector() -> Iterator[SandboxConnector]:
    made = SandboxConnector()
    yield made
    made.close()


@pytest.fixture
def sku() -> str:
    return f"ART-{next(_serial)}"
