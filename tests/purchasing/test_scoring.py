"""How a supplier does: every figure worked out by hand and read back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.acknowledging import LineAnswer, acknowledge_purchase_order
from purchasing.services.amending import accept_proposal
from purchasing.services.closing import cancel_purchase_order, close_short
from purchasing.services.issuing import send_purchase_order
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.reversing import reverse_receipt
from purchasing.services.scoring import Figures, Share, scorecards
from tests.factories.inventory import LocationFactory
from tests.factories.purchasing import SupplierFactory, billed, drafted, received

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
SINCE = date(2026, 10, 1)


def day(number: int, month: int = 11) -> date:
    return date(2026, month, number)


def sent(
    supplier: Supplier, place: Location, lines: Any, *, on: date, expected: date | None, **kwargs: Any
) -> PurchaseOrder:
    """Have an order sent at noon of a day."""
    order = drafted(supplier, place, lines, expected_on=expected, **kwargs)
    return send_purchase_order(
        order_id=order.pk, actor="x", at=datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=12)
    )


def came(order: PurchaseOrder, on: date, *, line: int = 1, **counts: int) -> None:
    row = order.lines.get(line=line)
    receive_delivery(
        location=order.ship_to,
        counted=[Counted(item_id=row.item_id, order_line_id=row.pk, **counts)],
        actor="user:wim",
        received_on=on,
    )


def score(supplier: Supplier, **kwargs: Any) -> Figures:
    found = scorecards(**{"since": SINCE, "until": TODAY, "today": TODAY, **kwargs}).get(supplier.pk)
    return found.whole if found else Figures()


def test_what_came_on_the_promised_day_and_whole(siam: Supplier, lamp: Item, rope: Item, warehouse: Location) -> None:
    """Four lines of ten are due: one early, one in two parts of which one is late, one short, one that never came."""
    first = sent(siam, warehouse, [(lamp, 10, "2"), (rope, 10, "1")], on=day(1), expected=day(10))
    came(first, day(8), accepted=10)
    came(first, day(9), line=2, accepted=6)
    came(first, day(13), line=2, accepted=4)
    second = sent(siam, warehouse, [(lamp, 10, "2"), (rope, 10, "1")], on=day(1), expected=day(15))
    came(second, day(15), accepted=7)
    sent(siam, warehouse, [(lamp, 10, "2")], on=day(1), expected=TODAY)  # may still come today
    sent(siam, warehouse, [(lamp, 10, "2")], on=day(1), expected=day(30))

    told = score(siam)

    assert told.on_time_in_full == Share(1, 4)
    assert told.fill == Share(27, 40)
    # Three days for the second, and five up to today for each of the last two.
    assert (told.lines_late, told.days_late, told.most_late, told.mean_late) == (3, 13, 5, Decimal("4.3"))


def test_the_promise_is_what_he_confirmed_else_what_was_asked_else_the_agreed_time(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    Supplier.objects.filter(pk=siam.pk).update(lead_time_days=7)
    confirmed = sent(siam, warehouse, [(lamp, 1, "2")], on=day(1), expected=day(5))
    proposal = acknowledge_purchase_order(
        order_id=confirmed.pk, actor="x", answers=[LineAnswer(line=1, expected_on=day(9))]
    ).proposal
    assert proposal
    accept_proposal(proposal_id=proposal.pk, actor="user:bea", roles=())
    asked = sent(siam, warehouse, [(lamp, 1, "2")], on=day(1), expected=day(5))
    agreed = sent(siam, warehouse, [(lamp, 1, "2")], on=day(1), expected=None)
    for order, on in ((confirmed, day(9)), (asked, day(6)), (agreed, day(8))):
        came(order, on, accepted=1)

    told = score(siam)

    assert told.on_time_in_full == Share(2, 3)
    assert (told.days_taken, told.days_promised) == (8 + 5 + 7, 8 + 4 + 7)
    assert (told.lead_days, told.lead_days_promised) == (Decimal("6.7"), Decimal("6.3"))


def test_what_was_called_off_is_not_wanted_and_what_was_given_up_is(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    cancelled = sent(siam, warehouse, [(lamp, 10, "2")], on=day(1), expected=day(10))
    cancel_purchase_order(order_id=cancelled.pk, reason="x", actor="x")
    short = sent(siam, warehouse, [(lamp, 10, "2")], on=day(1), expected=day(10))
    came(short, day(10), accepted=8)
    close_short(order_id=short.pk, reason="x", actor="x")
    drafted(siam, warehouse, [(lamp, 10, "2")], expected_on=day(10))

    told = score(siam)

    assert (told.on_time_in_full, told.fill) == (Share(0, 1), Share(8, 10))
    assert told.lines_late == 0


def test_what_was_not_as_ordered_is_a_share_of_all_that_came(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = sent(siam, warehouse, [(lamp, 20, "2")], on=day(1), expected=day(10))
    came(order, day(9), accepted=14, damaged=3, wrong=2, wrong_item_id=rope.pk, refused=1)
    undone = sent(siam, warehouse, [(lamp, 5, "2")], on=day(1), expected=day(10))
    reverse_receipt(receipt_id=received(undone, received_on=day(9)).pk, reason="x", actor="x")

    told = score(siam)

    assert (told.units_damaged, told.units_wrong, told.units_refused, told.units_came) == (3, 2, 1, 20)
    assert told.rejected.percent == Decimal("30.0")
    assert told.deliveries == 1


def test_a_bill_is_right_when_it_asks_what_was_ordered_to_the_cent(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = sent(siam, warehouse, [(lamp, 10, "2.00"), (rope, 3, "0.333333")], on=day(1), expected=day(10))
    received(order, received_on=day(9))
    billed(order, [(lamp, 4, "2.00"), (rope, 3, "0.333333")], invoice_date=day(10))
    billed(order, [(lamp, 3, "2.10")], invoice_date=day(11))
    billed(order, [(lamp, 2, "1.95")], invoice_date=day(12))
    billed(order, [(lamp, 1, "2.00")], invoice_date=day(12, 9))

    told = score(siam)

    assert told.price_accuracy == Share(2, 4)
    assert (round(told.billed_above, 2), round(told.billed_below, 2)) == (Decimal("0.30"), Decimal("0.10"))
    assert round(told.billed, 2) == Decimal("19.20")


def test_months_add_up_and_what_is_outside_the_days_is_left_out(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    for on, expected in ((day(1, 9), day(30, 9)), (day(1, 10), day(10, 10)), (day(1), day(3)), (day(1), day(4))):
        order = sent(siam, warehouse, [(lamp, 2, "2")], on=on, expected=expected)
        came(order, expected, accepted=2)

    card = scorecards(since=SINCE, until=TODAY, today=TODAY)[siam.pk]

    assert {month: x.lines_due for month, x in card.months.items()} == {day(1, 10): 1, day(1): 2}
    assert card.whole.on_time_in_full == Share(3, 3)
    assert card.whole.units_came == 6


def test_places_and_suppliers_are_told_apart(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    other, shop = SupplierFactory.create(code="NOK"), LocationFactory.create(code="shop")
    for supplier, place in ((siam, warehouse), (siam, shop), (other, shop)):
        order = sent(supplier, place, [(lamp, 2, "2")], on=day(1), expected=day(9))
        received(order, received_on=day(9))

    assert score(siam).lines_due == 2
    assert score(siam, places=["shop"]).lines_due == 1
    assert score(siam, places=[]).is_empty
    assert set(scorecards(since=SINCE, until=TODAY, today=TODAY, supplier_ids=[other.pk])) == {other.pk}


def test_all_suppliers_take_one_statement(lamp: Item, warehouse: Location, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        received(sent(SupplierFactory.create(), warehouse, [(lamp, 1, "2")], on=day(1), expected=day(9)))
    with django_assert_max_num_queries(1):
        assert len(scorecards(since=SINCE, until=TODAY, today=TODAY)) == 5


@pytest.mark.parametrize(
    ("count", "of", "percent"),
    [(0, 0, None), (0, 3, "0.0"), (1, 3, "33.3"), (3, 3, "100.0"), (2999, 3000, "99.9"), (1, 9000, "0.1")],
)
def test_all_and_none_are_said_of_all_and_none_only(count: int, of: int, percent: str | None) -> None:
    assert Share(count, of).percent == (None if percent is None else Decimal(percent))
