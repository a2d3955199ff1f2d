"""What the order book does when stock speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inventory.services.serving import serve_documents
from orders.models import Order
from orders.services.flagging import flag_shortages
from orders.services.standing import follow_stock


def follow_reservations(payloads: Sequence[dict[str, Any]]) -> None:
    """Goods came for waiting orders: they take the state their reservations give them."""
    orders = _orders(payloads)
    follow_stock([order.pk for order in orders])
    flag_shortages([order.pk for order in orders])


def look_elsewhere(payloads: Sequence[dict[str, Any]]) -> None:
    """Promised goods were not there: other places of the channel may have them; what stays short is raised."""
    orders = _orders(payloads, hold=True)
    serve_documents(documents=[order.reference for order in orders], actor="system")
    follow_stock([order.pk for order in orders])
    flag_shortages([order.pk for order in orders])


def raise_shortages(payloads: Sequence[dict[str, Any]]) -> None:
    """Orders came for which there is not enough."""
    flag_shortages(sorted({order_id for payload in payloads for order_id in payload["order_ids"]}))


def settle_shortages(payloads: Sequence[dict[str, Any]]) -> None:
    """An order was cancelled or left: it lacks nothing any more, or less."""
    flag_shortages(sorted({payload["order_id"] for payload in payloads}))


def _orders(payloads: Sequence[dict[str, Any]], *, hold: bool = False) -> list[Order]:
    """Answer the orders spoken of; `hold` locks them, as whoever goes on to lock their stock has to."""
    documents = {document for payload in payloads for document in payload["documents"]}
    numbers = [document.removeprefix("order:") for document in documents if document.startswith("order:")]
    orders = Order.objects.filter(number__in=numbers).order_by("pk")
    return list(orders.select_for_update(of=("self",), no_key=True) if hold else orders)
