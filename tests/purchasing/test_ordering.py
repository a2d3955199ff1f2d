"""Orders from draft to sent: prices, approval, what is expected, and how they end."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from inventory.models import IncomingSupply, Item, Location
from purchasing.models import OrderStatus, PriceBreak, PurchaseOrder, PurchaseRevision, SpecialOrder, Supplier
from purchasing.services.approving import NeedsAnother, NeedsRole, approve_purchase_order, submit_purchase_order
from purchasing.services.closing import (
    CustomersWait,
    cancel_purchase_order,
    close_short,
    hold_purchase_order,
    release_purchase_order,
)
from purchasing.services.drafting import NoPrice, OrderedLine, SupplierNotOpen, draft_purchase_order
from purchasing.services.issuing import NeedsApproval, send_purchase_order
from purchasing.services.pricing import orderable
from purchasing.services.standing import WrongState
from retailhub.core.services.exchanging import NoExchangeRate, set_rates
from retailhub.outbox.models import OutboxEvent
from tests.factories.purchasing import TODAY, drafted, issued, sells

pytestmark = pytest.mark.django_db


def expected() -> list[tuple[str, int, int]]:
    return list(IncomingSupply.objects.order_by("document", "line").values_list("document", "line", "quantity"))


def test_a_draft_is_priced_by_quote_then_contract_then_list_then_last_price(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    row = sells(siam, lamp, "5.00", last_price=Decimal("9.99"))
    PriceBreak.objects.create(supplier_item=row, price=Decimal("4.50"), minimum_quantity=100)
    PriceBreak.objects.create(supplier_item=row, price=Decimal("4.80"), source="contract", valid_from=date(2026, 1, 1))
    PriceBreak.objects.create(supplier_item=row, price=Decimal("1.00"), source="quote", valid_until=date(2026, 11, 19))

    order = draft_purchase_order(
        supplier=siam,
        ship_to=warehouse,
        lines=[OrderedLine(sku="LAMP", quantity=100)],
        actor="user:bea",
        on=TODAY,
    )

    (line,) = order.lines.all()
    assert (line.price, line.price_source) == (Decimal("4.80"), "contract")
    assert order.net_total == Decimal("480.00")
    assert expected() == []


def test_a_price_of_a_pack_is_exact_whatever_the_number_of_units(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    sells(siam, lamp, "10.00", pack_code="case", pack_numerator=3)

    order = draft_purchase_order(
        supplier=siam, ship_to=warehouse, lines=[OrderedLine(sku="LAMP", quantity=300_000)], actor="user:bea", on=TODAY
    )

    assert order.net_total == Decimal("1000000.00")


def test_lines_without_a_price_are_named_and_nothing_is_kept(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    sells(siam, rope, "1.00")

    with pytest.raises(NoPrice) as refusal:
        draft_purchase_order(
            supplier=siam,
            ship_to=warehouse,
            lines=[OrderedLine(sku="ROPE", quantity=1), OrderedLine(sku="LAMP", quantity=1)],
            actor="user:bea",
            on=TODAY,
        )

    assert [error.pointer for error in refusal.value.errors] == ["/lines/1/unit_cost"]
    assert not PurchaseOrder.objects.exists()


def test_nothing_is_ordered_from_a_supplier_on_hold(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.status = Supplier.Status.ON_HOLD
    siam.save()

    with pytest.raises(SupplierNotOpen):
        drafted(siam, warehouse, [(lamp, 1, "1")])


def test_foreign_money_takes_the_rate_of_the_day_it_is_sent(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    siam.currency = "THB"
    siam.save()
    with pytest.raises(NoExchangeRate):
        drafted(siam, warehouse, [(lamp, 10, "100")])
    set_rates(rates={("THB", date(2026, 11, 1)): Decimal("0.026")})
    order = drafted(siam, warehouse, [(lamp, 10, "100")])
    set_rates(rates={("THB", date(2026, 11, 2)): Decimal("0.027")})

    order = send_purchase_order(order_id=order.pk, actor="user:bea")

    assert (order.currency, order.rate, order.net_total) == ("THB", Decimal("0.027"), Decimal("1000.00"))


def test_below_the_limit_sending_submits_and_approves(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = drafted(siam, warehouse, [(lamp, 100, "10.00")])

    order = send_purchase_order(order_id=order.pk, actor="user:bea")
    send_purchase_order(order_id=order.pk, actor="user:bea")

    assert (order.status, order.revision, order.approved_total) == ("issued", 1, Decimal(1000))
    assert expected() == [(order.reference, 1, 100)]
    assert PurchaseRevision.objects.count() == 1
    assert OutboxEvent.objects.filter(name="purchasing.purchase_order_issued").count() == 1


def test_above_the_limit_somebody_else_has_to_approve(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = drafted(siam, warehouse, [(lamp, 100, "10.01")])

    assert send_purchase_order(order_id=order.pk, actor="user:bea").status == "submitted"
    with pytest.raises(NeedsApproval):
        send_purchase_order(order_id=order.pk, actor="user:bea")
    with pytest.raises(NeedsAnother):
        approve_purchase_order(order_id=order.pk, actor="user:bea", roles=())
    assert expected() == []

    approve_purchase_order(order_id=order.pk, actor="user:max", roles=())
    order = send_purchase_order(order_id=order.pk, actor="user:bea")

    assert (order.status, order.approved_by) == ("issued", "user:max")


def test_a_band_of_a_category_asks_for_its_role_too(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    from inventory.models import Category
    from purchasing.models import ApprovalBand

    lights = Category.objects.create(name="Lights")
    lamp.category = Category.objects.create(name="Desk lights", parent=lights)
    lamp.save()
    ApprovalBand.objects.create(category=lights, up_to=None, by_another=False, role="accountant")
    order = drafted(siam, warehouse, [(lamp, 1, "1.00")])
    submit_purchase_order(order_id=order.pk, actor="user:bea")

    with pytest.raises(NeedsRole):
        approve_purchase_order(order_id=order.pk, actor="user:max", roles={"buyer"})

    assert approve_purchase_order(order_id=order.pk, actor="user:ada", roles={"accountant"}).status == "approved"


def test_a_held_order_brings_nothing_until_it_is_released(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])

    hold_purchase_order(order_id=order.pk, reason="price talks", actor="user:bea")
    assert expected() == [(order.reference, 1, 0)]

    order = release_purchase_order(order_id=order.pk, actor="user:bea")
    assert (order.status, expected()) == ("issued", [(order.reference, 1, 10)])


def test_a_cancelled_order_brings_nothing_and_costs_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])

    order = cancel_purchase_order(order_id=order.pk, reason="sold out", actor="user:bea")
    cancel_purchase_order(order_id=order.pk, reason="sold out", actor="user:bea")

    assert (order.status, order.net_total) == ("cancelled", Decimal(0))
    assert expected() == [(order.reference, 1, 0)]
    with pytest.raises(WrongState):
        close_short(order_id=order.pk, reason="x", actor="user:bea")


def test_lines_closed_short_one_by_one_close_the_order(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1"), (rope, 5, "2")])

    order = close_short(order_id=order.pk, lines=[2], reason="not made any more", actor="user:bea")
    assert (order.status, order.net_total) == ("issued", Decimal(10))

    order = close_short(order_id=order.pk, reason="late", actor="user:bea")
    assert order.status == OrderStatus.CLOSED_SHORT
    assert expected() == [(order.reference, 1, 0), (order.reference, 2, 0)]


def test_what_a_customer_waits_for_is_not_given_up_by_the_way(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    SpecialOrder.objects.create(
        order_line=order.lines.get(), document="order:OR-1", line=2, quantity=4, created_by="user:bea"
    )

    with pytest.raises(CustomersWait) as refusal:
        cancel_purchase_order(order_id=order.pk, reason="x", actor="user:bea")

    assert refusal.value.errors[0].extra == {"document": "order:OR-1", "line": 2}
    assert expected() == [(order.reference, 1, 10)]


@pytest.mark.parametrize(
    ("units", "pack", "minimum", "multiple", "wanted"),
    [(1, (1, 1), 1, 1, 1), (7, (6, 1), 1, 1, 12), (7, (6, 1), 5, 1, 30), (31, (6, 1), 5, 4, 48), (1, (3, 2), 1, 1, 2)],
)
def test_what_can_be_ordered_is_rounded_up_in_the_suppliers_own_units(
    siam: Supplier, lamp: Item, units: int, pack: tuple[int, int], minimum: int, multiple: int, wanted: int
) -> None:
    row = sells(
        siam, lamp, pack_numerator=pack[0], pack_denominator=pack[1], minimum_quantity=minimum, multiple=multiple
    )

    assert orderable(row, units) == wanted
