"""Goods bought for one customer: linked, served by their own receipt, and let go safely."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import Item, Location, Reservation, WaitingDemand
from inventory.services.linking import NothingWaits
from inventory.services.releasing import release_stock
from purchasing.listeners import look_after_special_orders
from purchasing.models import BuyingEvent, SpecialOrder, Supplier
from purchasing.services.closing import CustomersWait, cancel_purchase_order
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.reversing import reverse_receipt
from purchasing.services.special_orders import NotWaiting, TooMuchLinked, end_special_order, link_special_order
from retailhub.core.models import Attention
from tests.factories.purchasing import drafted, issued, wanted

pytestmark = pytest.mark.django_db


def kept_for(document: str) -> int:
    return sum(Reservation.objects.filter(document=document).values_list("open_quantity", flat=True))


def test_a_linked_customer_is_served_by_his_own_receipt_and_the_oldest_of_the_others_first(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    for number, document in enumerate(("sale:OR-1", "sale:OR-2", "sale:OR-3")):
        wanted(document, lamp, 2, warehouse, days=number)
    order, other = (issued(siam, warehouse, [(lamp, 5, "1")]) for _ in range(2))
    line = order.lines.get()
    link = link_special_order(order_line_id=line.pk, document="sale:OR-3", line=1, actor="user:bea")

    receive_delivery(
        location=warehouse,
        counted=[Counted(item_id=lamp.pk, order_line_id=other.lines.get().pk, accepted=3)],
        actor="user:wim",
    )
    assert [kept_for(f"sale:OR-{n}") for n in (1, 2, 3)] == [2, 1, 0]
    receipt = receive_delivery(
        location=warehouse, counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=5)], actor="user:wim"
    )

    link.refresh_from_db()
    assert [kept_for(f"sale:OR-{n}") for n in (1, 2, 3)] == [2, 2, 2]
    assert (link.state, link.received) == ("fulfilled", 2)
    served = BuyingEvent.objects.get(document=receipt.reference, kind="served").data["served"]
    assert served == {"sale:OR-3": 2, "sale:OR-2": 1}


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_linked_is_not(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    line = drafted(siam, warehouse, [(lamp, 2, "1")]).lines.get()
    wanted("sale:OR-1", lamp, 3, warehouse)

    with pytest.raises(NothingWaits):
        link_special_order(order_line_id=line.pk, document="sale:OR-9", line=1, actor="user:bea")
    with pytest.raises(TooMuchLinked):
        link_special_order(order_line_id=line.pk, document="sale:OR-1", line=1, actor="user:bea")

    assert not SpecialOrder.objects.exists()
    assert WaitingDemand.objects.get().supply == ""


def test_linking_twice_is_linking_once(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    line = issued(siam, warehouse, [(lamp, 5, "1")]).lines.get()
    wanted("sale:OR-1", lamp, 3, warehouse)

    for _ in range(2):
        link_special_order(order_line_id=line.pk, document="sale:OR-1", line=1, actor="user:bea")

    assert SpecialOrder.objects.get().quantity == 3


@pytest.mark.parametrize(("choice", "open_units", "state"), [("keep", 5, "kept"), ("cancel", 2, "cancelled")])
def test_a_customer_who_cancels_leaves_a_choice(
    siam: Supplier, lamp: Item, warehouse: Location, choice: str, open_units: int, state: str
) -> None:
    """Cancel a sale with a linked order: history is kept, ordered quantities are right (erpnext#59115)."""
    order = issued(siam, warehouse, [(lamp, 5, "1")])
    line = order.lines.get()
    wanted("sale:OR-1", lamp, 3, warehouse)
    link = link_special_order(order_line_id=line.pk, document="sale:OR-1", line=1, actor="user:bea")
    look_after_special_orders([{"order_id": 1, "document": "sale:OR-1"}])
    assert not Attention.objects.exists()

    release_stock(document="sale:OR-1", actor="user:ann")
    look_after_special_orders([{"order_id": 1, "document": "sale:OR-1"}])
    assert Attention.objects.get().document == f"special_order:{link.pk}"
    with pytest.raises(CustomersWait):
        cancel_purchase_order(order_id=order.pk, reason="x", actor="user:bea")
    for _ in range(2):
        end_special_order(special_order_id=link.pk, choice=choice, actor="user:bea")

    link.refresh_from_db()
    line.refresh_from_db()
    order.refresh_from_db()
    assert (link.state, link.quantity, line.open_quantity, line.quantity) == (state, 3, open_units, 5)
    assert order.revision == (2 if choice == "cancel" else 1)
    assert not Attention.objects.filter(resolved_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_goods_are_given_to_another_waiting_customer(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    line = issued(siam, warehouse, [(lamp, 5, "1")]).lines.get()
    wanted("sale:OR-1", lamp, 3, warehouse)
    link = link_special_order(order_line_id=line.pk, document="sale:OR-1", line=1, actor="user:bea")
    with pytest.raises(NotWaiting):
        end_special_order(special_order_id=link.pk, choice="move", document="sale:OR-2", line=1, actor="user:bea")
    link.refresh_from_db()
    assert link.state == "open"

    wanted("sale:OR-2", lamp, 2, warehouse)
    end_special_order(special_order_id=link.pk, choice="move", document="sale:OR-2", line=1, actor="user:bea")

    assert list(SpecialOrder.objects.order_by("pk").values_list("document", "state")) == [
        ("sale:OR-1", "moved"), ("sale:OR-2", "open"),
    ]  # fmt: skip


def test_a_reversed_receipt_takes_back_what_it_brought_for_a_customer(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    line = issued(siam, warehouse, [(lamp, 5, "1")]).lines.get()
    wanted("sale:OR-1", lamp, 3, warehouse)
    link = link_special_order(order_line_id=line.pk, document="sale:OR-1", line=1, actor="user:bea")
    receipt = receive_delivery(
        location=warehouse, counted=[Counted(item_id=lamp.pk, order_line_id=line.pk, accepted=5)], actor="user:wim"
    )
    release_stock(document="sale:OR-1", actor="user:ann")

    reverse_receipt(receipt_id=receipt.pk, reason="wrong truck", actor="user:wim")

    link.refresh_from_db()
    assert (link.state, link.received) == ("open", 0)


def test_a_customer_who_cancels_has_his_own_links_looked_at_alone(
    siam: Supplier, lamp: Item, warehouse: Location, django_assert_num_queries: Any
) -> None:
    line = issued(siam, warehouse, [(lamp, 9, "1")]).lines.get()
    for number in range(3):
        wanted(f"sale:OR-{number}", lamp, 3, warehouse)
        link_special_order(order_line_id=line.pk, document=f"sale:OR-{number}", line=1, actor="user:bea")
        release_stock(document=f"sale:OR-{number}", actor="user:ann")

    with django_assert_num_queries(3):
        look_after_special_orders([{"order_id": 1, "document": "sale:OR-1"}])

    assert Attention.objects.get().subject.endswith("sale:OR-1")
