"""Orders that change after they were sent: revisions, proposals, and what the supplier says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from inventory.models import IncomingSupply, Item, Location
from purchasing.models import OrderStatus, Proposal, PurchaseOrder, PurchaseRevision, SpecialOrder, Supplier
from purchasing.services.acknowledging import LineAnswer, acknowledge_purchase_order
from purchasing.services.amending import (
    ChargeBilled,
    NothingChanges,
    NothingLeft,
    ProposalDecided,
    accept_proposal,
    amend_purchase_order,
    refuse_proposal,
)
from purchasing.services.approving import NeedsAnother
from purchasing.services.changes import BelowReceived, LineChange, OrderChanges, UnknownLine, differences
from purchasing.services.closing import CustomersWait, close_if_settled, sweep_orders
from purchasing.services.drafting import NoPrice, OrderedCharge, OrderedLine
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.standing import WrongState
from retailhub.outbox.models import OutboxEvent
from tests.factories.purchasing import drafted, issued

pytestmark = pytest.mark.django_db


def coming() -> list[tuple[int, int, date | None]]:
    rows = IncomingSupply.objects.order_by("line").values_list("line", "quantity", "due")
    return [(line, units, due and due.date()) for line, units, due in rows]


def amend(order: PurchaseOrder, *lines: LineChange, **kwargs: object) -> PurchaseOrder:
    changes = OrderChanges(lines=lines, **kwargs)  # type: ignore[arg-type]
    return amend_purchase_order(order_id=order.pk, changes=changes, actor="user:bea", reason="talks").order


def receive(order: PurchaseOrder, units: int, line: int = 1, **more: int) -> None:
    row = order.lines.get(line=line)
    receive_delivery(
        location=order.ship_to,
        counted=[Counted(item_id=row.item_id, order_line_id=row.pk, accepted=units, **more)],
        actor="user:wes",
    )


def issues() -> int:
    return OutboxEvent.objects.filter(name="purchasing.purchase_order_issued").count()


def test_an_amended_order_is_a_revision_that_says_what_differs(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "2.50")], expected_on=date(2026, 12, 1))

    order = amend(
        order,
        LineChange(line=1, quantity=12, unit_cost=Decimal("2.40"), expected_on=date(2026, 12, 9)),
        added=[OrderedLine(sku="ROPE", quantity=100, unit_cost=Decimal("1"))],
    )

    assert (order.revision, order.status, order.net_total) == (2, "issued", Decimal("128.80"))
    revision = PurchaseRevision.objects.get(number=2)
    changed = {pointer: (before, after) for pointer, before, after in revision.changes}
    assert changed["/lines/0/quantity"] == (10, 12)
    assert changed["/lines/0/price"] == ("2.5", "2.4")
    assert changed["/net_total"] == ("25", "128.8")
    assert changed["/lines/1"][0] is None
    assert changed["/lines/1"][1]["sku"] == "ROPE"
    assert coming() == [(1, 12, date(2026, 12, 9)), (2, 100, date(2026, 12, 1))]
    assert issues() == 2


def test_what_differs_is_named_by_pointers_whatever_changed() -> None:
    before = {"note": "a", "lines": [{"quantity": 1, "pack": ["case", 6, 1]}], "charges": [{"code": "freight"}]}
    after = {"note": "a", "lines": [{"quantity": 2, "pack": ["case", 12, 1]}], "charges": []}

    assert differences(before, after) == [
        ["/lines/0/quantity", 1, 2],
        ["/lines/0/pack", ["case", 6, 1], ["case", 12, 1]],
        ["/charges/0", {"code": "freight"}, None],
    ]


def test_an_amendment_that_changes_nothing_makes_no_revision(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "2.50")])

    with pytest.raises(NothingChanges):
        amend(order, LineChange(line=1, quantity=10, unit_cost=Decimal("2.500")))

    assert PurchaseRevision.objects.count() == 1
    assert issues() == 1


def test_no_line_falls_below_what_came_or_was_billed_and_every_one_is_named(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location, broken_books: None
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1"), (rope, 10, "1")])
    receive(order, 4, damaged=2)
    order.lines.filter(line=2).update(invoiced=5)

    with pytest.raises(BelowReceived) as refusal:
        amend(order, LineChange(line=1, quantity=5), LineChange(line=2, quantity=4))

    assert [error.pointer for error in refusal.value.errors] == ["/lines/0/quantity", "/lines/1/quantity"]
    assert list(order.lines.values_list("quantity", flat=True)) == [10, 10]
    order = amend(order, LineChange(line=1, quantity=6), LineChange(line=2, quantity=5))
    assert coming()[0] == (1, 0, coming()[0][2])
    assert order.status == "part_received"


def test_an_order_whose_open_rest_is_taken_off_is_received(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    receive(order, 4)

    assert amend(order, LineChange(line=1, quantity=4)).status == OrderStatus.RECEIVED
    assert amend(order, LineChange(line=1, quantity=7)).status == OrderStatus.PART_RECEIVED
    assert coming()[0][:2] == (1, 3)


def test_what_customers_wait_for_is_not_amended_away(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    SpecialOrder.objects.create(
        order_line=order.lines.get(), document="order:OR-1", line=1, quantity=4, created_by="user:bea"
    )

    with pytest.raises(CustomersWait):
        amend(order, LineChange(line=1, quantity=3))

    assert amend(order, LineChange(line=1, quantity=4)).revision == 2


def test_an_order_is_not_emptied_by_an_amendment(siam: Supplier, lamp: Item, rope: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1"), (rope, 5, "1")])

    order = amend(order, LineChange(line=2, quantity=0))
    with pytest.raises(NothingLeft):
        amend(order, LineChange(line=1, quantity=0))

    assert [(line.quantity, line.cancelled) for line in order.lines.all()] == [(10, 0), (5, 5)]
    assert order.net_total == Decimal(10)


def test_lines_that_are_not_there_and_goods_without_a_price_are_named(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])

    with pytest.raises(UnknownLine) as unknown:
        amend(order, LineChange(line=1, quantity=5), LineChange(line=9, quantity=5))
    with pytest.raises(NoPrice) as unpriced:
        amend(order, added=[OrderedLine(sku="ROPE", quantity=1)])

    assert [error.pointer for error in unknown.value.errors] == ["/lines/1/line"]
    assert [error.pointer for error in unpriced.value.errors] == ["/added/0/unit_cost"]
    assert PurchaseRevision.objects.count() == 1


def test_a_draft_is_changed_and_not_amended(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = drafted(siam, warehouse, [(lamp, 10, "1")])

    with pytest.raises(WrongState):
        amend(order, LineChange(line=1, quantity=5))


def test_a_charge_that_was_billed_stays(siam: Supplier, lamp: Item, warehouse: Location, broken_books: None) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")], charges=[OrderedCharge(code="freight", amount=Decimal(8))])
    order.charges.update(invoiced=Decimal(5))

    for charges in ([], [OrderedCharge(code="freight", amount=Decimal(4))]):
        with pytest.raises(ChargeBilled):
            amend(order, charges=charges)

    order = amend(order, charges=[OrderedCharge(code="freight", amount=Decimal(6))])
    assert (order.net_total, order.charges.get().invoiced) == (Decimal(16), Decimal(5))


# --- what goes beyond the approval ---------------------------------------------------------------------------------


def test_more_money_than_was_approved_waits_for_somebody_else(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 90, "10")])

    answer = amend_purchase_order(
        order_id=order.pk, changes=OrderChanges(lines=[LineChange(line=1, quantity=101)]), actor="user:bea"
    )

    assert answer.proposal is not None
    assert (answer.order.revision, answer.order.net_total) == (1, Decimal(900))
    assert coming()[0][:2] == (1, 90)
    with pytest.raises(NeedsAnother):
        accept_proposal(proposal_id=answer.proposal.pk, actor="user:bea", roles=())
    assert issues() == 1

    for _twice in range(2):
        order = accept_proposal(proposal_id=answer.proposal.pk, actor="user:max", roles=())

    assert (order.revision, order.approved_by, order.approved_total) == (2, "user:max", Decimal(1010))
    assert coming()[0][:2] == (1, 101)
    assert issues() == 2


def test_within_what_was_approved_nobody_is_asked(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 200, "10")])

    order = amend(order, LineChange(line=1, quantity=150))
    order = amend(order, LineChange(line=1, quantity=200))

    assert (order.revision, order.approved_total) == (3, Decimal(2000))
    assert not Proposal.objects.exists()


def test_a_later_amendment_overtakes_a_proposal(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 90, "10")])
    amend(order, LineChange(line=1, quantity=500))

    amend(order, LineChange(line=1, quantity=95))
    proposal = Proposal.objects.get()

    assert proposal.state == "superseded"
    with pytest.raises(ProposalDecided):
        accept_proposal(proposal_id=proposal.pk, actor="user:max", roles=())
    order.refresh_from_db()
    assert order.net_total == Decimal(950)


def test_a_refused_proposal_leaves_the_order_alone(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 90, "10")])
    amend(order, LineChange(line=1, quantity=500))
    proposal = Proposal.objects.get()

    for _twice in range(2):
        refuse_proposal(proposal_id=proposal.pk, actor="user:max", reason="too dear")

    with pytest.raises(ProposalDecided):
        accept_proposal(proposal_id=proposal.pk, actor="user:max", roles=())
    order.refresh_from_db()
    assert (order.revision, order.net_total) == (1, Decimal(900))


def test_a_proposal_is_kept_as_it_was_asked_for() -> None:
    changes = OrderChanges(
        lines=[LineChange(line=2, quantity=3, price=Decimal("1.250"), expected_on=date(2026, 12, 1), note="red")],
        added=[OrderedLine(sku="X", quantity=1, unit_cost=Decimal("0.10"), over_percent=Decimal(5))],
        charges=[OrderedCharge(code="freight", amount=Decimal("8.00"))],
        expected_on=date(2026, 12, 2),
        note="",
    )

    assert OrderChanges.from_json(changes.as_json()) == changes


# --- what the supplier says ----------------------------------------------------------------------------------------


def test_an_order_confirmed_as_it_is_is_expected_on_its_days(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")], expected_on=date(2026, 12, 1))

    for _twice in range(2):
        order = acknowledge_purchase_order(order_id=order.pk, actor="user:bea", supplier_reference="SO-7").order

    assert (order.status, order.supplier_reference) == ("acknowledged", "SO-7")
    assert order.lines.get().confirmed == 10
    assert coming() == [(1, 10, date(2026, 12, 1))]
    assert not Proposal.objects.exists()


def test_what_the_supplier_wants_otherwise_holds_only_once_it_is_accepted(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1"), (rope, 5, "2")], expected_on=date(2026, 12, 1))

    told = acknowledge_purchase_order(
        order_id=order.pk,
        actor="supplier:SIAM",
        answers=[
            LineAnswer(line=1, quantity=8, expected_on=date(2026, 12, 20)),
            LineAnswer(line=2, quantity=5, unit_cost=Decimal(2)),
        ],
    )

    assert told.order.status == "issued"
    assert coming() == [(1, 10, date(2026, 12, 1)), (2, 5, date(2026, 12, 1))]
    assert told.proposal is not None
    order = accept_proposal(proposal_id=told.proposal.pk, actor="user:bea", roles=())

    assert (order.status, order.revision, order.net_total) == ("acknowledged", 2, Decimal(18))
    assert coming() == [(1, 8, date(2026, 12, 20)), (2, 5, date(2026, 12, 1))]
    assert [(line.confirmed, line.confirmed_on) for line in order.lines.all()] == [
        (8, date(2026, 12, 20)),
        (5, date(2026, 12, 1)),
    ]


def test_a_dearer_price_of_the_supplier_is_not_accepted_by_whoever_wrote_the_order(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 100, "9")])
    told = acknowledge_purchase_order(
        order_id=order.pk, actor="user:bea", answers=[LineAnswer(line=1, unit_cost=Decimal(11))]
    )
    assert told.proposal is not None

    with pytest.raises(NeedsAnother):
        accept_proposal(proposal_id=told.proposal.pk, actor="user:bea", roles=())

    assert accept_proposal(proposal_id=told.proposal.pk, actor="user:max", roles=()).net_total == Decimal(1100)


def test_an_order_that_the_supplier_declines_is_cancelled_once_a_buyer_agrees(
    siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    told = acknowledge_purchase_order(order_id=order.pk, actor="supplier:SIAM", rejected=True, reason="sold out")
    assert told.order.status == "issued"
    assert coming()[0][:2] == (1, 10)
    assert told.proposal is not None

    for _twice in range(2):
        accept_proposal(proposal_id=told.proposal.pk, actor="user:bea", roles=())

    order.refresh_from_db()
    assert (order.status, order.close_reason) == ("cancelled", "sold out")
    assert coming()[0][:2] == (1, 0)


def test_a_new_answer_overtakes_the_one_before(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    acknowledge_purchase_order(order_id=order.pk, actor="x", answers=[LineAnswer(line=1, quantity=1)])

    order = acknowledge_purchase_order(order_id=order.pk, actor="x").order

    assert order.status == "acknowledged"
    assert Proposal.objects.get().state == "superseded"


def test_after_a_revision_the_supplier_has_to_confirm_anew(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    acknowledge_purchase_order(order_id=order.pk, actor="user:bea")

    order = amend(order, LineChange(line=1, quantity=20))

    assert order.status == "issued"
    assert order.lines.get().confirmed is None


# --- orders that end by themselves ---------------------------------------------------------------------------------


def test_a_received_order_closes_once_all_of_it_is_billed(
    siam: Supplier, lamp: Item, warehouse: Location, broken_books: None
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    receive(order, 10)
    order.lines.update(invoiced=9)
    assert close_if_settled(order_id=order.pk, actor="system").status == "received"

    order.lines.update(invoiced=10)
    for _twice in range(2):
        assert close_if_settled(order_id=order.pk, actor="system").status == "closed"


def test_little_that_is_missing_is_given_up_after_the_days_the_terms_say(
    siam: Supplier, lamp: Item, rope: Item, warehouse: Location
) -> None:
    siam.close_short_percent, siam.close_short_days = Decimal(2), 5
    siam.save()
    due = date(2026, 12, 1)
    little = issued(siam, warehouse, [(lamp, 100, "1")], expected_on=due)
    much = issued(siam, warehouse, [(lamp, 100, "1")], expected_on=due)
    waited_for = issued(siam, warehouse, [(lamp, 100, "1")], expected_on=due)
    for order, units in ((little, 98), (much, 97), (waited_for, 98)):
        receive(order, units)
    SpecialOrder.objects.create(
        order_line=waited_for.lines.get(), document="order:OR-1", line=1, quantity=100, received=98, created_by="b"
    )

    assert sweep_orders(on=date(2026, 12, 6)) == 0
    assert sweep_orders(on=date(2026, 12, 7)) == 1
    assert sweep_orders(on=date(2026, 12, 7)) == 0

    statuses = dict(PurchaseOrder.objects.values_list("number", "status"))
    assert statuses == {
        little.number: "closed_short",
        much.number: "part_received",
        waited_for.number: "part_received",
    }
