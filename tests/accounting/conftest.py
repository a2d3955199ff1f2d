from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.accounting import provers


@pytest.fixture(autouse=True)
def _alone(settings: Any) -> None:
    """Leave out what the other apps prove and post: entries here have no documents behind them."""
    settings.ACCOUNTING_PROOFS = "tests.accounting.provers.NOTHING"
    settings.ACCOUNTING_BEFORE_CLOSING = "tests.accounting.provers.NOBODY"


@pytest.fixture
def proved(settings: Any) -> Iterator[dict[str, str]]:
    """Have documents that prove two accounts; answer what was received, by reference, to be filled."""
    settings.ACCOUNTING_PROOFS = "tests.accounting.provers.PROOFS"
    yield provers.received
    provers.received.clear()


@pytest.fixture
def stepped(settings: Any) -> Iterator[list[Any]]:
    """Have a step before closing; answer the days it was asked for."""
    settings.ACCOUNTING_BEFORE_CLOSING = "tests.accounting.provers.STEPS"
    yield provers.asked
    provers.asked.clear()
