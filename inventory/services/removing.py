"""Items taken out of the catalogue again: only those that nothing refers to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pghistory.models
from django.db.models import ForeignObjectRel

from inventory.models import Barcode, Item, KitComponent, PackUnit
from retailhub.core.transactions import retried


@retried()
def remove_unused_items(*, item_ids: Sequence[int]) -> dict[int, str]:
    """Remove the items with their barcodes, packs and components; answers what refers to the others: {id: reason}.

    Whoever would refer to one in this moment waits, and then finds it gone. One query for each kind of thing that can
    refer to an item, whatever their number.
    """
    held = set(Item.objects.filter(pk__in=item_ids).order_by("pk").select_for_update().values_list("pk", flat=True))
    used: dict[int, str] = {}
    for relation in _referring():
        model: Any = relation.related_model
        name = relation.field.name
        for item_id in model._base_manager.filter(**{f"{name}__in": held}).values_list(name, flat=True).distinct():
            used.setdefault(item_id, f"there are {model._meta.verbose_name_plural} of it")
    Item.objects.filter(pk__in=held - used.keys()).delete()
    return used


def _referring() -> Iterable[ForeignObjectRel]:
    """Answer the ways in which something may refer to an item, whichever app it is in; its own parts do not."""
    own = {(Barcode, "item"), (PackUnit, "item"), (KitComponent, "kit")}
    for relation in Item._meta.related_objects:
        model: Any = relation.related_model
        if not issubclass(model, pghistory.models.Event) and (model, relation.field.name) not in own:
            yield relation
