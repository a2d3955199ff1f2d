"""Places that a channel sells from come and go: orders that wait are served, and the channel is told its new figure."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from channels.models import StockIntent
from channels.queries import figures_of
from inventory.models import Location, StockPoolLocation
from inventory.services.arranging import arrange_pool
from orders.models import Order
from tests.books import assert_books_agree, last_event, published
from tests.factories.inventory import LocationFactory, pool_of, put_on_hand
from tests.pages.conftest import Browse, Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def outlet(shop: Shop, deliver: Any) -> Location:
    """A place outside the channel's pool, with tents, for which an order waits, and mugs."""
    shop.listing.state = "live"
    shop.listing.save(update_fields=["state"])
    outlet = LocationFactory.create(code="outlet")
    put_on_hand(shop.tent, outlet, 3)
    put_on_hand(shop.mug, outlet, 7)
    deliver()
    assert Order.objects.get(pk=shop.short.pk).status == "open"
    return outlet


def places(shop: Shop, *more: Location) -> dict[str, Any]:
    """Answer the form of the channel's pool with more places at its end."""
    pool = shop.order.channel.pool
    entries = list(pool.entries.order_by("position"))
    form: dict[str, Any] = {"code": pool.code, "name": pool.name}
    form |= {"entries-INITIAL_FORMS": len(entries), "entries-TOTAL_FORMS": len(entries) + len(more)}
    for n, entry in enumerate([*entries, *[StockPoolLocation(location=place) for place in more]]):
        form |= {f"entries-{n}-id": entry.pk or "", f"entries-{n}-location": entry.location_id}
        form |= {f"entries-{n}-position": n}
    return form


def wanted(shop: Shop) -> int:
    """Answer how often the listing was to be told."""
    return StockIntent.objects.filter(listing=shop.listing).values_list("wanted_version", flat=True).first() or 0


def offered(shop: Shop) -> int:
    return figures_of([shop.listing.pk])[shop.listing.pk].quantity


def test_a_place_that_joins_a_pool_serves_who_waits_and_channels_hear(
    shop: Shop, browse: Browse, outlet: Location, deliver: Any
) -> None:
    told, figure = wanted(shop), offered(shop)
    address = reverse("admin:inventory_stockpool_change", args=[shop.order.channel.pool_id])

    assert browse.admin.post(address, places(shop, outlet)).status_code == 302
    deliver()

    assert Order.objects.get(pk=shop.short.pk).status == "allocated"
    assert (wanted(shop), offered(shop)) == (told + 1, figure + 7)
    assert_books_agree()


def test_a_place_that_is_closed_and_opened_again(shop: Shop, browse: Browse, outlet: Location, deliver: Any) -> None:
    told, figure = wanted(shop), offered(shop)
    address = reverse("admin:inventory_location_change", args=[shop.lyon.pk])
    form = {"name": shop.lyon.name, "time_zone": "UTC", "address": "{}"}

    assert browse.admin.post(address, form).status_code == 302
    put_on_hand(shop.tent, shop.lyon, 1)
    deliver()
    assert (wanted(shop), offered(shop)) == (told + 1, figure - 5)
    assert Order.objects.get(pk=shop.short.pk).status == "open", "nothing is promised from a closed place"

    assert browse.admin.post(address, form | {"is_active": "on"}).status_code == 302
    deliver()
    assert offered(shop) == figure
    assert Order.objects.get(pk=shop.short.pk).status == "allocated"


def test_another_pool_is_another_figure(shop: Shop, browse: Browse, outlet: Location, deliver: Any) -> None:
    told = wanted(shop)
    channel = shop.order.channel
    form = {"name": channel.name, "pool": pool_of(outlet).pk, "is_active": "on"}

    assert browse.admin.post(reverse("admin:orders_saleschannel_change", args=[channel.pk]), form).status_code == 302
    deliver()

    assert (wanted(shop), offered(shop)) == (told + 1, 7)


def test_a_pool_that_is_arranged_as_it_was_says_nothing(shop: Shop, outlet: Location) -> None:
    pool = shop.order.channel.pool
    event = last_event()

    arrange_pool(code=pool.code, name="New name", location_codes=["depot", "lyon"])
    assert last_event() == event
    arrange_pool(code=pool.code, name="New name", location_codes=["depot", "lyon", "outlet"])

    assert published("inventory.pools_changed", after=event) == [{"pool_ids": [pool.pk]}]
