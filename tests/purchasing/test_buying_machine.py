"""The buying verbs in any order: books, stock and papers agree, nothing is credited or paid that was not billed.

Suppliers in four currencies (of two, none and three places), goods by the average and by layers, sales in between,
months that are closed. After every step the figures that must never be off are looked at; all records are recounted
every few steps and in the end.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from inventory.models import CostPool, StockLevel
from inventory.services.consuming import Leaving, NotThere, consume_stock
from inventory.services.costing_methods import change_costing_method
from inventory.services.journalising import post_stock_summary
from inventory.services.ledger import forget_counterparties
from orders.services.shipping import ship_order
from purchasing.models import (
    Claim,
    Hold,
    InvoiceLine,
    LandedCost,
    PaymentUse,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    Supplier,
    SupplierInvoice,
    SupplierPayment,
    SupplierReturn,
    SupplierReturnLine,
)
from purchasing.services.amending import amend_purchase_order
from purchasing.services.approving import approve_purchase_order
from purchasing.services.approving_invoices import NothingPayable, approve_invoice, post_invoice
from purchasing.services.attributing import confirm_distinct
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.changes import LineChange, OrderChanges
from purchasing.services.claiming import promise_replacement, withdraw_claim
from purchasing.services.closing import cancel_purchase_order, close_if_settled, close_short
from purchasing.services.crediting import ExceedsInvoiced
from purchasing.services.deciding import decide_lines, reject_invoice, release_hold
from purchasing.services.drafting import OrderedCharge, OrderedLine, draft_purchase_order
from purchasing.services.issuing import send_purchase_order
from purchasing.services.keeping import accept_damaged, keep_free, keep_surplus
from purchasing.services.landing import reverse_landed_cost
from purchasing.services.matching import match_invoices
from purchasing.services.paying import pay_supplier, use_credit_note, use_prepayment
from purchasing.services.prepaying import use_prepayment_invoice
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.returning import GoingBack, return_goods
from purchasing.services.reversing import reverse_receipt
from purchasing.services.standing import WrongState
from retailhub.accounting.queries import balance
from retailhub.accounting.services.closing import close_period
from retailhub.core.errors import DomainError
from retailhub.core.money import exponent, round_total
from retailhub.core.services.exchanging import set_rates
from tests.books import breaches
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of
from tests.factories.orders import SalesChannelFactory, placed
from tests.factories.purchasing import SupplierFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broken_books")]

BEGIN = date(2026, 9, 10)
ITEMS = ("AVERAGE", "LAYERS", "ANY")
SUPPLIERS = {"HOME": "EUR", "SIAM": "USD", "OSAKA": "JPY", "GULF": "KWD"}
"""GULF bills what he ships, and is asked for tax."""
few, units = st.integers(1, 4), st.integers(1, 9)
prices = st.integers(1, 60_000).map(lambda n: Decimal(n) / 1_000)
DOCUMENTS = (PurchaseOrder, Receipt, SupplierReturn, SupplierInvoice, SupplierPayment, LandedCost, Claim)
OPEN_TO_PAY = {"posted_total__gt": F("paid_total")}
ZERO = Decimal(0)


class Buying(RuleBasedStateMachine):
    """One buyer, four suppliers, a warehouse. A verb may refuse; what it leaves behind must be right."""

    counted: Counter[str] = Counter()
    """How many papers of each kind all runs together made."""

    @initialize(data=st.data())
    def open(self, data: Any) -> None:
        self.savepoint = transaction.savepoint()
        forget_counterparties()
        self.numbers = count(1)
        self.steps = 0
        self.sold: Counter[int] = Counter()
        self.day, self.unclosed = BEGIN, BEGIN.replace(day=1)
        self.items = [ItemFactory.create(sku=sku, weight_grams=100) for sku in ITEMS]
        self.place = LocationFactory.create(code="warehouse")
        self.web = SalesChannelFactory.create(pool=pool_of(self.place))
        change_costing_method(items=[self.items[1]], method="fifo", actor="x")
        rates = {"USD": ("0.9", "0.87", "0.93"), "JPY": ("0.0061", "0.0058", "0.0063"), "KWD": ("2.9", "3.1", "3")}
        set_rates(
            rates={
                (currency, day): Decimal(rate)
                for currency, known in rates.items()
                for rate, day in zip(
                    known, (date(2026, 1, 1), BEGIN + timedelta(30), BEGIN + timedelta(60)), strict=True
                )
            }
        )
        self.suppliers = [
            SupplierFactory.create(
                code=code, currency=currency, over_units=2, bills_on_shipment=code == "GULF",
                tax_rate=Decimal("0.05") if code == "GULF" else 0,
            )
            for code, currency in SUPPLIERS.items()
        ]  # fmt: skip
        for which in range(4):
            self.buy(data, which, lines=2, freight=1_200)
        for whole in (True, True, False, False):
            self.take_in(data, whole)
        for right in (True, False, False):
            self.bill_something(data, right=right, freight=None, go=right)
        for again in (True, False):
            self.give_back(data, "sellable", again=again)

    def teardown(self) -> None:
        if not hasattr(self, "savepoint"):
            return
        try:
            if hasattr(self, "suppliers"):
                assert not breaches()
                for model in DOCUMENTS:
                    self.counted[model.__name__] += model._default_manager.count()
        finally:
            transaction.savepoint_rollback(self.savepoint)
            forget_counterparties()

    # --- what rules share
    @property
    def at(self) -> datetime:
        return datetime.combine(self.day, time(12), tzinfo=UTC)

    def tries(self, act: Callable[[], Any], *refusals: type[Exception]) -> Any:
        """Answer what the act answers, or nothing where it refuses; a refusal leaves nothing behind."""
        refusals = refusals or (DomainError,)
        try:
            with transaction.atomic():
                return act()
        except refusals:
            return None

    def one(self, data: Any, rows: Any) -> Any:
        """Answer one of the rows, or nothing where there are none."""
        found = list(rows.order_by("pk"))
        return data.draw(st.sampled_from(range(len(found))).map(found.__getitem__)) if found else None

    # --- orders
    @rule(data=st.data(), which=st.integers(0, 3), lines=few, freight=st.integers(0, 2_000))
    def order(self, data: Any, which: int, lines: int, freight: int) -> None:
        self.buy(data, which, lines, freight)

    def buy(self, data: Any, which: int, lines: int, freight: int) -> None:
        supplier = self.suppliers[which]
        places = exponent(supplier.currency)
        charges = [
            OrderedCharge(
                code="freight",
                amount=round(Decimal(freight) / 100, places),
                treatment=data.draw(st.sampled_from(["landed", "landed", "expense"])),
                basis=data.draw(st.sampled_from(["value", "quantity", "weight", "equal", "volume"])),
            )
        ]
        order = draft_purchase_order(
            supplier=supplier,
            ship_to=self.place,
            lines=[
                OrderedLine(
                    sku=data.draw(st.sampled_from(ITEMS)), quantity=data.draw(units), unit_cost=data.draw(prices)
                )
                for _ in range(lines)
            ],
            charges=charges if freight > 1_000 and charges[0].amount else (),
            actor="user:bea",
            on=self.day,
        )
        self.send(order)

    def send(self, order: PurchaseOrder) -> None:
        if send_purchase_order(order_id=order.pk, actor="user:bea", at=self.at).status == "submitted":
            approve_purchase_order(order_id=order.pk, actor="user:max", roles=(), at=self.at)
            send_purchase_order(order_id=order.pk, actor="user:bea", at=self.at)

    @rule(data=st.data(), quantity=st.integers(0, 12), price=st.none() | prices, more=st.booleans())
    def amend(self, data: Any, quantity: int, price: Decimal | None, more: bool) -> None:
        if line := self.one(data, PurchaseOrderLine.objects.all()):
            changes = OrderChanges(
                lines=[LineChange(line=line.line, quantity=quantity, unit_cost=price)],
                added=[OrderedLine(sku="ANY", quantity=3, unit_cost=Decimal(2))] if more else (),
            )
            self.tries(
                lambda: amend_purchase_order(order_id=line.order_id, changes=changes, actor="user:bea", at=self.at)
            )

    @rule(data=st.data(), how=st.sampled_from([close_short, cancel_purchase_order, close_if_settled]))
    def end(self, data: Any, how: Any) -> None:
        if order := self.one(data, PurchaseOrder.objects.exclude(status="cancelled")):
            reason = {} if how is close_if_settled else {"reason": "x"}
            self.tries(lambda: how(order_id=order.pk, actor="user:bea", at=self.at, **reason))

    # --- deliveries
    @rule(data=st.data(), whole=st.booleans())
    def receive(self, data: Any, whole: bool) -> None:
        self.take_in(data, whole)

    def take_in(self, data: Any, whole: bool) -> None:
        order = self.one(data, PurchaseOrder.objects.open())
        if order is None:
            return
        counts = st.sampled_from([0, 0, 0, 1, 2])
        counted = []
        for line in order.lines.order_by("line"):
            good = line.open_quantity if whole else data.draw(st.integers(0, line.open_quantity + 1))
            damaged, refused, over = (0, 0, 0) if whole else (data.draw(counts) for _ in range(3))
            wrong = 0 if whole else data.draw(counts)
            other = next(item.pk for item in self.items if item.pk != line.item_id)
            counted.append(
                Counted(
                    item_id=line.item_id, order_line_id=line.pk, accepted=good, damaged=damaged, refused=refused,
                    over=over, wrong=wrong, wrong_item_id=other if wrong else None,
                )
            )  # fmt: skip
        self.tries(
            lambda: receive_delivery(
                location=self.place, counted=counted, actor="user:wim", at=self.at, received_on=self.day
            )
        )

    @rule(data=st.data())
    def reverse(self, data: Any) -> None:
        untouched = Receipt.objects.filter(status="posted").exclude(lines__invoiced__gt=0)
        if receipt := self.one(data, untouched if data.draw(few) > 1 else Receipt.objects.filter(status="posted")):
            self.tries(lambda: reverse_receipt(receipt_id=receipt.pk, reason="x", actor="user:wim", at=self.at))

    @rule(data=st.data(), bucket=st.sampled_from(["sellable", "sellable", "damaged", "on_hold"]), again=st.booleans())
    def send_back(self, data: Any, bucket: str, again: bool) -> None:
        self.give_back(data, bucket, again)

    def give_back(self, data: Any, bucket: str, again: bool) -> None:
        rows = ReceiptLine.objects.filter(receipt__status="posted", accepted__gt=F("returned"))
        if bucket != "sellable":
            rows = ReceiptLine.objects.filter(**{"damaged__gt" if bucket == "damaged" else "over__gt": 0})
        if row := self.one(data, rows):
            most = row.accepted - row.returned if bucket == "sellable" else 2
            line = GoingBack(receipt_line_id=row.pk, quantity=data.draw(st.integers(1, max(1, most))), bucket=bucket)
            self.tries(
                lambda: return_goods(lines=[line], reason="x", actor="user:wim", wants_replacement=again, at=self.at)
            )

    @rule(data=st.data(), how=st.sampled_from([keep_surplus, keep_free, accept_damaged]))
    def keep(self, data: Any, how: Any) -> None:
        column = "damaged" if how is accept_damaged else "over"
        if row := self.one(data, ReceiptLine.objects.filter(receipt__status="posted", **{f"{column}__gt": 0})):
            quantity = data.draw(st.integers(1, getattr(row, column)))
            self.tries(lambda: how(receipt_line_id=row.pk, quantity=quantity, actor="user:bea", at=self.at))

    @rule(data=st.data(), replaced=st.booleans())
    def settle_claim(self, data: Any, replaced: bool) -> None:
        if claim := self.one(data, Claim.objects.filter(state="open")):
            if replaced:
                self.tries(lambda: promise_replacement(claim_id=claim.pk, actor="user:bea", at=self.at))
            else:
                self.tries(lambda: withdraw_claim(claim_id=claim.pk, actor="user:bea", reason="x", at=self.at))

    # --- invoices
    @rule(data=st.data(), right=st.booleans(), freight=st.none() | st.integers(0, 30), go=st.booleans())
    def bill(self, data: Any, right: bool, freight: int | None, go: bool) -> None:
        self.bill_something(data, right, freight, go)

    def bill_something(self, data: Any, right: bool, freight: int | None, go: bool) -> None:
        order = self.one(data, PurchaseOrder.objects.exclude(status__in=["draft", "submitted", "cancelled"]))
        if order is None:
            return
        lines = []
        for line in order.lines.select_related("item").order_by("line"):
            asked = line.received - line.returned - line.invoiced + line.credited
            quantity = asked if right else data.draw(st.integers(0, line.quantity + 2))
            if quantity < 1:
                continue
            dearer = ZERO if right else data.draw(st.sampled_from([ZERO, ZERO, Decimal("0.03"), Decimal(2)]))
            lines.append(
                BilledLine(
                    sku=line.item.sku, quantity=Decimal(quantity), unit_price=line.price + dearer,
                    purchase_order=order.number, order_line=line.line,
                )
            )  # fmt: skip
        charges = [BilledCharge(code="freight", amount=Decimal(freight))] if freight else []
        if lines or charges:
            invoice = self.capture(order.supplier, lines=lines, charges=charges, purchase_orders=[order.number])
            if invoice and go:
                self.bring_on(data, invoice)

    @rule(data=st.data(), percent=st.integers(1, 60), go=st.booleans())
    def bill_ahead(self, data: Any, percent: int, go: bool) -> None:
        line = self.one(data, PurchaseOrderLine.objects.exclude(order__status__in=["draft", "submitted", "cancelled"]))
        if line is None:
            return
        supplier = line.order.supplier
        asked = BilledLine(
            sku=line.item.sku, quantity=Decimal(line.quantity), order_line=line.line,
            unit_price=round_total(line.price * percent / 100, supplier.currency),
        )  # fmt: skip
        invoice = self.capture(supplier, kind="prepayment", lines=[asked], purchase_orders=[line.order.number])
        if invoice and go:
            self.bring_on(data, invoice)

    def capture(self, supplier: Supplier, **what: Any) -> SupplierInvoice | None:
        invoice: SupplierInvoice | None = self.tries(
            lambda: capture_invoice(
                supplier=supplier, number=f"{next(self.numbers)}x", invoice_date=self.day, currency=supplier.currency,
                actor="user:ada", **what,
            )
        )  # fmt: skip
        if invoice:
            confirm_distinct(invoice_id=invoice.pk, actor="user:max")
            match_invoices(invoice_ids=[invoice.pk], actor="user:ada", at=self.at)
        return invoice

    def bring_on(self, data: Any, invoice: SupplierInvoice) -> None:
        """Decide what is held, agree to what may be paid, and have it in the books."""
        for hold in Hold.objects.filter(invoice=invoice, released_at=None, is_warning=False):
            if data.draw(st.booleans()):
                self.tries(lambda hold=hold: release_hold(hold_id=hold.pk, reason="x", actor="user:max", at=self.at))
        if self.tries(
            lambda: approve_invoice(invoice_id=invoice.pk, actor="user:max", at=self.at), NothingPayable, WrongState
        ):
            self.post(invoice)

    def post(self, invoice: SupplierInvoice) -> None:
        self.tries(
            lambda: post_invoice(invoice_id=invoice.pk, actor="user:max", at=self.at, on=self.day),
            WrongState, ExceedsInvoiced,
        )  # fmt: skip

    @rule(data=st.data(), decision=st.sampled_from(["", "accept", "pay_received", "dispute"]))
    def decide(self, data: Any, decision: str) -> None:
        if line := self.one(data, InvoiceLine.objects.filter(invoice__kind="invoice")):
            self.tries(
                lambda: decide_lines(
                    invoice_id=line.invoice_id, decisions={line.line: decision}, actor="user:max", at=self.at
                )
            )

    @rule(data=st.data())
    def approve_and_post(self, data: Any) -> None:
        if invoice := self.one(data, SupplierInvoice.objects.exclude(status__in=["rejected", "credited"])):
            self.bring_on(data, invoice)

    @rule(data=st.data())
    def reject(self, data: Any) -> None:
        if invoice := self.one(data, SupplierInvoice.objects.filter(posted_total=0)):
            self.tries(lambda: reject_invoice(invoice_id=invoice.pk, reason="x", actor="user:max", at=self.at))

    @rule(
        data=st.data(), kind=st.sampled_from(["price", "goods"]), quantity=units, share=st.integers(1, 4),
        freight=st.integers(0, 3), go=st.booleans(),
    )  # fmt: skip
    def credit(self, data: Any, kind: str, quantity: int, share: int, freight: int, go: bool) -> None:
        line = self.one(data, InvoiceLine.objects.filter(invoice__kind="invoice", quantity__gt=0))
        if line is None:
            return
        each = line.net_amount / line.quantity
        note = self.capture(
            line.invoice.supplier,
            kind="credit_note",
            corrects=line.invoice.number,
            lines=[
                BilledLine(
                    quantity=Decimal(quantity),
                    unit_price=round_total(each if kind == "goods" else each * share / 4, line.invoice.currency),
                    corrects_line=line.line,
                    credit_kind=kind,
                    description="x",
                )
            ],
            charges=[BilledCharge(code="freight", amount=Decimal(freight))] if freight == 3 else (),
        )
        if note and go:
            self.bring_on(data, note)

    @rule(data=st.data())
    def take_landed_cost_back(self, data: Any) -> None:
        if voucher := self.one(data, LandedCost.objects.filter(reverses=None, reversed_by=None)):
            self.tries(lambda: reverse_landed_cost(number=voucher.number, actor="user:max", on=self.day))

    # --- money
    @rule(data=st.data(), share=st.integers(1, 3), ahead=st.integers(0, 20))
    def pay(self, data: Any, share: int, ahead: int) -> None:
        invoice = self.one(data, SupplierInvoice.objects.exclude(kind="credit_note").filter(**OPEN_TO_PAY))
        if invoice is None:
            return
        due = invoice.posted_total - invoice.paid_total
        part = due if share > 1 else round_total(due / 2, invoice.currency)
        self.tries(
            lambda: pay_supplier(
                supplier=invoice.supplier, uses={invoice.pk: part}, amount=part + (ahead if ahead > 15 else 0),
                paid_on=self.day, actor="user:max",
            )
        )  # fmt: skip

    @rule(data=st.data(), amount=st.integers(1, 90))
    def set_off(self, data: Any, amount: int) -> None:
        """Use what was paid ahead, or a credit note, for an invoice."""
        invoice = self.one(data, SupplierInvoice.objects.filter(kind="invoice", **OPEN_TO_PAY))
        if invoice is None:
            return
        uses = {invoice.pk: min(Decimal(amount), invoice.posted_total - invoice.paid_total)}
        mine = {"supplier": invoice.supplier}
        notes = SupplierInvoice.objects.filter(kind="credit_note", status="posted", **mine)
        ahead = SupplierInvoice.objects.filter(kind="prepayment", paid_total__gt=F("used_total"), **mine)
        if prepaid := self.one(data, ahead):
            self.tries(lambda: use_prepayment_invoice(invoice_id=prepaid.pk, uses=uses, on=self.day, actor="user:max"))
        elif payment := self.one(data, SupplierPayment.objects.filter(amount__gt=F("used"), **mine)):
            self.tries(lambda: use_prepayment(number=payment.number, uses=uses, on=self.day, actor="user:max"))
        elif note := self.one(data, notes):
            self.tries(lambda: use_credit_note(credit_note_id=note.pk, uses=uses, on=self.day, actor="user:max"))

    # --- what happens besides
    @rule(data=st.data(), which=st.integers(0, 2), share=st.integers(1, 4))
    def sell(self, data: Any, which: int, share: int) -> None:
        item = self.items[which]
        free = StockLevel.objects.filter(item=item).aggregate(n=Sum("available"))["n"] or 0
        if quantity := -(-free * share // 4):
            leaving = [Leaving(line=1, item_id=item.pk, quantity=quantity)]
            consume_stock(document="cart:1", location=self.place, leaving=leaving, actor="x", occurred_at=self.at)
            self.sold[item.pk] += quantity

    @rule(which=st.integers(0, 2), quantity=few)
    def place_order(self, which: int, quantity: int) -> None:
        """A customer waits for what is not here; whatever can be sent to him is."""
        item = self.items[which]
        order = placed(self.web, f"{next(self.numbers)}", (item.sku, quantity))
        if self.tries(
            lambda: ship_order(order_id=order.order_id, location=self.place, lines=None, actor="x", shipped_at=self.at),
            NotThere,
        ):
            self.sold[item.pk] += quantity

    @rule(method=st.sampled_from(["average", "fifo"]))
    def change_method(self, method: str) -> None:
        change_costing_method(items=[self.items[2]], method=method, actor="x")

    @rule(days=st.integers(1, 20), closes=st.booleans())
    def days_pass(self, days: int, closes: bool) -> None:
        self.day += timedelta(days=days)
        month = self.day.replace(day=1)
        if closes and self.unclosed < month:
            while self.unclosed < month:
                close_period(start=self.unclosed, today=self.day, actor="user:max")
                self.unclosed = (self.unclosed + timedelta(days=31)).replace(day=1)
        else:
            post_stock_summary()

    # --- always
    @invariant()
    def figures_are_right(self) -> None:
        if not hasattr(self, "suppliers"):
            return
        self.steps += 1
        open_receipts = ReceiptLine.objects.aggregate(x=Sum(F("cleared") + F("reduced") - F("amount")))["x"] or ZERO
        assert balance("grni") == open_receipts
        booked = CostPool.objects.aggregate(x=Sum("booked_value"))["x"] or ZERO
        assert balance("inventory") + balance("in_transit") == booked
        self.nothing_is_lost()
        credited = InvoiceLine.objects.filter(invoice__kind="credit_note").values("corrects").annotate(
            given=Sum(F("posted_amount") + F("credited_amount")), billed=F("corrects__net_amount")
        )  # fmt: skip
        assert not credited.filter(given__gt=F("billed")).exists()
        paid = PaymentUse.objects.values("invoice").annotate(x=Sum("amount")).filter(x__gt=F("invoice__posted_total"))
        assert not paid.exists()
        came = F("accepted") + F("damaged") + F("over")
        assert not ReceiptLine.objects.filter(invoiced__gt=came).exists()
        if self.steps % 8 == 0:
            assert not breaches()

    def nothing_is_lost(self) -> None:
        """What lies here is what came, less what went back and what was sold."""
        here = dict(StockLevel.objects.filter(item__in=self.items).values_list("item").annotate(x=Sum("on_hand")))
        came = F("accepted") + F("damaged") + F("over") + F("free")
        lines = ReceiptLine.objects.filter(receipt__status="posted")
        brought = dict(lines.order_by().values_list("item").annotate(x=Sum(came)))
        went = dict(SupplierReturnLine.objects.order_by().values_list("item").annotate(x=Sum("quantity")))
        for item in self.items:
            left = brought.get(item.pk, 0) - went.get(item.pk, 0) - self.sold[item.pk]
            assert here.get(item.pk, 0) == left


def run(examples: int, steps: int, *, number: int | None = None) -> None:
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=number is None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.generate] + [Phase.shrink] * ("SOAK_SHRINK" in os.environ),
    )
    machine = Buying if number is None else seed(number)(type("Buying", (Buying,), {}))
    run_state_machine_as_test(machine, settings=profile)


def test_buying_keeps_its_books_through_any_order_of_verbs() -> None:
    assert connection.in_atomic_block
    run(8, 35)


@pytest.mark.soak
def test_twenty_thousand_papers_leave_books_that_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """SOAK_SEED=n begins with that seed (each batch takes the next), SOAK_PAPERS=n says how many are enough.

    With SOAK_SHRINK=1 a failure is told by the fewest steps that lead to it.
    """
    number = first = int(os.environ.get("SOAK_SEED", random.randrange(10**9)))
    enough = int(os.environ.get("SOAK_PAPERS", 20_000))
    Buying.counted.clear()
    while Buying.counted.total() < enough:
        with capsys.disabled():
            told = ", ".join(f"{units} {name}" for name, units in sorted(Buying.counted.items()))
            print(f"\nseed {number}: {Buying.counted.total()} papers so far ({told})", flush=True)  # noqa: T201
        run(8, 40, number=number)
        number += 1
    with capsys.disabled():
        print(f"\nseeds {first} to {number - 1}: {dict(Buying.counted)}", flush=True)  # noqa: T201
