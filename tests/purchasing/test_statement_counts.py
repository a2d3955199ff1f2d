"""How many statements each buying verb sends: as many for a hundred lines as for one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models.places import COUNTERPARTIES
from inventory.services.ledger import counterparty
from purchasing.models import PurchaseOrder, Receipt, SupplierInvoice
from purchasing.services.amending import amend_purchase_order
from purchasing.services.approving_invoices import approve_invoice, post_invoice
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.changes import LineChange, OrderChanges
from purchasing.services.closing import cancel_purchase_order, close_short, hold_purchase_order
from purchasing.services.counting import finish_receipt, start_receipt
from purchasing.services.deciding import decide_lines, open_dispute, reject_invoice
from purchasing.services.drafting import OrderedCharge
from purchasing.services.issuing import send_purchase_order
from purchasing.services.landing import reverse_landed_cost
from purchasing.services.matching import match_invoices
from purchasing.services.paying import pay_supplier
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import GoingBack, return_goods
from purchasing.services.reversing import reverse_receipt
from purchasing.services.scanning import set_count
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import TODAY, SupplierFactory, billed, drafted, issued, posted, received

pytestmark = pytest.mark.django_db

LINES = [1, 100]
BUYER, ANOTHER = "user:bea", "user:max"


class World:
    """A supplier, a place, and as many items as an order has lines."""

    def __init__(self, lines: int) -> None:
        for code in COUNTERPARTIES:
            counterparty(code)  # remembered by the process
        self.items = ItemFactory.create_batch(lines)
        self.here, self.siam = LocationFactory.create(), SupplierFactory.create()
        self.wanted = [(item, 4, "1.00") for item in self.items]

    def draft(self) -> PurchaseOrder:
        return drafted(self.siam, self.here, self.wanted)

    def order(self, freight: bool = False) -> PurchaseOrder:
        charges = [OrderedCharge(code="freight", amount=Decimal(100))] if freight else []
        return issued(self.siam, self.here, self.wanted, charges=charges)

    def bill(self, order: PurchaseOrder, units: int = 4, price: str = "1.00", **kwargs: Any) -> SupplierInvoice:
        return billed(order, [(item, units, price) for item in self.items], **kwargs)

    def counted(self, order: PurchaseOrder, **units: int) -> list[Counted]:
        return [Counted(item_id=x.item_id, order_line_id=x.pk, **units) for x in order.lines.order_by("line")]

    def give_back(self, receipt: Receipt, **kwargs: Any) -> Any:
        lines = [GoingBack(receipt_line_id=row.pk, quantity=2) for row in receipt.lines.order_by("line")]
        return lambda: return_goods(lines=lines, reason="x", actor=ANOTHER, **kwargs)


def _draft(w: World) -> Any:
    return w.draft


def _send(w: World) -> Any:
    pk = w.draft().pk
    return lambda: send_purchase_order(order_id=pk, actor=BUYER)


def _amend(w: World) -> Any:
    order = w.order()
    changes = OrderChanges(lines=[LineChange(line=x.line, quantity=3) for x in order.lines.all()])
    return lambda: amend_purchase_order(order_id=order.pk, changes=changes, actor=BUYER)


def _hold(w: World) -> Any:
    pk = w.order().pk
    return lambda: hold_purchase_order(order_id=pk, reason="x", actor=BUYER)


def _close_short(w: World) -> Any:
    order = w.order()
    received(order, [1] * len(w.items))
    return lambda: close_short(order_id=order.pk, reason="x", actor=BUYER)


def _cancel(w: World) -> Any:
    pk = w.order().pk
    return lambda: cancel_purchase_order(order_id=pk, reason="x", actor=BUYER)


def _receive(w: World) -> Any:
    order = w.order(freight=True)
    return lambda: received(order)


def _receive_of_every_kind(w: World) -> Any:
    order = w.order()
    counted = w.counted(order, accepted=5, damaged=1, refused=1)
    return lambda: receive_delivery(location=w.here, counted=counted, actor=ANOTHER)


def _receive_what_is_billed(w: World) -> Any:
    order = w.order()
    invoice = w.bill(order)
    decide_lines(invoice_id=invoice.pk, decisions={x.line: "accept" for x in invoice.lines.all()}, actor=ANOTHER)
    posted(invoice)
    return lambda: received(order)


def _receive_replacements(w: World) -> Any:
    order = w.order()
    receipt = received(order)
    posted(w.bill(order))
    w.give_back(receipt, wants_replacement=True)()
    return lambda: received(order, [2] * len(w.items))


def _finish(w: World) -> Any:
    order = w.order()
    receipt = start_receipt(location=w.here, orders=[order], actor=ANOTHER)
    for line in order.lines.all():
        set_count(
            receipt_id=receipt.pk, item_id=line.item_id, order_line_id=line.pk, counts={"good": 3}, key=f"{line.pk}",
            actor=ANOTHER,
        )  # fmt: skip
    return lambda: finish_receipt(receipt_id=receipt.pk, actor=ANOTHER)


def _reverse(w: World) -> Any:
    receipt = received(w.order(freight=True))
    return lambda: reverse_receipt(receipt_id=receipt.pk, reason="x", actor=ANOTHER)


def _return(w: World) -> Any:
    order = w.order()
    receipt = received(order)
    posted(w.bill(order))
    return w.give_back(receipt)


def _return_for_others(w: World) -> Any:
    return w.give_back(received(w.order()), wants_replacement=True)


def _capture(w: World) -> Any:
    order = w.order()
    lines = [BilledLine(sku=item.sku, quantity=Decimal(4), unit_price=Decimal(1)) for item in w.items]
    return lambda: capture_invoice(
        supplier=w.siam, number="I-1", invoice_date=TODAY, currency="EUR", lines=lines, actor=ANOTHER,
        purchase_orders=[order.number],
    )  # fmt: skip


def _match(w: World) -> Any:
    order = w.order()
    invoice = w.bill(order)
    received(order)
    return lambda: match_invoices(invoice_ids=[invoice.pk], actor=ANOTHER)


def _match_what_is_wrong(w: World) -> Any:
    invoice = w.bill(w.order(), 9, "7.00")
    return lambda: match_invoices(invoice_ids=[invoice.pk], actor=ANOTHER)


def _decide(w: World) -> Any:
    invoice = w.bill(w.order(), 9, "7.00")
    decisions = {x.line: "accept" for x in invoice.lines.all()}
    return lambda: decide_lines(invoice_id=invoice.pk, decisions=decisions, actor=ANOTHER)


def _dispute(w: World) -> Any:
    invoice = w.bill(w.order(), 9, "7.00")
    return lambda: open_dispute(invoice_id=invoice.pk, actor=ANOTHER)


def _reject(w: World) -> Any:
    invoice = w.bill(w.order(), 9, "7.00")
    return lambda: reject_invoice(invoice_id=invoice.pk, reason="x", actor=ANOTHER)


def _approve(w: World) -> Any:
    order = w.order()
    received(order)
    invoice = w.bill(order)
    return lambda: approve_invoice(invoice_id=invoice.pk, actor=ANOTHER)


def _post(w: World) -> Any:
    order = w.order()
    received(order)
    invoice = w.bill(order, price="1.01")
    approve_invoice(invoice_id=invoice.pk, actor=ANOTHER)
    return lambda: post_invoice(invoice_id=invoice.pk, actor=ANOTHER, on=TODAY)


def _post_with_freight(w: World) -> Any:
    order = w.order(freight=True)
    received(order)
    invoice = w.bill(order, price="1.01", charges=[BilledCharge(code="freight", amount=Decimal(90))])
    approve_invoice(invoice_id=invoice.pk, actor=ANOTHER)
    return lambda: post_invoice(invoice_id=invoice.pk, actor=ANOTHER, on=TODAY)


def _post_before_it_came(w: World) -> Any:
    invoice = w.bill(w.order())
    decide_lines(invoice_id=invoice.pk, decisions={x.line: "accept" for x in invoice.lines.all()}, actor=ANOTHER)
    approve_invoice(invoice_id=invoice.pk, actor=ANOTHER)
    return lambda: post_invoice(invoice_id=invoice.pk, actor=ANOTHER, on=TODAY)


def _post_prepayment(w: World) -> Any:
    invoice = w.bill(w.order(), kind="prepayment")
    approve_invoice(invoice_id=invoice.pk, actor=ANOTHER)
    return lambda: post_invoice(invoice_id=invoice.pk, actor=ANOTHER, on=TODAY)


def _credit(w: World, kind: str, price: str, *, back: bool = False) -> Any:
    order = w.order()
    receipt = received(order)
    invoice = posted(w.bill(order))
    if back:
        w.give_back(receipt)()
    note = capture_invoice(
        supplier=w.siam,
        kind="credit_note",
        number="C-1",
        invoice_date=TODAY,
        currency="EUR",
        corrects=invoice.number,
        lines=[
            BilledLine(
                quantity=Decimal(2), unit_price=Decimal(price), corrects_line=n, credit_kind=kind, description="x"
            )
            for n in range(1, len(w.items) + 1)
        ],
        actor=ANOTHER,
    )
    match_invoices(invoice_ids=[note.pk], actor=ANOTHER)
    approve_invoice(invoice_id=note.pk, actor="user:eva")
    return lambda: post_invoice(invoice_id=note.pk, actor="user:eva", on=TODAY)


def _pay(w: World) -> Any:
    order = w.order()
    received(order)
    invoice = posted(w.bill(order))
    return lambda: pay_supplier(supplier=w.siam, uses={invoice.pk: invoice.posted_total}, paid_on=TODAY, actor=ANOTHER)


def _take_landed_back(w: World) -> Any:
    from purchasing.models import LandedCost

    received(w.order(freight=True))
    number = LandedCost.objects.earliest("-pk").number
    return lambda: reverse_landed_cost(number=number, actor=ANOTHER, on=TODAY)


VERBS: dict[str, Callable[[World], Callable[[], Any]]] = {
    "draft": _draft,
    "send": _send,
    "amend": _amend,
    "hold": _hold,
    "close short": _close_short,
    "cancel": _cancel,
    "receive": _receive,
    "receive good, damaged, refused and over": _receive_of_every_kind,
    "receive what is billed": _receive_what_is_billed,
    "receive replacements": _receive_replacements,
    "finish a count": _finish,
    "reverse a receipt": _reverse,
    "return": _return,
    "return for others": _return_for_others,
    "capture": _capture,
    "match": _match,
    "match what is wrong": _match_what_is_wrong,
    "decide": _decide,
    "dispute": _dispute,
    "reject": _reject,
    "approve an invoice": _approve,
    "post": _post,
    "post with freight": _post_with_freight,
    "post before it came": _post_before_it_came,
    "post a prepayment": _post_prepayment,
    "credit the price": lambda w: _credit(w, "price", "0.10"),
    "credit goods": lambda w: _credit(w, "goods", "1.00", back=True),
    "pay": _pay,
    "take a landed cost back": _take_landed_back,
}


def statements(verb: str, lines: int) -> list[str]:
    act = VERBS[verb](World(lines))
    with CaptureQueriesContext(connection) as queries:
        act()
    # Savepoints are no work, and outside of a test there are none.
    return [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


@pytest.mark.parametrize("verb", VERBS)
def test_statements_do_not_grow_with_lines(verb: str) -> None:
    one, hundred = (statements(verb, lines) for lines in LINES)

    assert len(hundred) <= len(one), f"{len(one)}, {len(hundred)}\n" + "\n".join(s[:160] for s in hundred)
