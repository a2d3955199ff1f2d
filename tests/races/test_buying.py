"""Several people at the papers of one purchase: each thing happens once, and what they did adds up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from inventory.models import Item, Location
from inventory.services.returning import GoodsGone
from purchasing.models import (
    BuyingEvent,
    InvoiceLine,
    MatchAllocation,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    ReceiptScan,
    Supplier,
    SupplierInvoice,
)
from purchasing.services import approving, invoice_booking, receiving
from purchasing.services.amending import amend_purchase_order
from purchasing.services.approving import approve_purchase_order, submit_purchase_order
from purchasing.services.approving_invoices import NothingPayable, approve_invoice, post_invoice
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.changes import BelowReceived, LineChange, OrderChanges
from purchasing.services.counting import finish_receipt, start_receipt
from purchasing.services.drafting import OrderedCharge
from purchasing.services.keeping import keep_free
from purchasing.services.matching import match_invoices
from purchasing.services.paying import ExceedsPayment, ExceedsPosted, pay_supplier, use_credit_note
from purchasing.services.prepaying import use_prepayment_invoice
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import ExceedsReceived, GoingBack, NotReturnable, return_goods
from purchasing.services.reversing import ReceiptTouched, reverse_receipt
from purchasing.services.scanning import scan_goods
from purchasing.services.standing import WrongState
from retailhub.accounting.models import JournalEntry
from retailhub.accounting.queries import balance
from tests.books import assert_books_agree, figures
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import TODAY, SupplierFactory, billed, drafted, issued, posted, received, wanted
from tests.races.crowd import Deadlocks, MeetingPoint, after, crowd, deadlocks, failures, together  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def siam(transactional_db: Any) -> Supplier:
    return SupplierFactory.create(code="SIAM")


@pytest.fixture
def warehouse(transactional_db: Any) -> Location:
    return LocationFactory.create(code="warehouse")


@pytest.fixture
def lamp(transactional_db: Any) -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def order(siam: Supplier, warehouse: Location, lamp: Item) -> PurchaseOrder:
    return issued(siam, warehouse, [(lamp, 10, "5.00")])


def unlocked(order_ids: Iterable[int]) -> dict[int, PurchaseOrder]:
    """Read as `lock_purchase_orders` does, holding nothing, and give the others time to do the same."""
    found = PurchaseOrder.objects.select_related("supplier", "ship_to").in_bulk(list(order_ids))
    time.sleep(0.2)
    return found


# --- orders ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def submitted(siam: Supplier, warehouse: Location, lamp: Item) -> PurchaseOrder:
    order = drafted(siam, warehouse, [(lamp, 1_000, "5.00")])
    return submit_purchase_order(order_id=order.pk, actor="user:bea")


def approvals(order: PurchaseOrder) -> list[Any]:
    return crowd(8, lambda n: approve_purchase_order(order_id=order.pk, actor=f"user:{n}", roles=()))


def test_eight_who_approve_one_order_approve_it_once(submitted: PurchaseOrder) -> None:
    assert not failures(approvals(submitted))

    assert BuyingEvent.objects.filter(document=submitted.reference, kind="approved").count() == 1


def test_without_the_lock_it_is_approved_more_than_once(
    submitted: PurchaseOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approving, "lock_purchase_order", lambda pk: unlocked([pk])[pk])

    assert not failures(approvals(submitted))

    assert BuyingEvent.objects.filter(document=submitted.reference, kind="approved").count() > 1


def counted(order: PurchaseOrder, units: int) -> list[Counted]:
    line = order.lines.get()
    return [Counted(item_id=line.item_id, order_line_id=line.pk, accepted=units)]


def test_an_order_that_is_amended_while_its_goods_come(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    """Either the goods were quicker, and the order is not lowered below them, or what is too much is on hold."""
    for _ in range(6):
        order = issued(siam, warehouse, [(lamp, 10, "5.00")])
        less = OrderChanges(lines=[LineChange(line=1, quantity=4)])

        amended, receipt = together(
            lambda o=order, c=less: amend_purchase_order(order_id=o.pk, changes=c, actor="user:bea"),
            lambda o=order: receive_delivery(location=warehouse, counted=counted(o, 7), actor="user:wim"),
        )

        assert not failures([amended, receipt], BelowReceived)
        line, row = order.lines.get(), ReceiptLine.objects.get(receipt=receipt)
        if isinstance(amended, BelowReceived):
            assert (line.quantity, line.received, row.over) == (10, 7, 0)
        else:
            assert (line.quantity, line.received, row.over) == (4, 4, 3)


# --- deliveries ------------------------------------------------------------------------------------------------------
def test_twenty_who_count_one_delivery_lose_nothing_and_count_nothing_twice(
    order: PurchaseOrder, warehouse: Location, lamp: Item
) -> None:
    """Each scans once and, as his phone heard no answer, sends the same scan again."""
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")

    def scan(number: int) -> None:
        for _ in range(2):
            scan_goods(receipt_id=receipt.pk, code="LAMP", key=f"scan-{number}", actor=f"user:{number}")

    assert not failures(crowd(20, scan))
    assert not failures(crowd(8, lambda _: finish_receipt(receipt_id=receipt.pk, actor="user:wim")))

    row = ReceiptLine.objects.get()
    assert (ReceiptScan.objects.count(), row.accepted, row.over) == (20, 10, 10)
    assert figures(lamp, warehouse) == (10, 0, 0, 10)


def test_without_the_orders_lock_more_is_accepted_than_was_ordered(
    order: PurchaseOrder, warehouse: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "lock_purchase_orders", unlocked)

    crowd(4, lambda n: receive_delivery(location=warehouse, counted=counted(order, 6), actor=f"user:{n}"))

    accepted = ReceiptLine.objects.aggregate(x=Sum("accepted"))["x"]
    assert accepted > 10
    # The control broke the order on purpose; what it holds is set right for the look at the books.
    order.lines.update(received=accepted)


def test_a_receipt_that_is_reversed_while_its_goods_go_back(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    for _ in range(6):
        order = issued(siam, warehouse, [(lamp, 10, "5.00")])
        receipt = received(order)
        line = GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=4)

        answers = together(
            lambda r=receipt: reverse_receipt(receipt_id=r.pk, reason="x", actor="user:wim"),
            lambda x=line: return_goods(lines=[x], reason="x", actor="user:wim"),
            lambda x=line: return_goods(lines=[x], reason="x", actor="user:ann"),
            lambda x=line: return_goods(lines=[x], reason="x", actor="user:eva"),
        )

        assert not failures(answers, ReceiptTouched, NotReturnable, ExceedsReceived, GoodsGone)
        row = receipt.lines.get()
        reversed_, returned = not isinstance(answers[0], Exception), len(answers[1:]) - len(failures(answers[1:]))
        assert (reversed_, returned) in [(True, 0), (False, 2)]
        assert row.amount - row.reduced == (0 if reversed_ else 10)


# --- invoices --------------------------------------------------------------------------------------------------------
def test_goods_that_come_while_their_invoice_is_matched_and_posted(
    siam: Supplier, warehouse: Location, lamp: Item
) -> None:
    for number in range(6):
        order = issued(siam, warehouse, [(lamp, 10, "5.00")])
        received(order, [4])
        invoice = billed(order, [(lamp, 10, "5.00")], invoice_date=TODAY + timedelta(number * 10))

        def pass_it(pk: int = invoice.pk) -> None:
            approve_invoice(invoice_id=pk, actor="user:max")
            post_invoice(invoice_id=pk, actor="user:max", on=TODAY)

        answers = together(
            lambda o=order: receive_delivery(location=warehouse, counted=counted(o, 6), actor="user:wim"),
            pass_it,
            lambda pk=invoice.pk: match_invoices(invoice_ids=[pk], actor="system"),
        )
        post_invoice(invoice_id=invoice.pk, actor="user:max", on=TODAY)

        assert not failures(answers, NothingPayable)
        invoice.refresh_from_db()
        assert (invoice.status, invoice.posted_total) == ("posted", 50)
        cleared = MatchAllocation.objects.filter(invoice_line__invoice=invoice, receipt_line__isnull=False)
        assert cleared.aggregate(x=Sum("quantity"))["x"] == 10
    assert balance("grni") == 0


def note_of(invoice: SupplierInvoice, number: str, price: str) -> SupplierInvoice:
    note = capture_invoice(
        supplier=invoice.supplier,
        kind="credit_note",
        number=number,
        invoice_date=TODAY,
        currency="EUR",
        corrects=invoice.number,
        lines=[
            BilledLine(
                quantity=Decimal(10), unit_price=Decimal(price), corrects_line=1, credit_kind="price", description="x"
            )
        ],
        actor="user:ada",
    )
    match_invoices(invoice_ids=[note.pk], actor="user:ada")
    return approve_invoice(invoice_id=note.pk, actor="user:max")


def test_one_credit_note_posted_and_set_off_by_eight_counts_once(order: PurchaseOrder, lamp: Item) -> None:
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))
    note = note_of(invoice, "C-1", "1.00")

    assert not failures(crowd(8, lambda _: post_invoice(invoice_id=note.pk, actor="user:max", on=TODAY)))
    used = crowd(
        8,
        lambda _: use_credit_note(credit_note_id=note.pk, uses={invoice.pk: Decimal(10)}, on=TODAY, actor="user:max"),
    )

    assert JournalEntry.objects.filter(kind="credit_note").count() == 1
    assert len(failures(used)) == 7
    assert not failures(used, WrongState, ExceedsPayment)
    assert InvoiceLine.objects.get(invoice=invoice).credited_amount == 10
    assert balance("payable") == -40


def test_a_prepayment_is_used_once(order: PurchaseOrder, siam: Supplier, lamp: Item) -> None:
    ahead = posted(billed(order, [(lamp, 10, "2.00")], kind="prepayment"))
    pay_supplier(supplier=siam, uses={ahead.pk: Decimal(20)}, paid_on=TODAY, actor="user:max")
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    answers = crowd(
        8,
        lambda _: use_prepayment_invoice(
            invoice_id=ahead.pk, uses={invoice.pk: Decimal(20)}, on=TODAY, actor="user:max"
        ),
    )

    assert len(failures(answers)) == 7
    assert not failures(answers, ExceedsPayment, ExceedsPosted)
    assert (balance("payable"), balance("supplier_prepayments")) == (-30, 0)


# --- the order of locks ----------------------------------------------------------------------------------------------
def test_papers_that_change_the_cost_of_the_same_goods_never_deadlock(siam: Supplier, warehouse: Location) -> None:
    """Each invoice corrects one item and, by its freight, both: in whichever order their papers name them."""
    one, other = ItemFactory.create(), ItemFactory.create()
    for number in range(5):
        papers = []
        for place, items in enumerate(((one, other), (other, one), (one, other), (other, one))):
            freight = [OrderedCharge(code="freight", amount=Decimal(10))]
            order = issued(siam, warehouse, [(item, 4, "5.00") for item in items], charges=freight)
            received(order)
            charges = [BilledCharge(code="freight", amount=Decimal("10.50"))]
            date = TODAY + timedelta(100 * number + 10 * place)
            invoice = billed(order, [(items[0], 4, "5.01")], charges=charges, invoice_date=date)
            papers.append(approve_invoice(invoice_id=invoice.pk, actor="user:max"))

        acts: list[Callable[[], Any]] = [
            lambda pk=paper.pk: post_invoice(invoice_id=pk, actor="user:max", on=TODAY)  # type: ignore[misc]
            for paper in papers
        ]
        coming = issued(siam, warehouse, [(other, 3, "4.00"), (one, 3, "6.00")])
        answers = together(*acts, lambda o=coming: received(o))

        assert not failures(answers)


def test_without_all_pools_at_once_prices_and_freight_deadlock(
    siam: Supplier,
    warehouse: Location,
    deadlocks: Deadlocks,  # noqa: F811  the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They survive it by running again; the lock is there so that they need not."""
    deadlocks.expected = True
    one, other = ItemFactory.create(), ItemFactory.create()
    papers = []
    for place, items in enumerate(((one, other), (other, one))):
        freight = [OrderedCharge(code="freight", amount=Decimal(10))]
        order = issued(siam, warehouse, [(item, 4, "5.00") for item in items], charges=freight)
        received(order)
        charges = [BilledCharge(code="freight", amount=Decimal("10.50"))]
        date = TODAY + timedelta(10 * place)
        invoice = billed(order, [(items[0], 4, "5.01")], charges=charges, invoice_date=date)
        papers.append(approve_invoice(invoice_id=invoice.pk, actor="user:max").pk)
    point = MeetingPoint(2, patience=2)
    monkeypatch.setattr(invoice_booking, "lock_pools", lambda items: {})
    after(monkeypatch, "purchasing.services.invoice_booking.correct_receipts", point.meet)

    answers = together(*[lambda pk=pk: post_invoice(invoice_id=pk, actor="user:max", on=TODAY) for pk in papers])  # type: ignore[misc]

    assert not failures(answers)
    assert deadlocks.seen > 0


def test_free_goods_and_a_sale_of_the_same_item_never_deadlock(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    for number in range(6):
        order = issued(siam, warehouse, [(lamp, 2, "5.00")])
        more = issued(siam, warehouse, [(lamp, 2, "6.00")])
        row = ReceiptLine.objects.get(receipt=received(order, [5]))

        answers = together(
            lambda pk=row.pk: keep_free(receipt_line_id=pk, quantity=3, actor="user:bea"),
            lambda n=number: wanted(f"sale:OR-{n}", lamp, 2, warehouse),
            lambda o=more: received(o),
        )

        assert not failures(answers)


# --- everything twice ------------------------------------------------------------------------------------------------
def round_of_four(siam: Supplier, warehouse: Location, lamp: Item, number: int) -> None:
    """Four clients receive, match, post, return and credit the same goods: one effect each, no sum exceeded."""
    order = issued(siam, warehouse, [(lamp, 5, "2.00")])
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    for unit in range(5):
        scan_goods(receipt_id=receipt.pk, code=lamp.sku, key=f"{unit}", actor="user:wim")

    assert not failures(crowd(4, lambda _: finish_receipt(receipt_id=receipt.pk, actor="user:wim")))
    day = TODAY + timedelta(10 * number)
    invoice = billed(order, [(lamp, 5, "2.00")], invoice_date=day, number=f"I{number}x")

    def pass_it(_: int) -> None:
        match_invoices(invoice_ids=[invoice.pk], actor="user:max")
        approve_invoice(invoice_id=invoice.pk, actor="user:max")
        post_invoice(invoice_id=invoice.pk, actor="user:max", on=TODAY)

    assert not failures(crowd(4, pass_it))
    back = GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=3)
    returned = crowd(4, lambda _: return_goods(lines=[back], reason="x", actor="user:wim"))
    assert len(failures(returned)) == 3
    paid = crowd(
        4,
        lambda _: pay_supplier(
            supplier=siam, uses={invoice.pk: Decimal(10)}, paid_on=TODAY, actor="user:max", key=None
        ),
    )
    assert len(failures(paid)) == 3
    assert not failures([*returned, *paid], ExceedsReceived, GoodsGone, ExceedsPosted)
    row = receipt.lines.get()
    assert (row.accepted, row.invoiced, row.returned) == (5, 5, 3)


def test_rounds_of_four_clients_have_one_effect_each(siam: Supplier, warehouse: Location, lamp: Item) -> None:
    for number in range(6):
        round_of_four(siam, warehouse, lamp, number)

    assert Receipt.objects.count() == 6
    assert (balance("payable"), balance("bank"), balance("supplier_claims")) == (0, -60, 36)


@pytest.mark.soak
def test_four_hundred_rounds_of_four_clients_have_one_effect_each(
    siam: Supplier, warehouse: Location, lamp: Item
) -> None:
    for number in range(400):
        round_of_four(siam, warehouse, lamp, number)

    assert (balance("payable"), balance("bank"), balance("supplier_claims")) == (0, -4_000, 2_400)
    assert_books_agree()
