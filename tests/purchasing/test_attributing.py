"""What people say of an invoice where its paper did not: whose it is, and which order lines it bills."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory.models import Item, Location
from purchasing.models import Supplier, SupplierInvoice
from purchasing.services.attributing import attach_lines, name_supplier
from purchasing.services.capturing import BilledLine, DuplicateInvoice, capture_invoice
from purchasing.services.matching import match_invoices
from purchasing.services.standing import WrongState
from retailhub.core.errors import Invalid
from tests.factories.purchasing import TODAY, SupplierFactory, billed, issued, posted, received, sells

pytestmark = pytest.mark.django_db


def captured(**line: object) -> SupplierInvoice:
    asked = {"quantity": Decimal(2), "unit_price": Decimal(60), "unit": "CT", **line}
    return capture_invoice(
        supplier=None, number="RE-1", invoice_date=TODAY, currency="EUR", actor="user:ada", strict=False,
        lines=[BilledLine(**asked)],  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_supplier_who_is_named_later_counts_in_his_own_packs(siam: Supplier, lamp: Item) -> None:
    sells(siam, lamp, "60", supplier_sku="ST-77", pack_code="CT", pack_numerator=12)
    invoice = captured(supplier_sku="ST-77")

    name_supplier(invoice_id=invoice.pk, supplier=siam, actor="user:ada")
    name_supplier(invoice_id=invoice.pk, supplier=siam, actor="user:ada")

    line = invoice.lines.get()
    assert (line.item, line.quantity, line.net_amount) == (lamp, 24, Decimal(120))
    assert line.price / line.price_quantity == Decimal(5)
    invoice.refresh_from_db()
    assert str(invoice.due_date - invoice.invoice_date).startswith(str(siam.payment_days))  # type: ignore[operator]


def test_a_number_that_the_named_supplier_used_before_is_refused(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    billed(issued(siam, warehouse, [(lamp, 1, "1")]), [(lamp, 1, "1")], number="RE 1")
    invoice = captured(description="Lamps")

    with pytest.raises(DuplicateInvoice):
        name_supplier(invoice_id=invoice.pk, supplier=siam, actor="user:ada")

    invoice.refresh_from_db()
    assert invoice.supplier is None


def test_nobody_is_named_any_more_once_the_invoice_is_agreed_to(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 1, "1")])
    received(order)
    invoice = posted(billed(order, [(lamp, 1, "1")]))
    SupplierInvoice.objects.filter(pk=invoice.pk).update(guesses=[["/supplier", "by his name"]])

    with pytest.raises(WrongState):
        name_supplier(invoice_id=invoice.pk, supplier=SupplierFactory.create(), actor="user:ada")
    with pytest.raises(Invalid, match="cannot be understood"):
        attach_lines(invoice_id=invoice.pk, order_lines={1: None}, actor="user:ada")


def test_attaching_counts_in_the_packs_of_the_order_and_names_every_line_that_does_not_fit(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "60", pack_code="CT", pack_numerator=12)
    order = issued(siam, warehouse, [(lamp, 24, "5")])
    foreign = issued(SupplierFactory.create(), warehouse, [(lamp, 24, "5")])
    received(order)
    invoice = captured(description="Lights")
    name_supplier(invoice_id=invoice.pk, supplier=siam, actor="user:ada")

    with pytest.raises(Invalid) as refusal:
        attach_lines(
            invoice_id=invoice.pk, order_lines={1: foreign.lines.get().pk, 2: None, 3: 2**40}, actor="user:ada"
        )
    attach_lines(invoice_id=invoice.pk, order_lines={1: order.lines.get().pk}, actor="user:ada")
    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")

    assert [error.pointer for error in refusal.value.errors] == [f"/lines/{n}/order_line" for n in range(3)]
    line = invoice.lines.get()
    assert (line.item, line.quantity) == (lamp, 24)
    invoice.refresh_from_db()
    assert invoice.status in ("matched", "on_hold")
    assert line.order_line == order.lines.get()
