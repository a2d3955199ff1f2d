from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from inventory.models import Item, KitComponent, Location, StockPool, StockPoolLocation
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.receiving import ReceiptLine, Received, receive_stock
from inventory.services.reserving import Outcome, Request, Wanted, reserve_stock


class ItemFactory(DjangoModelFactory[Item]):
    class Meta:
        model = Item

    sku = factory.Sequence(lambda n: f"SKU-{n:04d}")
    name = factory.Sequence(lambda n: f"Item {n}")
    price = Decimal("10.00")
    currency = "EUR"
    cost = Decimal("4.00")


class LocationFactory(DjangoModelFactory[Location]):
    class Meta:
        model = Location

    code = factory.Sequence(lambda n: f"loc-{n}")
    name = factory.Sequence(lambda n: f"Location {n}")
    kind = Location.Kind.WAREHOUSE


class StockPoolFactory(DjangoModelFactory[StockPool]):
    class Meta:
        model = StockPool

    code = factory.Sequence(lambda n: f"pool-{n}")
    name = factory.Sequence(lambda n: f"Pool {n}")


def pool_of(*locations: Location) -> StockPool:
    """Have a pool with these places in this order."""
    pool = StockPoolFactory.create()
    for position, location in enumerate(locations):
        StockPoolLocation.objects.create(pool=pool, location=location, position=position)
    return pool


def kit_of(parts: dict[Item, int], **kwargs: Any) -> Item:
    """Have a kit made of these items."""
    kit = ItemFactory.create(kind=Item.Kind.KIT, **kwargs)
    for component, quantity in parts.items():
        KitComponent.objects.create(kit=kit, component=component, quantity=quantity)
    return kit


def put_on_hand(item: Item, location: Location, quantity: int, unit_cost: str = "4.00") -> None:
    """Have units of the item there, through the verb that books opening stock."""
    adjust_stock(
        location=location,
        reason="opening",
        lines=[AdjustmentLine(sku=item.sku, change=quantity, unit_cost=Decimal(unit_cost))],
        actor="test",
    )


def receive(item: Item, location: Location, quantity: int, unit_cost: str | None = None, **kwargs: Any) -> Received:
    """Have units of the item delivered there."""
    line = ReceiptLine(
        item_id=item.pk,
        quantity=quantity,
        unit_cost=None if unit_cost is None else Decimal(unit_cost),
        bucket=kwargs.pop("bucket", "sellable"),
        key=kwargs.pop("key", None),
    )
    return receive_stock(
        location=location, lines=[line], document=kwargs.pop("document", "delivery:1"), actor="test", **kwargs
    )


def request_for(
    document: str,
    wanted: Mapping[Item, int],
    locations: Sequence[Location],
    *,
    pool: StockPool | None = None,
    **kw: Any,
) -> Request:
    """Answer what a document wants: one line per item, from these places in this order."""
    return Request(
        document=document,
        wanted=[
            Wanted(line=line, sku=item.sku, quantity=units, parts={item.pk: 1})
            for line, (item, units) in enumerate(wanted.items(), 1)
        ],
        location_ids=[location.pk for location in locations],
        pool_id=pool.pk if pool else None,
        only_location_id=None if pool else locations[0].pk,
        promised_at=kw.pop("promised_at", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        **kw,
    )


def reserve(document: str, wanted: Mapping[Item, int], *locations: Location, **kwargs: Any) -> Outcome:
    """Have stock promised to the document, as far as it goes; what is short waits."""
    (outcome,) = reserve_stock(requests=[request_for(document, wanted, locations, **kwargs)], actor="test")
    return outcome
