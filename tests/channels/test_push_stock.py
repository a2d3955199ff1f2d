"""A figure wanted, claimed, sent and settled: each way in which a call can end, and what must not happen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels.connectors.base import NeedsAuth, Outcome, Permanent, Retryable, Unknown
from channels.models import Account, Listing, PushLog, StockIntent
from channels.services.connecting import change_exposure, pause_account, resume_account
from channels.services.listing import ListingWanted, upsert_listings
from channels.services.pulling import pull_orders
from channels.services.pushing import push_stock, retry_refused
from channels.services.verifying import verify
from channels.services.wanting import want_items_pushed, want_listings_pushed
from inventory.models import Item, Location, StockLevel
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.verifying import verify as verify_stock
from retailhub.core.errors import TryAgain
from retailhub.core.models import Attention
from tests.channels.scripted import ScriptedConnector, told_order
from tests.factories.channels import account_of, intent_of, listed, make_due, push_all
from tests.factories.inventory import ItemFactory, put_on_hand
from tests.factories.orders import placed

State = StockIntent.State


@pytest.fixture
def account(connector: ScriptedConnector, warehouse: Location) -> Account:
    return account_of(warehouse)


@pytest.fixture
def item(warehouse: Location) -> Item:
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    return item


@pytest.fixture
def listing(account: Account, item: Item, connector: ScriptedConnector) -> Listing:
    """Live, and its channel shows 10."""
    listing = listed(account, item)
    push_all(account)
    assert connector.shown == {"at-MUG": 10}
    connector.calls.clear()
    PushLog.objects.all().delete()
    return listing


def change(item: Item, by: int) -> None:
    location = Location.objects.get(code="wh")
    reason = "found" if by > 0 else "loss"
    adjust_stock(location=location, reason=reason, lines=[AdjustmentLine(sku=item.sku, change=by)], actor="test")
    want_items_pushed([item.pk])


def push(account: Account) -> Any:
    make_due(account)
    return push_stock(account_id=account.pk)


# --- what is told -------------------------------------------------------------------------------------------------
def test_a_new_listing_is_told_its_figure_whatever_the_channel_shows(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    listing = listed(account, item)

    report = push(account)

    assert (report.sent, report.confirmed, report.again_in) == (1, 1, None)
    assert [target.expected for target in connector.calls[0]] == [None]
    intent = intent_of(listing)
    assert (intent.state, intent.confirmed_quantity, intent.confirmed_version) == (State.IDLE, 10, intent.sent_version)
    assert verify() == []


def test_a_change_replaces_the_figure_that_we_know(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    change(item, -3)

    push(account)

    (target,) = connector.calls[0]
    assert (target.quantity, target.expected) == (7, 10)
    log = PushLog.objects.get()
    assert log.version == target.version
    assert (log.quantity, log.outcome) == (7, "ok")
    assert log.lag_ms is not None


def test_a_figure_that_is_confirmed_already_is_not_told_again(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    assert want_items_pushed([item.pk]) == 0
    assert push(account).sent == 0
    assert connector.calls == []


def test_many_changes_before_a_push_make_one_call(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    for _ in range(5):
        change(item, -1)

    push_all(account)

    assert connector.told == [[("at-MUG", 5)]]


def test_the_figure_is_the_one_of_the_moment_of_sending(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    change(item, -1)
    placed(account.channel, "1", ("MUG", 4))  # its own news is still under way

    push(account)

    assert connector.told == [[("at-MUG", 5)]]
    assert want_items_pushed([item.pk]) == 0


def test_falling_figures_go_first_and_zero_first_of_all(
    account: Account, warehouse: Location, connector: ScriptedConnector
) -> None:
    items = {sku: ItemFactory.create(sku=sku) for sku in ("RISES", "FALLS", "ENDS", "NEW")}
    for sku in ("RISES", "FALLS", "ENDS"):
        put_on_hand(items[sku], warehouse, 5)
        listed(account, items[sku])
    push_all(account)
    connector.calls.clear()
    connector.limits = type(connector.limits)(stock_batch=1, listing_batch=1, order_page=1)

    change(items["RISES"], +5)
    change(items["FALLS"], -2)
    put_on_hand(items["NEW"], warehouse, 5)
    listed(account, items["NEW"])
    change(items["ENDS"], -5)
    push_all(account)

    told = [call[0] for call in connector.told]
    assert told[0] == ("at-ENDS", 0)
    assert set(told[1:3]) == {("at-FALLS", 3), ("at-NEW", 5)}
    assert told[3] == ("at-RISES", 10)


def test_a_rising_figure_waits_for_more_a_falling_one_does_not(account: Account, item: Item, listing: Listing) -> None:
    change(item, +1)
    before = intent_of(listing)
    assert before.due_at > timezone.now()

    change(item, -5)

    after = intent_of(listing)
    assert (after.urgency, after.wanted_at) == (1, before.wanted_at)
    assert after.due_at < before.due_at


def test_a_pack_and_a_kit_follow_the_item_they_are_made_of(
    account: Account, item: Item, connector: ScriptedConnector
) -> None:
    from tests.factories.inventory import kit_of

    listed(account, item, seller_sku="MUG-4", pack=4)
    listed(account, kit_of({item: 2}, sku="PAIR"))
    push_all(account)
    assert connector.shown == {"at-MUG-4": 2, "at-PAIR": 5}

    change(item, -3)
    push_all(account)

    assert connector.shown == {"at-MUG-4": 1, "at-PAIR": 3}


def test_one_figure_of_a_listing_is_in_flight_at_a_time(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    seen: list[int] = []

    def meanwhile() -> None:
        connector.in_call = None
        change(item, -1)
        seen.append(push_stock(account_id=account.pk).sent)

    change(item, -1)
    connector.in_call = meanwhile
    report = push(account)

    assert seen == [0]
    assert report.again_in is not None  # the second change waits for its turn
    intent = intent_of(listing)
    assert (intent.state, intent.confirmed_quantity) == (State.DUE, 9)
    push_all(account)
    assert connector.told == [[("at-MUG", 9)], [("at-MUG", 8)]]
    assert verify() == []


def test_news_of_the_figure_in_flight_wants_no_second_call(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    change(item, -1)
    connector.in_call = lambda: want_items_pushed([item.pk]) and None

    assert push(account).again_in is None


# --- how a call can end -----------------------------------------------------------------------------------------
def test_a_sale_there_that_we_do_not_know_is_read_before_the_figure_is_told_again(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    change(item, -1)

    assert push(account).stale == 1
    assert connector.shown == {"at-MUG": 8}  # nothing was overwritten
    push_all(account)

    assert connector.shown == {"at-MUG": 7}
    assert connector.told == [[("at-MUG", 9)], [("at-MUG", 7)]]
    assert connector.pulls
    assert intent_of(listing).stale_in_a_row == 0
    assert verify() == []


def test_while_the_orders_cannot_be_read_the_figure_waits_and_others_go(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector, warehouse: Location
) -> None:
    cup = ItemFactory.create(sku="CUP")
    put_on_hand(cup, warehouse, 3)
    connector.sell(told_order("A-1", ("MUG", 2)))
    change(item, -1)
    connector.pull_trouble = [Retryable("down")] * 2
    push(account)
    listed(account, cup)

    push(account)
    push(account)

    assert connector.shown == {"at-MUG": 8, "at-CUP": 3}
    push_all(account)
    assert connector.shown == {"at-MUG": 7, "at-CUP": 3}


def test_while_the_goods_of_the_orders_are_in_other_hands_the_figure_waits_and_others_go(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector, warehouse: Location,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    cup = ItemFactory.create(sku="CUP")
    put_on_hand(cup, warehouse, 3)
    connector.sell(told_order("A-1", ("MUG", 1)))  # we have not heard of it
    change(item, -1)
    push(account)
    listed(account, cup)

    def busy(**kwargs: Any) -> None:
        raise TryAgain

    monkeypatch.setattr("channels.services.pushing.pull_orders", busy)
    push(account)

    assert connector.shown["at-CUP"] == 3
    assert intent_of(listing).state == State.DUE
    assert connector.shown["at-MUG"] == 9


def test_an_older_version_is_overtaken(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.versions["at-MUG"] = 50
    change(item, -1)

    push_all(account)

    assert connector.shown == {"at-MUG": 9}
    assert intent_of(listing).confirmed_version == 51


def test_a_person_is_told_after_three_stale_answers_and_not_bothered_when_it_settles(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    def drift() -> None:
        connector.shown["at-MUG"] -= 1

    change(item, -1)
    connector.in_call = drift
    for _ in range(2):
        push(account)
    assert not Attention.objects.exists()
    push(account)
    push(account)

    row = Attention.objects.get(kind="discrepancy")
    assert (row.document, row.resolved_at) == (f"listing:{listing.pk}", None)
    assert intent_of(listing).due_at > timezone.now()  # given time
    connector.in_call = None
    push_all(account)
    row.refresh_from_db()
    assert row.resolved_at is not None
    assert connector.shown == {"at-MUG": 9}


def test_a_refused_figure_is_shown_to_a_person_and_left_alone_until_it_changes(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [Outcome.REJECTED]
    change(item, -1)

    assert push(account).again_in is None

    assert intent_of(listing).state == State.REFUSED
    assert Attention.objects.get(kind="listing_refused").reason == "listing_removed: It is gone."
    assert push(account).sent == 0
    assert verify() == []
    change(item, -1)
    push_all(account)
    assert connector.shown == {"at-MUG": 8}
    assert not Attention.objects.filter(resolved_at__isnull=True).exists()


def test_refused_figures_can_be_tried_again(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [Outcome.REJECTED]
    change(item, -1)
    push(account)

    assert retry_refused(account=account) == 1
    push_all(account)

    assert connector.shown == {"at-MUG": 9}


def test_a_channel_that_asks_for_patience_gets_it_from_every_call(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [Outcome.THROTTLED]
    change(item, -1)

    report = push(account)

    assert report.again_in == pytest.approx(30, abs=2)
    assert push(account).sent == 0
    assert pull_orders(account_id=account.pk).pages == 0
    Account.objects.update(open_again_at=timezone.now())
    push_all(account)
    assert connector.shown == {"at-MUG": 9}


def test_one_entry_that_is_to_be_tried_again_holds_nobody_else(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector, warehouse: Location
) -> None:
    cup = ItemFactory.create(sku="CUP")
    put_on_hand(cup, warehouse, 3)
    listed(account, cup)
    change(item, -1)

    def half(targets: Any) -> Any:
        from channels.connectors.base import ItemResult

        done = connector._apply(targets[:1])
        return [*done, *(ItemResult(key=t.key, outcome=Outcome.THROTTLED, retry_after=1.0) for t in targets[1:])]

    connector.script = [half]
    report = push(account)

    assert (report.sent, report.confirmed) == (2, 1)
    account.refresh_from_db()
    assert (account.open_again_at, account.failures_in_a_row) == (None, 0)
    push_all(account)
    assert connector.shown == {"at-MUG": 9, "at-CUP": 3}


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("ending", [Outcome.UNKNOWN, Unknown("no answer")])
def test_what_may_have_been_applied_is_read_back(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector, applied: bool, ending: Any
) -> None:
    connector.script, connector.applies = [ending], applied
    change(item, -1)

    push(account)
    assert intent_of(listing).state == State.UNSURE
    push(account)

    assert connector.shown == {"at-MUG": 9}
    assert len(connector.calls) == (1 if applied else 2)
    assert intent_of(listing).state == State.IDLE
    assert verify() == []


def test_applied_and_sold_since_is_believed_and_told_anew(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script, connector.applies = [Unknown("no answer")], True
    change(item, -1)
    push(account)
    connector.sell(told_order("A-1", ("MUG", 1)))

    push_all(account)

    assert connector.shown == {"at-MUG": 8}
    assert verify() == []


def test_while_nothing_can_be_read_back_nothing_is_repeated(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script, connector.read_script = [Unknown("no answer")], [Retryable("down")]
    change(item, -1)
    push(account)

    report = push(account)

    assert len(connector.calls) == 1
    assert report.again_in is not None
    assert report.again_in > 1
    push_all(account)
    assert connector.shown == {"at-MUG": 9}


def test_a_listing_that_cannot_be_seen_is_not_taken_for_deleted(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [Unknown("no answer")]
    change(item, -1)
    push(account)
    shown = connector.shown.pop("at-MUG")

    push_stock(account_id=account.pk)

    intent = intent_of(listing)
    assert (intent.state, intent.confirmed_quantity) == (State.DUE, 10)
    connector.shown["at-MUG"] = shown
    push_all(account)
    assert verify() == []


def test_what_a_dead_worker_claimed_is_read_back_after_its_lease(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    change(item, -1)
    connector.in_call = die
    with pytest.raises(Killed):
        push(account)
    connector.in_call = None
    connector._apply(connector.calls[0])  # it had reached the channel
    assert push(account).sent == 0  # not before the lease has run out

    StockIntent.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    push_all(account)

    assert len(connector.calls) == 1
    assert PushLog.objects.get().outcome == "read_back"
    assert verify() == []


def test_an_answer_that_comes_after_somebody_else_settled_it_changes_nothing(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    def slow() -> None:
        connector.in_call = None
        StockIntent.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        push_all(account)  # another worker reads back, and tells it anew

    change(item, -1)
    connector.in_call = slow
    push(account)

    assert connector.shown == {"at-MUG": 9}
    intent = intent_of(listing)
    assert (intent.state, intent.confirmed_quantity) == (State.IDLE, 9)
    assert connector.versions["at-MUG"] == intent.confirmed_version
    assert verify() == []


@pytest.mark.parametrize("applied", [True, False])
def test_a_call_that_can_be_repeated_is(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector, applied: bool
) -> None:
    connector.script, connector.applies = [Retryable("500")], applied
    change(item, -1)

    report = push(account)

    assert report.again_in is not None
    account.refresh_from_db()
    assert (account.failures_in_a_row, account.open_again_at) == (1, None)
    push_all(account)
    assert connector.shown == {"at-MUG": 9}
    versions = [call[0].version for call in connector.calls]
    assert versions == sorted(set(versions))
    account.refresh_from_db()
    assert (account.failures_in_a_row, account.last_error) == (0, "")
    assert verify() == []


def test_refused_credentials_pause_the_account_and_a_person_is_told(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [NeedsAuth("no")]
    change(item, -1)

    assert push(account).again_in is None

    account.refresh_from_db()
    assert account.state == Account.State.PAUSED
    assert Attention.objects.get(kind="channel_down").resolved_at is None
    assert push(account).sent == 0
    resume_account(account_id=account.pk, actor="test")
    push_all(account)
    assert connector.shown == {"at-MUG": 9}
    assert Attention.objects.get(kind="channel_down").resolved_at is not None


def test_a_call_that_will_never_do_is_not_repeated(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [Permanent("wrong address")]
    change(item, -1)

    assert push(account).again_in is None

    assert intent_of(listing).state == State.REFUSED
    assert Attention.objects.get(kind="listing_refused").reason == "wrong address"


# --- breaker, pause, resume ----------------------------------------------------------------------------------------
def test_after_five_failures_calls_pause_longer_each_time_and_one_success_ends_it(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    connector.script = [Retryable("down")] * 7
    change(item, -1)
    for _ in range(5):
        account.refresh_from_db()
        assert account.open_again_at is None
        push(account)

    account.refresh_from_db()
    assert account.open_again_at is not None
    assert (account.open_again_at - timezone.now()).total_seconds() > 5
    assert Attention.objects.get(kind="channel_down").resolved_at is None
    push(account)
    assert len(connector.calls) == 5  # not called while it is open
    for _ in range(2):
        Account.objects.update(open_again_at=timezone.now())
        push(account)
    assert len(connector.calls) == 7

    Account.objects.update(open_again_at=timezone.now())
    push_all(account)

    account.refresh_from_db()
    assert (account.failures_in_a_row, account.open_again_at) == (0, None)
    assert connector.shown == {"at-MUG": 9}
    assert Attention.objects.get(kind="channel_down").resolved_at is not None


def test_a_paused_account_is_told_nothing_and_its_orders_are_taken(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    pause_account(account_id=account.pk, reason="stock count", actor="Ada")
    connector.sell(told_order("A-1", ("MUG", 1)))

    assert pull_orders(account_id=account.pk).new == 1
    change(item, -1)
    push_all(account)

    assert connector.calls == []
    account.refresh_from_db()
    assert "stock count" in account.state_reason
    assert verify() == []  # what a paused channel shows is nobody's fault


def test_a_resumed_account_is_told_everything(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    pause_account(account_id=account.pk, reason="", actor="Ada")
    connector.shown["at-MUG"] = 3

    resume_account(account_id=account.pk, actor="Ada")
    push_all(account)

    assert connector.shown == {"at-MUG": 10}


def test_an_account_being_set_up_is_told_nothing(warehouse: Location, item: Item, connector: ScriptedConnector) -> None:
    account = account_of(warehouse, live=False)
    listed(account, item)

    push_all(account)

    assert connector.calls == []


def test_a_changed_exposure_is_told(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    change_exposure(account_id=account.pk, buffer=4)
    push_all(account)
    assert connector.shown == {"at-MUG": 6}
    connector.calls.clear()

    change_exposure(account_id=account.pk, share_percent=100)

    push_all(account)
    assert connector.calls == []  # nothing changed


def test_a_listing_taken_off_the_shelf_is_told_to_show_none(
    account: Account, item: Item, listing: Listing, connector: ScriptedConnector
) -> None:
    upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", state="paused")])
    push_all(account)
    assert connector.shown == {"at-MUG": 0}

    upsert_listings(account=account, wanted=[ListingWanted(seller_sku="MUG", state="live")])
    push_all(account)
    assert connector.shown == {"at-MUG": 10}


# --- what verify finds -----------------------------------------------------------------------------------------------
def test_a_level_changed_by_hand_is_a_breach_of_the_level_alone(account: Account, item: Item, listing: Listing) -> None:
    StockLevel.objects.update(sellable=7)

    assert verify() == []
    (breach,) = verify_stock()
    assert (breach.check, breach.subject, breach.place, breach.expected, breach.found) == (
        "level sellable", "MUG", "wh", 10, 7,
    )  # fmt: skip


def test_a_channel_out_of_step_at_rest_is_a_breach(account: Account, item: Item, listing: Listing) -> None:
    StockIntent.objects.update(confirmed_quantity=99)

    (breach,) = verify()

    assert (breach.check, breach.subject, breach.expected, breach.found) == ("channel shows", "MUG", 10, 99)


def test_what_is_on_its_way_is_no_breach(account: Account, item: Item, listing: Listing) -> None:
    change(item, -1)

    assert verify() == []


def test_a_live_listing_that_was_never_told_is_a_breach(account: Account, item: Item, listing: Listing) -> None:
    StockIntent.objects.all().delete()

    (breach,) = verify()

    assert breach.found == "never told"


def test_wanting_nothing_is_harmless(account: Account) -> None:
    assert want_listings_pushed([]) == 0
    assert want_items_pushed([]) == 0
    assert push(account).again_in is None
