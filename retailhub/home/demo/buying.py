"""The demo's purchases: orders in every state, deliveries, a claim, and invoices that are right and wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from purchasing.models import (
    BuyingEvent,
    Claim,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    Supplier,
    SupplierInvoice,
)
from purchasing.services.acknowledging import acknowledge_purchase_order
from purchasing.services.approving import approve_purchase_order, submit_purchase_order
from purchasing.services.approving_invoices import approve_invoice, post_invoice
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.closing import close_short, sweep_orders
from purchasing.services.deciding import open_dispute
from purchasing.services.drafting import OrderedCharge, OrderedLine, draft_purchase_order
from purchasing.services.issuing import send_purchase_order
from purchasing.services.matching import match_invoices
from purchasing.services.paying import pay_supplier
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.reordering import raise_low_stock
from retailhub.home.demo.stock_room import place
from retailhub.home.demo.suppliers import have_suppliers

BUYER, CHIEF, STOCK, BOOKS = "user:buyer", "user:admin", "user:warehouse", "user:accountant"
Lines = Sequence[tuple[str, int]]


def have_purchases() -> None:
    """Have suppliers and everything bought from them, once: all of it or nothing."""
    today = timezone.localdate()
    with transaction.atomic():
        if not PurchaseOrder.objects.exists():
            _Past(have_suppliers(today), today).happen()
    raise_low_stock(today=today)


class _Past:
    """Ten weeks of buying, by days before today."""

    def __init__(self, suppliers: Mapping[str, Supplier], today: date) -> None:
        self.suppliers, self.today = suppliers, today

    def happen(self) -> None:
        self.settled()
        self.open_at_the_suppliers()
        self.held()
        self.not_sent()
        sweep_orders(on=self.today)

    def settled(self) -> None:
        """What went as it should: received, billed, most of it paid; one delivery that came late, one never whole."""
        tents = self.ordered("ALPIN", 72, [("TNT-2P-GRN", 4), ("SLP-3S-BLU", 8)], freight="35")
        self.came(tents, 65, note="BL 26-1043")
        bill = self.billed(tents, 64, "AG-26-1043", freight="35")
        self.paid(bill, 36)
        # The same delivery billed once more under another number.
        self.billed(tents, 62, "AG-26-1051", freight="35", post=False)

        bags = self.ordered("ALPIN", 50, [("BAG-DAY-22", 10), ("POL-TRK-AL", 8), ("CMP-PLATE", 10)])
        self.came(bags, 40, note="BL 26-1177")
        self.billed(bags, 39, "AG-26-1180")

        mugs = self.ordered("JURA", 60, [("MUG-ENM-WHT", 48), ("BOT-STL-07", 24), ("STV-GAS-S", 10)])
        self.came(mugs, 51, [48, 24, 8], note="4471")
        with _dated(self.moment(30)):
            close_short(
                order_id=mugs.pk, reason="The small stove is not made any more", actor=BUYER, at=self.moment(30)
            )
        bill = self.billed(mugs, 50, "F-20418", units=[48, 24, 8])
        self.paid(bill, 6)

        tea = self.ordered("YUNWU", 40, [("TEA-LONGJING-100", 20), ("TEA-TIEGUANYIN", 20), ("CUP-YIXING", 12)])
        self.came(tea, 12, note="YW-8841")
        self.billed(tea, 11, "YW-INV-8841", approve=False)

        with _dated(self.moment(9)):
            bill = capture_invoice(
                supplier=self.suppliers["ENERGIE"], number="2026-11-883120", invoice_date=self.day(9), currency="EUR",
                lines=[BilledLine(description="Electricity, Lyon store", quantity=Decimal(1),
                                  unit_price=Decimal("412.80"))],
                actor=BOOKS,
            )  # fmt: skip
            match_invoices(invoice_ids=[bill.pk], actor=BOOKS)
            approve_invoice(invoice_id=bill.pk, actor=CHIEF, at=self.moment(8))
            post_invoice(invoice_id=bill.pk, actor=CHIEF, at=self.moment(8), on=self.day(8))

    def open_at_the_suppliers(self) -> None:
        """What is on its way or lies here without a bill."""
        silk = self.ordered("SIAM", 42, [("SLK-PHUKET", 30), ("BSK-KRAJOOD", 24), ("MRT-GRANITE", 12)], confirmed=True)
        self.came(silk, 5, [30, 12, 0], note="Air waybill 217-5512")
        knives = self.ordered("JURA", 78, [("KNF-OPINEL-8", 24), ("BRD-OAK-M", 10)])
        self.came(knives, 67, note="4402")  # never billed
        self.ordered("JURA", 13, [("POT-AL-15", 10), ("PAN-STEEL-24", 8)])  # late
        self.ordered("ALPIN", 3, [("MAT-FOAM", 40), ("KIT-AID-M", 12)], confirmed=True)
        self.ordered("YUNWU", 9, [("TEA-MINT-50", 40), ("POT-CAST-08", 4)], confirmed=True)

    def held(self) -> None:
        """Broken cushions that were billed all the same, at a price nobody agreed to; and a bill without an order."""
        cushions = self.ordered("MAISON", 33, [("CSH-LIN-40", 20), ("THR-WOOL-GRY", 4), ("TWL-LIN-2", 25)])
        self.came(cushions, 20, note="BL 312", damaged={"CSH-LIN-40": (3, "Seams are open")})
        bill = self.billed(cushions, 17, "MB-0312", dearer={"THR-WOOL-GRY": "44.50"}, approve=False)
        lamps = self.ordered("MAISON", 24, [("LMP-CAMP", 8), ("CND-BEE-6", 20)])
        self.came(lamps, 9, [8, 20], note="BL 330")
        self.billed(lamps, 8, "MB-0330", freight="18", approve=False)
        with _dated(self.moment(15)):
            open_dispute(invoice_id=bill.pk, actor=BOOKS, note="Three cushions came with open seams.", on=self.day(15))
            capture = capture_invoice(
                supplier=self.suppliers["VERCORS"], number="214", invoice_date=self.day(6), currency="EUR",
                lines=[BilledLine(sku="GLV-GRD-M", quantity=Decimal(20), unit_price=Decimal("4.40"))], actor=BOOKS,
            )  # fmt: skip
            match_invoices(invoice_ids=[capture.pk], actor=BOOKS)

    def not_sent(self) -> None:
        """A draft, and an order that waits for somebody else's approval."""
        self.drafted("VERCORS", 1, [("SHR-PRUNE", 6), ("SED-HERB-6", 50)])
        big = self.drafted("MAISON", 1, [("LMP-HEAD-300", 30), ("THR-WOOL-OCH", 20), ("NAP-BASQUE", 10)])
        with _dated(self.moment(1)):
            submit_purchase_order(order_id=big.pk, actor=BUYER, at=self.moment(1))

    # --- the verbs, on a day in the past ---------------------------------------------------------------------------

    def day(self, ago: int) -> date:
        return self.today - timedelta(days=ago)

    def moment(self, ago: int) -> datetime:
        return timezone.now() - timedelta(days=ago)

    def drafted(self, code: str, ago: int, lines: Lines, *, freight: str = "") -> PurchaseOrder:
        with _dated(self.moment(ago)):
            order = draft_purchase_order(
                supplier=self.suppliers[code],
                ship_to=place("depot"),
                lines=[OrderedLine(sku=sku, quantity=units) for sku, units in lines],
                charges=[OrderedCharge(code="freight", amount=Decimal(freight))] if freight else (),
                actor=BUYER,
                on=self.day(ago),
            )
        PurchaseOrder.objects.filter(pk=order.pk).update(created_at=self.moment(ago))
        return order

    def ordered(
        self, code: str, ago: int, lines: Lines, *, freight: str = "", confirmed: bool = False
    ) -> PurchaseOrder:
        """Have an order sent, approved by the chief where its value asks for that."""
        order = self.drafted(code, ago, lines, freight=freight)
        at = self.moment(ago)
        with _dated(at):
            order = send_purchase_order(order_id=order.pk, actor=BUYER, at=at)
            if order.status == OrderStatus.SUBMITTED:
                approve_purchase_order(order_id=order.pk, actor=CHIEF, roles=(), at=at)
                order = send_purchase_order(order_id=order.pk, actor=BUYER, at=at)
        if confirmed:
            at = self.moment(ago - 1)
            with _dated(at):
                acknowledge_purchase_order(order_id=order.pk, actor=BUYER, at=at)
        return order

    def came(
        self,
        order: PurchaseOrder,
        ago: int,
        units: Sequence[int] | None = None,
        *,
        note: str,
        damaged: Mapping[str, tuple[int, str]] | None = None,
    ) -> Receipt:
        """Have a delivery posted: everything that was ordered where no units are named, some of it damaged."""
        counted = []
        for number, line in enumerate(_lines(order)):
            broken, why = (damaged or {}).get(line.item.sku, (0, ""))
            count = line.quantity if units is None else units[number]
            counted.append(
                Counted(item_id=line.item_id, order_line_id=line.pk, accepted=count - broken, damaged=broken, note=why)
            )
        at = self.moment(ago)
        with _dated(at):
            receipt = receive_delivery(
                location=order.ship_to,
                counted=[x for x in counted if x.accepted or x.damaged],
                delivery_note=note,
                actor=STOCK,
                at=at,
                received_on=self.day(ago),
            )
        Receipt.objects.filter(pk=receipt.pk).update(started_at=at)
        Claim.objects.filter(receipt_line__receipt=receipt).update(created_at=at)
        return receipt

    def billed(
        self,
        order: PurchaseOrder,
        ago: int,
        number: str,
        *,
        units: Sequence[int] | None = None,
        dearer: Mapping[str, str] | None = None,
        freight: str = "",
        approve: bool = True,
        post: bool = True,
    ) -> SupplierInvoice:
        """Have the order billed as ordered, but for the prices named; what is right is approved and posted."""
        lines = []
        for place_, line in enumerate(_lines(order)):
            count = line.quantity if units is None else units[place_]
            price = Decimal((dearer or {}).get(line.item.sku, line.net_amount(1)))
            lines.append(
                BilledLine(
                    sku=line.item.sku,
                    supplier_sku=line.supplier_sku,
                    quantity=Decimal(count),
                    unit_price=price.quantize(Decimal("0.000001")),
                )
            )
        with _dated(self.moment(ago)):
            invoice = capture_invoice(
                supplier=order.supplier,
                number=number,
                invoice_date=self.day(ago),
                currency=order.currency,
                purchase_orders=[order.number],
                lines=lines,
                charges=[BilledCharge(code="freight", amount=Decimal(freight))] if freight else (),
                actor=BOOKS,
            )
            match_invoices(invoice_ids=[invoice.pk], actor=BOOKS)
        SupplierInvoice.objects.filter(pk=invoice.pk).update(entered_at=self.moment(ago))
        if approve and post:
            at = self.moment(ago - 1)
            with _dated(at):
                approve_invoice(invoice_id=invoice.pk, actor=CHIEF, at=at)
                post_invoice(invoice_id=invoice.pk, actor=CHIEF, at=at, on=self.day(ago - 1))
        invoice.refresh_from_db()
        return invoice

    def paid(self, invoice: SupplierInvoice, ago: int) -> None:
        if invoice.supplier is None:
            return
        with _dated(self.moment(ago)):
            pay_supplier(
                supplier=invoice.supplier,
                uses={invoice.pk: invoice.posted_total},
                paid_on=self.day(ago),
                reference=f"SEPA {invoice.number}",
                actor=CHIEF,
            )


def _lines(order: PurchaseOrder) -> list[PurchaseOrderLine]:
    return list(order.lines.select_related("item").order_by("line"))


@contextmanager
def _dated(at: datetime) -> Iterator[None]:
    """Let what is noted in timelines meanwhile have happened then: the demo tells of weeks, not of one second."""
    last = BuyingEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    yield
    BuyingEvent.objects.filter(pk__gt=last).update(at=at)
