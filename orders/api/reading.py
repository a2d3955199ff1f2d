"""From a request body to what the services take."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from customers.services.finding import Person
from orders.services.lines import LineWanted
from orders.services.placing import NewLine, NewOrder, NewPayment, NewShipping
from retailhub.core.api.serializers import Values


def new_order(values: Values) -> NewOrder:
    """Answer the order a body describes."""
    customer, shipping = values["customer"], values["shipping"]
    return NewOrder(
        channel=values["channel"],
        external_reference=values["external_reference"],
        placed_at=values.get("placed_at") or timezone.now(),
        currency=values["currency"],
        lines=[NewLine(**line) for line in values["lines"]],
        customer=_person(customer, values["channel"]) if customer else None,
        shipping=NewShipping(
            method=shipping["method"] or "",
            address=shipping["address"] or {},
            pickup_location=shipping["pickup_location"] or "",
            price=shipping["price"],
        )
        if shipping
        else NewShipping(),
        payments=[
            NewPayment(
                method=payment["method"],
                amount=payment["amount"],
                reference=payment["reference"] or "",
                captured=payment["captured"],
            )
            for payment in values["payments"]
        ],
        all_or_nothing=values["allocation"] == "all_or_nothing",
    )


def _person(customer: Values, channel: str) -> Person | None:
    person = Person(
        channel=channel,
        name=customer["name"] or "",
        email=customer["email"] or "",
        phone=customer["phone"] or "",
        external_id=customer["external_id"] or "",
    )
    return person or None


def lines_wanted(lines: list[dict[str, Any]] | None) -> list[LineWanted] | None:
    """Answer the lines a verb names; None for all of them."""
    if lines is None:
        return None
    return [LineWanted(quantity=x["quantity"], line=x["line"], sku=x["sku"] or "") for x in lines]
