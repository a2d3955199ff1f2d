"""Whatever enters a figure has it told when it changes, by whichever door, and serves who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels.models import Account, Listing, Recount, StockIntent
from channels.services import recounting
from channels.services.connecting import change_exposure, resume_account
from channels.services.listing import ListingWanted, upsert_listings
from channels.services.recounting import ask_recount, recount_page, want_account_pushed
from channels.services.verifying import verify
from inventory.models import Item, Location, StockLevel, StockPool, WaitingDemand
from inventory.services.arranging import SafetyLine, arrange_pool, keep_back, set_in_use
from inventory.services.cataloguing import ItemDraft, upsert_items
from inventory.services.serving import serve_within_reach
from inventory.services.verifying import verify as verify_stock
from orders.models import Order
from orders.services.arranging import sell_from
from retailhub.core.access import Role
from retailhub.core.errors import Invalid
from retailhub.outbox.models import OutboxEvent
from tests.channels.scripted import ScriptedConnector
from tests.factories.channels import account_of, listed, push_all
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, pool_of, put_on_hand
from tests.factories.orders import placed


@pytest.fixture
def account(connector: ScriptedConnector, warehouse: Location) -> Account:
    return account_of(warehouse, code="web")


@pytest.fixture
def shop(warehouse: Location) -> Location:
    return LocationFactory.create(code="shop")


@pytest.fixture
def item(warehouse: Location, shop: Location) -> Item:
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    put_on_hand(item, shop, 5)
    return item


@pytest.fixture
def listing(account: Account, item: Item, connector: ScriptedConnector) -> Listing:
    listing = listed(account, item)
    push_all(account)
    assert connector.shown == {"at-MUG": 10}
    return listing


@pytest.fixture
def browser(db: None) -> Client:
    client = Client()
    client.force_login(person(Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend")
    return client


def shows(account: Account, connector: ScriptedConnector, sku: str = "MUG") -> int:
    """Let the news go its way; answers what the channel shows then. Nobody says by name what is to be told."""
    push_all(account)
    assert verify() == []
    assert not Recount.objects.exists()
    return connector.shown[f"at-{sku}"]


def pool_form(pool: StockPool, *locations: Location) -> dict[str, Any]:
    """What the admin's form sends to have exactly these places, in this order."""
    old = list(pool.entries.all())
    data: dict[str, Any] = {"code": pool.code, "name": pool.name}
    rows = [
        {"id": entry.pk, "location": entry.location_id, "position": entry.position, "DELETE": "on"} for entry in old
    ]
    for row in rows:
        for place, location in enumerate(locations):
            if location.pk == row["location"]:
                row["position"] = place
                del row["DELETE"]
    had = {row["location"] for row in rows}
    rows += [{"location": x.pk, "position": place} for place, x in enumerate(locations) if x.pk not in had]
    data |= {"entries-TOTAL_FORMS": len(rows), "entries-INITIAL_FORMS": len(old)}
    for number, row in enumerate(rows):
        data |= {f"entries-{number}-pool": pool.pk} | {f"entries-{number}-{name}": value for name, value in row.items()}
    return data


# --- places -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("door", ["verb", "admin"])
def test_a_place_that_joins_or_leaves_the_pool_changes_the_figure(
    account: Account, listing: Listing, connector: ScriptedConnector, warehouse: Location, shop: Location,
    browser: Client, door: str,
) -> None:  # fmt: skip
    pool = account.channel.pool

    def arrange(*locations: Location) -> None:
        if door == "verb":
            arrange_pool(code=pool.code, name=pool.name, location_codes=[location.code for location in locations])
            return
        address = reverse("admin:inventory_stockpool_change", args=[pool.pk])
        answer = browser.post(address, pool_form(pool, *locations))
        assert answer.status_code == 302, answer.context["errors"]

    arrange(warehouse, shop)
    assert shows(account, connector) == 15
    arrange(shop, warehouse)
    assert list(pool.entries.values_list("location__code", flat=True)) == ["shop", "wh"]
    assert shows(account, connector) == 15
    arrange(shop)
    assert shows(account, connector) == 5


def test_a_pool_arranged_as_it_stands_is_no_news(account: Account, listing: Listing) -> None:
    OutboxEvent.objects.all().delete()

    arrange_pool(code="web", name="Web", location_codes=["wh"])

    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("door", ["verb", "admin"])
def test_a_place_that_is_closed_and_opened_again(
    account: Account, listing: Listing, connector: ScriptedConnector, warehouse: Location, browser: Client, door: str
) -> None:
    def use(in_use: bool) -> None:
        if door == "verb":
            set_in_use(location_id=warehouse.pk, in_use=in_use)
            return
        data = {"name": "Depot", "time_zone": "UTC", "address": "{}"} | ({"is_active": "on"} if in_use else {})
        answer = browser.post(reverse("admin:inventory_location_change", args=[warehouse.pk]), data)
        assert answer.status_code == 302

    use(False)
    assert shows(account, connector) == 0
    use(True)
    assert shows(account, connector) == 10


def test_what_a_place_keeps_back_is_not_shown(
    account: Account, listing: Listing, connector: ScriptedConnector, warehouse: Location
) -> None:
    assert keep_back(location=warehouse, lines=[SafetyLine(sku="MUG", units=4)]) == 1
    assert shows(account, connector) == 6
    assert keep_back(location=warehouse, lines=[SafetyLine(sku="MUG", units=4)]) == 0
    assert keep_back(location=warehouse, lines=[SafetyLine(sku="MUG", units=0)]) == 1
    assert shows(account, connector) == 10


def test_no_place_keeps_back_less_than_nothing(item: Item, warehouse: Location) -> None:
    with pytest.raises(Invalid) as refusal:
        keep_back(location=warehouse, lines=[SafetyLine(sku="MUG", units=1), SafetyLine(sku="MUG", units=-1)])

    assert [offence.pointer for offence in refusal.value.errors] == ["/lines/1/units"]
    assert not StockLevel.objects.exclude(safety=0).exists()


@pytest.mark.parametrize("door", ["verb", "admin"])
def test_a_channel_that_sells_from_another_pool(
    account: Account, listing: Listing, connector: ScriptedConnector, shop: Location, browser: Client, door: str
) -> None:
    pool, channel = pool_of(shop), account.channel
    if door == "verb":
        sell_from(channel_id=channel.pk, pool_id=pool.pk)
    else:
        data = {"name": channel.name, "pool": pool.pk, "is_active": "on"}
        answer = browser.post(reverse("admin:orders_saleschannel_change", args=[channel.pk]), data)
        assert answer.status_code == 302

    assert shows(account, connector) == 5


@pytest.mark.parametrize("door", ["verb", "admin"])
def test_a_kit_of_other_parts(
    account: Account, item: Item, connector: ScriptedConnector, browser: Client, door: str
) -> None:
    kit = kit_of({item: 2}, sku="SET")
    listed(account, kit)
    assert shows(account, connector, "SET") == 5
    if door == "verb":
        upsert_items(drafts=[ItemDraft(sku="SET", components={"MUG": 5})], actor="test")
    else:
        part = kit.components.get()
        data = {
            "sku": "SET", "name": kit.name, "kind": "kit", "status": "active", "base_unit": kit.base_unit,
            "reorder_point": 0, "price": "10", "currency": "EUR",
            **{f"{name}-{count}_FORMS": 0 for name in ("barcodes", "packs") for count in ("TOTAL", "INITIAL")},
            "components-TOTAL_FORMS": 1, "components-INITIAL_FORMS": 1, "components-0-id": part.pk,
            "components-0-kit": kit.pk, "components-0-component": item.pk, "components-0-quantity": 5,
        }  # fmt: skip
        answer = browser.post(reverse("admin:inventory_item_change", args=[kit.pk]), data)
        assert answer.status_code == 302, answer.context["errors"]

    assert shows(account, connector, "SET") == 2


# --- who waits ----------------------------------------------------------------------------------------------------
def waits(item: Item, account: Account, units: int) -> Order:
    placed(account.channel, "W1", (item.sku, units))
    assert WaitingDemand.objects.filter(quantity__gt=0).exists()
    return Order.objects.get(channel=account.channel, external_reference="W1")


def test_who_waits_is_served_at_the_place_that_joins(
    account: Account, listing: Listing, connector: ScriptedConnector, warehouse: Location, shop: Location
) -> None:
    order = waits(listing.item, account, 12)

    arrange_pool(code="web", name="Web", location_codes=["wh", "shop"])

    assert shows(account, connector) == 3
    assert StockLevel.objects.get(location=shop).reserved == 2
    assert not WaitingDemand.objects.filter(quantity__gt=0).exists()
    order.refresh_from_db()
    assert order.status == "allocated"
    assert verify_stock() == []


def test_who_waits_is_served_at_a_place_that_is_opened_and_not_at_a_closed_one(
    account: Account, listing: Listing, connector: ScriptedConnector, warehouse: Location, shop: Location
) -> None:
    set_in_use(location_id=shop.pk, in_use=False)
    arrange_pool(code="web", name="Web", location_codes=["wh", "shop"])
    waits(listing.item, account, 12)
    put_on_hand(listing.item, shop, 1)
    push_all(account)
    assert StockLevel.objects.get(location=shop).reserved == 0

    set_in_use(location_id=shop.pk, in_use=True)

    assert shows(account, connector) == 4
    assert StockLevel.objects.get(location=shop).reserved == 2
    assert verify_stock() == []


def test_who_waits_goes_with_the_channel_to_its_new_pool(
    account: Account, listing: Listing, connector: ScriptedConnector, shop: Location
) -> None:
    order = waits(listing.item, account, 12)
    pool = pool_of(shop)

    sell_from(channel_id=account.channel.pk, pool_id=pool.pk)

    assert shows(account, connector) == 3
    assert StockLevel.objects.get(location=shop).reserved == 2
    order.refresh_from_db()
    assert order.status == "allocated"


def test_those_who_wait_at_many_places_are_served_page_by_page(
    account: Account, connector: ScriptedConnector, warehouse: Location, shop: Location
) -> None:
    items = ItemFactory.create_batch(5)
    placed(account.channel, "W1", *[(item.sku, 1) for item in items])
    for item in items:
        put_on_hand(item, shop, 2)
    arrange_pool(code="web", name="Web", location_codes=["wh", "shop"])  # its news is not heard yet

    assert [serve_within_reach(most=2) for _ in range(4)] == [2, 2, 1, 0]
    assert not WaitingDemand.objects.filter(quantity__gt=0).exists()


# --- what a listing says -----------------------------------------------------------------------------------------
TERMS: list[tuple[str, Any, int]] = [
    ("buffer", 3, 7),
    ("share_percent", 50, 5),
    ("max_listed", 4, 4),
    ("end_when", 10, 0),
    ("fixed_quantity", 99, 99),
    ("pack", 3, 3),
]


@pytest.mark.parametrize(("name", "value", "shown"), TERMS)
@pytest.mark.parametrize("door", ["verb", "admin"])
def test_every_term_of_a_listing_has_it_told(
    account: Account, listing: Listing, connector: ScriptedConnector, browser: Client, door: str, name: str,
    value: int, shown: int,
) -> None:  # fmt: skip
    if door == "verb":
        (answer,) = upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", **{name: value})])
        assert isinstance(answer, Listing)
    else:
        data = {"item": listing.item_id, "title": "", "pack": 1, "end_when": 0} | {name: value}
        answer = browser.post(reverse("admin:channels_listing_change", args=[listing.pk]), data)
        assert answer.status_code == 302, answer.context["errors"]

    assert shows(account, connector) == shown


@pytest.mark.parametrize("state", ["paused", "ended", "mapped"])
def test_a_listing_off_the_shelf_is_told_to_show_none_and_on_it_again_its_figure(
    account: Account, listing: Listing, connector: ScriptedConnector, state: str
) -> None:
    upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", state=state)])
    assert shows(account, connector) == 0

    upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", state="live")])
    assert shows(account, connector) == 10


def test_a_listing_of_another_item_shows_that_one(
    account: Account, listing: Listing, connector: ScriptedConnector, warehouse: Location, browser: Client
) -> None:
    cup = ItemFactory.create(sku="CUP")
    put_on_hand(cup, warehouse, 3)

    data = {"item": cup.pk, "title": "", "pack": 1, "end_when": 0}
    answer = browser.post(reverse("admin:channels_listing_change", args=[listing.pk]), data)

    assert answer.status_code == 302
    assert shows(account, connector) == 3


@pytest.mark.parametrize(
    ("change", "field"), [({"item": ""}, "item"), ({"fixed_quantity": 2_000_000_000}, "fixed_quantity")]
)
def test_a_listing_that_cannot_be_is_refused_on_its_form(
    listing: Listing, browser: Client, change: dict[str, Any], field: str
) -> None:
    data = {"item": listing.item_id, "title": "", "pack": 1, "end_when": 0} | change

    answer = browser.post(reverse("admin:channels_listing_change", args=[listing.pk]), data)

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]


def test_a_listing_that_is_not_on_the_channel_yet_is_told_nothing(
    account: Account, item: Item, connector: ScriptedConnector, browser: Client
) -> None:
    (listing,) = upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG")])
    assert isinstance(listing, Listing)
    data = {"item": item.pk, "title": "A mug", "pack": 1, "end_when": 0, "buffer": 1}

    answer = browser.post(reverse("admin:channels_listing_change", args=[listing.pk]), data)

    assert answer.status_code == 302
    assert not StockIntent.objects.exists()


@pytest.mark.parametrize(("name", "value", "shown"), [("buffer", 3, 7), ("share_percent", 50, 5)])
@pytest.mark.parametrize("door", ["verb", "admin"])
def test_every_term_of_the_account_has_its_listings_told(
    account: Account, listing: Listing, connector: ScriptedConnector, browser: Client, door: str, name: str,
    value: int, shown: int,
) -> None:  # fmt: skip
    if door == "verb":
        change_exposure(account_id=account.pk, **{name: value})
    else:
        data = {"base_url": "", "buffer": 0, "share_percent": 100} | {name: value}
        answer = browser.post(reverse("admin:channels_account_change", args=[account.pk]), data)
        assert answer.status_code == 302, answer.context["errors"]

    assert shows(account, connector) == shown


# --- many listings ------------------------------------------------------------------------------------------------
@pytest.fixture
def seven(account: Account, warehouse: Location, connector: ScriptedConnector) -> list[Listing]:
    items = [ItemFactory.create(sku=f"I{number}") for number in range(7)]
    for item in items:
        put_on_hand(item, warehouse, 10)
    listings = [listed(account, item) for item in items]
    push_all(account)
    return listings


@pytest.mark.parametrize(
    "change",
    [
        lambda account: want_account_pushed(account),
        lambda account: resume_account(account_id=account.pk, actor="test"),
        lambda account: change_exposure(account_id=account.pk, buffer=1),
    ],
    ids=["sync", "resume", "exposure"],
)
def test_many_listings_are_looked_at_page_by_page(
    account: Account, seven: list[Listing], monkeypatch: pytest.MonkeyPatch, change: Callable[[Account], Any]
) -> None:
    monkeypatch.setattr(recounting, "PAGE", 3)
    due = StockIntent.objects.filter(state="due")

    change(account)

    assert due.count() == 3
    assert verify() == []  # the rest is on its way
    assert recount_page(account_id=account.pk) is True
    assert due.count() == 6
    assert recount_page(account_id=account.pk) is False
    assert due.count() == 7
    assert not Recount.objects.exists()


def test_a_change_that_comes_meanwhile_begins_again_at_the_first_listing(
    account: Account, seven: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "PAGE", 3)
    ask_recount([account.pk])
    recount_page(account_id=account.pk)
    first = Recount.objects.get()

    ask_recount([account.pk])

    again = Recount.objects.get()
    assert (first.done_to, again.done_to) == (seven[2].pk, 0)
    assert again.wanted_at == first.wanted_at


def test_a_desk_has_nobody_to_tell(account: Account, warehouse: Location) -> None:
    account_of(warehouse, kind="desk", code="desk")

    set_in_use(location_id=warehouse.pk, in_use=False)
    push_all(account)

    assert not Recount.objects.exists()
