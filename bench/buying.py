"""Benchmarks 12 and 16: a delivery of 1,000 lines booked in, and thousands of invoices matched in one run.

The yardsticks write the same rows with set-based SQL into the plainest tables.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import median
from typing import Any

import psycopg

from bench.figures import Figure, seconds
from bench.house import House, sku

LINES = 1_000
WAITING = 200
ON = date(2026, 11, 20)

_RECEIVING = """
DROP TABLE IF EXISTS r_po, r_po_line, r_receipt, r_receipt_line, r_level, r_pool, r_movement, r_waiting, r_promise,
    r_journal, r_journal_line, r_outbox;
CREATE TABLE r_po (id int PRIMARY KEY, status text NOT NULL);
CREATE TABLE r_po_line (id int PRIMARY KEY, po int NOT NULL REFERENCES r_po, item int NOT NULL, quantity int NOT NULL,
    received int NOT NULL DEFAULT 0, price numeric(19, 6) NOT NULL);
CREATE TABLE r_receipt (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE r_receipt_line (id bigserial PRIMARY KEY, receipt bigint NOT NULL REFERENCES r_receipt,
    po_line int NOT NULL REFERENCES r_po_line, accepted int NOT NULL, amount numeric(19, 4) NOT NULL);
CREATE TABLE r_level (item int PRIMARY KEY, sellable int NOT NULL, reserved int NOT NULL, CHECK (reserved <= sellable));
CREATE TABLE r_pool (item int PRIMARY KEY, quantity int NOT NULL, value numeric(19, 6) NOT NULL);
CREATE TABLE r_movement (id bigserial PRIMARY KEY, item int NOT NULL, quantity int NOT NULL,
    value numeric(19, 6) NOT NULL, document text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON r_movement (item);
CREATE TABLE r_waiting (id bigserial PRIMARY KEY, item int NOT NULL, quantity int NOT NULL);
CREATE INDEX ON r_waiting (item);
CREATE TABLE r_promise (id bigserial PRIMARY KEY, item int NOT NULL, quantity int NOT NULL, document text NOT NULL);
CREATE TABLE r_journal (id bigserial PRIMARY KEY, document text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE r_journal_line (id bigserial PRIMARY KEY, entry bigint NOT NULL REFERENCES r_journal,
    account text NOT NULL, amount numeric(19, 4) NOT NULL, reference text NOT NULL);
CREATE TABLE r_outbox (id bigserial PRIMARY KEY, payload jsonb NOT NULL);
"""
_FILL_RECEIVING = f"""
INSERT INTO r_po SELECT n, 'sent' FROM generate_series(1, %(rounds)s) n;
INSERT INTO r_po_line SELECT n, 1 + (n - 1) / {LINES}, 1 + (n - 1) %% {LINES}, 5, 0, 4.25
    FROM generate_series(1, %(rounds)s * {LINES}) n;
INSERT INTO r_level SELECT n, 1000, 1000 FROM generate_series(1, {LINES}) n;
INSERT INTO r_pool SELECT n, 1000, 4000 FROM generate_series(1, {LINES}) n;
INSERT INTO r_waiting (item, quantity) SELECT n, 2 * %(rounds)s FROM generate_series(1, {WAITING}) n;
"""
_RECEIVE = [
    "INSERT INTO r_receipt DEFAULT VALUES",
    """INSERT INTO r_receipt_line (receipt, po_line, accepted, amount) SELECT %(n)s, id, quantity, quantity * price
       FROM r_po_line WHERE po = %(n)s""",
    "UPDATE r_po_line SET received = received + quantity WHERE po = %(n)s",
    """INSERT INTO r_movement (item, quantity, value, document) SELECT item, quantity, quantity * price, 'receipt'
       FROM r_po_line WHERE po = %(n)s""",
    """WITH served AS (
           UPDATE r_waiting w SET quantity = w.quantity - 2 FROM r_po_line p
           WHERE p.po = %(n)s AND p.item = w.item AND w.quantity > 0 RETURNING w.item
       ), promised AS (INSERT INTO r_promise (item, quantity, document) SELECT item, 2, 'order' FROM served)
       UPDATE r_level l SET sellable = l.sellable + p.quantity, reserved = l.reserved
           + CASE WHEN s.item IS NULL THEN 0 ELSE 2 END
       FROM r_po_line p LEFT JOIN served s ON s.item = p.item WHERE p.po = %(n)s AND p.item = l.item""",
    """UPDATE r_pool o SET quantity = o.quantity + p.quantity, value = o.value + p.quantity * p.price
       FROM r_po_line p WHERE p.po = %(n)s AND p.item = o.item""",
    """WITH entry AS (INSERT INTO r_journal (document) VALUES ('receipt') RETURNING id)
       INSERT INTO r_journal_line (entry, account, amount, reference)
       SELECT entry.id, a.account, a.sign * p.quantity * p.price, p.id::text FROM entry, r_po_line p,
              (VALUES ('inventory', 1), ('grni', -1)) AS a(account, sign) WHERE p.po = %(n)s""",
    "UPDATE r_po SET status = 'received' WHERE id = %(n)s",
    "INSERT INTO r_outbox (payload) VALUES ('{}')",
]


def _timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def big_receipt(house: House, rounds: int) -> list[Figure]:
    """Benchmark 12: receive an order of 1,000 lines; customers wait for every fifth of them."""
    from django.db import connection

    from inventory.models import Location
    from inventory.services.reserving import Request, Wanted, reserve_stock
    from purchasing.models import Supplier
    from purchasing.services.approving import approve_purchase_order
    from purchasing.services.drafting import OrderedLine, draft_purchase_order
    from purchasing.services.issuing import send_purchase_order
    from purchasing.services.receiving import Counted, receive_delivery

    dock = Location.objects.create(code="bench-dock", name="Dock", kind=Location.Kind.WAREHOUSE)
    supplier = Supplier.objects.create(code="bench", name="Bench", currency="EUR", order_email="o@supplier.example")
    orders = []
    for _ in range(rounds):
        order = draft_purchase_order(
            supplier=supplier,
            ship_to=dock,
            lines=[OrderedLine(sku=sku(n), quantity=5, unit_cost=Decimal("4.25")) for n in range(LINES)],
            actor="bench",
            on=ON,
        )
        send_purchase_order(order_id=order.pk, actor="bench")
        approve_purchase_order(order_id=order.pk, actor="bench:another", roles=())
        orders.append(send_purchase_order(order_id=order.pk, actor="bench"))
    items = [line.item_id for line in orders[0].lines.all()]
    reserve_stock(
        requests=[
            Request(
                document=f"order:B-{n}",
                wanted=[Wanted(line=1, sku=sku(n), quantity=2 * rounds, parts={items[n]: 1})],
                location_ids=[dock.pk],
                only_location_id=dock.pk,
                promised_at=datetime(2026, 11, 1, tzinfo=UTC),
            )
            for n in range(WAITING)
        ],
        actor="bench",
    )
    raw, subject = [], []
    with psycopg.connect(house.raw_url) as yardstick:
        yardstick.execute(_RECEIVING)
        for part in filter(str.strip, _FILL_RECEIVING.split(";")):
            yardstick.execute(part, {"rounds": rounds})
        yardstick.commit()
        for number, order in enumerate(orders, 1):
            counted = [
                Counted(item_id=line.item_id, order_line_id=line.pk, accepted=5)
                for line in order.lines.order_by("line")
            ]

            def book_in(counted: list[Any] = counted) -> None:
                receive_delivery(location=dock, counted=counted, actor="bench", received_on=ON)

            def write(number: int = number) -> None:
                for statement in _RECEIVE:
                    yardstick.execute(statement, {"n": number})
                yardstick.commit()

            raw.append(_timed(write))
            subject.append(_timed(book_in))
    connection.close()
    return [
        seconds(
            f"12 receive a purchase order of {LINES:,} lines",
            raw,
            subject,
            floor=5,
            moonshot=2,
            note=f"{rounds} orders; {median(raw) * 1000:.0f} ms raw, {median(subject) * 1000:.0f} ms here; {WAITING} "
            f"waiting customers were served each time",
        )
    ]


_MATCHING = """
DROP TABLE IF EXISTS m_po_line, m_receipt_line, m_invoice, m_invoice_line, m_allocation, m_hold, m_event CASCADE;
CREATE TABLE m_po_line (id int PRIMARY KEY, quantity int NOT NULL, received int NOT NULL, invoiced int NOT NULL,
    price numeric(19, 6) NOT NULL);
CREATE TABLE m_receipt_line (id int PRIMARY KEY, po_line int NOT NULL REFERENCES m_po_line, accepted int NOT NULL,
    invoiced int NOT NULL);
CREATE INDEX ON m_receipt_line (po_line);
CREATE TABLE m_invoice (id int PRIMARY KEY, status text NOT NULL);
CREATE TABLE m_invoice_line (id int PRIMARY KEY, invoice int NOT NULL REFERENCES m_invoice, po_line int NOT NULL
    REFERENCES m_po_line, quantity int NOT NULL, net numeric(19, 4) NOT NULL, payable_quantity int NOT NULL DEFAULT 0,
    payable_amount numeric(19, 4) NOT NULL DEFAULT 0);
CREATE INDEX ON m_invoice_line (invoice);
CREATE INDEX ON m_invoice_line (po_line);
CREATE TABLE m_allocation (id bigserial PRIMARY KEY, invoice_line int NOT NULL REFERENCES m_invoice_line, po_line int
    NOT NULL REFERENCES m_po_line, receipt_line int NOT NULL REFERENCES m_receipt_line, quantity int NOT NULL,
    amount numeric(19, 4) NOT NULL);
CREATE TABLE m_hold (id bigserial PRIMARY KEY, invoice int NOT NULL REFERENCES m_invoice, line int NOT NULL
    REFERENCES m_invoice_line, code text NOT NULL, expected text NOT NULL, invoiced text NOT NULL);
CREATE TABLE m_event (id bigserial PRIMARY KEY, document text NOT NULL, kind text NOT NULL);
"""
_FILL_MATCHING = """
INSERT INTO m_po_line SELECT n, 5, 5, 0, 4.25 FROM generate_series(1, %(lines)s) n;
INSERT INTO m_receipt_line SELECT n, n, 5, 0 FROM generate_series(1, %(lines)s) n;
INSERT INTO m_invoice SELECT n, 'captured' FROM generate_series(1, %(lines)s / 10) n;
INSERT INTO m_invoice_line (id, invoice, po_line, quantity, net)
    SELECT n, 1 + (n - 1) / 10, n, 5, CASE WHEN n %% 200 = 7 THEN 25 ELSE 21.25 END
    FROM generate_series(1, %(lines)s) n;
"""
_MATCH = [
    """INSERT INTO m_allocation (invoice_line, po_line, receipt_line, quantity, amount)
       SELECT l.id, p.id, r.id, least(l.quantity, r.accepted - r.invoiced), least(l.net, p.price * l.quantity)
       FROM m_invoice_line l JOIN m_po_line p ON p.id = l.po_line JOIN m_receipt_line r ON r.po_line = p.id""",
    """INSERT INTO m_hold (invoice, line, code, expected, invoiced)
       SELECT l.invoice, l.id, 'PRICE', p.price::text, (l.net / l.quantity)::text
       FROM m_invoice_line l JOIN m_po_line p ON p.id = l.po_line WHERE l.net > p.price * l.quantity * 1.02""",
    """UPDATE m_invoice_line l SET payable_quantity = least(l.quantity, p.received - p.invoiced),
           payable_amount = least(l.net, p.price * l.quantity) FROM m_po_line p WHERE p.id = l.po_line""",
    """UPDATE m_invoice i SET status = CASE WHEN EXISTS (SELECT 1 FROM m_hold h WHERE h.invoice = i.id)
           THEN 'on_hold' ELSE 'matched' END""",
    "INSERT INTO m_event (document, kind) SELECT 'invoice:' || id, status FROM m_invoice",
]


def _captured(invoices: int) -> list[int]:
    """Have so many invoices of ten lines each, over goods that came; in one of twenty a price is too high."""
    from inventory.models import Item, Location
    from purchasing.models import (
        InvoiceLine,
        PurchaseOrder,
        PurchaseOrderLine,
        Receipt,
        ReceiptLine,
        Supplier,
        SupplierInvoice,
    )
    from retailhub.core.sql import insert_rows

    supplier = Supplier.objects.create(code="match", name="Match", currency="EUR", order_email="m@supplier.example")
    dock = Location.objects.create(code="match-dock", name="Dock", kind=Location.Kind.WAREHOUSE)
    items = list(Item.objects.order_by("pk").values_list("pk", flat=True)[:LINES])
    now = datetime(2026, 11, 20, tzinfo=UTC)
    orders = [
        PurchaseOrder(
            number=f"PO-M{n}", supplier=supplier, ship_to=dock, status="received", currency="EUR", created_by="bench",
            net_total=Decimal("212.50"), issued_at=now, approved_at=now, approved_by="another", revision=1,
        )
        for n in range(invoices)
    ]  # fmt: skip
    insert_rows(orders)
    lines = [
        PurchaseOrderLine(
            order=orders[n // 10], line=n % 10 + 1, item_id=items[n % len(items)], quantity=5, received=5,
            price=Decimal("4.25"),
        )
        for n in range(invoices * 10)
    ]  # fmt: skip
    insert_rows(lines)
    receipts = [
        Receipt(
            number=f"GR-M{n}", supplier=supplier, location=dock, status="posted", started_by="bench", posted_by="bench",
            posted_at=now, received_on=ON,
        )
        for n in range(invoices)
    ]  # fmt: skip
    insert_rows(receipts)
    insert_rows(
        ReceiptLine(
            receipt=receipts[n // 10], line=n % 10 + 1, item_id=line.item_id, order_line=line, accepted=5,
            amount=Decimal("21.25"), unit_cost=Decimal("4.25"),
        )
        for n, line in enumerate(lines)
    )  # fmt: skip
    nets = [Decimal(25) if n % 200 == 7 else Decimal("21.25") for n in range(invoices * 10)]
    # Amounts that differ, or every invoice would look like the twin of the one before.
    papers = [
        SupplierInvoice(
            supplier=supplier, number=f"M{n}", number_key=f"m{n}", invoice_date=ON, due_date=date(2026, 12, 20),
            currency="EUR", net_total=sum(nets[n * 10 : n * 10 + 10]), total=sum(nets[n * 10 : n * 10 + 10]),
            entered_by="bench", is_distinct=True,
        )
        for n in range(invoices)
    ]  # fmt: skip
    insert_rows(papers)
    insert_rows(
        InvoiceLine(
            invoice=papers[n // 10], line=n % 10 + 1, item_id=line.item_id, order_line=line, quantity=5,
            net_amount=nets[n], price=nets[n] / 5,
        )
        for n, line in enumerate(lines)
    )  # fmt: skip
    return [paper.pk for paper in papers]


def match_run(house: House, rounds: int, invoices: int = 10_000) -> list[Figure]:
    """Benchmark 16: match so many captured invoices of ten lines in one run; later rounds match them anew."""
    from django.db import connection

    from purchasing.models import Hold, InvoiceLine, MatchAllocation, SupplierInvoice
    from purchasing.services.matching import match_invoices

    ids = _captured(invoices)
    lines = invoices * 10
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    raw, subject = [], []
    with psycopg.connect(house.raw_url) as yardstick:
        for number in range(rounds):
            yardstick.execute(_MATCHING)
            for part in filter(str.strip, _FILL_MATCHING.split(";")):
                yardstick.execute(part, {"lines": lines})
            yardstick.commit()
            yardstick.execute("ANALYZE")
            yardstick.commit()

            def write() -> None:
                for statement in _MATCH:
                    yardstick.execute(statement)
                yardstick.commit()

            if number:
                # The run starts from captured invoices each time.
                MatchAllocation.objects.all().delete()
                Hold.objects.all().delete()
                InvoiceLine.objects.update(payable_quantity=0, payable_amount=0)
                SupplierInvoice.objects.update(status="captured")
            raw.append(_timed(write))
            subject.append(_timed(lambda: match_invoices(invoice_ids=ids, actor="bench")))
    held = Hold.objects.filter(released_at=None, code="PRICE").count()
    if held != lines // 200 or Hold.objects.exclude(line__net_amount=25).exists():
        codes = Counter(Hold.objects.values_list("code", flat=True))
        raise RuntimeError(f"{held} prices are held, {lines // 200} are wrong: {codes}")
    connection.close()
    ratios = [theirs / ours for ours, theirs in zip(subject, raw, strict=True)]
    return [
        Figure(
            name=f"16 match {invoices:,} invoices of 10 lines in one run",
            floor=0.05,
            moonshot=0.3,
            value=median(ratios),
            raw=lines / median(raw),
            subject=lines / median(subject),
            note=f"{rounds} runs; lines a second; {held:,} wrong prices were held each time, nothing else",
            detail={"ratios": ratios},
        )
    ]
