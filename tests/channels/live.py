"""Real shops and the services around them, driven inside the test: news delivered, tasks called, in threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from channels.models import Account, InboxMessage, Listing, StockIntent
from channels.queries import figures_of
from channels.services.listing import ListingWanted, publish_listings, upsert_listings
from channels.services.pulling import pull_orders
from channels.services.pushing import push_stock
from channels.services.taking_in import process_inbox, take_in
from channels.services.verifying import verify
from inventory.models import Item, Location
from orders.models import Order
from retailhub.core.errors import TryAgain
from retailhub.outbox.models import Delivery
from retailhub.outbox.services.delivering import deliver_waiting
from tests.channels.message_box import Message
from tests.channels.sandbox_fixture import RunningShop
from tests.factories.channels import account_of


def connect(shop: RunningShop, *locations: Location, code: str, **options: Any) -> Account:
    """Have the shop as a live channel that sells from these places."""
    return account_of(
        *locations,
        kind="sandbox",
        code=code,
        base_url=shop.base_url,
        credentials={"api_key": shop.api_key, "webhook_secret": shop.webhook_secret},
        options=options,
    )


def offer(account: Account, items: Sequence[Item], **wanted: Any) -> list[Listing]:
    """Have the items offered there."""
    upsert_listings(account=account, wanted=[ListingWanted(seller_sku=i.sku, sku=i.sku, **wanted) for i in items])
    assert publish_listings(account_id=account.pk) >= len(items)
    return list(Listing.objects.filter(account=account, item__in=items))


@dataclass
class Workers:
    """Threads that do what Celery's workers would, until they are told to stop. What they raise, the test raises."""

    troubles: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, work: Callable[[], Any], pause: float = 0.01) -> threading.Thread:
        def loop() -> None:
            try:
                while not self._stop.is_set():
                    try:
                        done = work()
                    except TryAgain:  # a task that fails so is rung for again by its sweep
                        done = False
                    if not done:
                        time.sleep(pause)
            except BaseException as trouble:  # noqa: BLE001
                self.troubles.append(trouble)
            finally:
                connection.close()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        return thread


@contextmanager
def working(*accounts: Account, pushers: int = 1, pull_every: float = 0.3) -> Iterator[Workers]:
    """Run the outbox, the inbox, and for each account so many that push and one that pulls."""
    workers = Workers()
    threads = [workers.run(deliver_waiting), workers.run(process_inbox)]
    for account in accounts:
        threads += [workers.run(lambda pk=account.pk: _push(pk)) for _ in range(pushers)]  # type: ignore[misc]
        threads.append(workers.run(lambda pk=account.pk: pull_orders(account_id=pk).new, pause=pull_every))  # type: ignore[misc]
    try:
        yield workers
    except BaseException as failure:
        if workers.troubles:  # why nothing went on
            raise workers.troubles[0] from failure
        raise
    finally:
        workers._stop.set()
        for thread in threads:
            thread.join(40)
    if workers.troubles:
        raise workers.troubles[0]


def _push(account_id: int) -> bool:
    report = push_stock(account_id=account_id)
    if report.sent == 0 and report.again_in:
        time.sleep(min(report.again_in, 0.1))
    return report.sent > 0


def in_threads(jobs: Sequence[Callable[[], Any]]) -> None:
    """Run all at once; what one raises is raised here."""
    troubles: list[BaseException] = []

    def do(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as trouble:  # noqa: BLE001
            troubles.append(trouble)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise troubles[0]


def is_quiet() -> bool:
    return not (
        Delivery.objects.filter(state="waiting").exists()
        or InboxMessage.objects.filter(state="pending").exists()
        or StockIntent.objects.filter(state__in=["due", "sending", "unsure"], account__state="live").exists()
    )


def wait_for_quiet(seconds: float = 30.0) -> float:
    """Come back when nothing is under way any more; answers how long that took."""
    began = time.monotonic()
    while not is_quiet():
        if time.monotonic() > began + seconds:
            intents = list(
                StockIntent.objects.exclude(state="idle").values(
                    "listing__seller_sku", "state", "due_at", "stale_at", "error"
                )
            )
            waiting = list(Delivery.objects.filter(state="waiting").values("listener", "attempts", "error")[:5])
            inbox = list(InboxMessage.objects.filter(state="pending").values("external_id", "attempts", "error")[:5])
            accounts = list(Account.objects.values("state", "last_pull_at", "open_again_at", "last_error"))
            raise AssertionError(f"not quiet after {seconds} s: {intents[:5]} {waiting} {inbox} {accounts}")
        time.sleep(0.02)
    return time.monotonic() - began


def assert_in_step(*pairs: tuple[RunningShop, Account]) -> None:
    """Each shop shows our figure for every listing; nothing older ever replaced something newer; the books agree."""
    for shop, account in pairs:
        listings = list(Listing.objects.filter(account=account, item__isnull=False))
        figures = figures_of([listing.pk for listing in listings])
        shown = shop.stock()
        assert {x.seller_sku: shown.get(x.seller_sku) for x in listings} == {
            x.seller_sku: figures[x.pk].quantity for x in listings
        }
        assert shop.version_breaches() == []
        placed = orders_of(shop)
        booked = list(Order.objects.filter(channel=account.channel_id).values_list("external_reference", flat=True))
        assert sorted(booked) == sorted(placed)
    assert verify() == []


def orders_of(shop: RunningShop) -> list[str]:
    """Ids of every order that the shop has."""
    found: list[str] = []
    after = ""
    while True:
        page = shop.http.get("/api/orders", params={"updated_after": after, "limit": 250}).json()
        found += [order["id"] for order in page["orders"]]
        if not page["more"]:
            return sorted(set(found))
        after = page["next_cursor"]


def hand_over(account: Account, message: Message) -> bool:
    """Give the shop's message to the inbox, as the address that it is sent to would."""
    return take_in(
        channel_code=account.channel.code, headers=message.headers, raw_body=message.body, url="http://here/inbox"
    )
