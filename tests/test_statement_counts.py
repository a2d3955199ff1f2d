"""How many statements each verb sends: as many for a hundred lines as for one, and never more than this table says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.services.finding import Person, find_or_make
from inventory.models.places import COUNTERPARTIES
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.cataloguing import ItemDraft, upsert_items
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.costing_methods import change_costing_method
from inventory.services.expecting import Expected, expect_supply
from inventory.services.journalising import post_stock_summary
from inventory.services.ledger import counterparty
from inventory.services.linking import link_demand, unlink_demand
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receiving import BookedLine, ReceiptLine, book_in, receive_stock
from inventory.services.releasing import release_stock
from inventory.services.reserving import release_expired_reservations, reserve_stock
from inventory.services.returning import ReturnLine, return_to_supplier, reverse_receipt
from inventory.services.revaluing import Correction, correct_receipts
from inventory.services.serving import serve_documents
from inventory.services.transferring import (
    TransferDraftLine,
    cancel_transfer,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from orders.listeners import follow_reservations, raise_shortages
from orders.services.cancelling import cancel_order
from orders.services.holding import hold_order, release_order
from orders.services.placing import place_orders
from orders.services.shipping import ship_order
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, request_for
from tests.factories.orders import SalesChannelFactory, new_order, placed

pytestmark = pytest.mark.django_db

LINES = [1, 100]


class World:
    """As many items as a call has lines, two places, and a channel that sells from both."""

    def __init__(self, lines: int) -> None:
        for code in COUNTERPARTIES:
            counterparty(code)  # remembered by the process
        self.items = ItemFactory.create_batch(lines)
        self.here, self.there = LocationFactory.create(), LocationFactory.create()
        self.web = SalesChannelFactory.create(pool=pool_of(self.here, self.there))

    def stock(self, units: int = 10) -> None:
        receive_stock(
            location=self.here,
            lines=[ReceiptLine(item_id=item.pk, quantity=units, line=n) for n, item in enumerate(self.items, 1)],
            document="delivery:1",
            actor="x",
        )

    def request(self, document: str = "cart:1", **kwargs: Any) -> Any:
        return request_for(document, dict.fromkeys(self.items, 2), [self.here], **kwargs)

    def order(self, units: int = 2) -> Any:
        order = placed(self.web, "1", *[(item.sku, units) for item in self.items])
        self.number = order.number
        return order

    def expected(self, quantity: int = 9) -> list[Expected]:
        return [
            Expected(document="po:PO-1", line=n, item_id=item.pk, location_id=self.here.pk, quantity=quantity)
            for n, item in enumerate(self.items, 1)
        ]

    def adjust(self, **what: Any) -> Callable[[], Any]:
        lines = [AdjustmentLine(sku=item.sku, **what) for item in self.items]
        return lambda: adjust_stock(location=self.here, reason="count", lines=lines, actor="x")

    def transfer(self, *steps: Any) -> int:
        lines = [TransferDraftLine(sku=item.sku, quantity=2) for item in self.items]
        pk = draft_transfer(origin=self.here, destination=self.there, lines=lines, actor="x").pk
        for step in steps:
            step(transfer_id=pk, actor="x")
        return pk


def _receive(w: World) -> Any:
    return w.stock


def _receive_for_who_waits(w: World) -> Any:
    w.order()
    return w.stock


def _book_in(w: World) -> Any:
    lines = [BookedLine(sku=item.sku, quantity=1) for item in w.items]
    return lambda: book_in(location=w.here, lines=lines, actor="x")


def _reserve(w: World) -> Any:
    w.stock()
    return lambda: reserve_stock(requests=[w.request()], actor="x")


def _reserve_short(w: World) -> Any:
    return lambda: reserve_stock(requests=[w.request()], actor="x")


def _reserve_what_expired(w: World) -> Any:
    w.stock(2)
    reserve_stock(requests=[w.request("cart:0", expires_at=datetime(2020, 1, 1, tzinfo=UTC))], actor="x")
    return lambda: reserve_stock(requests=[w.request()], actor="x")


def _sweep(w: World) -> Any:
    w.stock()
    reserve_stock(requests=[w.request(expires_at=datetime(2020, 1, 1, tzinfo=UTC))], actor="x")
    return release_expired_reservations


def _release(w: World) -> Any:
    w.stock(1)
    reserve_stock(requests=[w.request()], actor="x")
    return lambda: release_stock(document="cart:1", actor="x")


def _consume(w: World) -> Any:
    w.stock()
    reserve_stock(requests=[w.request()], actor="x")
    leaving = [Leaving(line=n, item_id=item.pk, quantity=2) for n, item in enumerate(w.items, 1)]
    return lambda: consume_stock(document="cart:1", location=w.here, leaving=leaving, actor="x")


def _change(w: World) -> Any:
    return w.adjust(change=3)


def _count_below_promises(w: World) -> Any:
    w.stock(2)
    reserve_stock(requests=[w.request()], actor="x")
    return w.adjust(counted=1)


def _move(w: World) -> Any:
    w.stock()
    lines = [MoveLine(sku=item.sku, quantity=1, from_bucket="sellable", to_bucket="damaged") for item in w.items]
    return lambda: move_stock(location=w.here, reason="damage", lines=lines, actor="x")


def _serve(w: World) -> Any:
    w.order()
    return lambda: serve_documents(documents=["order:none"], actor="x")


def _draft(w: World) -> Any:
    return w.transfer


def _ready(w: World) -> Any:
    w.stock()
    pk = w.transfer()
    return lambda: ready_transfer(transfer_id=pk, actor="x")


def _send(w: World) -> Any:
    w.stock()
    pk = w.transfer(ready_transfer)
    return lambda: ship_transfer(transfer_id=pk, actor="x")


def _arrive(w: World) -> Any:
    w.stock()
    pk = w.transfer(ready_transfer, ship_transfer)
    return lambda: receive_transfer(transfer_id=pk, arrived=None, actor="x")


def _cancel_transfer(w: World) -> Any:
    w.stock()
    pk = w.transfer(ready_transfer)
    return lambda: cancel_transfer(transfer_id=pk, actor="x")


# --- what moves value -----------------------------------------------------------------------------------------------
def _receive_in_layers(w: World) -> Any:
    change_costing_method(items=w.items, method="fifo", actor="x")
    w.stock(2)
    return w.stock


def _receive_what_was_bought(w: World) -> Any:
    expect_supply(lines=w.expected())
    w.order()
    for n in range(1, len(w.items) + 1):
        link_demand(document=f"order:{w.number}", line=n, supply=f"po:PO-1#{n}", actor="x")
    lines = [
        ReceiptLine(
            item_id=item.pk, quantity=9, value=Decimal(9), line=n, supply=f"po:PO-1#{n}", incoming=("po:PO-1", n)
        )
        for n, item in enumerate(w.items, 1)
    ]
    return lambda: receive_stock(location=w.here, lines=lines, document="receipt:GR-1", actor="x", self_posted=True)


def _consume_layers(w: World) -> Any:
    change_costing_method(items=w.items, method="fifo", actor="x")
    return _consume(w)


def _expect(w: World) -> Any:
    expect_supply(lines=w.expected())
    return lambda: expect_supply(lines=w.expected(3))


def _link(w: World) -> Any:
    w.order()
    return lambda: link_demand(document=f"order:{w.number}", line=1, supply="po:PO-1#1", actor="x")


def _unlink(w: World) -> Any:
    _link(w)()
    w.stock()
    return lambda: unlink_demand(document=f"order:{w.number}", line=1, actor="x")


def _reverse(w: World) -> Any:
    w.stock()
    return lambda: reverse_receipt(document="delivery:1", actor="x")


def _give_back(w: World) -> Any:
    w.stock()
    lines = [
        ReturnLine(item_id=item.pk, quantity=2, receipt="delivery:1", receipt_line=n, line=n)
        for n, item in enumerate(w.items, 1)
    ]
    return lambda: return_to_supplier(location=w.here, lines=lines, document="supplier_return:RV-1", actor="x")


def _correct(w: World) -> Any:
    w.stock()
    corrections = [
        Correction(document="delivery:1", line=n, quantity=10, value_change=Decimal(1), reference="x")
        for n, _ in enumerate(w.items, 1)
    ]
    return lambda: correct_receipts(
        corrections=corrections, document="supplier_invoice:1", reason="invoice_price", actor="x"
    )


def _correct_layers(w: World) -> Any:
    change_costing_method(items=w.items, method="fifo", actor="x")
    return _correct(w)


def _change_method(w: World) -> Any:
    w.stock()
    return lambda: change_costing_method(items=w.items, method="fifo", actor="x")


def _summarise(w: World) -> Any:
    w.stock()
    pk = w.transfer(ready_transfer, ship_transfer)
    receive_transfer(transfer_id=pk, arrived=None, actor="x")
    return post_stock_summary


def _upsert(w: World) -> Any:
    drafts = [
        ItemDraft(sku=f"NEW-{item.pk}", name="New", barcodes=[f"code-{item.pk}"], category=["Light"])
        for item in w.items
    ]
    upsert_items(drafts=[ItemDraft(sku="OLD", name="Old", category=["Light"])], actor="x")
    drafts.append(ItemDraft(sku="OLD", name=f"Old {w.items[0].pk}"))
    return lambda: upsert_items(drafts=drafts, actor="x")


def _find(w: World) -> Any:
    people = [Person(email=f"{n}@example.org", phone=f"+4412345{n:04d}") for n in range(len(w.items))]
    return lambda: find_or_make(people=people)


def _place(w: World) -> Any:
    w.stock()
    return lambda: w.order()


def _place_batch(w: World) -> Any:
    w.stock(200)
    batch = [
        new_order(w.web, str(n), (item.sku, 1), customer=Person(email=f"{n}@example.org"))
        for n, item in enumerate(w.items)
    ]
    return lambda: place_orders(batch=batch, actor="x")


def _place_short(w: World) -> Any:
    return lambda: w.order()


def _place_again(w: World) -> Any:
    w.order()
    return lambda: w.order()


def _cancel(w: World) -> Any:
    w.stock(1)
    pk = w.order().order_id
    return lambda: cancel_order(order_id=pk, actor="x")


def _ship(w: World) -> Any:
    w.stock()
    pk = w.order().order_id
    return lambda: ship_order(order_id=pk, location=w.here, lines=None, actor="x")


def _hold(w: World) -> Any:
    pk = w.order().order_id
    return lambda: hold_order(order_id=pk, reason="x", actor="x")


def _let_go(w: World) -> Any:
    pk = w.order().order_id
    hold_order(order_id=pk, reason="x", actor="x")
    return lambda: release_order(order_id=pk, actor="x")


def _raise_shortages(w: World) -> Any:
    pk = w.order().order_id
    return lambda: raise_shortages([{"order_ids": [pk]}])


def _follow(w: World) -> Any:
    number = w.order().number
    w.stock()
    return lambda: follow_reservations([{"documents": [f"order:{number}"]}])


CEILINGS: dict[str, tuple[Callable[[World], Callable[[], Any]], int]] = {
    "receive": (_receive, 4),
    "receive for who waits": (_receive_for_who_waits, 4),
    "book in": (_book_in, 7),
    "reserve": (_reserve, 2),
    "reserve what is short": (_reserve_short, 3),
    "reserve what expired": (_reserve_what_expired, 4),
    "sweep": (_sweep, 5),
    "release": (_release, 7),
    "consume": (_consume, 7),
    "change": (_change, 7),
    "count below promises": (_count_below_promises, 7),
    "move": (_move, 6),
    "serve": (_serve, 1),
    "draft transfer": (_draft, 4),
    "ready transfer": (_ready, 5),
    "ship transfer": (_send, 13),
    "receive transfer": (_arrive, 10),
    "cancel transfer": (_cancel_transfer, 10),
    "receive in layers": (_receive_in_layers, 5),
    "receive what was bought": (_receive_what_was_bought, 4),
    "consume layers": (_consume_layers, 8),
    "expect supply": (_expect, 1),
    "link demand": (_link, 5),
    "unlink demand": (_unlink, 7),
    "reverse a receipt": (_reverse, 6),
    "return to the supplier": (_give_back, 4),
    "correct receipts": (_correct, 6),
    "correct layers": (_correct_layers, 7),
    "change the costing method": (_change_method, 6),
    "summarise stock": (_summarise, 11),
    "upsert items": (_upsert, 10),
    "find people": (_find, 3),
    "place an order": (_place, 3),
    "place a batch": (_place_batch, 3),
    "place what is short": (_place_short, 4),
    "place again": (_place_again, 5),
    "cancel": (_cancel, 18),
    "ship": (_ship, 20),
    "hold": (_hold, 6),
    "let go": (_let_go, 6),
    "raise shortages": (_raise_shortages, 8),
    "follow reservations": (_follow, 13),
}


def statements(verb: str, lines: int) -> list[str]:
    act = CEILINGS[verb][0](World(lines))
    with CaptureQueriesContext(connection) as queries:
        act()
    # Savepoints are no work, and outside of a test there are none.
    return [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


@pytest.mark.parametrize("verb", CEILINGS)
def test_statements_do_not_grow_with_lines_and_stay_below_their_ceiling(verb: str) -> None:
    one, hundred = (statements(verb, lines) for lines in LINES)

    assert len(hundred) <= len(one), "\n".join(s[:160] for s in hundred)
    assert len(one) <= CEILINGS[verb][1], f"{len(one)}\n" + "\n".join(s[:160] for s in one)
