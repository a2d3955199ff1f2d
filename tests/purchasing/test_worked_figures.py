"""The worked figures and the cases of other people's trackers, through whole papers and down to the accounts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from inventory.models import CostPool, Item, Location
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.journalising import post_stock_summary
from purchasing.models import (
    Claim,
    LandedCost,
    LandedCostShare,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    Supplier,
    SupplierInvoice,
)
from purchasing.services.capturing import BilledCharge
from purchasing.services.deciding import decide_lines, release_hold
from purchasing.services.drafting import OrderedCharge, OrderedLine, draft_purchase_order
from purchasing.services.issuing import send_purchase_order
from purchasing.services.landing import reverse_landed_cost
from purchasing.services.paying import use_credit_note
from purchasing.services.progress import progress_of
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import GoingBack, return_goods
from purchasing.services.tolerating import over_limits
from retailhub.accounting.models import JournalEntry
from retailhub.accounting.queries import balance
from tests.factories.inventory import ItemFactory
from tests.factories.purchasing import TODAY, billed, issued, posted, received
from tests.purchasing.test_invoice_posting import accounts, credit

pytestmark = pytest.mark.django_db


def worth(item: Item) -> tuple[int, Decimal]:
    pool = CostPool.objects.get(item=item)
    return pool.quantity, pool.value


def sell(item: Item, place: Location, units: int) -> None:
    leaving = [Leaving(line=1, item_id=item.pk, quantity=units)]
    consume_stock(document="cart:1", location=place, leaving=leaving, actor="x")


def accepted(invoice: SupplierInvoice) -> SupplierInvoice:
    """Have an invoice in the books as it was billed, whatever is held of it."""
    decide_lines(invoice_id=invoice.pk, decisions={x.line: "accept" for x in invoice.lines.all()}, actor="user:max")
    return posted(invoice)


def give_back(receipt: Receipt, units: int) -> None:
    line = GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=units)
    return_goods(lines=[line], reason="broken", actor="user:wim")


# --- valuation -------------------------------------------------------------------------------------------------------
def test_a_price_typed_four_hundred_times_too_high_is_set_right_by_the_invoice(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """100 at 5, in 15 at 2000, out 10, billed at 5: 105 units worth 525.00 are left (odoo#187169)."""
    first = issued(siam, warehouse, [(lamp, 100, "5.00")])
    received(first)
    posted(billed(first, [(lamp, 100, "5.00")]))
    second = issued(siam, warehouse, [(lamp, 15, "2000.00")])
    received(second)
    sell(lamp, warehouse, 10)
    post_stock_summary()
    assert accounts("inventory", "cogs") == (Decimal("27847.83"), Decimal("2652.17"))

    posted(billed(second, [(lamp, 15, "5.00")]))

    assert accounts("inventory", "cogs", "grni", "payable") == (525, 50, 0, -575)
    assert worth(lamp) == (105, 525)


def test_each_bill_revalues_its_own_receipt(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """Three receipts billed at 100, 150 and 80 give 250 after the second and 330 after the third (odoo#229627)."""
    order = issued(siam, warehouse, [(lamp, 3, "90.00")])
    values = []
    for number, price in enumerate(("100.00", "150.00", "80.00")):
        received(order, [1])
        accepted(billed(order, [(lamp, 1, price)], number=f"I{number}x"))
        values.append(worth(lamp)[1])

    assert values == [100, 250, 330]


def test_a_bill_that_is_not_posted_changes_no_value(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """Only posted invoices count (odoo#146644)."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    billed(order, [(lamp, 10, "5.05")])

    assert worth(lamp) == (10, 50)
    assert accounts("grni", "payable") == (-50, 0)


def test_a_discount_is_part_of_the_cost(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """What is received at 10.00 less 15 % is worth 8.50 a piece (odoo#168619)."""
    order = draft_purchase_order(
        supplier=siam,
        ship_to=warehouse,
        lines=[OrderedLine(sku="LAMP", quantity=4, unit_cost=Decimal(10), discount_percent=Decimal(15))],
        actor="user:bea",
        on=TODAY,
    )
    send_purchase_order(order_id=order.pk, actor="user:bea")

    received(order)

    assert worth(lamp) == (4, 34)
    assert accounts("inventory", "grni") == (34, -34)


def test_a_return_leaves_at_the_average_and_is_claimed_at_its_receipt(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """Supplier return: at receipt cost; the difference to the pool is a price variance (odoo#99467)."""
    cheap = issued(siam, warehouse, [(lamp, 10, "5.00")])
    receipt = received(cheap)
    posted(billed(cheap, [(lamp, 10, "5.00")]))
    dear = issued(siam, warehouse, [(lamp, 10, "7.00")])
    received(dear)
    posted(billed(dear, [(lamp, 10, "7.00")]))

    give_back(receipt, 4)

    assert accounts("inventory", "supplier_claims", "price_variance") == (96, 20, 4)


# --- receiving -------------------------------------------------------------------------------------------------------
def test_at_no_tolerance_not_even_a_part_of_a_piece_more_is_kept(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """100.002 of 100 at 0 % is refused (erpnext#40340): pieces are whole, and a tolerance is rounded down."""
    order = issued(siam, warehouse, [(lamp, 100, "1.00")])

    receipt = received(order, [101])

    row = receipt.lines.get()
    assert (row.accepted, row.over, order.lines.get().received) == (100, 1, 100)
    line = order.lines.select_related("order__supplier").get()
    line.over_percent = Decimal("0.99")
    assert over_limits([line]) == {line.pk: 0}


def test_what_is_billed_with_the_first_half_leaves_the_second_to_bill(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """PO 10, bill 5 with stock, receipt 5 more: to bill, not complete (erpnext#46239)."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [5])
    posted(billed(order, [(lamp, 5, "5.00")]))
    received(order, [5])

    progress = progress_of(order.lines.all())

    assert (progress.receipt_status, progress.bill_status, progress.billed_percent) == (
        "fully_received", "part_billed", 50,
    )  # fmt: skip
    assert accounts("grni") == (-25,)


# --- the match -------------------------------------------------------------------------------------------------------
def test_of_an_amount_that_is_right_and_a_quantity_that_is_not_the_quantity_holds(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """Every check is asked, and one that fails is enough: ten at 4.00 for eight received at 5.00."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order, [8])

    invoice = billed(order, [(lamp, 10, "4.00")])

    assert [hold.code for hold in invoice.holds.all()] == ["QREC"]
    assert (invoice.lines.get().payable_quantity, invoice.lines.get().payable_amount) == (8, 32)


def test_after_a_real_return_the_credit_takes_the_claim_and_no_more(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    receipt = received(order)
    invoice = posted(billed(order, [(lamp, 10, "5.00")]))
    give_back(receipt, 4)
    assert accounts("inventory", "supplier_claims", "payable") == (30, 20, -50)

    too_much = credit(invoice, "C-1", 5, "5.00", "goods")
    assert [hold.code for hold in too_much.holds.all()] == ["QREC"]
    note = posted(credit(invoice, "C-2", 4, "5.00", "goods"))
    use_credit_note(credit_note_id=note.pk, uses={invoice.pk: Decimal(20)}, on=TODAY, actor="user:max")

    assert accounts("inventory", "supplier_claims", "payable", "price_variance") == (30, 0, -30, 0)
    assert Claim.objects.get().state == "credited"
    line = order.lines.get()
    assert (line.returned, line.credited, progress_of([line]).bill_status) == (4, 4, "fully_billed")


# --- landed cost -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("basis", "shares"),
    [
        ("equal", ("5.00", "5.00")),
        ("quantity", ("2.50", "7.50")),
        ("value", ("6.67", "3.33")),
        ("weight", ("1.00", "9.00")),
        ("volume", ("6.67", "3.33")),
    ],
)
def test_freight_is_borne_by_every_basis(
    siam: Supplier, warehouse: Location, basis: str, shares: tuple[str, str]
) -> None:
    """Ten of 100 g at 6.00 and thirty of 300 g at 1.00 bear 10.00. Volumes are not kept: the value serves."""
    light, heavy = ItemFactory.create(weight_grams=100), ItemFactory.create(weight_grams=300)
    order = issued(
        siam,
        warehouse,
        [(light, 10, "6.00"), (heavy, 30, "1.00")],
        charges=[OrderedCharge(code="freight", amount=Decimal(10), basis=basis)],
    )

    received(order)

    borne = LandedCostShare.objects.order_by("receipt_line__line").values_list("amount", flat=True)
    assert tuple(borne) == tuple(map(Decimal, shares))
    assert bool(LandedCost.objects.get().note) == (basis == "volume")


def test_where_a_weight_is_missing_the_value_serves_and_a_word_says_so(siam: Supplier, warehouse: Location) -> None:
    items = ItemFactory.create(weight_grams=100), ItemFactory.create(sku="UNWEIGHED", weight_grams=None)
    charges = [OrderedCharge(code="freight", amount=Decimal(10), basis="weight")]

    received(issued(siam, warehouse, [(item, 10, "1.00") for item in items], charges=charges))

    voucher = LandedCost.objects.get()
    assert (voucher.basis, voucher.note) == ("value", "by value: no weight of UNWEIGHED")


def test_the_cent_left_over_goes_to_the_largest_line(siam: Supplier, warehouse: Location) -> None:
    items = ItemFactory.create_batch(3)
    charges = [OrderedCharge(code="freight", amount=Decimal(10), basis="quantity")]

    received(issued(siam, warehouse, [(x, n, "1.00") for x, n in zip(items, (7, 8, 7), strict=True)], charges=charges))

    borne = LandedCostShare.objects.order_by("receipt_line__line").values_list("amount", flat=True)
    assert list(borne) == [Decimal("3.18"), Decimal("3.64"), Decimal("3.18")]
    assert accounts("landed_accrual") == (-10,)


def test_after_a_full_return_no_freight_is_allocated(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """Zero is allocated to goods that went back (erpnext#54867)."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    receipt = received(order)
    invoice = billed(order, [(lamp, 10, "5.00")], charges=[BilledCharge(code="freight", amount=Decimal(10))])
    release_hold(hold_id=invoice.holds.get(code="CHG").pk, reason="agreed by telephone", actor="user:max")
    give_back(receipt, 10)

    posted(invoice)

    assert not LandedCostShare.objects.exists()
    assert worth(lamp) == (0, 0)
    assert accounts("inventory", "landed_accrual", "freight") == (0, 0, 10)


def test_the_goods_that_stay_bear_what_is_billed_beyond_what_left_with_the_others(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    charges = [OrderedCharge(code="freight", amount=Decimal(10))]
    order = issued(siam, warehouse, [(lamp, 10, "5.00")], charges=charges)
    receipt = received(order)
    give_back(receipt, 5)

    posted(billed(order, [(lamp, 5, "5.00")], charges=[BilledCharge(code="freight", amount=Decimal(11))]))

    # Half of what was estimated left with the goods that went back; what the freight was dearer is on those that stay.
    assert accounts("inventory", "price_variance", "landed_accrual", "payable") == (31, 5, 0, -36)


def test_what_was_sold_meanwhile_bears_its_share_as_cost_of_sales_today(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """Four of ten were sold before the freight was billed: no back-dating (erpnext#51281)."""
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)
    sell(lamp, warehouse, 4)
    post_stock_summary()
    invoice = billed(order, [(lamp, 10, "5.00")], charges=[BilledCharge(code="freight", amount=Decimal(10))])
    release_hold(hold_id=invoice.holds.get(code="CHG").pk, reason="agreed by telephone", actor="user:max")

    posted(invoice, on=TODAY + timedelta(3))

    assert accounts("inventory", "cogs", "landed_accrual") == (36, 24, 0)
    assert JournalEntry.objects.get(kind="landed_cost").date == TODAY + timedelta(3)
    share = LandedCostShare.objects.get()
    assert (share.to_stock, share.to_sold) == (6, 4)


def test_several_vouchers_of_one_receipt_are_taken_back_one_by_one(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    """Freight and duty of one delivery, and only the duty was wrong (erpnext#20031)."""
    charges = [OrderedCharge(code="freight", amount=Decimal(10)), OrderedCharge(code="duty", amount=Decimal(4))]
    received(issued(siam, warehouse, [(lamp, 10, "5.00")], charges=charges))
    assert accounts("inventory", "landed_accrual") == (64, -14)

    for _ in range(2):
        reverse_landed_cost(number=LandedCost.objects.get(code="duty", reverses=None).number, actor="x", on=TODAY)

    assert accounts("inventory", "landed_accrual") == (60, -10)
    assert worth(lamp) == (10, 60)


# --- the accounts ----------------------------------------------------------------------------------------------------
def test_an_order_that_is_sent_commits_and_posts_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    issued(siam, warehouse, [(lamp, 10, "5.00")])

    assert not JournalEntry.objects.exists()


def test_recoverable_tax_is_no_part_of_the_cost(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.tax_rate = Decimal("0.19")
    siam.save()
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    received(order)

    posted(billed(order, [(lamp, 10, "5.00")]))

    assert worth(lamp) == (10, 50)
    assert accounts("input_tax", "payable") == (Decimal("9.50"), Decimal("-59.50"))


@pytest.mark.parametrize(("bills", "claimed", "owed"), [(True, 10, -50), (False, 0, -40)])
def test_what_was_refused_at_the_dock_is_claimed_only_where_it_is_billed(
    siam: Supplier, lamp: Item, warehouse: Location, bills: bool, claimed: int, owed: int
) -> None:
    siam.bills_on_shipment = bills
    siam.save()
    order = issued(siam, warehouse, [(lamp, 10, "5.00")])
    line = order.lines.get()
    receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=8, refused=2)],
        actor="user:wim",
    )
    assert accounts("inventory", "grni") == (40, -40)

    posted(billed(order, [(lamp, 10, "5.00")]))

    assert accounts("grni", "supplier_claims", "payable") == (0, claimed, owed)


def test_freight_that_is_an_expense_is_no_part_of_the_goods(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    charges = [OrderedCharge(code="freight", amount=Decimal(10), treatment="expense")]
    order = issued(siam, warehouse, [(lamp, 10, "5.00")], charges=charges)
    received(order)

    posted(billed(order, [(lamp, 10, "5.00")], charges=[BilledCharge(code="freight", amount=Decimal(10))]))

    assert accounts("inventory", "freight", "landed_accrual", "payable") == (50, 10, 0, -60)


def test_goods_received_are_proved_receipt_by_receipt(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """The account is the sum of what is open, and each reference on it is a receipt line (the same for GINR)."""
    orders: list[PurchaseOrder] = [issued(siam, warehouse, [(lamp, 10, price)]) for price in ("5.00", "6.00")]
    for order in orders:
        received(order, [4])
    posted(billed(orders[0], [(lamp, 3, "5.00")]))

    for row in ReceiptLine.objects.select_related("receipt"):
        left = row.amount - row.cleared
        assert balance("grni", reference=f"{row.receipt.reference}#{row.line}") == -left
    assert accounts("grni") == (-29,)


def test_nothing_of_this_file_leaves_stock_and_account_apart(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """Thirds all the way: 3 at 3.3333, billed at 3.34, one sold, one returned, one kept."""
    order = issued(siam, warehouse, [(lamp, 3, "3.3333")])
    receipt = received(order)
    posted(billed(order, [(lamp, 3, "3.34")]))
    sell(lamp, warehouse, 1)
    give_back(receipt, 1)
    post_stock_summary()

    quantity, value = worth(lamp)
    assert quantity == 1
    assert accounts("inventory") == (round(value, 2),)
