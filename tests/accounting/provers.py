"""Stand-ins for what other apps say to the books; a test fills them and names them in its settings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from retailhub.accounting.registry import Proof
from retailhub.accounting.services.posting import post_entries
from tests.factories.accounting import new_entry

received: dict[str, str] = {}
PROOFS = {"grni": ("tests.accounting.provers.goods_received",), "inventory": ("tests.accounting.provers.goods",)}
CROSSED = {"grni": ("tests.accounting.provers.goods",)}
NOTHING: dict[str, tuple[str, ...]] = {}
NOBODY: tuple[str, ...] = ()
STEPS = ("tests.accounting.provers.post_stock",)
asked: list[date] = []


def goods_received() -> list[Proof]:
    """What was received and not invoiced stands in credit, by receipt."""
    return [
        Proof(account_role="grni", reference=reference, expected=-Decimal(value))
        for reference, value in received.items()
    ]


def goods() -> list[Proof]:
    """What lies on the shelves."""
    total = sum(map(Decimal, received.values()), Decimal(0))
    return [Proof(account_role="inventory", reference="", expected=total)]


def post_stock(*, until: date) -> None:
    """Post what is missing through that day."""
    asked.append(until)
    post_entries(entries=[new_entry(f"stock:{until}", document="", date=until)], actor="test")
