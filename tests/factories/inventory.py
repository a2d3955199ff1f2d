from __future__ import annotations

from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from inventory.models import Item, KitComponent, Location, StockPool, StockPoolLocation
from inventory.services.adjusting import AdjustmentLine, adjust_stock


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
