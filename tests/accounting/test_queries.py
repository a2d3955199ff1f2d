"""What the books say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from retailhub.accounting.models import Account
from retailhub.accounting.queries import (
    ageing,
    balance,
    balances_by_party,
    balances_by_reference,
    open_items,
    span_of,
    trial_balance,
)
from retailhub.accounting.services.posting import EntryLine, reverse_entry
from tests.factories.accounting import posted

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 30)


def test_balances_by_day_party_and_reference() -> None:
    posted("a", "100.00", reference="receipt:GR-1#1", party="supplier:ACME", date=date(2026, 10, 31))
    posted("b", "20.00", reference="receipt:GR-2#1", party="supplier:ACME", date=date(2026, 11, 1))
    posted("c", "3.00", reference="receipt:GR-3#1", party="supplier:BOLT", date=date(2026, 11, 2))

    assert balance("grni") == -123
    assert balance("2100") == -123
    assert balance("grni", until=date(2026, 10, 31)) == -100
    assert balance("grni", party="supplier:ACME") == -120
    assert balance("grni", reference="receipt:GR-3#1", party="supplier:BOLT") == -3
    assert balance("bank") == 0
    assert balances_by_party("grni") == {"supplier:ACME": -120, "supplier:BOLT": -3}
    with pytest.raises(Account.DoesNotExist):
        balance("petty_cash")


def test_a_reference_that_came_to_nothing_is_not_open() -> None:
    posted("a", "100.00", reference="receipt:GR-1#1")
    posted("b", "20.00", reference="receipt:GR-2#1")
    reverse_entry(key="a", date=date(2026, 11, 20), actor="test")

    assert balances_by_reference("grni") == {"receipt:GR-2#1": -20}
    assert balances_by_reference("grni", date(2026, 11, 19)) == {"receipt:GR-1#1": -100, "receipt:GR-2#1": -20}


def test_the_trial_balance_adds_up_to_nothing() -> None:
    posted("a", "100.00", date=date(2026, 10, 31))
    posted("b", "20.00", date=date(2026, 11, 1))
    posted("c", "5.00", debit="grni", credit="payable", date=date(2026, 11, 2))
    posted("d", "7.00", date=date(2026, 12, 1))

    november = {
        b.account.role: (b.opening, b.debit, b.credit, b.closing)
        for b in trial_balance(since=date(2026, 11, 1), until=TODAY)
    }

    assert november["inventory"] == (100, 20, 0, 120)
    assert november["grni"] == (-100, 5, 20, -115)
    assert november["payable"] == (0, 0, 5, -5)
    assert november["bank"] == (0, 0, 0, 0)
    everything = trial_balance()
    assert sum(b.closing for b in everything) == 0
    assert {b.opening for b in everything} == {0}
    assert [b.account.number for b in everything] == sorted(b.account.number for b in everything)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, "0-30"), (30, "0-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"), (90, "61-90"), (91, "90+"), (900, "90+")],
)
def test_open_items_age_from_their_document(days: int, bucket: str) -> None:
    opened = date.fromordinal(TODAY.toordinal() - days)
    posted("a", "100.00", reference="receipt:GR-1#1", party="supplier:ACME", date=opened)
    posted("b", "40.00", date=TODAY, lines=_settling("40.00"))

    (item,) = open_items("grni", today=TODAY)

    assert (item.reference, item.party, item.since, item.days, item.balance) == (
        "receipt:GR-1#1", "supplier:ACME", opened, days, Decimal(-60),
    )  # fmt: skip
    assert ageing("grni", today=TODAY) == {
        name: Decimal(-60 if name == bucket else 0) for name in ("0-30", "31-60", "61-90", "90+")
    }


def _settling(amount: str) -> list[EntryLine]:
    return [
        EntryLine(account="grni", amount=Decimal(amount), reference="receipt:GR-1#1", party="supplier:ACME"),
        EntryLine(account="payable", amount=-Decimal(amount)),
    ]


@pytest.mark.parametrize(
    ("code", "days"),
    [
        ("2026-11", (date(2026, 11, 1), date(2026, 11, 30))),
        ("2028-02", (date(2028, 2, 1), date(2028, 2, 29))),
        ("2026", (date(2026, 1, 1), date(2026, 12, 31))),
        ("9999-12", (date(9999, 12, 1), date(9999, 12, 31))),
    ],
)
def test_a_period_is_a_month_or_a_year(code: str, days: tuple[date, date]) -> None:
    span = span_of(code)

    assert span is not None
    assert (span.start, span.end) == days


@pytest.mark.parametrize(
    "code", ["", "2026-13", "2026-1", "26-01", "2026-00", "0000-01", "2026-11-01", "x", "\uff12026-11"]
)
def test_nothing_else_is_one(code: str) -> None:
    assert span_of(code) is None
