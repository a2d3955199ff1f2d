"""Items taken out of the catalogue again."""

from __future__ import annotations

import pytest

from inventory.models import Barcode, Item, PackUnit
from inventory.services.removing import remove_unused_items
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, put_on_hand

pytestmark = pytest.mark.django_db


def test_an_item_that_nothing_refers_to_goes_with_its_own_parts() -> None:
    item = ItemFactory.create(sku="A")
    Barcode.objects.create(item=item, code="4006381333931")
    PackUnit.objects.create(item=item, code="case", numerator=6)
    assert remove_unused_items(item_ids=[item.pk, 0]) == {}
    assert (Item.objects.count(), Barcode.objects.count(), PackUnit.objects.count()) == (0, 0, 0)


def test_items_that_are_used_stay_and_the_others_go() -> None:
    stocked, part, free = ItemFactory.create(), ItemFactory.create(), ItemFactory.create()
    put_on_hand(stocked, LocationFactory.create(), 1)
    kit = kit_of({part: 1})
    used = remove_unused_items(item_ids=[stocked.pk, part.pk, free.pk])
    assert used.keys() == {stocked.pk, part.pk}
    assert used[part.pk] == "there are kit components of it"
    assert set(Item.objects.all()) == {stocked, part, kit}
    assert remove_unused_items(item_ids=[kit.pk]) == {}, "a kit's own list of parts does not hold it"
