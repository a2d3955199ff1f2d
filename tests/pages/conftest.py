"""A small shop to look at: two places, a few items, orders, a transfer, a channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from channels.models import Account, Listing
from channels.services.connecting import open_channel
from channels.services.listing import ListingWanted, upsert_listings
from inventory.models import Item, Location, Transfer
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.transferring import TransferDraftLine, draft_transfer
from orders.models import Order
from orders.services.placing import NewLine, NewOrder, place_orders
from retailhub.core.access import Role
from retailhub.core.models import User
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of


@dataclass
class Shop:
    lyon: Location
    depot: Location
    mug: Item
    tent: Item
    kit: Item
    order: Order
    short: Order
    transfer: Transfer
    account: Account
    listing: Listing


@pytest.fixture
def shop(db: None) -> Shop:
    lyon = LocationFactory.create(code="lyon", name="Lyon store", kind=Location.Kind.STORE)
    depot = LocationFactory.create(code="depot", name="Depot")
    mug = ItemFactory.create(sku="MUG/BLUE", name="Enamel mug, blue")
    tent = ItemFactory.create(sku="TENT-2", name="Tent for two")
    kit = kit_of({mug: 2}, sku="SET-1", name="Two mugs")
    for location, units in ((lyon, 5), (depot, 20)):
        adjust_stock(
            location=location,
            reason="opening",
            lines=[AdjustmentLine(sku=mug.sku, change=units, unit_cost=Decimal(3))],
            actor="test",
        )
    open_channel(code="web", name="Web shop", kind="sandbox", currency="EUR", location_codes=["depot", "lyon"])
    account = Account.objects.get(channel__code="web")
    Account.objects.filter(pk=account.pk).update(credentials={"api_key": "do-not-tell-anybody"})
    (listing,) = upsert_listings(account=account, wanted=[ListingWanted(seller_sku=mug.sku)])
    assert isinstance(listing, Listing)
    orders = [
        NewOrder(
            channel="web",
            external_reference=reference,
            placed_at=datetime(2026, 11, 1, tzinfo=UTC),
            currency="EUR",
            lines=[NewLine(sku=sku, quantity=quantity, unit_price=Decimal("12.50"))],
        )
        for reference, sku, quantity in (("W-1", mug.sku, 2), ("W-2", tent.sku, 1))
    ]
    place_orders(batch=orders, actor="test")
    transfer = draft_transfer(
        origin=depot, destination=lyon, lines=[TransferDraftLine(sku=mug.sku, quantity=3)], actor="test"
    )
    return Shop(
        lyon,
        depot,
        mug,
        tent,
        kit,
        Order.objects.get(external_reference="W-1"),
        Order.objects.get(external_reference="W-2"),
        transfer,
        account,
        listing,
    )


@pytest.fixture
def browse(db: None) -> Browse:
    return Browse()


class Browse:
    """Logs people in and hands out their clients."""

    def as_user(self, user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def as_role(self, role: str, locations: list[str] | None = None) -> Client:
        return self.as_user(person(role, locations=locations))

    @property
    def admin(self) -> Client:
        return self.as_role(Role.ADMINISTRATOR)
