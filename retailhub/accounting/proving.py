"""What the documents say must stand on an account, beside what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from retailhub.accounting.models import Account
from retailhub.accounting.queries import ZERO, account_named, balance, balances_by_reference
from retailhub.accounting.registry import provers


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """An account, or one reference on it: what the documents expect there and what the journal has."""

    account: Account
    reference: str
    expected: Decimal
    found: Decimal

    @property
    def agrees(self) -> bool:
        return self.expected == self.found


@contextmanager
def at_one_moment() -> Iterator[None]:
    """Let everything inside be read as of one moment. Inside a transaction that is open already, that one decides."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # A long list read by a slow hand is no forgotten transaction.
        cursor.execute("SET LOCAL statement_timeout = '15min'")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '5min'")
        yield


def expectations() -> dict[str, dict[str, Decimal]]:
    """Answer, by role and reference, what the documents expect; a role that is proved is there even with nothing."""
    found: dict[str, dict[str, Decimal]] = {}
    for role, functions in provers().items():
        sums = found.setdefault(role, {})
        for function in functions:
            for proof in function():
                if proof.account_role != role:
                    raise ValueError(f"{function.__module__} proves {proof.account_role}, but is listed for {role}")
                sums[proof.reference] = sums.get(proof.reference, ZERO) + proof.expected
    return found


def compare() -> Iterator[Proved]:
    """Answer every expectation beside what the journal has, and what it has that nothing expects.

    An account proved without references is compared as a whole, others reference by reference.
    """
    for role, expected in expectations().items():
        account = account_named(role)
        if expected and not any(expected):
            yield Proved(account=account, reference="", expected=expected[""], found=balance(role))
            continue
        have = balances_by_reference(role)
        for reference in sorted({*expected, *have}):
            yield Proved(
                account=account,
                reference=reference,
                expected=expected.get(reference, ZERO),
                found=have.get(reference, ZERO),
            )
