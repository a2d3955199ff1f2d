"""Invoices held against orders and receipts: what is held under which code, and what may be paid all the same."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location
from purchasing.models import Hold, MatchAllocation, MatchPolicy, OrderStatus, Supplier, SupplierInvoice
from purchasing.services.approving import NeedsAnother
from purchasing.services.attributing import confirm_distinct
from purchasing.services.capturing import BilledCharge, DuplicateInvoice
from purchasing.services.closing import cancel_purchase_order
from purchasing.services.deciding import decide_lines, open_dispute, reject_invoice, release_hold
from purchasing.services.drafting import OrderedCharge
from purchasing.services.invoicing import payable_now
from purchasing.services.matching import match_invoices
from purchasing.services.receiving import Counted, receive_delivery
from retailhub.core.models import Attention
from tests.factories.core import person
from tests.factories.purchasing import TODAY, SupplierFactory, billed, issued, received
from tests.purchasing.einvoices.writing import an_invoice, as_ubl

pytestmark = pytest.mark.django_db


def codes(invoice: SupplierInvoice) -> list[str]:
    holds = Hold.objects.filter(invoice=invoice, released_at=None, is_warning=False)
    return sorted(holds.values_list("code", flat=True))


def payable(invoice: SupplierInvoice) -> Decimal:
    return payable_now(SupplierInvoice.objects.get(pk=invoice.pk))


def test_what_was_ordered_received_and_billed_alike_is_matched(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00"), (rope, 4, "2.50")])
    receipt = received(order)

    invoice = billed(order, [(lamp, 10, "5.00"), (rope, 4, "2.50")])

    assert (invoice.status, codes(invoice), payable(invoice)) == ("matched", [], Decimal(60))
    allocated = MatchAllocation.objects.values_list("receipt_line__receipt", "quantity", "amount")
    assert set(allocated) == {(receipt.pk, 10, Decimal(50)), (receipt.pk, 4, Decimal(10))}
    assert not Attention.objects.exists()


def test_more_billed_than_received_holds_only_what_is_missing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """PO 2, received 1, bill 2: hold QREC, billed quantity untouched (odoo#250925)."""
    order = issued(siam, warehouse, [(lamp, 2, "5.00")])
    received(order, [1])

    invoice = billed(order, [(lamp, 2, "5.00")])

    (hold,) = invoice.holds.all()
    line = invoice.lines.get()
    assert (invoice.status, hold.code, hold.expected, hold.invoiced) == ("on_hold", "QREC", "1", "2")
    assert (hold.amount_at_risk, hold.blocked_quantity) == (Decimal(5), 1)
    assert (line.quantity, line.payable_quantity, line.payable_amount) == (2, 1, Decimal(5))
    row = Attention.objects.get(kind="invoice_held")
    assert (row.at_risk, row.step_url) == (Decimal(5), f"/buying/invoices/{invoice.pk}/")


def test_a_later_delivery_lets_it_go_by_itself(siam: Supplier, lamp: Item, warehouse: Location, deliver: Any) -> None:
    order = issued(siam, warehouse, [(lamp, 2, "5.00")])
    received(order, [1])
    invoice = billed(order, [(lamp, 2, "5.00")])

    received(order, [1])
    deliver()

    invoice.refresh_from_db()
    hold = invoice.holds.get()
    assert (invoice.status, payable(invoice)) == ("matched", Decimal(10))
    assert hold.released_at is not None
    assert hold.released_by == ""
    assert not Attention.objects.filter(resolved_at=None).exists()


def test_billing_less_than_came_never_holds(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    invoice = billed(order, [(lamp, 4, "4.00")])

    assert (invoice.status, payable(invoice)) == ("matched", Decimal(16))


def test_more_billed_than_ordered_is_held_though_it_came(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.over_units = 5
    siam.save()
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [12])

    invoice = billed(order, [(lamp, 12, "5.00")])

    assert codes(invoice) == ["EXT", "QORD"]
    assert payable(invoice) == Decimal(50)


@pytest.mark.parametrize(
    ("price", "held"),
    [
        ("1.02", False),  # 2 % of 100.00 just passes
        ("1.03", True),  # 3.00 is more than 2 %
    ],
)
def test_a_price_is_held_above_two_percent(
    siam: Supplier, lamp: Item, warehouse: Location, price: str, held: bool
) -> None:
    order = issued(siam, warehouse, [(lamp, 100, "1.00")])
    received(order)

    invoice = billed(order, [(lamp, 100, price)])

    assert ("PRICE" in codes(invoice)) is held


def test_up_to_the_floor_no_percentage_holds(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 1, "1.00")])
    received(order)

    assert codes(billed(order, [(lamp, 1, "1.50")])) == ["EXT"]


def test_above_the_cap_everything_holds(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "500.00")])
    received(order)

    invoice = billed(order, [(lamp, 10, "505.01")])  # 1.0 %, but 50.10

    assert codes(invoice) == ["PRICE"]
    assert payable(invoice) == Decimal(5000), "the ordered price may be paid"


def test_the_suppliers_item_comes_before_the_supplier_and_the_house(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    MatchPolicy.objects.create(supplier=siam, code="PRICE", percent=10)
    MatchPolicy.objects.create(supplier=siam, item=rope, code="PRICE", percent=1)
    MatchPolicy.objects.create(supplier=siam, code="EXT", action="off")
    order = issued(siam, warehouse, [(lamp, 100, "1.00"), (rope, 100, "1.00")])
    received(order)

    invoice = billed(order, [(lamp, 100, "1.05"), (rope, 100, "1.05")])

    assert [(hold.code, hold.line and hold.line.line) for hold in invoice.holds.all()] == [("PRICE", 2)]


def test_two_invoices_of_one_order_line_count_together(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [10])
    first = billed(order, [(lamp, 6, "5.00")])

    second = billed(order, [(lamp, 6, "5.00")], number="B-2")

    assert codes(first) == []
    assert codes(second) == ["EXT", "QORD", "QREC"]
    assert payable(second) == Decimal(20)


def test_a_charge_above_the_agreed_one_is_held_for_the_difference(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")], charges=[OrderedCharge(code="freight", amount=Decimal(20))])
    received(order)

    invoice = billed(
        order,
        [(lamp, 10, "5.00")],
        charges=[BilledCharge(code="freight", amount=Decimal(30)), BilledCharge(code="other", amount=Decimal(3))],
    )

    assert codes(invoice) == ["CHG", "CHG"]
    assert payable(invoice) == Decimal(70)


def test_tax_and_total_are_computed_again(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.tax_rate = Decimal("0.2")
    siam.save()
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    right = billed(order, [(lamp, 5, "5.00")], tax_total=Decimal("5.02"), total=Decimal("30.02"))
    wrong = billed(order, [(lamp, 5, "5.00")], number="B-2", tax_total=Decimal("7.50"), total=Decimal("33.00"))

    assert codes(right) == []
    assert payable(right) == Decimal("30.02")
    assert codes(wrong) == ["TAX", "TOT"]
    assert payable(wrong) == Decimal(30)


def test_another_supplier_or_currency_than_ordered_holds_the_line(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    other = SupplierFactory.create()
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    invoice = billed(order, [(lamp, 10, "5.00")], supplier=other)

    assert codes(invoice) == ["SUPP"]
    assert payable(invoice) == 0


def test_without_an_order_nothing_is_paid_but_expenses(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    power = SupplierFactory.create(is_expense=True)
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])

    held = billed(order, [(lamp, 10, "5.00")], purchase_orders=[])
    rent = billed(order, [(lamp, 1, "99.00")], purchase_orders=[], supplier=power)

    assert (codes(held), payable(held)) == (["NOPO"], 0)
    assert (codes(rent), payable(rent)) == ([], Decimal(99))


def test_the_same_number_is_refused_and_a_twin_is_held(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 20, "5.00")])
    received(order)
    first = billed(order, [(lamp, 10, "5.00")], number="RE-0017", invoice_date=TODAY)

    with pytest.raises(DuplicateInvoice) as refusal:
        billed(order, [(lamp, 1, "5.00")], number="re 17")
    twin = billed(order, [(lamp, 10, "5.00")], number="RE-18", invoice_date=TODAY + timedelta(days=3))

    assert refusal.value.errors[0].extra["id"] == first.pk
    assert (codes(twin), payable(twin)) == (["DUP"], 0)
    with pytest.raises(NeedsAnother):
        confirm_distinct(invoice_id=twin.pk, actor="user:ada")
    confirm_distinct(invoice_id=twin.pk, actor="user:max")
    match_invoices(invoice_ids=[twin.pk], actor="user:max")
    assert (codes(twin), payable(twin)) == ([], Decimal(50))


def test_a_date_before_the_order_is_only_told(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    invoice = billed(order, [(lamp, 10, "5.00")], invoice_date=TODAY - timedelta(days=400))

    hold = invoice.holds.get()
    assert (hold.code, hold.is_warning, invoice.status) == ("LATE", True, "matched")


def test_matching_again_changes_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [7])
    invoice = billed(order, [(lamp, 10, "6.00")])
    before = list(Hold.objects.order_by("pk").values()), list(invoice.lines.values())

    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")

    assert (list(Hold.objects.order_by("pk").values()), list(invoice.lines.values())) == before
    assert MatchAllocation.objects.count() == 1


def test_who_entered_it_lets_nothing_pass_and_a_reason_is_asked(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = billed(order, [(lamp, 10, "6.00")])
    price, value = invoice.holds.order_by("code").reverse()

    with pytest.raises(NeedsAnother):
        release_hold(hold_id=price.pk, reason="agreed by phone", actor="user:ada")
    release_hold(hold_id=price.pk, reason="agreed by phone", actor="user:max")
    release_hold(hold_id=value.pk, reason="agreed by phone", actor="user:max")

    invoice.refresh_from_db()
    assert (invoice.status, payable(invoice)) == ("matched", Decimal(60))
    price.refresh_from_db()
    assert (price.released_by, price.release_reason) == ("user:max", "agreed by phone")


def test_who_wrote_the_order_lets_little_pass_and_not_much(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "500.00")])
    received(order)
    invoice = billed(order, [(lamp, 10, "700.00")])

    with pytest.raises(NeedsAnother):
        decide_lines(invoice_id=invoice.pk, decisions={1: "accept"}, actor="user:bea")

    assert codes(invoice) == ["EXT", "PRICE"]


def test_what_was_let_pass_stays_so_unless_it_gets_worse(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [6])
    invoice = billed(order, [(lamp, 10, "5.00")])
    release_hold(hold_id=invoice.holds.get().pk, reason="on its way", actor="user:max")

    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")
    assert codes(invoice) == []
    line = order.lines.get()
    line.returned = 2
    line.save()
    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")

    assert codes(invoice) == ["QREC"]
    line.returned = 0
    line.save()


def test_lines_are_decided_one_by_one(siam: Supplier, lamp: Item, rope: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00"), (rope, 10, "2.00")])
    received(order, [8, 10])
    invoice = billed(order, [(lamp, 10, "6.00"), (rope, 10, "3.00")])

    decide_lines(invoice_id=invoice.pk, decisions={1: "pay_received", 2: "dispute"}, actor="user:ada")
    dispute = open_dispute(invoice_id=invoice.pk, actor="user:ada", on=TODAY)

    invoice.refresh_from_db()
    assert payable(invoice) == Decimal(40)
    assert (invoice.status, dispute.amount, dispute.reply_by) == ("disputed", Decimal(50), TODAY + timedelta(days=14))
    assert {(x["line"], x["code"]) for x in dispute.lines} == {
        (1, "QREC"), (1, "PRICE"), (1, "EXT"), (2, "PRICE"), (2, "EXT"),
    }  # fmt: skip


def test_a_rejected_invoice_leaves_its_goods_to_the_next(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    first = billed(order, [(lamp, 10, "5.00")], number="X")
    second = billed(order, [(lamp, 10, "5.00")], number="Y")
    assert "QREC" in codes(second)

    reject_invoice(invoice_id=first.pk, reason="not ours", actor="user:ada")

    assert (codes(second), payable(second)) == ([], Decimal(50))
    assert billed(order, [(lamp, 1, "5.00")], number="x").status == "on_hold"


def test_rejected_goods_are_not_paid_unless_the_supplier_bills_what_he_ships(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=order.lines.get().pk, accepted=7, damaged=2, refused=1)],
        actor="user:wim",
    )
    invoice = billed(order, [(lamp, 10, "5.00")])
    assert payable(invoice) == Decimal(35)

    siam.bills_on_shipment = True
    siam.save()
    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")

    assert payable(invoice) == Decimal(50)


def test_a_cancelled_order_owes_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    cancel_purchase_order(order_id=order.pk, reason="x", actor="user:bea")

    invoice = billed(order, [(lamp, 10, "5.00")])

    assert codes(invoice) == ["EXT", "QORD", "QREC"]
    assert order.__class__.objects.get().status == OrderStatus.CANCELLED


def test_many_invoices_take_as_many_statements_as_one(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 100, "5.00")])
    received(order, [60])
    invoices = [billed(order, [(lamp, 5, "6.00")], number=f"N{number}x").pk for number in range(16)]

    counts = []
    for ids in (invoices[:1], invoices):
        with CaptureQueriesContext(connection) as queries:
            match_invoices(invoice_ids=ids, actor="user:ada")
        counts.append(len(queries))

    assert counts[1] <= counts[0] + 1, counts


def test_a_file_is_uploaded_on_the_page_and_a_broken_one_says_so(siam: Supplier, db: None) -> None:
    client = Client()
    client.force_login(person("accountant"), backend="django.contrib.auth.backends.ModelBackend")
    content = as_ubl(an_invoice()).encode()

    done = client.post("/buying/invoices/upload/", {"file": SimpleUploadedFile("bill.xml", content)})
    broken = client.post("/buying/invoices/upload/", {"file": SimpleUploadedFile("bad.xml", b"<x")})

    invoice = SupplierInvoice.objects.get()
    assert done["Location"] == f"/buying/invoices/{invoice.pk}/"
    with invoice.file.open("rb") as kept:
        assert (invoice.supplier, invoice.status, kept.read()) == (None, "captured", content)
    assert client.get(done["Location"]).status_code == 200
    paper = client.get(f"{done['Location']}file/")
    assert (paper.status_code, paper["Content-Disposition"][:10]) == (200, "attachment")
    assert b"".join(paper.streaming_content) == content  # to its end, which closes it
    assert (broken.status_code, "bad.xml, line 1" in broken.content.decode()) == (422, True)
    assert SupplierInvoice.objects.count() == 1
