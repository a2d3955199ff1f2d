"""Items offered on a channel: mapped, published, changed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from channels.connectors.base import Capability, ConnectorError, ListingDraft
from channels.models import Account, Listing
from channels.services.health import note_failure, note_success
from channels.services.settings import connector_of, settings_of
from channels.services.wanting import forget_shown, want_listings_pushed
from inventory.models import Item
from retailhub.core.errors import DomainError, Invalid, Offence, Unknown
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried

UNSET: Any = object()
MOST_UNITS = 1_000_000_000


class UnknownSkuListed(Unknown):
    """A listing names a SKU that is not in the catalogue."""

    code = "unknown_sku"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingWanted:
    """What is to be true of a listing; fields left UNSET stay as they are."""

    seller_sku: str
    sku: str = UNSET
    channel_code: str = UNSET
    state: str = UNSET
    title: str = UNSET
    price: Decimal | None = UNSET
    buffer: int | None = UNSET
    share_percent: int | None = UNSET
    max_listed: int | None = UNSET
    end_when: int = UNSET
    fixed_quantity: int | None = UNSET
    pack: int = UNSET


_FIELDS = (
    "channel_code", "state", "title", "price", "buffer", "share_percent", "max_listed", "end_when", "fixed_quantity",
    "pack",
)  # fmt: skip


@retried(on_twin=True)
def upsert_listings(*, account: Account, wanted: Sequence[ListingWanted]) -> list[Listing | DomainError]:
    """Make or change each listing by our SKU on the channel; one that is refused does not stop the others.

    Without a `sku` a new listing is mapped to the item whose SKU is exactly the seller SKU, else it is unmapped. What
    changes the figure of a live listing has it told; one taken off the shelf is told to show none.
    """
    known = {
        listing.seller_sku: listing
        for listing in Listing.objects.filter(account=account, seller_sku__in=[w.seller_sku for w in wanted])
        .select_related("item")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    told = {listing.pk for listing in known.values() if listing.state == Listing.State.LIVE}
    codes = {listing.pk: listing.channel_code for listing in known.values()}
    taken = dict(
        Listing.objects.filter(account=account, channel_code__in={w.channel_code for w in wanted if w.channel_code})
        .exclude(channel_code="")
        .values_list("channel_code", "seller_sku")
    )
    items = Item.objects.by_sku({w.seller_sku if w.sku is UNSET else w.sku for w in wanted})
    answers: list[Listing | DomainError] = []
    changed: list[Listing] = []
    for entry in wanted:
        listing = known.get(entry.seller_sku) or Listing(
            account=account, seller_sku=entry.seller_sku, state=Listing.State.UNMAPPED
        )
        refusal = _apply(listing, entry, items)
        if listing.channel_code and taken.setdefault(listing.channel_code, listing.seller_sku) != listing.seller_sku:
            detail = f"{taken[listing.channel_code]} is listed under this code"
            refusal = Invalid(errors=[Offence(pointer="/channel_code", code="duplicate_channel_code", detail=detail)])
        if refusal:
            if listing.pk:
                listing.refresh_from_db()
            answers.append(refusal)
            continue
        listing.save()
        known[entry.seller_sku] = listing
        changed.append(listing)
        answers.append(listing)
    forget_shown(
        [listing.pk for listing in changed if codes.get(listing.pk, listing.channel_code) != listing.channel_code]
    )
    # One that is live no more is told too: it is to show none.
    want_listings_pushed(
        sorted({listing.pk for listing in changed if listing.state == Listing.State.LIVE or listing.pk in told})
    )
    return answers


def _apply(listing: Listing, entry: ListingWanted, items: dict[str, Item]) -> DomainError | None:
    item = items.get(entry.seller_sku if entry.sku is UNSET else entry.sku)
    if entry.sku is not UNSET and item is None:
        detail = f"no item has the SKU {entry.sku}"
        return UnknownSkuListed(errors=[Offence(pointer="/sku", code="unknown_sku", detail=detail)])
    if item is not None and (entry.sku is not UNSET or listing.item_id is None):
        listing.item = item
        if listing.state == Listing.State.UNMAPPED:
            listing.state = Listing.State.MAPPED
    for name in _FIELDS:
        value = getattr(entry, name)
        if value is not UNSET:
            setattr(listing, name, value)
    errors = []
    if listing.state not in Listing.State.values:
        errors.append(Offence(pointer="/state", code="invalid", detail=f"there is no state {listing.state}"))
    if listing.state == Listing.State.LIVE and listing.item is None:
        errors.append(Offence(pointer="/sku", code="unmapped", detail="a live listing is mapped to an item"))
    if not 1 <= listing.pack <= MOST_UNITS:
        errors.append(Offence(pointer="/pack", code="invalid", detail="a pack holds at least 1"))
    for name in ("buffer", "max_listed", "end_when", "fixed_quantity"):
        units = getattr(listing, name)
        if units is not None and not 0 <= units <= MOST_UNITS:
            errors.append(Offence(pointer=f"/{name}", code="invalid", detail="a number of units is 0 or more"))
    if listing.share_percent is not None and not 0 <= listing.share_percent <= 100:
        errors.append(Offence(pointer="/share_percent", code="invalid", detail="a share is 0 to 100"))
    return Invalid("This is not a complete listing.", errors=errors) if errors else None


def publish_listings(*, account_id: int, listing_ids: Sequence[int] | None = None) -> int:
    """Have mapped listings on the channel: made or renewed there, live here, their stock figure due. Answers how many.

    No transaction is open while the channel is called. What it refuses carries its message.
    """
    account = Account.objects.select_related("channel").get(pk=account_id)
    connector = connector_of(account)
    if Capability.LISTINGS not in connector.capabilities or account.state != Account.State.LIVE:
        return 0
    states = [Listing.State.MAPPED, Listing.State.DRAFT, Listing.State.LIVE, Listing.State.ERROR]
    listings = list(
        Listing.objects.filter(account=account, item__isnull=False, state__in=states)
        .filter(**({"pk__in": listing_ids} if listing_ids is not None else {}))
        .select_related("item")
    )
    drafts = [
        ListingDraft(
            listing_id=listing.pk,
            sku=listing.seller_sku,
            title=listing.title or (listing.item.name if listing.item else listing.seller_sku),
            price=_price(listing),
            currency=account.channel.currency,
            key=uuid.uuid4().hex,
            external_id=listing.channel_code or None,
        )
        for listing in listings
    ]
    try:
        results = connector.push_listings(settings_of(account), drafts)
    except ConnectorError as error:
        note_failure(account, error)
        raise
    live: list[int] = []
    moved: list[int] = []
    with transaction.atomic():
        # As they are now: somebody may have taken one off the shelf while the channel was called.
        now = {
            listing.pk: listing
            for listing in Listing.objects.filter(pk__in=[listing.pk for listing in listings])
            .order_by("pk")
            .select_for_update(no_key=True)
        }
        for asked, result in zip(listings, results, strict=True):
            listing = now[asked.pk]
            if result.applied:
                code = result.external_id or listing.channel_code
                if code != listing.channel_code:
                    moved.append(listing.pk)
                listing.channel_code, listing.error = code, ""
                if listing.state in states and listing.item_id:
                    listing.state = Listing.State.LIVE
                live.append(listing.pk)
            else:
                listing.error = (result.message or result.code or str(result.outcome))[:2000]
                if listing.state in states and listing.state != Listing.State.LIVE:
                    listing.state = Listing.State.ERROR
        write_fields(now.values(), ["channel_code", "error", "state"])
        forget_shown(moved)
        want_listings_pushed(live)
    note_success(account)
    return len(live)


def _price(listing: Listing) -> Decimal:
    """The listing's own price, else the list price of what it holds."""
    own: Decimal | None = listing.price
    if own is not None:
        return own
    price: Decimal | None = listing.item.price if listing.item else None
    return Decimal(price or 0) * listing.pack
