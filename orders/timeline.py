"""An order's story, told from the rows that already hold it: nothing is written twice for the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from inventory.models import StockMovement
from orders.models import Order, OrderEvent, Payment, Shipment
from retailhub.core.templatetags.rh import money, qty


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: when, what, who, and details."""

    at: datetime
    what: str
    actor: str = ""
    detail: str = ""
    tone: str = ""


WORDS: dict[str, tuple[StrOrPromise, str]] = {
    "cancelled": (gettext_lazy("Cancelled"), "bad"),
    "held": (gettext_lazy("Held"), "warn"),
    "released": (gettext_lazy("Released"), "good"),
    "shipped": (gettext_lazy("Shipped"), "good"),
    "mapped": (gettext_lazy("SKU mapped"), "good"),
    "changed": (gettext_lazy("Changed by the channel"), "info"),
}


def timeline_of(
    order: Order, *, shipments: list[Shipment], payments: list[Payment], events: list[OrderEvent]
) -> list[Moment]:
    """Answer what happened to the order, the newest first."""
    moments = [
        Moment(order.placed_at, _("Placed by the customer"), order.channel.name),
        Moment(order.received_at, _("Received"), order.actor, order.external_reference),
    ]
    for payment in payments:
        said = _("Paid") if payment.captured else _("Payment promised")
        moments.append(Moment(payment.created_at, said, payment.method, money(payment.amount, order.currency), "good"))
    by_number = {shipment.number: shipment for shipment in shipments}
    for event in events:
        word, tone = WORDS.get(event.kind, (event.kind.replace("_", " ").capitalize(), ""))
        detail = event.text
        shipment = by_number.get(str(event.data.get("shipment", "")))
        if shipment and (shipment.carrier or shipment.tracking_number):
            detail = f"{detail} · {shipment.carrier} {shipment.tracking_number}".strip()
        lines = event.data.get("lines") or []
        if lines:
            units = ", ".join(
                _("line %(line)s: %(n)s") % {"line": x["line"], "n": qty(x["quantity"])} for x in lines[:10]
            )
            detail = f"{detail} · {units}" if detail else units
        moments.append(Moment(event.at, str(word), event.actor, detail, tone))
    moments.extend(
        Moment(shipment.told_channel_at, _("Channel told of the shipment"), "", shipment.number, "good")
        for shipment in shipments
        if shipment.told_channel_at
    )
    # What else the ledger knows under this order's name, such as goods that came back or a reversal.
    others = StockMovement.objects.filter(document=order.reference).exclude(reason="sale")
    moments.extend(
        Moment(
            movement.recorded_at,
            f"{movement.get_reason_display()}: {qty(movement.quantity)} {movement.item.sku}",
            movement.actor,
            movement.to_location.name,
        )
        for movement in others.select_related("item", "to_location").defer("value")[:50]
    )
    return sorted(moments, key=lambda moment: moment.at, reverse=True)
