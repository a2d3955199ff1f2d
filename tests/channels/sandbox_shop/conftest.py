"""One shop for all these tests; each test brings its own articles and leaves the shop as it found it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

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
def sku() -> str:
    return f"ART-{next(_serial)}"


@pytest.fixture
def push(shop: RunningShop) -> Callable[..., httpx.Response]:
    """Send figures: `push({...}, key="k")`; a fresh key when none is given."""

    def send(*entries: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or f"key-{next(_serial)}"}
        return shop.http.post("/api/stock/bulk", json={"entries": list(entries)}, headers=headers)

    return send
