"""Deliveries booked at the same moment: never more for sale than ordered and tolerated, every sum right."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Sum

from inventory.models import Item, Location
from inventory.services.returning import GoodsGone
from purchasing.models import PurchaseOrder, Receipt, ReceiptLine, ReceiptScan
from purchasing.services.counting import finish_receipt, start_receipt
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.reversing import reverse_receipt
from purchasing.services.scanning import scan_goods
from tests.books import figures
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, issued, wanted
from tests.races.crowd import crowd, deadlocks, failures, together  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def warehouse(transactional_db: Any) -> Location:
    return LocationFactory.create(code="warehouse")


@pytest.fixture
def lamp(transactional_db: Any) -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def order(lamp: Item, warehouse: Location) -> PurchaseOrder:
    return issued(SupplierFactory.create(over_units=5), warehouse, [(lamp, 50, "1")])


def test_twenty_receipts_of_one_order(order: PurchaseOrder, lamp: Item, warehouse: Location) -> None:
    line = order.lines.get()

    answers = crowd(
        20,
        lambda number: receive_delivery(
            location=warehouse,
            counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=4)],
            actor=f"user:{number}",
        ),
    )

    line.refresh_from_db()
    order.refresh_from_db()
    sums = ReceiptLine.objects.aggregate(accepted=Sum("accepted"), over=Sum("over"))
    assert not failures(answers)
    assert (line.received, sums["accepted"], sums["over"]) == (55, 55, 25)
    assert (order.status, figures(lamp, warehouse)) == ("received", (55, 0, 0, 25))


def test_one_scan_twice_and_one_finish_twice(order: PurchaseOrder, lamp: Item, warehouse: Location) -> None:
    started = crowd(2, lambda _: start_receipt(location=warehouse, orders=[order], actor="user:wim"))
    assert len({receipt.pk for receipt in started}) == 1
    receipt = started[0]

    scans = crowd(8, lambda _: scan_goods(receipt_id=receipt.pk, code="LAMP", key="k", actor="user:wim"))
    ends = crowd(4, lambda _: finish_receipt(receipt_id=receipt.pk, actor="user:wim"))

    assert not failures([*scans, *ends])
    assert (ReceiptScan.objects.count(), Receipt.objects.count()) == (1, 1)
    assert figures(lamp, warehouse) == (1, 0, 0, 0)


def test_a_reversal_against_a_sale(order: PurchaseOrder, lamp: Item, warehouse: Location) -> None:
    line = order.lines.get()
    receipt = receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=4)],
        actor="user:wim",
    )

    reversal, sale = together(
        lambda: reverse_receipt(receipt_id=receipt.pk, reason="x", actor="user:wim"),
        lambda: wanted("sale:OR-1", lamp, 2, warehouse),
    )

    assert not failures([reversal, sale], GoodsGone)
    kept = 2 if isinstance(reversal, GoodsGone) else 0
    assert figures(lamp, warehouse)[:2] == ((4, 2) if kept else (0, 0))
