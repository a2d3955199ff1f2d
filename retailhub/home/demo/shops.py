"""The demo's two Sandbox shops: connected, stocked, and bought from as customers do."""

from __future__ import annotations

import json
import logging
import os
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings

from channels.connectors.base import ConnectorError
from channels.models import Account, Listing, StockIntent
from channels.services.connecting import open_channel, resume_account
from channels.services.listing import ListingWanted, publish_listings, upsert_listings
from channels.services.pulling import pull_orders
from channels.services.pushing import push_stock
from channels.services.settings import connector_of, settings_of
from inventory.models import Item
from retailhub.home.demo.goods import GOODS, KITS
from retailhub.home.demo.stock_room import ACTOR

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shop:
    """A Sandbox shop that runs: its name, where it listens, and the keys it left in its folder."""

    name: str
    base_url: str
    api_key: str
    control_key: str
    webhook_secret: str

    def call(self, method: str, path: str, body: Any = None, *, control: bool = False) -> Any:
        header = {"X-Control-Key": self.control_key} if control else {"X-Api-Key": self.api_key}
        with httpx.Client(trust_env=False, timeout=10, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
            answer = client.request(method, f"{self.base_url}{path}", json=body, headers=header)
            answer.raise_for_status()
            return answer.json() if answer.content else None


def running_shops() -> list[Shop]:
    """Answer the shops named in SANDBOX_URLS, with the keys from DATA_DIR/sandbox/<name>/shop.json."""
    urls = json.loads(os.environ.get("SANDBOX_URLS") or "[]")
    told = {shop.base_url: shop for shop in _shops_left_in(Path(settings.DATA_DIR) / "sandbox")}
    return [told[url.rstrip("/")] for url in urls if url.rstrip("/") in told]


def _shops_left_in(folder: Path) -> Iterator[Shop]:
    for path in sorted(folder.glob("*/shop.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        yield Shop(
            name=path.parent.name,
            base_url=str(facts["base_url"]).rstrip("/"),
            api_key=facts["api_key"],
            control_key=facts["control_key"],
            webhook_secret=facts["webhook_secret"],
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How we sell through a shop: its name with us, from which places, which goods, how much of them."""

    name: str
    locations: tuple[str, ...]
    every: int
    buffer: int
    share_percent: int


PLANS = {
    "meadow": Plan("Meadow web shop", ("depot", "lyon", "annecy"), 1, 0, 100),
    "harbour": Plan("Harbour marketplace", ("depot", "harbour-held"), 2, 1, 100),
}


def connect(shop: Shop) -> Account:
    """Have the shop connected and live; a shop that moved to another port is found there again."""
    plan = PLANS[shop.name]
    credentials = {"api_key": shop.api_key, "webhook_secret": shop.webhook_secret}
    account = Account.objects.filter(channel__code=shop.name).first()
    if account is None:
        channel = open_channel(
            code=shop.name,
            name=plan.name,
            kind="sandbox",
            currency="EUR",
            location_codes=plan.locations,
            base_url=shop.base_url,
            credentials=credentials,
        )
        account = channel.account
        Account.objects.filter(pk=account.pk).update(buffer=plan.buffer, share_percent=plan.share_percent)
    elif account.base_url != shop.base_url or account.credentials != credentials:
        Account.objects.filter(pk=account.pk).update(base_url=shop.base_url, credentials=credentials)
    account.refresh_from_db()
    _ask_for_news(account)
    return account


def _ask_for_news(account: Account) -> None:
    """Have the shop tell the web processes of its orders; they may not be up yet, the shop tries again."""
    web = os.environ.get("WEB_URL", "").rstrip("/")
    if not web:
        return
    try:
        connector_of(account).register_webhook(settings_of(account), f"{web}/api/v1/webhooks/{account.channel.code}/")
    except ConnectorError:
        log.warning(
            "The shop %s takes no address for its news; its orders are asked for instead.", account.channel.code
        )


def have_listings(account: Account) -> None:
    """Have the goods listed and their figures told, once."""
    if Listing.objects.filter(account=account).exists():
        return
    plan = PLANS[account.channel.code]
    skus = [good.sku for good in GOODS[:: plan.every]] + [sku for sku, *_ in KITS]
    names = dict(Item.objects.filter(sku__in=skus).values_list("sku", "name"))
    upsert_listings(
        account=account,
        wanted=[
            ListingWanted(seller_sku=sku, title=names[sku], max_listed=20 if sku.startswith("BOX-") else None)
            for sku in skus
        ],
    )
    resume_account(account_id=account.pk, actor=ACTOR)
    publish_listings(account_id=account.pk)
    push(account)


def push(account: Account, *, seconds: float = 6.0) -> None:
    """Tell the shop every figure that is due, for so long at most."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        report = push_stock(account_id=account.pk)
        if report.again_in is None or report.again_in > 1:
            return
        time.sleep(max(report.again_in, 0.01))


def buy(shop: Shop, customer: tuple[str, str], lines: Sequence[tuple[str, int]], *, force: bool = False) -> None:
    """Buy in the shop as a customer does; `force` sells what the shop does not have."""
    name, email = customer
    body: dict[str, Any] = {
        "lines": [{"sku": sku, "quantity": units} for sku, units in lines],
        "shipping_price": "4.90",
        "customer": {"name": name, "email": email},
        "shipping_address": {
            "name": name,
            "line1": "12 rue des Alpes",
            "postcode": "69001",
            "city": "Lyon",
            "country": "FR",
        },
    }
    if force:
        body["force"] = True
    try:
        shop.call("POST", "/api/orders", body)
    except httpx.HTTPStatusError as refusal:
        if refusal.response.status_code != httpx.codes.CONFLICT:
            raise
        log.info("%s is sold out of %s", shop.name, ", ".join(sku for sku, _ in lines))


def buy_unknown(shop: Shop, customer: tuple[str, str]) -> None:
    """Sell something in the shop that we do not know: an article of the time before us."""
    article = {"sku": "OLD-LANTERN", "title": "Old lantern", "price": "29.00", "currency": "EUR", "tax_rate": "0.2"}
    shop.call("POST", "/api/listings/bulk", {"listings": [article]})
    (listing,) = [x for x in _listings(shop) if x["sku"] == "OLD-LANTERN"]
    shop.call("POST", f"/control/listings/{listing['id']}", {"quantity": 2}, control=True)
    buy(shop, customer, [("OLD-LANTERN", 1)])


def lose_listing(shop: Shop, sku: str) -> None:
    """Take an article out of the shop behind our back: the next figure for it is refused."""
    for listing in _listings(shop):
        if listing["sku"] == sku:
            shop.call("POST", f"/control/listings/{listing['id']}", {"removed": True}, control=True)


def _listings(shop: Shop) -> list[dict[str, Any]]:
    answer = shop.call("GET", "/api/listings")
    return list(answer["listings"])


def take_orders(account: Account) -> None:
    pull_orders(account_id=account.pk)


def troubled(account: Account) -> int:
    return StockIntent.objects.filter(account=account, state=StockIntent.State.REFUSED).count()
