"""Receipts that turn out to cost more or less: shared between stock and sales, today, to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostLayer, CostMethodChange, CostPool, StockMovement, ValueAdjustment
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.costing_methods import KitHasNoCost, change_costing_method
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receipts import ExceedsReceived, UnknownReceipt
from inventory.services.receiving import ReceiptLine, receive_stock
from inventory.services.returning import ReturnLine
from inventory.services.revaluing import Correction, CostBelowZero, preview_corrections
from retailhub.core.errors import Invalid
from tests.factories.inventory import kit_of, receive
from tests.inventory import papers
from tests.inventory.papers import correct, send_back, take_back

pytestmark = pytest.mark.django_db


def worth(item: Any) -> tuple[int, Decimal]:
    return CostPool.objects.values_list("quantity", "value").get(item=item)


def take_in(item: Any, place: Any, number: int, quantity: int, value: str) -> None:
    papers.take_in(place, (item, quantity, value), document=f"receipt:GR-{number}")


def sell(item: Any, place: Any, quantity: int) -> Decimal:
    leaving = [Leaving(line=1, item_id=item.pk, quantity=quantity)]
    consume_stock(document="cart:9", location=place, leaving=leaving, actor="x")
    return StockMovement.objects.order_by("-pk").values_list("value", flat=True)[0]


def fix(number: int, quantity: int, change: str, line: int = 1) -> Correction:
    return Correction(
        document=f"receipt:GR-{number}",
        line=line,
        quantity=quantity,
        value_change=Decimal(change),
        reference="invoice:17#2",
    )


def fifo(*items: Any) -> None:
    change_costing_method(items=items, method="fifo", actor="ana")


def average(*items: Any) -> None:
    change_costing_method(items=items, method="average", actor="ana")


# --- first in, first out -------------------------------------------------------------------------------------------


def test_the_oldest_goods_of_the_textbook_leave_first(lamp: Any, warehouse: Any, shop: Any) -> None:
    fifo(lamp)
    receive(lamp, warehouse, 8, "10")
    receive(lamp, shop, 4, "16")

    assert sell(lamp, warehouse, 8) + sell(lamp, shop, 2) == 112
    assert worth(lamp) == (2, 32)

    receive(lamp, warehouse, 2, "6")
    assert worth(lamp) == (4, 44)
    layers = CostLayer.objects.order_by("pk").values_list("received", "quantity", "value", "movement__document")
    assert list(layers) == [
        (8, 0, 0, "delivery:1"),
        (4, 2, 32, "delivery:1"),
        (2, 2, 12, "delivery:1"),
    ]


def test_a_layer_gives_its_last_unit_the_whole_rest(lamp: Any, warehouse: Any) -> None:
    fifo(lamp)
    take_in(lamp, warehouse, 1, 3, "10.00")
    take_in(lamp, warehouse, 2, 1, "1.00")

    values = [sell(lamp, warehouse, 1) for _ in range(4)]

    assert values == [Decimal("3.333333"), Decimal("3.333334"), Decimal("3.333333"), 1]
    assert worth(lamp) == (0, 0)


def test_one_posting_may_fill_and_empty_layers_of_many_items(lamp: Any, rope: Any, warehouse: Any) -> None:
    fifo(rope)
    receive_stock(
        location=warehouse,
        lines=[
            ReceiptLine(item_id=item.pk, quantity=2, value=Decimal(value), line=line)
            for line, (item, value) in enumerate([(rope, 10), (lamp, 20), (rope, 30)], 1)
        ],
        document="receipt:GR-1",
        actor="x",
    )

    found = CostLayer.objects.order_by("pk").values_list("movement__line", "movement__item__sku", "value")
    assert list(found) == [(1, "ROPE", 10), (3, "ROPE", 30)]
    assert sell(rope, warehouse, 3) == 25


def test_a_return_leaves_from_the_layer_that_brought_it(lamp: Any, warehouse: Any) -> None:
    fifo(lamp)
    take_in(lamp, warehouse, 1, 5, "50.00")
    take_in(lamp, warehouse, 2, 5, "100.00")

    back = ReturnLine(item_id=lamp.pk, quantity=2, receipt="receipt:GR-2", receipt_line=1)
    (line,) = send_back(warehouse, back)

    assert (line.receipt_cost, line.stock_value, line.difference) == (40, 40, 0)
    assert sell(lamp, warehouse, 5) == 50
    assert sell(lamp, warehouse, 3) == 60


def test_a_reversed_receipt_takes_its_layer_along(lamp: Any, warehouse: Any) -> None:
    fifo(lamp)
    take_in(lamp, warehouse, 1, 5, "50.00")
    take_in(lamp, warehouse, 2, 5, "100.00")
    sell(lamp, warehouse, 2)

    (line,) = take_back("receipt:GR-2")

    assert line.difference == 0
    assert worth(lamp) == (3, 30)


# --- corrections, moving average -------------------------------------------------------------------------------------


def test_a_wrong_price_is_corrected_forward(lamp: Any, warehouse: Any) -> None:
    """odoo#187169: 100 at 5, in 15 at 2000, out 10, billed at 5."""
    take_in(lamp, warehouse, 1, 100, "500.00")
    take_in(lamp, warehouse, 2, 15, "30000.00")
    sold = sell(lamp, warehouse, 10)
    asked = fix(2, 15, "-29925.00")

    preview = preview_corrections(corrections=[asked])
    assert worth(lamp)[1] == Decimal("27847.826087"), "a preview writes nothing"
    answer = correct(asked)

    assert answer == preview
    assert (answer[0].to_stock, answer[0].to_sold) == (Decimal("-27322.83"), Decimal("-2602.17"))
    assert worth(lamp) == (105, 525)
    assert sold == Decimal("2652.173913"), "what left keeps the value it left with"
    adjustment = ValueAdjustment.objects.get()
    assert (adjustment.receipt.document, adjustment.document) == ("receipt:GR-2", "supplier_invoice:17")
    assert adjustment.to_stock + adjustment.to_sold == -29925
    assert (adjustment.reference, adjustment.reason, adjustment.actor) == ("invoice:17#2", "invoice_price", "ana")


def test_goods_sold_before_their_price_was_known_are_charged_to_the_sale(lamp: Any, warehouse: Any) -> None:
    """odoo#41669, where no level is below zero: two came first at cost 0 and were sold; 18 stay, worth 59.40."""
    take_in(lamp, warehouse, 1, 2, "0.00")
    sell(lamp, warehouse, 2)
    take_in(lamp, warehouse, 2, 18, "59.40")

    (answer,) = correct(fix(1, 2, "6.60"))

    assert (answer.to_stock, answer.to_sold) == (0, Decimal("6.60"))
    assert worth(lamp) == (18, Decimal("59.40"))


def test_the_unit_cost_is_never_rounded_and_used_again(lamp: Any, warehouse: Any) -> None:
    """odoo#109908: the value of thirds stays exact however often the unit cost would be looked at."""
    take_in(lamp, warehouse, 1, 3, "10.00")
    take_in(lamp, warehouse, 2, 3, "10.00")

    values = [sell(lamp, warehouse, 1) for _ in range(6)]

    assert sum(values) == 20
    assert worth(lamp) == (0, 0)


def test_the_last_unit_empties_the_pool_whatever_was_corrected(lamp: Any, warehouse: Any) -> None:
    """odoo#46850: nothing is left of a value without goods."""
    take_in(lamp, warehouse, 1, 7, "10.00")
    sell(lamp, warehouse, 3)
    correct(fix(1, 7, "0.01"))
    sell(lamp, warehouse, 4)

    assert worth(lamp) == (0, 0)
    (answer,) = correct(fix(1, 7, "1.00"))
    assert (answer.to_stock, answer.to_sold) == (0, 1)


def test_a_bill_revalues_only_the_receipt_it_is_for(lamp: Any, warehouse: Any) -> None:
    """odoo#229627: three receipts of one unit, billed at 100, 150 and 80."""
    for number in (1, 2, 3):
        take_in(lamp, warehouse, number, 1, "90.00")
        correct(fix(number, 1, {1: "10.00", 2: "60.00", 3: "-10.00"}[number]))
        assert worth(lamp)[1] == {1: 100, 2: 250, 3: 330}[number]


def test_only_what_is_posted_counts(lamp: Any, warehouse: Any) -> None:
    """odoo#146644: a draft, looked at as often as one likes, changes nothing and is no part of the next answer."""
    take_in(lamp, warehouse, 1, 10, "100.00")
    for _ in range(3):
        preview_corrections(corrections=[fix(1, 10, "20.00")])

    assert worth(lamp) == (10, 100)
    assert not ValueAdjustment.objects.exists()
    assert correct(fix(1, 5, "10.00"))[0].to_stock == 10
    assert worth(lamp) == (10, 110)


def test_later_receipts_and_moves_between_places_do_not_share_a_correction(
    lamp: Any, warehouse: Any, shop: Any
) -> None:
    take_in(lamp, warehouse, 1, 10, "100.00")
    take_in(lamp, shop, 2, 10, "300.00")
    sell(lamp, warehouse, 5)

    (answer,) = correct(fix(1, 10, "20.00"))

    assert (answer.to_stock, answer.to_sold, answer.location) == (15, 5, "warehouse")


def test_what_went_back_to_the_supplier_is_not_sold(lamp: Any, warehouse: Any) -> None:
    """Landed cost is shared by what was received net of returns, and nothing of it counts as sold."""
    take_in(lamp, warehouse, 1, 10, "100.00")
    back = ReturnLine(item_id=lamp.pk, quantity=4, receipt="receipt:GR-1", receipt_line=1)
    send_back(warehouse, back)

    with pytest.raises(ExceedsReceived):
        correct(fix(1, 7, "7.00"))
    (answer,) = correct(fix(1, 6, "6.00"))

    assert (answer.to_stock, answer.to_sold) == (6, 0)
    assert worth(lamp) == (6, 66)


def test_after_a_full_return_there_is_nothing_to_correct(lamp: Any, warehouse: Any) -> None:
    """erpnext#54867"""
    take_in(lamp, warehouse, 1, 10, "100.00")
    back = ReturnLine(item_id=lamp.pk, quantity=10, receipt="receipt:GR-1", receipt_line=1)
    send_back(warehouse, back)

    with pytest.raises(ExceedsReceived):
        correct(fix(1, 1, "7.00"))
    assert not ValueAdjustment.objects.exists()


def test_shares_are_whole_cents_that_add_up_pool_by_pool(lamp: Any, warehouse: Any) -> None:
    for number in (1, 2, 3):
        take_in(lamp, warehouse, number, 1, "1.00")
    sell(lamp, warehouse, 1)

    answers = correct(*[fix(number, 1, "0.01") for number in (1, 2, 3)])

    assert [a.to_stock + a.to_sold for a in answers] == [Decimal("0.01")] * 3
    booked = CostPool.objects.get().booked_value
    assert sum(a.to_stock for a in answers) == booked - 3, "three receipts of one were booked by their documents"
    assert worth(lamp) == (2, Decimal("2.020001"))


def test_one_line_in_two_states_is_corrected_in_both(lamp: Any, warehouse: Any) -> None:
    take_in(lamp, warehouse, 1, 2, "2.00")
    receive_stock(
        location=warehouse,
        lines=[ReceiptLine(item_id=lamp.pk, quantity=1, value=Decimal(1), bucket="damaged")],
        document="receipt:GR-1",
        actor="x",
        self_posted=True,
    )
    papers.post("receipt:GR-1", Decimal(1))

    (answer,) = correct(fix(1, 3, "1.00"))

    assert answer.to_stock == 1
    assert sorted(ValueAdjustment.objects.values_list("quantity", "to_stock")) == [
        (1, Decimal("0.333333")),
        (2, Decimal("0.666667")),
    ]


def test_wrong_corrections_are_named_and_nothing_happens(lamp: Any, rope: Any, warehouse: Any) -> None:
    take_in(lamp, warehouse, 1, 10, "100.00")
    take_in(rope, warehouse, 2, 10, "100.00")
    take_back("receipt:GR-2")

    for kind, wrong in (
        (UnknownReceipt, fix(2, 1, "1.00")),
        (UnknownReceipt, fix(1, 1, "1.00", line=2)),
        (ExceedsReceived, fix(1, 11, "1.00")),
        (CostBelowZero, fix(1, 10, "-99.01")),
        (Invalid, fix(1, 1, "0.001")),
        (Invalid, fix(1, 0, "1.00")),
    ):
        with pytest.raises(kind) as refusal:
            correct(fix(1, 10, "-1.00"), wrong)
        assert [e.pointer for e in refusal.value.errors] == ["/corrections/1"]
    assert worth(lamp) == (10, 100)
    assert not ValueAdjustment.objects.exists()
    assert correct() == []


# --- corrections, first in first out ---------------------------------------------------------------------------------


def test_a_correction_follows_its_own_layer(lamp: Any, warehouse: Any) -> None:
    fifo(lamp)
    take_in(lamp, warehouse, 1, 10, "100.00")
    take_in(lamp, warehouse, 2, 10, "200.00")
    sell(lamp, warehouse, 4)

    first, second = correct(fix(1, 10, "10.00"), fix(2, 10, "-10.00"))

    assert (first.to_stock, first.to_sold) == (6, 4)
    assert (second.to_stock, second.to_sold) == (-10, 0)
    assert list(CostLayer.objects.order_by("pk").values_list("value", flat=True)) == [66, 190]
    assert sell(lamp, warehouse, 6) == 66
    assert correct(fix(1, 10, "1.00"))[0].to_sold == 1


def test_a_net_correction_of_a_layer_counts_nothing_of_what_went_back(lamp: Any, warehouse: Any) -> None:
    fifo(lamp)
    take_in(lamp, warehouse, 1, 10, "100.00")
    back = ReturnLine(item_id=lamp.pk, quantity=4, receipt="receipt:GR-1", receipt_line=1)
    send_back(warehouse, back)
    sell(lamp, warehouse, 3)

    (answer,) = correct(fix(1, 6, "6.00"))

    assert (answer.to_stock, answer.to_sold) == (3, 3)


# --- the method changes ----------------------------------------------------------------------------------------------


def test_a_change_of_method_changes_no_value_and_only_what_comes(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 1, "10")
    receive(lamp, warehouse, 1, "20")
    fifo(lamp)
    receive(lamp, warehouse, 2, "40")

    assert worth(lamp) == (4, 110)
    assert sell(lamp, warehouse, 3) == 70, "two of the opening layer at 15, one at 40"
    average(lamp)
    receive(lamp, warehouse, 1, "20")
    assert sell(lamp, warehouse, 1) == 30
    fifo(lamp)
    assert CostLayer.objects.filter(folded_after__isnull=True, quantity__gt=0).get().value == 30


def test_who_changed_the_method_is_known_and_asking_twice_changes_nothing(lamp: Any, rope: Any) -> None:
    fifo(lamp)
    fifo(lamp, rope)
    average(rope)

    changes = CostMethodChange.objects.order_by("pk").values_list("item__sku", "method", "actor")
    assert list(changes) == [("LAMP", "fifo", "ana"), ("ROPE", "fifo", "ana"), ("ROPE", "average", "ana")]
    with pytest.raises(Invalid):
        change_costing_method(items=[lamp], method="lifo", actor="x")
    with pytest.raises(KitHasNoCost):
        fifo(rope, kit_of({lamp: 1}))


def test_a_correction_finds_its_goods_through_every_method(lamp: Any, warehouse: Any) -> None:
    """Half left by the average, half of the opening layer by its turn, half after the average took over again."""
    take_in(lamp, warehouse, 1, 16, "160.00")
    sell(lamp, warehouse, 8)
    fifo(lamp)
    take_in(lamp, warehouse, 2, 4, "40.00")
    sell(lamp, warehouse, 4)
    average(lamp)
    sell(lamp, warehouse, 4)
    fifo(lamp)

    first, second = preview_corrections(corrections=[fix(1, 16, "16.00"), fix(2, 4, "4.00")])
    assert (first.to_stock, first.to_sold) == (2, 14)
    assert (second.to_stock, second.to_sold) == (2, 2)
    correct(fix(1, 16, "16.00"), fix(2, 4, "4.00"))
    assert worth(lamp) == (4, 44)
    sell(lamp, warehouse, 1)
    average(lamp)
    assert correct(fix(2, 4, "4.00"))[0].to_stock == Decimal("1.50")


def test_goods_that_changed_their_state_before_they_went_back_do_not_count_twice(lamp: Any, warehouse: Any) -> None:
    """Three good and two damaged ones came; a damaged one was found good, and four went back as good ones."""
    for bucket, units in (("sellable", 3), ("damaged", 2)):
        receive(lamp, warehouse, units, "1.00", bucket=bucket, document="receipt:GR-1")
    take_in(lamp, warehouse, 2, 5, "5.00")
    moved = MoveLine(sku="LAMP", quantity=1, from_bucket="damaged", to_bucket="sellable")
    move_stock(location=warehouse, reason="released", lines=[moved], actor="x")
    send_back(warehouse, ReturnLine(item_id=lamp.pk, quantity=4, receipt="receipt:GR-1", receipt_line=1))

    (answer,) = correct(fix(1, 1, "0.50"))

    assert (answer.to_stock, answer.to_sold) == (Decimal("0.50"), 0)
    assert worth(lamp) == (6, Decimal("6.50"))
