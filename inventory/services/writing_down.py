"""Goods that are worth less than they cost: their stock value is written down to what they can still bring."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from inventory.models import Item, ValueAdjustment
from inventory.services.costing import Pool, cents, lock_pools, write_pools
from inventory.services.documents import next_number
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.money import round_cost
from retailhub.core.sql import OneTrip
from retailhub.core.transactions import retried


class ExceedsValue(DomainError):
    """Goods are not worth less than nothing."""

    code = "exceeds_value"


@retried()
def write_down(*, item: Item, amount: Decimal, actor: str, note: str = "", day: date | None = None) -> str:
    """Lower the stock value of all units that are ours by `amount`, post it, and answer the document's reference.

    Where layers are kept each loses its share. Units that leave afterwards leave at what is left of their value. Raises
    Invalid for anything but whole cents above zero, and ExceedsValue for more than the goods are worth.
    """
    if amount <= 0 or amount != cents(amount):
        detail = "a write-down is of whole cents above zero"
        raise Invalid(errors=[Offence(pointer="/amount", code="invalid", detail=detail)])
    pools = lock_pools([item.pk])
    pool = pools[item.pk]
    if amount > pool.value:
        detail = f"{pool.quantity} of {item.sku} are worth {cents(pool.value)} together"
        raise ExceedsValue(
            errors=[Offence(pointer="/amount", code="exceeds_value", detail=detail, extra={"value": str(pool.value)})]
        )
    before = cents(pool.value)
    _lower(pool, amount)
    booked = cents(pool.value) - before
    pool.booked_value += booked
    document = f"write_down:{next_number('WD')}"
    trip = OneTrip()
    write_pools(trip, pools, revalued=True)
    trip.run()
    ValueAdjustment.objects.create(
        item=item,
        document=document,
        quantity=pool.quantity,
        to_stock=-amount,
        to_sold=Decimal(0),
        reason=ValueAdjustment.Reason.WRITE_DOWN,
        note=note,
        actor=actor,
    )
    post_entries(
        entries=[
            NewEntry(
                key=document,
                kind="write_down",
                document=document,
                date=day or timezone.localdate(),
                text=f"{item.sku} written down" + (f": {note}" if note else ""),
                lines=[
                    EntryLine(account="write_down", amount=-booked),
                    EntryLine(account="inventory", amount=booked),
                ],
            )
        ],
        actor=actor,
    )
    return document


def _lower(pool: Pool, amount: Decimal) -> None:
    left, worth = amount, pool.value
    for layer in pool.layers or ():
        if layer.value:
            part = left if layer.value == worth else min(left, layer.value, round_cost(left * layer.value / worth))
            worth -= layer.value
            left -= part
            layer.value -= part
    pool.value -= amount
