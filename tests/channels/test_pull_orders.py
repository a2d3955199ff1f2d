"""Orders read from a channel: each once, the newest version, and nothing missed when the reader dies."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from channels.connectors.base import (
    ChannelAddress,
    ChannelCustomer,
    ChannelPayment,
    NeedsAuth,
    OrderStatus,
    Retryable,
    UnreadableOrder,
)
from channels.models import Account, Cursor, InboxMessage, StockIntent
from channels.services import pulling
from channels.services.listing import ListingWanted, upsert_listings
from channels.services.pulling import pull_orders
from channels.services.verifying import verify
from inventory.models import Item, Location, Reservation, StockLevel
from orders.models import Order, OrderLine
from orders.services.shipping import ship_order
from retailhub.core.models import Attention
from tests.channels.scripted import ScriptedConnector, told_order
from tests.factories.channels import account_of, intent_of, listed, push_all
from tests.factories.inventory import ItemFactory, kit_of, put_on_hand


@pytest.fixture
def account(connector: ScriptedConnector, warehouse: Location) -> Account:
    return account_of(warehouse, code="web")


@pytest.fixture
def item(account: Account, warehouse: Location) -> Item:
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    listed(account, item)
    push_all(account)
    return item


def pull(account: Account, **kwargs: Any) -> pulling.Pulled:
    return pull_orders(account_id=account.pk, **kwargs)


def test_orders_are_taken_page_by_page_each_once(account: Account, item: Item, connector: ScriptedConnector) -> None:
    connector.page_size = 2
    for number in range(5):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))

    first, second = pull(account), pull(account)

    assert (first.pages, first.new) == (3, 5)
    assert second.new == 0
    assert Order.objects.count() == 5
    assert Cursor.objects.get().value == "5"
    assert connector.pulls == [None, "2", "4", "4"]  # a step back, every time


def test_every_fact_of_the_order_is_kept(account: Account, item: Item, connector: ScriptedConnector) -> None:
    connector.sell(
        told_order(
            "A-1",
            ("MUG", 2),
            customer=ChannelCustomer(name="Ada", email="ada@example.com"),
            shipping_address=ChannelAddress(name="Ada", line1="1 Lane", city="Bath", country="GB"),
            shipping_price=Decimal("4.90"),
            shipping_method="Post",
            payments=(
                ChannelPayment(external_id="p1", method="card", amount=Decimal("24.90"), currency="EUR", status="paid"),
            ),
        )
    )

    pull(account)

    order = Order.objects.get()
    assert (order.total, order.shipping_price, order.shipping_method) == (Decimal("24.90"), Decimal("4.90"), "Post")
    assert order.shipping_address["city"] == "Bath"
    assert order.customer is not None
    assert order.payments.get().captured
    assert order.lines.get().external_id == "A-1-1"
    account.refresh_from_db()
    assert account.last_order_at is not None


def test_a_reader_that_dies_between_pages_misses_nothing(
    account: Account, item: Item, connector: ScriptedConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector.page_size = 2
    for number in range(4):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))
    real = pulling.import_orders

    def dies(**kwargs: Any) -> Any:
        answer = real(**kwargs)
        if Order.objects.count() > 2:
            raise OperationalError("the line is cut before the page is committed")
        return answer

    monkeypatch.setattr(pulling, "import_orders", dies)
    with pytest.raises(OperationalError):
        pull(account)
    assert (Order.objects.count(), Cursor.objects.get().value) == (2, "2")

    monkeypatch.setattr(pulling, "import_orders", real)
    pull(account)

    assert sorted(Order.objects.values_list("external_reference", flat=True)) == ["A-0", "A-1", "A-2", "A-3"]
    assert Cursor.objects.get().value == "4"


def test_a_channel_that_fails_at_the_second_page_keeps_the_first(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.page_size = 1
    for number in range(3):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))
    connector.pull_trouble = [None, Retryable("down")]

    pull(account)

    assert (Order.objects.count(), Cursor.objects.get().value) == (1, "1")
    account.refresh_from_db()
    assert (account.failures_in_a_row, account.last_pull_at) == (1, None)


def test_the_overlap_is_long_now_and_then(
    account: Account, item: Item, connector: ScriptedConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[timedelta] = []
    monkeypatch.setattr(connector, "rewind", lambda cursor, by: steps.append(by) or cursor)
    connector.sell(told_order("A-1", ("MUG", 1)))
    for newest_only in (False, False, True):
        pull(account, newest_only=newest_only)
    Cursor.objects.update(swept_at=timezone.now() - timedelta(minutes=11))
    pull(account, newest_only=True)
    pull(account)

    assert steps == [
        pulling.SHORT_OVERLAP,
        pulling.NO_OVERLAP,
        pulling.NO_OVERLAP,
        pulling.LONG_OVERLAP,
    ]


def test_an_account_being_set_up_or_held_by_its_channel_is_not_asked(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    Account.objects.update(open_again_at=timezone.now() + timedelta(minutes=1))
    pull(account)
    Account.objects.update(open_again_at=None, state=Account.State.SETUP)
    pull(account)

    assert connector.pulls == []


def test_refused_credentials_pause_the_account(account: Account, item: Item, connector: ScriptedConnector) -> None:
    connector.pull_trouble = [NeedsAuth("no")]

    pull(account)

    account.refresh_from_db()
    assert account.state == Account.State.PAUSED


# --- bad orders -----------------------------------------------------------------------------------------------------
def test_an_order_that_cannot_be_read_is_kept_and_shown_and_the_rest_goes_on(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.orders.append(UnreadableOrder(external_id="BAD", reason="`lines` is missing", raw='{"id": "BAD\\u0000"}'))
    connector.sell(told_order("A-1", ("MUG", 1)))

    assert pull(account).refused == 1
    pull(account)

    assert Order.objects.get().external_reference == "A-1"
    kept = InboxMessage.objects.get()
    assert (kept.state, kept.external_id, kept.error) == ("quarantined", "BAD", "`lines` is missing")
    assert b"BAD" in bytes(kept.body)
    assert Attention.objects.get(kind="quarantined").document == f"inbox:{kept.pk}"


def test_a_settled_complaint_does_not_come_back_with_the_next_overlap(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.orders.append(UnreadableOrder(external_id="BAD", reason="no lines", raw="{}"))
    pull(account)
    Attention.objects.update(resolved_at=timezone.now())

    pull(account)

    assert not Attention.objects.filter(resolved_at__isnull=True).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "bad",
    [
        told_order("BAD", ("MUG", 3_000_000_000)),
        told_order("BAD", ("MUG", 0)),
        told_order("BAD", ("MUG", -1)),
        told_order("BAD", ("MUG", 1), currency="TOO LONG"),
        told_order("BAD", ("MUG", 1), customer=ChannelCustomer(name="nul \x00")),
        told_order("BAD", ("MUG", 1), shipping_price=Decimal("1e15")),
        told_order("B" * 500, ("MUG", 1)),
    ],
    ids=["huge", "none", "negative", "currency", "nul", "price", "id"],
)
def test_a_bad_order_is_quarantined_and_the_cursor_moves_on(
    account: Account, item: Item, connector: ScriptedConnector, bad: Any
) -> None:
    connector.orders.append(bad)
    connector.sell(told_order("A-1", ("MUG", 1)))

    pull(account)

    assert list(Order.objects.values_list("external_reference", flat=True)) == ["A-1"]
    assert InboxMessage.objects.get().state == "quarantined"
    assert Cursor.objects.get().value == "2"


# --- versions, cancellations, edits ---------------------------------------------------------------------------------
def test_a_cancellation_gives_the_goods_back(account: Account, item: Item, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    pull(account)
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2, status=OrderStatus.CANCELLED))

    assert pull(account).cancelled == 1
    assert pull(account).cancelled == 0

    assert Order.objects.get().status == "cancelled"
    assert StockLevel.objects.get(item=item).reserved == 0


@pytest.mark.parametrize("restocked", [True, False])
@pytest.mark.parametrize("listing", [{}, {"max_listed": 5}, {"fixed_quantity": 3}])
def test_after_a_cancellation_the_channel_shows_its_figure_whatever_it_did_itself(
    account: Account, warehouse: Location, connector: ScriptedConnector, restocked: bool, listing: dict[str, int]
) -> None:
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    listed(account, item, **listing)
    push_all(account)
    shown = connector.shown["at-MUG"]
    connector.sell(told_order("A-1", ("MUG", 2)))
    pull(account)
    push_all(account)
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2, status=OrderStatus.CANCELLED))
    if restocked:
        connector.shown["at-MUG"] += 2

    pull(account)
    push_all(account)

    assert connector.shown["at-MUG"] == shown
    assert verify() == []


def test_sold_and_taken_back_before_we_heard_of_it(account: Account, item: Item, connector: ScriptedConnector) -> None:
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2, status=OrderStatus.CANCELLED))

    pulled = pull(account)
    push_all(account)

    assert (pulled.new, pulled.cancelled) == (1, 1)
    assert Order.objects.get().status == "cancelled"
    assert connector.shown == {"at-MUG": 10}
    assert not Attention.objects.filter(resolved_at__isnull=True).exists()
    assert verify() == []


def test_a_cancellation_after_the_parcel_left_is_a_persons_turn(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    pull(account)
    ship_order(order_id=Order.objects.get().pk, location=warehouse, lines=None, actor="test")
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2, status=OrderStatus.CANCELLED))

    pull(account)

    assert Order.objects.get().status == "shipped"
    assert "left already" in Attention.objects.get(kind="order_edited").reason


def test_the_newest_version_wins_whatever_the_order_of_the_news(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.orders += [
        told_order("A-1", ("MUG", 2), version=3),
        told_order("A-1", ("MUG", 2), version=1),
        told_order("A-1", ("MUG", 2), version=2, status=OrderStatus.CANCELLED),
    ]

    pull(account)
    pull(account)

    order = Order.objects.get()
    assert (order.external_version, order.status) == ("3", "allocated")


def test_an_order_edited_there_is_raised_and_not_guessed_at(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    pull(account)
    connector.orders.append(told_order("A-1", ("MUG", 5), version=2))

    pull(account)
    pull(account)

    assert Attention.objects.filter(kind="order_edited").count() == 1
    assert OrderLine.objects.get().quantity == 2
    assert Order.objects.get().external_version == "2"


def test_a_newer_version_with_the_same_lines_bothers_nobody(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    pull(account)
    connector.orders.append(told_order("A-1", ("MUG", 2), version=2))

    pull(account)

    assert not Attention.objects.exists()
    assert Order.objects.get().external_version == "2"


# --- mapping ----------------------------------------------------------------------------------------------------------
def test_an_unknown_sku_is_kept_and_raised(
    account: Account, item: Item, connector: ScriptedConnector, deliver: Any
) -> None:
    connector.sell(told_order("A-1", ("MUG", 1), ("GHOST", 2)))

    pull(account)
    deliver()

    lines = {line.sku: line.item_id for line in OrderLine.objects.all()}
    assert lines == {"MUG": item.pk, "GHOST": None}
    assert "GHOST" in Attention.objects.get(kind="short").reason


def test_mapping_it_later_makes_no_edited_order_of_it(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.sell(told_order("A-1", ("GHOST", 2)))
    pull(account)
    upsert_listings(account=account, wanted=[ListingWanted(seller_sku="GHOST", sku="MUG")])
    connector.orders.append(told_order("A-1", ("GHOST", 2), version=2))

    pull(account)

    assert not Attention.objects.filter(kind="order_edited").exists()


def test_the_channels_sku_leads_to_our_item(account: Account, item: Item, connector: ScriptedConnector) -> None:
    upsert_listings(account=account, wanted=[ListingWanted(seller_sku="THEIRS", sku="MUG")])
    connector.sell(told_order("A-1", ("THEIRS", 2)))

    pull(account)

    line = OrderLine.objects.get()
    assert (line.item_id, line.sku, line.quantity) == (item.pk, "MUG", 2)


def test_a_pack_sold_there_is_units_here(account: Account, item: Item, connector: ScriptedConnector) -> None:
    listing = listed(account, item, seller_sku="MUG-4", pack=4)
    push_all(account)
    connector.sell(told_order("A-1", ("MUG-4", 2)))

    pull(account)

    line = OrderLine.objects.get()
    assert (line.sku, line.quantity, line.unit_price) == ("MUG", 8, Decimal("2.5"))
    assert Order.objects.get().total == 20
    assert intent_of(listing).confirmed_quantity == 0  # two packs were shown, two are sold
    push_all(account)
    assert connector.shown == {"at-MUG": 2, "at-MUG-4": 0}
    assert verify() == []


def test_a_kit_sold_there_takes_its_parts_here(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location
) -> None:
    listed(account, kit_of({item: 3}, sku="TRIO"))
    push_all(account)
    connector.sell(told_order("A-1", ("TRIO", 2)))

    pull(account)

    assert Reservation.objects.get().quantity == 6
    push_all(account)
    assert connector.shown == {"at-MUG": 4, "at-TRIO": 1}
    assert verify() == []


# --- what a sale there does to the figures ------------------------------------------------------------------------
def test_its_own_sale_lowers_what_we_think_the_channel_shows(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    connector.calls.clear()
    connector.sell(told_order("A-1", ("MUG", 3)))

    pull(account)

    intent = StockIntent.objects.get()
    assert (intent.confirmed_quantity, intent.confirmed_at, intent.state) == (7, None, "due")
    push_all(account)
    assert [(t.quantity, t.expected) for call in connector.calls for t in call] == [(7, 7)]
    assert verify() == []


def test_more_sold_than_there_was_is_taken_and_raised_once(
    account: Account, item: Item, connector: ScriptedConnector, deliver: Any
) -> None:
    connector.sell(told_order("A-1", ("MUG", 13)))

    pull(account)
    pull(account)
    deliver()
    push_all(account)

    assert connector.shown == {"at-MUG": 0}
    assert StockLevel.objects.get(item=item).reserved == 10
    assert Attention.objects.filter(kind="short").count() == 1
    assert verify() == []


def test_two_lines_of_one_sku_count_together(account: Account, item: Item, connector: ScriptedConnector) -> None:
    connector.sell(told_order("A-1", ("MUG", 1), ("MUG", 2)))

    pull(account)
    push_all(account)

    assert connector.shown == {"at-MUG": 7}
    assert verify() == []
