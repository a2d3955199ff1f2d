"""What happens to deliveries after they are posted: reversed, sent back, claimed, kept."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from inventory.models import IncomingSupply, Item, Location
from inventory.services.returning import GoodsGone
from purchasing.models import ApprovalBand, Claim, PurchaseOrder, Receipt, Supplier
from purchasing.services.approving import NeedsAnother, NeedsRole
from purchasing.services.claiming import NothingToReplace, promise_replacement, withdraw_claim
from purchasing.services.closing import close_short
from purchasing.services.keeping import NeedsApprover, NotThatMany, accept_damaged, keep_free, keep_surplus
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import ExceedsReceived, GoingBack, return_goods
from purchasing.services.reversing import ReceiptInvoiced, ReceiptTouched, reverse_receipt
from retailhub.accounting.queries import balance
from retailhub.core.models import Attention
from tests.books import figures
from tests.factories.purchasing import issued, wanted

pytestmark = pytest.mark.django_db


def received(order: PurchaseOrder, location: Location, **units: Any) -> Receipt:
    line = order.lines.get()
    return receive_delivery(
        location=location, counted=[Counted(item_id=line.item_id, order_line_id=line.pk, **units)], actor="user:wim"
    )


def money(role: str) -> Decimal:
    return balance(role, until=None)


def open_kinds() -> set[str]:
    return set(Attention.objects.filter(resolved_at=None).values_list("kind", flat=True))


def test_a_reversed_delivery_leaves_nothing_behind(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "2.50")])
    receipt = received(order, warehouse, accepted=4, damaged=1, refused=1)

    reverse_receipt(receipt_id=receipt.pk, reason="another truck", actor="user:wim")
    reverse_receipt(receipt_id=receipt.pk, reason="again", actor="user:wim")

    order.refresh_from_db()
    line = order.lines.get()
    assert figures(lamp, warehouse) == (0, 0, 0, 0)
    assert (order.status, line.received, line.rejected, line.open_quantity) == ("issued", 0, 0, 10)
    assert (money("grni"), money("inventory")) == (0, 0)
    assert IncomingSupply.objects.get().quantity == 10
    assert Claim.objects.get().state == "withdrawn"
    assert not open_kinds()


@pytest.mark.django_db(transaction=True)
def test_goods_that_are_promised_hold_their_receipt(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "1")])
    receipt = received(order, warehouse, accepted=5)
    wanted("sale:OR-9", lamp, 1, warehouse)

    with pytest.raises(GoodsGone) as refusal:
        reverse_receipt(receipt_id=receipt.pk, reason="wrong", actor="user:wim")

    receipt.refresh_from_db()
    assert refusal.value.errors[0].extra["documents"] == ["sale:OR-9"]
    assert (receipt.status, money("grni")) == ("posted", -5)


@pytest.mark.django_db(transaction=True)
def test_goods_that_go_back_are_owed_no_longer(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 3, "3.33")])
    receipt = received(order, warehouse, accepted=2, damaged=1)
    row = receipt.lines.get()

    return_goods(
        lines=[
            GoingBack(receipt_line_id=row.pk, quantity=1, bucket="damaged"),
            GoingBack(receipt_line_id=row.pk, quantity=1),
        ],
        reason="cracked",
        actor="user:wim",
    )

    row.refresh_from_db()
    line = order.lines.get()
    assert (figures(lamp, warehouse), money("grni")) == ((1, 0, 0, 0), Decimal("-3.33"))
    assert (row.returned, row.amount - row.reduced, line.returned) == (2, Decimal("3.33"), 1)
    assert sorted(Claim.objects.values_list("kind", "quantity", "state")) == [
        ("damaged", 1, "open"), ("returned", 1, "open"),
    ]  # fmt: skip
    with pytest.raises(ExceedsReceived):
        return_goods(lines=[GoingBack(receipt_line_id=row.pk, quantity=2)], reason="more", actor="user:wim")
    with pytest.raises(ReceiptTouched):
        reverse_receipt(receipt_id=receipt.pk, reason="late", actor="user:wim")


def test_a_replacement_for_goods_that_went_back_is_expected(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    """10 ordered, 4 good and 3 refused: 3 to come; the replacement of a damaged one makes it one more (peers D2)."""
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    receipt = received(order, warehouse, accepted=4, damaged=1, refused=2)
    assert order.lines.get().open_quantity == 3

    return_goods(
        lines=[GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=1, bucket="damaged")],
        reason="cracked",
        wants_replacement=True,
        actor="user:wim",
    )

    line = order.lines.get()
    assert (line.open_quantity, line.replacement_due, IncomingSupply.objects.get().quantity) == (4, 1, 4)
    assert Claim.objects.get().state == "replaced"
    assert "delivery_damaged" not in open_kinds()


def test_an_order_that_was_closed_opens_again_for_the_goods_that_replace_others(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    receipt = received(order, warehouse, accepted=6)
    close_short(order_id=order.pk, reason="no more", actor="user:bea")

    return_goods(
        lines=[GoingBack(receipt_line_id=receipt.lines.get().pk, quantity=2)],
        reason="wrong colour",
        wants_replacement=True,
        actor="user:wim",
    )

    order.refresh_from_db()
    assert (order.status, order.closed_at, order.lines.get().open_quantity) == ("part_received", None, 2)
    received(order, warehouse, accepted=2)
    order.refresh_from_db()
    assert order.status == "received"


def test_a_claim_is_settled_by_a_replacement_or_withdrawn(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "2")])
    received(order, warehouse, accepted=4, damaged=2, announced=8)
    short, damaged = Claim.objects.get(kind="short"), Claim.objects.get(kind="damaged")
    assert [(x.quantity, x.amount) for x in (short, damaged)] == [(2, Decimal(4)), (2, Decimal(4))]

    with pytest.raises(NothingToReplace):
        promise_replacement(claim_id=short.pk, actor="user:bea")
    promise_replacement(claim_id=damaged.pk, actor="user:bea")
    promise_replacement(claim_id=damaged.pk, actor="user:bea")
    withdraw_claim(claim_id=short.pk, reason="they were behind the door", actor="user:bea")

    assert order.lines.get().replacement_due == 2
    assert set(Claim.objects.values_list("kind", "state")) == {("damaged", "replaced"), ("short", "withdrawn")}


def test_surplus_is_kept_by_a_revision(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2")])
    receipt = received(order, warehouse, accepted=7)
    assert open_kinds() == {"delivery_over"}

    keep_surplus(receipt_line_id=receipt.lines.get().pk, quantity=2, actor="user:bea")

    order.refresh_from_db()
    line = order.lines.get()
    assert figures(lamp, warehouse) == (7, 0, 0, 0)
    assert (line.quantity, line.received, order.revision, order.net_total) == (7, 7, 2, Decimal(14))
    assert order.revisions.get(number=2).changes == [["/lines/0/quantity", 5, 7]]
    assert not open_kinds()


def test_wrong_goods_are_kept_as_a_line_of_their_own(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2")])
    receipt = received(order, warehouse, accepted=3, wrong=2, wrong_item_id=rope.pk)
    assert open_kinds() == {"delivery_wrong"}

    keep_surplus(receipt_line_id=receipt.lines.get(line=2).pk, quantity=2, actor="user:bea")

    fresh = order.lines.get(line=2)
    assert (fresh.item, fresh.quantity, fresh.received) == (rope, 2, 2)
    assert figures(rope, warehouse) == (2, 0, 0, 0)


def test_free_goods_cost_nothing(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2")])
    receipt = received(order, warehouse, accepted=7)
    row = receipt.lines.get()

    keep_free(receipt_line_id=row.pk, quantity=2, actor="user:bea")

    row.refresh_from_db()
    assert (figures(lamp, warehouse), row.free, row.over) == ((7, 0, 0, 0), 2, 0)
    assert (money("grni"), money("inventory")) == (-10, 10)
    with pytest.raises(NotThatMany):
        keep_free(receipt_line_id=row.pk, quantity=1, actor="user:bea")


def test_damage_that_is_accepted_after_all_is_ours_to_pay(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2")])
    receipt = received(order, warehouse, accepted=3, damaged=2)

    accept_damaged(receipt_line_id=receipt.lines.get().pk, quantity=2, for_sale=True, actor="user:bea")

    line = order.lines.get()
    assert (figures(lamp, warehouse), line.received, line.rejected) == ((5, 0, 0, 0), 5, 0)
    assert Claim.objects.get().state == "withdrawn"
    assert not open_kinds()


def test_a_billed_receipt_is_not_reversed(siam: Supplier, lamp: Item, warehouse: Location, broken_books: None) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2")])
    receipt = received(order, warehouse, accepted=5)
    receipt.lines.update(invoiced=2, cleared=Decimal(4))

    with pytest.raises(ReceiptInvoiced) as refusal:
        reverse_receipt(receipt_id=receipt.pk, reason="x", actor="user:wim")

    assert "2 units of line 1" in refusal.value.errors[0].detail
    assert figures(lamp, warehouse)[0] == 5


@pytest.fixture
def bands(db: None) -> None:
    ApprovalBand.objects.all().delete()
    ApprovalBand.objects.create(up_to=Decimal(100), by_another=False)
    ApprovalBand.objects.create(up_to=None, by_another=True, role="buyer")


def surplus(siam: Supplier, warehouse: Location, lamp: Item, cost: str) -> Receipt:
    order = issued(siam, warehouse, [(lamp, 10, cost)])
    return received(order, warehouse, accepted=12)


@pytest.mark.usefixtures("bands")
def test_surplus_above_the_approval_is_kept_by_who_may_approve_and_did_not_write_the_order(
    siam: Supplier, warehouse: Location, lamp: Item
) -> None:
    receipt = surplus(siam, warehouse, lamp, "9")
    row = receipt.lines.get()
    keep = partial(keep_surplus, receipt_line_id=row.pk, quantity=2)

    with pytest.raises(NeedsApprover):
        keep(actor="user:wes")
    with pytest.raises(NeedsAnother):
        keep(actor="user:bea", roles=["buyer"], may_approve=True)
    with pytest.raises(NeedsRole):
        keep(actor="user:max", roles=["store_manager"], may_approve=True)
    row.refresh_from_db()
    assert row.over == 2
    keep(actor="user:max", roles=["buyer"], may_approve=True)

    order = PurchaseOrder.objects.get()
    assert (order.approved_by, order.approved_total) == ("user:max", Decimal(108))


@pytest.mark.usefixtures("bands")
def test_surplus_that_stays_within_what_its_buyer_may_approve_needs_nobody(
    siam: Supplier, warehouse: Location, lamp: Item
) -> None:
    row = surplus(siam, warehouse, lamp, "5").lines.get()

    keep_surplus(receipt_line_id=row.pk, quantity=2, actor="user:bea")

    row.refresh_from_db()
    assert (row.over, row.accepted) == (0, 12)
