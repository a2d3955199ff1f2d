"""What purchase orders still bring: said absolutely, lowered by what arrives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import IncomingSupply
from inventory.services.expecting import Expected, expect_supply
from inventory.services.receiving import ReceiptLine, receive_stock
from retailhub.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db

DUE = datetime(2026, 12, 1, tzinfo=UTC)


def expect(item: Any, place: Any, quantity: int, line: int = 1, due: datetime | None = DUE) -> Expected:
    return Expected(document="po:PO-1", line=line, item_id=item.pk, location_id=place.pk, quantity=quantity, due=due)


def coming() -> dict[tuple[int, str], tuple[int, str, datetime | None]]:
    rows = IncomingSupply.objects.values_list("line", "item__sku", "quantity", "location__code", "due")
    return {(line, sku): (quantity, code, due) for line, sku, quantity, code, due in rows}


def test_what_is_said_last_counts_and_nobody_is_told(lamp: Any, rope: Any, warehouse: Any, shop: Any) -> None:
    expect_supply(lines=[expect(rope, warehouse, 3, line=2), expect(lamp, warehouse, 10)])
    expect_supply(lines=[expect(lamp, shop, 7, due=None)])
    expect_supply(lines=[expect(lamp, shop, 7, due=None)])

    assert coming() == {(1, "LAMP"): (7, "shop", None), (2, "ROPE"): (3, "warehouse", DUE)}
    assert not OutboxEvent.objects.exists()


def test_a_line_that_brings_another_item_brings_nothing_of_the_old_one(lamp: Any, rope: Any, warehouse: Any) -> None:
    expect_supply(lines=[expect(lamp, warehouse, 10)])
    expect_supply(lines=[expect(rope, warehouse, 4)])

    assert coming() == {(1, "LAMP"): (0, "warehouse", DUE), (1, "ROPE"): (4, "warehouse", DUE)}


def test_a_receipt_lowers_what_is_expected_but_never_below_nothing(lamp: Any, rope: Any, warehouse: Any) -> None:
    expect_supply(lines=[expect(lamp, warehouse, 10), expect(rope, warehouse, 5, line=2)])

    def arrive(quantity: int, bucket: str = "sellable") -> ReceiptLine:
        return ReceiptLine(item_id=lamp.pk, quantity=quantity, bucket=bucket, incoming=("po:PO-1", 1))

    receive_stock(location=warehouse, lines=[arrive(3), arrive(1, "damaged")], document="receipt:GR-1", actor="x")
    assert coming()[(1, "LAMP")][0] == 6

    receive_stock(location=warehouse, lines=[arrive(8)], document="receipt:GR-2", actor="x")
    assert coming() == {(1, "LAMP"): (0, "warehouse", DUE), (2, "ROPE"): (5, "warehouse", DUE)}
