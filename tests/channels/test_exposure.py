"""The figure a channel is to show: each term alone and together, and what it is computed from."""

from __future__ import annotations

from typing import Any

import pytest

from channels.exposure import Terms, published
from channels.queries import explain, figures_of
from channels.services.connecting import change_exposure
from channels.services.listing import ListingWanted, upsert_listings
from inventory.models import Item, Location, StockLevel
from tests.channels.scripted import ScriptedConnector
from tests.factories.channels import account_of, listed
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, put_on_hand
from tests.factories.orders import placed


@pytest.mark.parametrize(
    ("terms", "shown"),
    [
        ({"offered": 10}, 10),
        ({"offered": 0}, 0),
        ({"offered": -3}, 0),
        ({"offered": 10, "live": False}, 0),
        ({"offered": 10, "live": False, "fixed_quantity": 7}, 0),
        ({"offered": 0, "fixed_quantity": 7}, 7),
        ({"offered": 10, "fixed_quantity": 0}, 0),
        ({"offered": 10, "fixed_quantity": 9, "buffer": 3, "max_listed": 2, "pack": 5}, 9),
        ({"offered": 10, "share_percent": 50}, 5),
        ({"offered": 11, "share_percent": 50}, 5),
        ({"offered": 1, "share_percent": 99}, 0),
        ({"offered": 10, "share_percent": 0}, 0),
        ({"offered": 10, "buffer": 3}, 7),
        ({"offered": 3, "buffer": 5}, 0),
        ({"offered": 10, "share_percent": 50, "buffer": 3}, 2),
        ({"offered": 3, "end_when": 2}, 3),
        ({"offered": 2, "end_when": 2}, 0),
        ({"offered": 5, "buffer": 3, "end_when": 2}, 0),
        ({"offered": 10, "max_listed": 4}, 4),
        ({"offered": 10, "max_listed": 0}, 0),
        ({"offered": 3, "max_listed": 4}, 3),
        ({"offered": 2, "end_when": 2, "max_listed": 1}, 0),
        ({"offered": 13, "pack": 6}, 2),
        ({"offered": 5, "pack": 6}, 0),
        ({"offered": 13, "buffer": 2, "pack": 6}, 1),
        ({"offered": 100, "share_percent": 50, "buffer": 5, "end_when": 10, "max_listed": 30, "pack": 4}, 7),
        ({"offered": 30_000_000_000}, 1_000_000_000),
    ],
)
def test_each_term_of_the_figure(terms: dict[str, Any], shown: int) -> None:
    figure = published(Terms(**{"live": True, **terms}))

    assert figure.quantity == shown
    assert figure.steps[-1].result == shown


def test_places_are_added_each_less_what_it_keeps_back(connector: ScriptedConnector, warehouse: Location) -> None:
    shop, elsewhere = LocationFactory.create(code="shop"), LocationFactory.create(code="elsewhere")
    item = ItemFactory.create()
    for place, quantity in ((warehouse, 10), (shop, 3), (elsewhere, 50)):
        put_on_hand(item, place, quantity)
    StockLevel.objects.filter(item=item, location=shop).update(safety=5)  # keeps more than it has: gives none
    StockLevel.objects.filter(item=item, location=warehouse).update(safety=2)
    listing = listed(account_of(warehouse, shop), item)

    assert _shown(listing.pk) == 8


def test_a_place_that_is_closed_gives_nothing(connector: ScriptedConnector, warehouse: Location) -> None:
    shop = LocationFactory.create(code="shop")
    item = ItemFactory.create()
    put_on_hand(item, warehouse, 10)
    put_on_hand(item, shop, 3)
    listing = listed(account_of(warehouse, shop), item)
    Location.objects.filter(pk=shop.pk).update(is_active=False)

    assert _shown(listing.pk) == 10
    assert [level["location__code"] for level in explain(listing).levels] == ["wh"]


def test_what_is_promised_is_not_shown(connector: ScriptedConnector, warehouse: Location) -> None:
    item = ItemFactory.create()
    put_on_hand(item, warehouse, 10)
    account = account_of(warehouse)
    listing = listed(account, item)
    placed(account.channel, "1", (item.sku, 4))

    assert _shown(listing.pk) == 6


def test_a_kit_is_counted_place_by_place(connector: ScriptedConnector, warehouse: Location) -> None:
    """Bottle here and glasses there make no kit: it ships from one place."""
    shop = LocationFactory.create(code="shop")
    bottle, glass = ItemFactory.create(), ItemFactory.create()
    for item, place, quantity in ((bottle, warehouse, 5), (glass, warehouse, 3), (bottle, shop, 1), (glass, shop, 9)):
        put_on_hand(item, place, quantity)
    kit = kit_of({bottle: 1, glass: 2})
    listing = listed(account_of(warehouse, shop), kit)

    assert _shown(listing.pk) == 1 + 1


def test_a_kit_without_parts_or_with_an_unstocked_one_shows_none(
    connector: ScriptedConnector, warehouse: Location
) -> None:
    account = account_of(warehouse)
    bottle = ItemFactory.create()
    put_on_hand(bottle, warehouse, 5)
    empty = listed(account, ItemFactory.create(kind=Item.Kind.KIT))
    lacking = listed(account, kit_of({bottle: 1, ItemFactory.create(): 1}))

    assert _shown(empty.pk) == 0
    assert _shown(lacking.pk) == 0


def test_a_listing_follows_its_account_unless_it_says_otherwise(
    connector: ScriptedConnector, warehouse: Location
) -> None:
    item = ItemFactory.create()
    put_on_hand(item, warehouse, 10)
    account = account_of(warehouse)
    follows = listed(account, item, seller_sku="A")
    own = listed(account, item, seller_sku="B", buffer=0, share_percent=100)
    change_exposure(account_id=account.pk, buffer=1, share_percent=50)

    assert (_shown(follows.pk), _shown(own.pk)) == (4, 10)


def test_a_listing_off_the_shelf_shows_none(connector: ScriptedConnector, warehouse: Location) -> None:
    item = ItemFactory.create()
    put_on_hand(item, warehouse, 10)
    account = account_of(warehouse)
    listing = listed(account, item)
    upsert_listings(account=account, wanted=[ListingWanted(seller_sku=item.sku, state="paused")])

    assert _shown(listing.pk) == 0


def test_why_a_channel_shows_what_it_shows(connector: ScriptedConnector, warehouse: Location) -> None:
    item = ItemFactory.create()
    put_on_hand(item, warehouse, 10)
    account = account_of(warehouse)
    listing = listed(account, item, buffer=2)
    placed(account.channel, "1", (item.sku, 4))

    told = explain(listing)

    assert [step.name for step in told.figure.steps] == ["offered", "buffer", "result"]
    assert [(level["location__code"], level["available"]) for level in told.levels] == [("wh", 6)]
    assert [held["open_quantity"] for held in told.reservations] == [4]
    assert not told.in_step


def _shown(listing_id: int) -> int:
    return figures_of([listing_id])[listing_id].quantity
