"""Goods in place of billed ones that went back: what was owed for them is settled, and nobody bills them again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory.models import CostPool, Item, Location
from purchasing.models import Claim, PurchaseOrder, Receipt, ReceiptLine, Supplier, SupplierInvoice
from purchasing.services.amending import amend_purchase_order
from purchasing.services.capturing import BilledLine, capture_invoice
from purchasing.services.changes import BelowReceived, LineChange, OrderChanges
from purchasing.services.claiming import promise_replacement
from purchasing.services.closing import close_short
from purchasing.services.matching import match_invoices
from purchasing.services.returning import GoingBack, return_goods
from retailhub.accounting.queries import balance
from tests.factories.purchasing import TODAY, billed, issued, posted, received
from tests.purchasing.test_invoice_posting import credit

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(siam: Supplier, lamp: Item, warehouse: Location) -> PurchaseOrder:
    return issued(siam, warehouse, [(lamp, 10, "5.00")])


@pytest.fixture
def invoice(order: PurchaseOrder, lamp: Item) -> SupplierInvoice:
    received(order)
    return posted(billed(order, [(lamp, 10, "5.00")]))


def give_back(receipt: Receipt, units: int, *, again: bool = True) -> None:
    line = GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=units)
    return_goods(lines=[line], reason="broken", actor="user:wim", wants_replacement=again)


def stands() -> tuple[Decimal, ...]:
    return tuple(balance(role) for role in ("inventory", "grni", "supplier_claims", "payable"))


def test_a_replacement_settles_what_was_owed_and_waits_for_no_invoice(
    order: PurchaseOrder, invoice: SupplierInvoice
) -> None:
    give_back(Receipt.objects.get(), 3)
    assert stands() == (35, 0, 15, -50)

    received(order, [3])

    assert stands() == (50, 0, 0, -50)
    first, second = ReceiptLine.objects.order_by("pk")
    assert (first.invoiced, second.invoiced, order.lines.get().invoiced) == (7, 3, 10)


def test_a_replacement_that_was_promised_later_is_one_too(order: PurchaseOrder, invoice: SupplierInvoice) -> None:
    give_back(Receipt.objects.get(), 3, again=False)
    promise_replacement(claim_id=Claim.objects.get().pk, actor="user:bea")

    received(order, [3])

    assert stands() == (50, 0, 0, -50)


def test_a_replacement_that_comes_in_part_leaves_the_rest_owed(order: PurchaseOrder, invoice: SupplierInvoice) -> None:
    give_back(Receipt.objects.get(), 3)
    received(order, [2])
    assert stands() == (45, 0, 5, -50)

    close_short(order_id=order.pk, reason="he sends no more", actor="user:bea")
    posted(credit(invoice, "C-1", 1, "5.00", "goods"))

    assert stands() == (45, 0, 0, -45)


def test_an_order_whose_goods_were_replaced_may_still_be_amended(
    order: PurchaseOrder, invoice: SupplierInvoice
) -> None:
    give_back(Receipt.objects.get(), 3)
    received(order, [3])

    more = OrderChanges(lines=[LineChange(line=1, quantity=12)])
    amend_purchase_order(order_id=order.pk, changes=more, actor="user:bea")
    assert order.lines.get().open_quantity == 2
    fewer = OrderChanges(lines=[LineChange(line=1, quantity=9)])
    with pytest.raises(BelowReceived):
        amend_purchase_order(order_id=order.pk, changes=fewer, actor="user:bea")


def test_two_lines_do_not_credit_the_same_goods(order: PurchaseOrder, invoice: SupplierInvoice) -> None:
    give_back(Receipt.objects.get(), 3, again=False)

    one = BilledLine(quantity=Decimal(2), unit_price=Decimal(5), corrects_line=1, credit_kind="goods", description="x")
    note = capture_invoice(
        supplier=invoice.supplier,
        kind="credit_note",
        number="C-1",
        invoice_date=TODAY,
        currency="EUR",
        corrects=invoice.number,
        lines=[one, one],
        actor="user:ada",
    )
    match_invoices(invoice_ids=[note.pk], actor="user:ada")
    assert [hold.line.line for hold in note.holds.all() if hold.line] == [2]

    posted(note)

    assert stands() == (35, 0, 5, -40)


def test_what_was_replaced_is_not_credited_too(order: PurchaseOrder, invoice: SupplierInvoice) -> None:
    give_back(Receipt.objects.get(), 3)
    received(order, [3])

    note = credit(invoice, "C-1", 3, "5.00", "goods")

    assert [hold.code for hold in note.holds.all()] == ["QREC"]


def test_a_replacement_of_goods_that_nobody_billed_is_billed_once(
    order: PurchaseOrder, lamp: Item, warehouse: Location
) -> None:
    received(order)
    give_back(Receipt.objects.get(), 3)
    received(order, [3])
    assert stands() == (50, -50, 0, 0)

    posted(billed(order, [(lamp, 10, "5.00")]))

    assert stands() == (50, 0, 0, -50)


def test_damaged_goods_that_go_back_leave_what_was_billed_alone(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """Ten good ones are billed, two damaged ones are not: whichever goes first, each is settled where it stands."""
    from purchasing.services.receiving import Counted, receive_delivery

    order = issued(siam, warehouse, [(lamp, 12, "5.00")])
    receipt = receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=order.lines.get().pk, accepted=10, damaged=2)],
        actor="user:wim",
    )
    posted(billed(order, [(lamp, 10, "5.00")]))

    give_back(receipt, 2, again=False)
    assert stands() == (50, -10, 10, -50)
    line = GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=2, bucket="damaged")
    return_goods(lines=[line], reason="broken", actor="user:wim")

    assert stands() == (40, 0, 10, -50)
    assert CostPool.objects.get().value == 40
