"""Two people at one invoice: it is paid once, posted once, and never more is credited than was billed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import Location
from purchasing.models import InvoiceLine, Supplier, SupplierInvoice, SupplierPayment
from purchasing.services import crediting, invoicing, paying
from purchasing.services.approving_invoices import approve_invoice, post_invoice
from purchasing.services.capturing import BilledLine, capture_invoice
from purchasing.services.matching import match_invoices
from purchasing.services.paying import pay_supplier
from retailhub.accounting.models import JournalEntry
from retailhub.accounting.queries import balance
from retailhub.core.errors import DomainError
from tests.books import assert_books_agree
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import TODAY, SupplierFactory, billed, issued, posted, received
from tests.races.test_answering_once import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def invoice() -> SupplierInvoice:
    siam: Supplier = SupplierFactory.create(code="SIAM")
    place: Location = LocationFactory.create(code="warehouse")
    order = issued(siam, place, [(ItemFactory.create(sku="LAMP"), 10, "5.00")])
    received(order)
    lamp = order.lines.get().item
    return billed(order, [(lamp, 10, "5.00")])


def tried(verb: Any, **kwargs: Any) -> str:
    try:
        verb(**kwargs)
    except DomainError as refusal:
        return refusal.code
    return "done"


def pay(invoice: SupplierInvoice) -> str:
    assert invoice.supplier is not None
    return tried(
        pay_supplier, supplier=invoice.supplier, uses={invoice.pk: Decimal(50)}, paid_on=TODAY, actor="user:max"
    )


def unlocked(invoice_ids: Iterable[int]) -> dict[int, SupplierInvoice]:
    """Read as `lock_invoices` does, holding nothing, and give the others time to do the same."""
    found = SupplierInvoice.objects.select_related("supplier").in_bulk(list(invoice_ids))
    time.sleep(0.2)
    return found


def test_eight_who_pay_at_once_pay_once(invoice: SupplierInvoice) -> None:
    posted(invoice)

    answers = at_once(8, lambda _: pay(invoice))

    assert sorted(answers) == ["done"] + ["exceeds_posted"] * 7
    assert (SupplierPayment.objects.count(), balance("bank")) == (1, Decimal(-50))
    assert_books_agree()


def test_without_the_lock_it_is_paid_more_than_once(invoice: SupplierInvoice, monkeypatch: pytest.MonkeyPatch) -> None:
    posted(invoice)
    monkeypatch.setattr(paying, "lock_invoices", unlocked)

    answers = at_once(8, lambda _: pay(invoice))

    assert answers.count("done") > 1
    assert balance("bank") < -50


def test_eight_who_approve_and_post_at_once_post_once(invoice: SupplierInvoice) -> None:
    def act(_: int) -> str:
        first = tried(approve_invoice, invoice_id=invoice.pk, actor="user:max")
        return first if first != "done" else tried(post_invoice, invoice_id=invoice.pk, actor="user:max", on=TODAY)

    assert set(at_once(8, act)) == {"done"}

    assert JournalEntry.objects.filter(kind="supplier_invoice").count() == 1
    assert balance("payable") == -50
    assert_books_agree()


def test_credits_and_a_delivery_at_once_never_give_back_more_than_was_billed(invoice: SupplierInvoice) -> None:
    posted(invoice)
    notes = [_note(invoice, number) for number in range(4)]
    order = invoice.lines.get().order_line.order  # type: ignore[union-attr]  # it was billed from one

    def act(number: int) -> str:
        if number == 4:
            return tried(match_invoices, invoice_ids=[invoice.pk], actor="system")
        return tried(post_invoice, invoice_id=notes[number].pk, actor="user:max", on=TODAY)

    answers = at_once(5, act)

    assert answers[:4].count("done") == 2
    assert InvoiceLine.objects.get(invoice=invoice).credited_amount == 40
    assert balance("payable") == -10
    assert order.lines.get().invoiced == 10
    assert_books_agree()


def test_without_the_lock_a_credit_is_forgotten_by_what_it_credits(
    invoice: SupplierInvoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted(invoice)
    notes = [_note(invoice, number) for number in range(4)]
    from purchasing.services import approving_invoices, match_reading

    def targets(lines: Any) -> dict[int, InvoiceLine]:
        found = InvoiceLine.objects.in_bulk([line.corrects_id for line in lines])
        time.sleep(0.2)
        return found

    monkeypatch.setattr(crediting, "_targets", targets)
    monkeypatch.setattr(approving_invoices, "lock_invoices", unlocked)
    monkeypatch.setattr(approving_invoices, "lock_invoice", lambda pk: unlocked([pk])[pk])
    monkeypatch.setattr(
        approving_invoices,
        "match_invoices",
        # the note alone, not what it corrects
        lambda *, invoice_ids, **kwargs: match_invoices(invoice_ids=[max(invoice_ids)], **kwargs),
    )
    monkeypatch.setattr(match_reading, "lock_purchase_orders", list)
    monkeypatch.setattr(crediting, "match_invoices", lambda **_: [])
    monkeypatch.setattr(invoicing, "lock_invoices", unlocked)

    answers = at_once(4, lambda number: tried(post_invoice, invoice_id=notes[number].pk, actor="user:max", on=TODAY))

    # The value of the goods is a wall of its own: it lets two through. The invoice knows of one of them only.
    assert answers.count("done") == 2
    assert InvoiceLine.objects.get(invoice=invoice).credited_amount == 20
    assert balance("payable") == -10


def _note(invoice: SupplierInvoice, number: int) -> SupplierInvoice:
    note = capture_invoice(
        supplier=invoice.supplier,
        kind="credit_note",
        number=f"C{number}x",
        invoice_date=TODAY.replace(month=number + 1),
        currency="EUR",
        corrects=invoice.number,
        lines=[
            BilledLine(
                quantity=Decimal(10), unit_price=Decimal(2), corrects_line=1, credit_kind="price", description="x"
            )
        ],
        actor="user:ada",
    )
    match_invoices(invoice_ids=[note.pk], actor="user:ada")
    return approve_invoice(invoice_id=note.pk, actor="user:max")
