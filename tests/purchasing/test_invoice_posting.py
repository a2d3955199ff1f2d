"""Invoices in the books: receipts cleared to the cent, prices and rates where they belong, paid and credited once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostPool, Item, Location
from purchasing.models import InvoiceLine, LandedCost, ReceiptLine, Sending, Supplier, SupplierInvoice, SupplierPayment
from purchasing.services.approving import NeedsAnother
from purchasing.services.approving_invoices import NothingPayable, approve_and_dispute, approve_invoice, post_invoice
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.deciding import decide_lines, release_hold
from purchasing.services.drafting import OrderedCharge
from purchasing.services.landing import reverse_landed_cost
from purchasing.services.matching import match_invoices
from purchasing.services.paying import (
    ExceedsPayment,
    ExceedsPosted,
    OtherPayment,
    pay_supplier,
    use_credit_note,
    use_prepayment,
)
from purchasing.services.prepaying import use_prepayment_invoice
from purchasing.services.reversing import reverse_receipt
from purchasing.services.standing import WrongState
from retailhub.accounting.queries import balance
from retailhub.core.money import round_total
from retailhub.core.services.exchanging import set_rates
from tests.books import assert_books_agree
from tests.factories.purchasing import TODAY, billed, issued, posted, received

pytestmark = pytest.mark.django_db


def accounts(*roles: str) -> tuple[Decimal, ...]:
    return tuple(balance(role) for role in roles)


def credit(invoice: SupplierInvoice, number: str, units: int, price: str, kind: str, **kwargs: Any) -> SupplierInvoice:
    note = capture_invoice(
        supplier=invoice.supplier,
        kind="credit_note",
        number=number,
        invoice_date=TODAY,
        currency=invoice.currency,
        corrects=invoice.number,
        lines=[
            BilledLine(
                quantity=Decimal(units), unit_price=Decimal(price), corrects_line=1, credit_kind=kind, description="x"
            )
        ],
        actor="user:ada",
        **kwargs,
    )
    match_invoices(invoice_ids=[note.pk], actor="user:ada")
    return SupplierInvoice.objects.get(pk=note.pk)


def test_an_equal_invoice_turns_goods_received_into_debt(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.tax_rate = Decimal("0.2")
    siam.save()
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    assert accounts("inventory", "grni") == (50, -50)

    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    assert accounts("inventory", "grni", "input_tax", "payable") == (50, 0, 10, -60)
    assert (invoice.status, invoice.posted_total, order.lines.get().invoiced) == ("posted", 60, 10)
    row = ReceiptLine.objects.get()
    assert (row.cleared, row.invoiced) == (50, 10)


def test_posting_twice_changes_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    post_invoice(invoice_id=invoice.pk, actor="user:max", on=TODAY)

    assert accounts("payable", "grni") == (-50, 0)
    assert SupplierInvoice.objects.get().postings == 1


def test_thirds_are_cleared_to_the_last_cent(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 3, "3.3333")])
    received(order)

    for number in range(3):
        posted(billed(order, [(lamp, 1, "3.33")], number=f"N{number}x"))

    assert accounts("grni") == (0,)
    assert accounts("payable") == (Decimal("-9.99"),)


def test_a_dearer_invoice_makes_goods_here_dearer_and_sold_ones_too(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    from inventory.services.adjusting import AdjustmentLine, adjust_stock

    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    adjust_stock(
        location=warehouse, lines=[AdjustmentLine(sku="LAMP", change=-4)], reason="loss", actor="user:wim", note="x"
    )
    invoice = billed(order, [(lamp, 10, "6.00")])
    decide_lines(invoice_id=invoice.pk, decisions={1: "accept"}, actor="user:max")

    posted(invoice)

    assert accounts("grni", "payable", "cogs") == (0, -60, 4)
    assert CostPool.objects.get().value == 36


def test_a_held_part_follows_in_a_second_round(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [6])
    invoice = billed(order, [(lamp, 10, "6.00")])
    decide_lines(invoice_id=invoice.pk, decisions={1: "pay_received"}, actor="user:ada")
    posted(invoice)
    assert accounts("payable", "grni") == (-30, 0)

    received(order, [4])
    post_invoice(invoice_id=invoice.pk, actor="user:max", on=TODAY)
    assert accounts("payable", "grni") == (-50, 0)

    decide_lines(invoice_id=invoice.pk, decisions={1: "accept"}, actor="user:max")
    post_invoice(invoice_id=invoice.pk, actor="user:max", on=TODAY)

    assert accounts("payable", "grni", "inventory") == (-60, 0, 60)
    assert SupplierInvoice.objects.get().postings == 3


def test_what_was_billed_before_it_came_waits_in_its_own_account(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """PO 10, bill 5 with stock, receipt 5 more (erpnext#46239): the rest is still to bill."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    invoice = billed(order, [(lamp, 5, "5.00")])
    release_hold(hold_id=invoice.holds.get().pk, reason="paid ahead", actor="user:max")
    posted(invoice)
    assert accounts("ginr", "payable", "grni") == (25, -25, 0)

    received(order, [5])
    assert accounts("ginr", "grni", "inventory") == (0, 0, 25)
    received(order, [5])

    assert accounts("grni", "inventory") == (-25, 50)
    assert order.lines.get().invoiced == 5


def test_what_the_rate_did_since_the_receipt_is_a_gain_or_loss(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.currency = "USD"
    siam.save()
    set_rates(rates={("USD", date(2026, 1, 1)): Decimal("0.90"), ("USD", date(2026, 11, 24)): Decimal("0.95")})
    order = issued(siam, warehouse, [(lamp, 3, "33.33")])
    received(order)
    assert accounts("grni") == (Decimal("-89.99"),)

    invoice = posted(billed(order, [(lamp, 3, "33.33")], invoice_date=date(2026, 11, 25)))
    assert accounts("grni", "payable", "fx_loss") == (0, Decimal("-94.99"), Decimal("5.00"))

    set_rates(rates={("USD", date(2026, 11, 26)): Decimal("0.93")})
    pay_supplier(supplier=siam, uses={invoice.pk: invoice.posted_total}, paid_on=date(2026, 11, 27), actor="user:max")
    assert accounts("payable", "bank") == (0, Decimal("-92.99"))
    assert accounts("fx_gain") == (Decimal("-2.00"),)


def test_billed_in_another_currency_than_ordered_what_it_costs_at_home_is_the_price(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    set_rates(rates={("USD", date(2026, 1, 1)): Decimal("0.90")})
    order = issued(siam, warehouse, [(lamp, 10, "10.00")])
    received(order)
    invoice = billed(order, [(lamp, 10, "11.00")], currency="USD")
    hold = invoice.holds.get(released_at=None)
    assert hold.code == "CUR"

    release_hold(hold_id=hold.pk, reason="They bill in dollars", actor="user:max")
    posted(invoice)

    assert accounts("grni", "inventory", "payable", "fx_gain", "fx_loss") == (0, 99, -99, 0, 0)


def test_prices_in_another_currency_than_ordered_are_compared_in_that_of_the_order(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    set_rates(rates={("USD", date(2026, 1, 1)): Decimal("0.90")})
    order = issued(siam, warehouse, [(lamp, 10, "10.00")])
    received(order)
    invoice = billed(order, [(lamp, 5, "20.00")], currency="USD")
    held = {hold.code: hold for hold in invoice.holds.filter(released_at=None)}
    assert list(held) == ["CUR", "PRICE"]
    assert (held["PRICE"].expected, held["PRICE"].invoiced) == ("10.00 EUR", "18.00 EUR")
    assert held["PRICE"].amount_at_risk == Decimal("44.44")

    release_hold(hold_id=held["CUR"].pk, reason="They bill in dollars", actor="user:max")
    invoice = posted(invoice)

    assert (invoice.posted_total, accounts("grni", "inventory")) == (Decimal("55.56"), (-50, 100))
    other = billed(order, [(lamp, 5, "12.50")])
    assert other.holds.get(code="EXT").invoiced == "152.50"


def test_above_the_limit_whoever_entered_it_does_not_approve(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "500.00")])
    received(order)
    invoice = billed(order, [(lamp, 10, "500.00")])

    for actor in ("user:ada", "user:bea"):
        with pytest.raises(NeedsAnother):
            approve_invoice(invoice_id=invoice.pk, actor=actor)

    assert approve_invoice(invoice_id=invoice.pk, actor="user:max").status == "approved"


def test_no_one_posts_more_than_was_approved_of_what_they_entered(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 1000, "5.00")])
    received(order, [10])
    invoice = billed(order, [(lamp, 1000, "5.00")])
    approve_invoice(invoice_id=invoice.pk, actor="user:ada", expected=Decimal(50))
    received(order, [990])

    for verb in (approve_invoice, post_invoice):
        with pytest.raises(NeedsAnother):
            verb(invoice_id=invoice.pk, actor="user:ada")
        with pytest.raises(WrongState):
            verb(invoice_id=invoice.pk, actor="user:max", expected=Decimal(50))
    assert accounts("payable") == (0,)

    approve_invoice(invoice_id=invoice.pk, actor="user:max", expected=Decimal(5000))
    invoice = post_invoice(invoice_id=invoice.pk, actor="user:ada", on=TODAY)
    assert accounts("payable") == (-5000,)
    assert (invoice.approved_by, invoice.approved_total) == ("user:max", 5000)


def test_a_refused_approval_disputes_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 1000, "5.00")])
    received(order, [900])
    invoice = billed(order, [(lamp, 1000, "5.00")])

    with pytest.raises(NeedsAnother):
        approve_and_dispute(invoice_id=invoice.pk, actor="user:ada", expected=Decimal(4500))
    with pytest.raises(WrongState):
        approve_and_dispute(invoice_id=invoice.pk, actor="user:max", expected=Decimal(5000))
    invoice.refresh_from_db()
    assert (invoice.status, invoice.disputes.count(), Sending.objects.filter(kind="dispute").count()) == (
        "on_hold", 0, 0,
    )  # fmt: skip

    invoice = approve_and_dispute(invoice_id=invoice.pk, actor="user:max", expected=Decimal(4500), on=TODAY)

    assert (invoice.status, invoice.posted_total, invoice.disputes.get().amount) == ("posted", 4500, 500)
    assert Sending.objects.filter(kind="dispute").count() == 1


def test_nothing_payable_is_not_approved_and_nothing_unapproved_is_posted(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    invoice = billed(order, [(lamp, 10, "5.00")])

    with pytest.raises(NothingPayable):
        approve_invoice(invoice_id=invoice.pk, actor="user:max")
    with pytest.raises(WrongState):
        post_invoice(invoice_id=invoice.pk, actor="user:max")

    assert accounts("payable") == (0,)


def test_an_invoice_is_paid_once_and_never_above_what_is_posted(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    with pytest.raises(ExceedsPosted):
        pay_supplier(supplier=siam, uses={invoice.pk: Decimal("50.01")}, paid_on=TODAY, actor="user:max")
    for _ in range(2):
        pay_supplier(supplier=siam, uses={invoice.pk: Decimal(50)}, paid_on=TODAY, actor="user:max", key="run-1")
    with pytest.raises(OtherPayment):
        pay_supplier(supplier=siam, uses={invoice.pk: Decimal(40)}, paid_on=TODAY, actor="user:max", key="run-1")

    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_total) == ("paid", 50)
    assert accounts("payable", "bank") == (0, -50)
    assert SupplierPayment.objects.count() == 1


def test_what_was_paid_ahead_is_set_off_later(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    payment = pay_supplier(supplier=siam, uses={}, amount=Decimal(30), paid_on=TODAY, actor="user:max")
    assert accounts("supplier_prepayments", "bank") == (30, -30)
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    use_prepayment(number=payment.number, uses={invoice.pk: Decimal(20)}, on=TODAY, actor="user:max")

    assert accounts("supplier_prepayments", "payable") == (10, -30)


def test_a_credit_for_what_was_never_posted_lets_the_invoice_go(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = billed(order, [(lamp, 10, "6.00")])
    decide_lines(invoice_id=invoice.pk, decisions={1: "pay_received"}, actor="user:ada")
    invoice = posted(invoice)

    note = posted(credit(invoice, "C-1", 10, "1.00", "price"))

    assert (note.status, note.posted_total) == ("credited", 0)
    assert accounts("payable", "inventory") == (-50, 50)
    assert not invoice.holds.filter(released_at=None, is_warning=False).exists()
    pay_supplier(supplier=siam, uses={invoice.pk: Decimal(50)}, paid_on=TODAY, actor="user:max")
    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_a_credit_for_the_rest_that_comes_after_the_payment_lets_the_invoice_go_too(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "10.00")])
    received(order, [9])
    invoice = posted(billed(order, [(lamp, 10, "10.00")]))
    pay_supplier(supplier=siam, uses={invoice.pk: Decimal(90)}, paid_on=TODAY, actor="user:max")
    invoice.refresh_from_db()
    assert invoice.status == "posted"

    note = posted(credit(invoice, "C-1", 1, "10.00", "goods"))

    invoice.refresh_from_db()
    assert (note.status, invoice.status) == ("credited", "paid")
    assert accounts("payable") == (0,)


def test_a_credit_for_the_price_makes_the_goods_cheaper(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    note = posted(credit(invoice, "C-1", 10, "0.50", "price"))
    use_credit_note(credit_note_id=note.pk, uses={invoice.pk: Decimal(5)}, on=TODAY, actor="user:max")

    assert accounts("payable", "inventory", "grni") == (-45, 45, 0)
    note.refresh_from_db()
    assert note.status == "credited"


def test_never_more_is_credited_than_was_billed(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))
    posted(credit(invoice, "C-1", 10, "3.00", "price"))

    second = credit(invoice, "C-2", 10, "2.50", "price")

    assert [hold.code for hold in second.holds.all()] == ["EXT"]
    with pytest.raises(NothingPayable):
        approve_invoice(invoice_id=second.pk, actor="user:max")
    assert accounts("payable") == (-20,)


def test_goods_billed_and_never_delivered_are_credited_off_their_account(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    invoice = billed(order, [(lamp, 10, "5.00")])
    release_hold(hold_id=invoice.holds.get().pk, reason="paid ahead", actor="user:max")
    invoice = posted(invoice)

    posted(credit(invoice, "C-1", 4, "5.00", "goods"))

    assert accounts("ginr", "payable") == (30, -30)
    assert order.lines.get().credited == 4


def test_agreed_freight_is_part_of_the_goods_from_their_receipt_on(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(
        siam,
        warehouse,
        [(lamp, 10, "6.00"), (rope, 10, "3.00")],
        charges=[OrderedCharge(code="freight", amount=Decimal(10))],
    )
    received(order)
    assert accounts("inventory", "grni", "landed_accrual") == (100, -90, -10)
    assert sorted(CostPool.objects.values_list("value", flat=True)) == [Decimal("33.33"), Decimal("66.67")]

    invoice = billed(
        order, [(lamp, 10, "6.00"), (rope, 10, "3.00")], charges=[BilledCharge(code="freight", amount=Decimal(11))]
    )
    posted(invoice)

    assert accounts("inventory", "grni", "landed_accrual", "payable") == (101, 0, 0, -101)
    assert [x.amount for x in LandedCost.objects.order_by("pk")] == [10, 1]

    reverse_landed_cost(number=LandedCost.objects.order_by("pk")[1].number, actor="user:max", on=TODAY)
    assert accounts("inventory", "landed_accrual") == (100, 1)


def test_half_a_delivery_bears_half_of_the_freight(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(
        siam, warehouse, [(lamp, 10, "5.00")], charges=[OrderedCharge(code="freight", amount=Decimal("9.99"))]
    )
    received(order, [5])
    assert accounts("landed_accrual") == (Decimal("-5.00"),)
    received(order, [5])

    assert accounts("landed_accrual") == (Decimal("-9.99"),)


def test_a_credit_note_is_posted_once_whatever_it_takes_back(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """Half of it takes back what was never posted, half of it what was."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    invoice = billed(order, [(lamp, 10, "6.00")])
    decide_lines(invoice_id=invoice.pk, decisions={1: "pay_received"}, actor="user:ada")
    invoice = posted(invoice)
    note = posted(credit(invoice, "C-1", 10, "2.00", "price"))

    post_invoice(invoice_id=note.pk, actor="user:max", on=TODAY)

    assert accounts("payable", "inventory") == (-40, 40)
    assert invoice.lines.get().credited_amount == 20


def test_no_more_freight_is_credited_than_was_billed(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")], charges=[OrderedCharge(code="freight", amount=Decimal(10))])
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")], charges=[BilledCharge(code="freight", amount=Decimal(10))]))
    posted(credit(invoice, "C-1", 1, "1.00", "price", charges=[BilledCharge(code="freight", amount=Decimal(4))]))
    assert accounts("payable", "inventory", "landed_accrual") == (-55, 55, 0)

    second = credit(invoice, "C-2", 1, "1.00", "price", charges=[BilledCharge(code="freight", amount=Decimal(7))])

    assert [hold.code for hold in second.holds.all()] == ["CHG"]
    posted(second)
    assert accounts("payable", "inventory", "landed_accrual") == (-48, 48, 0)


def test_a_prepayment_is_owed_paid_and_set_off_against_the_invoice_for_the_goods(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    siam.tax_rate = Decimal("0.2")
    siam.save()
    order = issued(siam, warehouse, [(lamp, 10, "50.00")])
    ahead = posted(billed(order, [(lamp, 10, "15.00")], kind="prepayment"))
    assert accounts("supplier_prepayments", "input_tax", "payable", "ginr") == (150, 30, -180, 0)
    pay_supplier(supplier=siam, uses={ahead.pk: Decimal(180)}, paid_on=TODAY, actor="user:max")
    assert accounts("payable", "bank") == (0, -180)
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "50.00")]))
    assert accounts("payable", "input_tax", "grni") == (-600, 130, 0)

    use_prepayment_invoice(invoice_id=ahead.pk, uses={invoice.pk: Decimal(180)}, on=TODAY, actor="user:max")

    assert accounts("payable", "input_tax", "supplier_prepayments") == (-420, 100, 0)
    assert order.lines.get().invoiced == 10
    with pytest.raises(ExceedsPayment):
        use_prepayment_invoice(invoice_id=ahead.pk, uses={invoice.pk: Decimal(1)}, on=TODAY, actor="user:max")


def test_a_prepayment_that_was_not_paid_settles_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    ahead = posted(billed(order, [(lamp, 10, "2.00")], kind="prepayment"))
    received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))

    with pytest.raises(ExceedsPayment):
        use_prepayment_invoice(invoice_id=ahead.pk, uses={invoice.pk: Decimal(20)}, on=TODAY, actor="user:max")

    assert accounts("payable", "supplier_prepayments") == (-70, 20)


def test_more_than_is_ordered_is_not_prepaid(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])

    invoice = billed(order, [(lamp, 10, "6.00")], kind="prepayment")

    assert [hold.code for hold in invoice.holds.filter(is_warning=False)] == ["EXT"]


@pytest.mark.parametrize(("currency", "rate", "price"), [("JPY", "0.0061", "333"), ("KWD", "2.9137", "3.333")])
def test_currencies_of_no_and_of_three_places_add_up(
    siam: Supplier, lamp: Item, warehouse: Location, currency: str, rate: str, price: str
) -> None:
    siam.currency = currency
    siam.save()
    set_rates(rates={(currency, date(2026, 1, 1)): Decimal(rate)})
    order = issued(siam, warehouse, [(lamp, 7, price)])
    received(order, [3])
    invoice = billed(order, [(lamp, 7, price)])
    invoice = posted(invoice)
    third = round_total(invoice.posted_total / 3, currency)
    pay_supplier(supplier=siam, uses={invoice.pk: third}, paid_on=TODAY, actor="user:max")
    received(order, [4])
    post_invoice(invoice_id=invoice.pk, actor="user:max", on=TODAY)
    note = posted(credit(invoice, "C-1", 3, str(round_total(Decimal(price) / 7, currency)), "price"))
    use_credit_note(credit_note_id=note.pk, uses={invoice.pk: note.posted_total}, on=TODAY, actor="user:max")
    invoice.refresh_from_db()
    rest = invoice.posted_total - invoice.paid_total
    pay_supplier(supplier=siam, uses={invoice.pk: rest}, paid_on=TODAY, actor="user:max")

    assert accounts("grni", "payable") == (0, 0)


def test_the_books_may_be_in_a_currency_without_cents(
    siam: Supplier, lamp: Item, warehouse: Location, settings: Any, broken_books: None
) -> None:
    """Asked while they are: afterwards the tests' own currency holds again."""
    settings.HOME_CURRENCY = "JPY"
    set_rates(rates={("EUR", date(2026, 1, 1)): Decimal("163.37")})
    order = issued(siam, warehouse, [(lamp, 3, "3.33")])
    received(order)
    invoice = posted(billed(order, [(lamp, 3, "3.33")]))
    pay_supplier(supplier=siam, uses={invoice.pk: Decimal("3.33")}, paid_on=TODAY, actor="user:max")

    assert accounts("inventory", "grni") == (1632, 0)
    assert_books_agree()


def test_a_reversed_receipt_gives_its_freight_back_to_where_it_waits(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")], charges=[OrderedCharge(code="freight", amount=Decimal(10))])
    receipt = received(order)
    assert accounts("inventory", "grni", "landed_accrual") == (60, -50, -10)

    reverse_receipt(receipt_id=receipt.pk, reason="counted twice", actor="user:wim")

    assert accounts("inventory", "grni", "landed_accrual", "price_variance", "cogs") == (0, 0, 0, 0, 0)
    received(order)
    assert accounts("inventory", "grni", "landed_accrual", "price_variance") == (60, -50, -10, 0)


def test_freight_that_was_billed_waits_for_goods_again_when_their_receipt_is_reversed(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")], charges=[OrderedCharge(code="freight", amount=Decimal(10))])
    first, _ = received(order, [4]), received(order, [6])
    invoice = billed(order, [(lamp, 6, "5.00")], charges=[BilledCharge(code="freight", amount=Decimal(10))])
    InvoiceLine.objects.filter(invoice=invoice).delete()
    SupplierInvoice.objects.filter(pk=invoice.pk).update(net_total=10, total=10)
    posted(invoice)
    assert accounts("inventory", "landed_accrual") == (60, 0)

    reverse_receipt(receipt_id=first.pk, reason="counted twice", actor="user:wim")

    assert accounts("inventory", "landed_accrual", "price_variance") == (36, 4, 0)
