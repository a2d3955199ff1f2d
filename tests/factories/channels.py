"""Channels and what they list, opened and changed through the verbs."""

from __future__ import annotations

from itertools import count
from typing import Any

from channels.models import Account, Listing, StockIntent
from channels.services.connecting import open_channel, resume_account
from channels.services.listing import ListingWanted, upsert_listings
from channels.services.pushing import push_stock
from channels.services.recounting import recount_page
from inventory.models import Item, Location
from retailhub.outbox.services.delivering import deliver_waiting

_number = count(1)


def account_of(
    *locations: Location, kind: str = "scripted", live: bool = True, code: str = "", **kwargs: Any
) -> Account:
    """Have a channel that sells from these places; live unless said otherwise."""
    code = code or f"shop-{next(_number)}"
    channel = open_channel(
        code=code,
        name=code.title(),
        kind=kind,
        currency="EUR",
        location_codes=[location.code for location in locations],
        **kwargs,
    )
    account = Account.objects.select_related("channel").get(channel=channel)
    if live:
        resume_account(account_id=account.pk, actor="test")
    return Account.objects.select_related("channel").get(pk=account.pk)


def listed(account: Account, item: Item, *, channel_code: str = "", **wanted: Any) -> Listing:
    """Have the item live on the channel, under its SKU unless `seller_sku` says otherwise; its figure is due."""
    seller_sku = wanted.pop("seller_sku", item.sku)
    entry = ListingWanted(
        seller_sku=seller_sku, sku=item.sku, channel_code=channel_code or f"at-{seller_sku}", state="live", **wanted
    )
    (answer,) = upsert_listings(account=account, wanted=[entry])
    assert isinstance(answer, Listing), answer
    return answer


def intent_of(listing: Listing) -> StockIntent:
    return StockIntent.objects.get(listing=listing)


def push_all(account: Account) -> None:
    """Have the news delivered, and the channel told everything that is due now or will be in a moment."""
    while deliver_waiting():
        pass
    while recount_page(account_id=account.pk):
        pass
    make_due(account)
    while push_stock(account_id=account.pk).sent:
        make_due(account)


def make_due(account: Account) -> None:
    """Let time pass, as far as figures that wait for it are concerned."""
    StockIntent.objects.filter(account=account).update(due_at="2020-01-01T00:00:00Z")
