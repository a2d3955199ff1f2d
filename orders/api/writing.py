"""From the order book to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orders.models import Order, Shipment
from orders.queries import stock_of_lines
from orders.services.describing import PlacedOrder
from orders.services.placing import NewOrder
from orders.services.totals import Totals
from retailhub.core.access import Principal
from retailhub.core.api.amounts import written

Json = dict[str, Any]


def placed(order: PlacedOrder, told: NewOrder) -> Json:
    """Write an order that was just placed, or was there already."""
    return {
        "number": order.number,
        "status": str(order.status),
        "channel": told.channel,
        "external_reference": told.external_reference,
        "currency": order.currency,
        "lines": [
            {
                "line": line.line,
                "sku": line.sku,
                "quantity": line.quantity,
                "reserved": line.reserved,
                "short": line.short,
                "allocations": line.allocations,
            }
            for line in order.lines
        ],
        "totals": totals(order.totals, order.currency),
    }


def totals(figures: Totals, currency: str) -> Json:
    return {
        "lines": written(figures.lines, currency),
        "shipping": written(figures.shipping, currency),
        "tax": written(figures.tax, currency),
        "total": written(figures.total, currency),
    }


def summary(order: Order) -> Json:
    """Write an order in a list. `channel` must have been read with it."""
    return {
        "number": order.number,
        "status": order.status,
        "channel": order.channel.code,
        "external_reference": order.external_reference,
        "currency": order.currency,
        "placed_at": order.placed_at,
        "received_at": order.received_at,
        "customer": order.customer_id,
        "totals": _totals(order),
    }


def _totals(order: Order) -> Json:
    figures = Totals(lines=order.lines_total, shipping=order.shipping_price, tax=order.tax_total, total=order.total)
    return totals(figures, order.currency)


def whole(order: Order, principal: Principal) -> Json:
    """Write an order with its lines, promises, payments and shipments."""
    stock = stock_of_lines([order])[order.pk]
    currency = order.currency
    return summary(order) | {
        "prices_include_tax": order.prices_include_tax,
        "held_reason": order.held_reason,
        "cancelled_at": order.cancelled_at,
        "customer": _customer(order, principal),
        "shipping": {
            "method": order.shipping_method,
            "address": order.shipping_address,
            "pickup_location": order.pickup_location or None,
            "price": written(order.shipping_price, currency),
        },
        "lines": [
            {
                "line": line.line,
                "sku": line.sku,
                "quantity": line.quantity,
                "reserved": stock[line.line].reserved,
                "short": stock[line.line].short,
                "allocations": stock[line.line].allocations,
                "cancelled": line.cancelled,
                "shipped": line.shipped,
                "unit_price": written(line.unit_price, currency),
                "discount": written(line.discount, currency),
                "tax_rate": rate(line.tax_rate),
            }
            for line in order.lines.all()
        ],
        "payments": [
            {
                "method": payment.method,
                "amount": written(payment.amount, currency),
                "reference": payment.reference,
                "captured": payment.captured,
            }
            for payment in order.payments.all()
        ],
        "shipments": [shipment(each, order.number) for each in order.shipments.all()],
    }


def _customer(order: Order, principal: Principal) -> Mapping[str, Any] | None:
    customer = order.customer
    if customer is None:
        return None
    known: Json = {"id": customer.pk, "name": customer.name}
    if principal.may("customers:read"):
        known |= {"email": customer.email, "phone": customer.phone}
    return known


def shipment(sent: Shipment, order_number: str) -> Json:
    """Write a shipment. `location` and the lines' order lines must have been read with it."""
    return {
        "number": sent.number,
        "order": order_number,
        "location": sent.location.code,
        "carrier": sent.carrier,
        "tracking_number": sent.tracking_number,
        "shipped_at": sent.shipped_at,
        "lines": [
            {"line": line.order_line.line, "sku": line.order_line.sku, "quantity": line.quantity}
            for line in sent.lines.all()
        ],
    }


def rate(value: Any) -> str:
    """Write a rate: two places at least."""
    whole_part, _, rest = format(value, "f").partition(".")
    return f"{whole_part}.{rest.rstrip('0').ljust(2, '0')}"
