from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from inventory.models import Item, Location
from inventory.services.reserving import Request, Wanted, reserve_stock
from purchasing.models import PriceBreak, PurchaseOrder, Receipt, Supplier, SupplierInvoice, SupplierItem
from purchasing.services.approving import approve_purchase_order
from purchasing.services.approving_invoices import approve_invoice, post_invoice
from purchasing.services.capturing import BilledLine, capture_invoice
from purchasing.services.drafting import OrderedCharge, OrderedLine, draft_purchase_order
from purchasing.services.issuing import send_purchase_order
from purchasing.services.matching import match_invoices
from purchasing.services.receiving import Counted, receive_delivery

TODAY = date(2026, 11, 20)


class SupplierFactory(DjangoModelFactory[Supplier]):
    class Meta:
        model = Supplier

    code = factory.Sequence(lambda n: f"SUP-{n:03d}")
    name = factory.Sequence(lambda n: f"Supplier {n}")
    currency = "EUR"
    order_email = factory.Sequence(lambda n: f"orders{n}@supplier.example")


class SupplierItemFactory(DjangoModelFactory[SupplierItem]):
    class Meta:
        model = SupplierItem


def sells(supplier: Supplier, item: Item, price: str | None = None, **kwargs: Any) -> SupplierItem:
    """Have the supplier sell the item, at a list price where one is given."""
    row = SupplierItemFactory.create(supplier=supplier, item=item, **kwargs)
    if price is not None:
        PriceBreak.objects.create(supplier_item=row, price=Decimal(price))
    return row


def drafted(
    supplier: Supplier,
    ship_to: Location,
    lines: Sequence[tuple[Item, int, str]],
    *,
    actor: str = "user:bea",
    charges: Sequence[OrderedCharge] = (),
    **kwargs: Any,
) -> PurchaseOrder:
    """Have a draft of (item, base units, unit cost)."""
    return draft_purchase_order(
        supplier=supplier,
        ship_to=ship_to,
        lines=[OrderedLine(sku=item.sku, quantity=units, unit_cost=Decimal(cost)) for item, units, cost in lines],
        charges=charges,
        actor=actor,
        on=kwargs.pop("on", TODAY),
        **kwargs,
    )


def issued(
    supplier: Supplier, ship_to: Location, lines: Sequence[tuple[Item, int, str]], **kwargs: Any
) -> PurchaseOrder:
    """Have an order that was sent, approved by somebody else where that is asked."""
    order = drafted(supplier, ship_to, lines, **kwargs)
    order = send_purchase_order(order_id=order.pk, actor=order.created_by)
    if order.status == "submitted":
        approve_purchase_order(order_id=order.pk, actor="user:max", roles=())
        order = send_purchase_order(order_id=order.pk, actor=order.created_by)
    return order


def received(order: PurchaseOrder, units: Sequence[int] | None = None, **kwargs: Any) -> Receipt:
    """Have so many units of each line received and accepted; all of them where nothing is said."""
    lines = list(order.lines.select_related("item"))
    counts = [line.quantity for line in lines] if units is None else units
    return receive_delivery(
        location=order.ship_to,
        counted=[
            Counted(item_id=line.item_id, order_line_id=line.pk, accepted=count)
            for line, count in zip(lines, counts, strict=True)
            if count
        ],
        actor="user:wim",
        received_on=kwargs.pop("received_on", TODAY),
        **kwargs,
    )


def billed(
    order: PurchaseOrder, lines: Sequence[tuple[Item, int, str]], *, number: str = "", **kwargs: Any
) -> SupplierInvoice:
    """Have an invoice over (item, base units, unit price) of an order captured and matched."""
    count = SupplierInvoice.objects.count() + 1
    supplier = kwargs.pop("supplier", order.supplier)
    invoice = capture_invoice(
        supplier=supplier,
        number=number or f"INV-{order.number}-{count}",
        invoice_date=kwargs.pop("invoice_date", TODAY + timedelta(days=count * 10)),
        currency=kwargs.pop("currency", order.currency),
        purchase_orders=kwargs.pop("purchase_orders", [order.number]),
        lines=[
            BilledLine(sku=item.sku, quantity=Decimal(units), unit_price=Decimal(price)) for item, units, price in lines
        ],
        actor=kwargs.pop("actor", "user:ada"),
        **kwargs,
    )
    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")
    invoice.refresh_from_db()
    return invoice


def posted(invoice: SupplierInvoice, *, by: str = "user:max", on: date = TODAY) -> SupplierInvoice:
    """Have the invoice approved and posted by somebody who did nothing else."""
    approve_invoice(invoice_id=invoice.pk, actor=by)
    return post_invoice(invoice_id=invoice.pk, actor=by, on=on)


def wanted(document: str, item: Item, units: int, location: Location, *, days: int = 0) -> None:
    """Let a customer's order ask for goods there: what lies free is kept for it, the rest it waits for."""
    reserve_stock(
        requests=[
            Request(
                document=document,
                wanted=[Wanted(line=1, sku=item.sku, quantity=units, parts={item.pk: 1})],
                location_ids=[location.pk],
                only_location_id=location.pk,
                promised_at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days),
            )
        ],
        actor="user:ann",
    )
