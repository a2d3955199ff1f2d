"""Items offered on a channel: mapped, changed, refused, published; and channels opened."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from channels.connectors.base import ItemResult, ListingDraft, Outcome, Retryable
from channels.models import Account, Listing, StockIntent
from channels.services.connecting import DuplicateChannel, change_exposure, open_channel
from channels.services.listing import ListingWanted, publish_listings, upsert_listings
from inventory.models import Item, Location
from retailhub.core.errors import DomainError, Invalid
from tests.channels.scripted import ScriptedConnector
from tests.factories.channels import account_of, listed, push_all
from tests.factories.inventory import ItemFactory, put_on_hand


@pytest.fixture
def account(connector: ScriptedConnector, warehouse: Location) -> Account:
    return account_of(warehouse, code="web")


@pytest.fixture
def item(account: Account, warehouse: Location) -> Item:
    item = ItemFactory.create(sku="MUG", name="A mug", price=Decimal("4.50"))
    put_on_hand(item, warehouse, 5)
    return item


def upsert(account: Account, seller_sku: str, **wanted: Any) -> Listing | DomainError:
    return upsert_listings(account=account, wanted=[ListingWanted(seller_sku=seller_sku, **wanted)])[0]


def test_a_listing_finds_its_item_by_its_sku(account: Account, item: Item) -> None:
    found, lost = upsert(account, "MUG"), upsert(account, "GHOST")

    assert isinstance(found, Listing)
    assert isinstance(lost, Listing)
    assert (found.item, found.state) == (item, "mapped")
    assert (lost.item, lost.state) == (None, "unmapped")


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"sku": "GHOST"}, "/sku"),
        ({"state": "sold"}, "/state"),
        ({"pack": 0}, "/pack"),
        ({"pack": 2**40}, "/pack"),
        ({"share_percent": 101}, "/share_percent"),
        ({"buffer": -1}, "/buffer"),
        ({"max_listed": 2**40}, "/max_listed"),
        ({"channel_code": "TAKEN"}, "/channel_code"),
    ],
)
def test_a_refused_change_leaves_the_listing_and_the_others_alone(
    account: Account, item: Item, wanted: dict[str, Any], pointer: str
) -> None:
    upsert(account, "OTHER", channel_code="TAKEN")
    upsert(account, "MUG", title="before")

    refused, done = upsert_listings(
        account=account,
        wanted=[ListingWanted(seller_sku="MUG", title="after", **wanted), ListingWanted(seller_sku="OTHER", title="x")],
    )

    assert isinstance(refused, DomainError)
    assert [error.pointer for error in refused.errors] == [pointer]
    assert isinstance(done, Listing)
    assert Listing.objects.get(seller_sku="MUG").title == "before"


def test_a_live_listing_needs_an_item(account: Account) -> None:
    refused = upsert(account, "GHOST", state="live")

    assert isinstance(refused, Invalid)
    assert not Listing.objects.exists()


def test_published_listings_go_live_and_are_told_their_figure(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    drafts: list[ListingDraft] = []

    def take(settings: Any, items: Any) -> list[ItemResult]:
        drafts.extend(items)
        return [
            ItemResult(key=draft.key, outcome=Outcome.OK, external_id=f"at-{draft.sku}")
            if draft.sku != "BAD"
            else ItemResult(key=draft.key, outcome=Outcome.REJECTED, code="bad", message="No.")
            for draft in items
        ]

    connector.push_listings = take  # type: ignore[method-assign]
    upsert(account, "MUG", pack=2)
    upsert(account, "BAD", sku="MUG")
    upsert(account, "GHOST")

    assert publish_listings(account_id=account.pk) == 1
    push_all(account)

    assert {(draft.sku, draft.title, draft.price) for draft in drafts} == {
        ("MUG", "A mug", Decimal("9.00")),
        ("BAD", "A mug", Decimal("4.50")),
    }
    assert dict(Listing.objects.values_list("seller_sku", "state")) == {
        "MUG": "live",
        "BAD": "error",
        "GHOST": "unmapped",
    }
    assert Listing.objects.get(seller_sku="BAD").error == "No."
    assert connector.shown == {"at-MUG": 2}


def test_a_channel_that_does_not_take_listings_now_changes_nothing(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    def fail(settings: Any, items: Any) -> list[ItemResult]:
        raise Retryable("down")

    connector.push_listings = fail  # type: ignore[method-assign]
    upsert(account, "MUG")

    with pytest.raises(Retryable):
        publish_listings(account_id=account.pk)

    assert Listing.objects.get().state == "mapped"


def test_a_desk_is_live_at_once_and_other_channels_are_set_up_first(
    connector: ScriptedConnector, warehouse: Location
) -> None:
    for kind, state in (("desk", "live"), ("scripted", "setup")):
        channel = open_channel(code=kind, name=kind, kind=kind, currency="EUR", location_codes=["wh"])
        assert Account.objects.get(channel=channel).state == state

    with pytest.raises(DuplicateChannel):
        open_channel(code="desk", name="again", kind="desk", currency="EUR", location_codes=["wh"])
    with pytest.raises(Invalid):
        open_channel(code="new", name="new", kind="telepathy", currency="EUR", location_codes=["wh"])


@pytest.mark.parametrize("exposure", [{"buffer": -1}, {"buffer": 2**40}, {"share_percent": 101}, {"share_percent": -1}])
def test_an_impossible_exposure_is_refused(account: Account, item: Item, exposure: dict[str, int]) -> None:
    listed(account, item)
    StockIntent.objects.all().delete()

    with pytest.raises(Invalid):
        change_exposure(account_id=account.pk, **exposure)

    assert not StockIntent.objects.exists()
