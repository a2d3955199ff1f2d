"""What other apps have to say to the books, found by settings so that this floor does not import the roof.

`PROOFS` says which functions prove what stands on an account; `BEFORE_CLOSING` what posts what a period still lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What an account must stand at by the documents, never by the journal: for one reference, or without one in all.

    Debit above zero, as in the journal: goods received and not invoiced are below it.
    """

    account_role: str
    reference: str
    expected: Decimal


Prover = Callable[[], Iterable[Proof]]


class ClosingStep(Protocol):
    """Posts what the books lack through the day `until`; is run again when the closing is, so it must not mind."""

    def __call__(self, *, until: date) -> Any: ...


def provers() -> dict[str, tuple[Prover, ...]]:
    """Answer, by role of the account, the functions that prove what stands on it."""
    table: dict[str, tuple[str, ...]] = import_string(settings.ACCOUNTING_PROOFS)
    return {role: tuple(import_string(path) for path in paths) for role, paths in table.items()}


def closing_steps() -> tuple[ClosingStep, ...]:
    """Answer what is run before a period is closed, in order."""
    table: tuple[str, ...] = import_string(settings.ACCOUNTING_BEFORE_CLOSING)
    return tuple(import_string(path) for path in table)
