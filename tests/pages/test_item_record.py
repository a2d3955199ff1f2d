"""The record form of an item keeps the rules that the services keep."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from inventory.models import Item, KitComponent
from tests.books import last_event, published
from tests.factories.inventory import ItemFactory
from tests.pages.conftest import Browse, Shop

pytestmark = pytest.mark.django_db


def record(*parts: tuple[Any, int], **fields: Any) -> dict[str, Any]:
    """Answer the form of an item as a browser sends it: parts as (component, units), those with a row first."""
    form = {
        "sku": "NEW", "name": "New", "kind": "stocked", "status": "active", "base_unit": "each", "category": "",
        "price": "", "currency": "", "cost": "", "reorder_point": "0", "weight_grams": "",
    } | fields  # fmt: skip
    for prefix, count in (("barcodes", 0), ("packs", 0), ("components", len(parts))):
        kept = KitComponent.objects.filter(kit__sku=form["sku"]).order_by("pk") if prefix == "components" else []
        form |= {f"{prefix}-TOTAL_FORMS": count, f"{prefix}-INITIAL_FORMS": len(kept)}
        form |= {f"{prefix}-{n}-id": row.pk for n, row in enumerate(kept)}
    for n, (component, units) in enumerate(parts):
        form |= {f"components-{n}-component": component.pk, f"components-{n}-quantity": units}
    return form


def add(browse: Browse, form: dict[str, Any]) -> Any:
    return browse.admin.post(reverse("admin:inventory_item_add"), form)


def test_a_kit_is_made_of_stocked_items_and_nothing_else_is_made_of_anything(shop: Shop, browse: Browse) -> None:
    for form, said in (
        (record(kind="kit"), "A kit names its components."),
        (record((shop.mug, 1)), "Only a kit has components."),
        (record((shop.kit, 1), kind="kit"), "A kit is made of stocked items."),
    ):
        answer = add(browse, form)
        assert answer.status_code == 200
        assert said in answer.content.decode()
    assert not Item.objects.filter(sku="NEW").exists()

    assert add(browse, record((shop.mug, 3), kind="kit")).status_code == 302
    assert KitComponent.objects.get(kit__sku="NEW").quantity == 3


def test_a_kit_that_holds_other_parts_is_told_and_stays_a_kit(shop: Shop, browse: Browse) -> None:
    event = last_event()
    form = record((shop.mug, 5), sku=shop.kit.sku, name=shop.kit.name)

    answer = browse.admin.post(reverse("admin:inventory_item_change", args=[shop.kit.pk]), form)

    assert answer.status_code == 302, answer.content.decode()
    assert published("inventory.kits_changed", after=event) == [{"item_ids": [shop.kit.pk]}]
    shop.kit.refresh_from_db()
    assert (shop.kit.kind, shop.kit.components.get().quantity) == ("kit", 5)


def test_what_is_waited_for_or_part_of_a_kit_stays_stocked(shop: Shop, browse: Browse) -> None:
    """The tent never came, but an order waits for it."""
    new = ItemFactory.create()
    for item, offered in ((shop.tent, False), (shop.mug, False), (new, True)):
        page = browse.admin.get(reverse("admin:inventory_item_change", args=[item.pk])).content.decode()
        assert ('name="kind"' in page) == offered
