"""By which method an item is valued: from today on, never for what is past."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.models import CostLayer, CostMethodChange, CostPool, Item
from inventory.services.costing import lock_pools
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.sql import rows
from retailhub.core.transactions import retried


class KitHasNoCost(DomainError):
    """A kit has no cost of its own; its components have."""

    code = "not_stocked"


@retried()
def change_costing_method(*, items: Sequence[Item], method: str, actor: str, note: str = "") -> list[CostMethodChange]:
    """Value the items by this method from now on, all or none; answers the changes, none for those it was true of.

    What is there keeps its value: for first in, first out it becomes one opening layer, by the moving average the
    layers are folded into one value. Nothing is posted, because nothing changes its value.
    """
    if method not in CostPool.Method.values:
        detail = f"a method is one of {', '.join(CostPool.Method.values)}"
        raise Invalid(errors=[Offence(pointer="/method", code="invalid", detail=detail)])
    kits = [
        Offence(pointer=f"/items/{index}", code="not_stocked", detail=f"{item.sku} is a kit: name its components")
        for index, item in enumerate(items)
        if item.kind == Item.Kind.KIT
    ]
    if kits:
        raise KitHasNoCost(errors=kits)
    lock_pools(item.pk for item in items)
    pools = list(CostPool.objects.filter(item__in=items).exclude(method=method).order_by("item"))
    changed = [pool.item_id for pool in pools]
    latest = dict(
        rows(
            """SELECT w.item_id, coalesce((SELECT max(m.id) FROM inventory_stockmovement m
                                           WHERE m.item_id = w.item_id), 0)
               FROM unnest(%s::bigint[]) AS w(item_id)""",
            [changed],
        )
    )
    if method == CostPool.Method.FIFO:
        CostLayer.objects.bulk_create(
            CostLayer(
                item_id=pool.item_id,
                received=pool.quantity,
                quantity=pool.quantity,
                value=pool.value,
                opened_after=latest[pool.item_id],
            )
            for pool in pools
            if pool.quantity
        )
    else:
        rows(
            """UPDATE inventory_costlayer l SET folded_after = v.movement
               FROM unnest(%s::bigint[], %s::bigint[]) AS v(item_id, movement)
               WHERE l.item_id = v.item_id AND l.folded_after IS NULL AND l.quantity > 0 RETURNING l.id""",
            [changed, [latest[item_id] for item_id in changed]],
        )
    CostPool.objects.filter(item__in=changed).update(method=method)
    return CostMethodChange.objects.bulk_create(
        CostMethodChange(
            item_id=pool.item_id, method=method, quantity=pool.quantity, value=pool.value, note=note, actor=actor
        )
        for pool in pools
    )
