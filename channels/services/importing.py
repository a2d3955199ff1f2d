"""Orders that a channel tells, taken into the book: each once, newest version wins, whatever the order of the news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels.connectors.base import ChannelOrder, ChannelOrderLine, OrderStatus
from channels.models import Account, Listing
from channels.services.wanting import note_sold_there, want_listings_pushed
from customers.services.finding import Person
from orders.models import Order, Status
from orders.services.cancelling import cancel_order
from orders.services.describing import PlacedOrder
from orders.services.placing import DuplicateOrder, NewLine, NewOrder, NewPayment, NewShipping, place_orders
from retailhub.core.errors import DomainError
from retailhub.core.models import Attention
from retailhub.core.money import round_price
from retailhub.core.services.attending import raise_attention
from retailhub.core.sql import rows
from retailhub.core.text import DirtyText, clean_line, clean_text
from retailhub.core.transactions import retried

MOST_UNITS = 1_000_000_000

_NOTE_VERSION = """
UPDATE orders_order SET external_version = %s
WHERE id = %s AND CASE WHEN external_version ~ '^[0-9]{1,19}$' THEN external_version::numeric < %s ELSE true END
RETURNING id
"""


@dataclass(slots=True)
class Imported:
    """What became of the orders of a page, by their external ids."""

    new: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


@retried(on_twin=True)
def import_orders(*, account: Account, orders: Sequence[ChannelOrder]) -> Imported:
    """Take the channel's orders into the book; what the book has at this version or a newer one is left alone.

    Orders are facts: what we lack becomes a shortage, an unknown SKU an unmapped line; both are raised for a person. A
    cancellation cancels what is still open. An order changed at the channel after we took it is raised, not guessed at.
    """
    actor = f"channel:{account.channel.code}"
    report = Imported()
    newest = {order.external_id: order for order in sorted(orders, key=lambda order: order.version)}
    known = {
        order.external_reference: order
        for order in Order.objects.filter(
            channel=account.channel_id, external_reference__in=newest
        ).prefetch_related("lines")
    }  # fmt: skip
    news = [told for told in newest.values() if not _is_known(known.get(told.external_id), told)]
    report.same += [external_id for external_id in newest if external_id not in {told.external_id for told in news}]
    listings = _listings(account, news)
    fresh: list[tuple[ChannelOrder, NewOrder]] = []
    later: list[ChannelOrder] = []
    touched: dict[int, int] = {}
    for told in news:
        have = known.get(told.external_id)
        try:
            order = _translate(account, told, listings, have)
        except (DirtyText, ValueError, ArithmeticError) as error:
            report.refused[told.external_id] = str(error)
            continue
        if have is None:
            fresh.append((told, order))
            continue
        later.append(told)
        if told.status != OrderStatus.CANCELLED and order.fingerprint() != have.fingerprint:
            _raise_edited(account, have, "The channel changed this order after we took it. Compare and correct ours.")
            report.edited.append(told.external_id)
    for (told, _), answer in zip(fresh, place_orders(batch=[order for _, order in fresh], actor=actor), strict=True):
        if isinstance(answer, PlacedOrder):
            later.append(told)
            if answer.created:
                report.new.append(told.external_id)
                _count_sold(touched, told, listings)
                _compare_totals(account, told, answer)
        elif isinstance(answer, DuplicateOrder):
            report.same.append(told.external_id)  # its twin came first, in another version: the next look compares
        else:
            report.refused[told.external_id] = answer.detail
    _follow(account, later, actor, report, touched, listings)
    if touched:
        note_sold_there(touched)
        # The channel shows another figure by itself now; ours is told again all the same, as a check.
        want_listings_pushed(sorted(touched), anyway=True)
    if report.new:
        Account.objects.filter(pk=account.pk).update(last_order_at=timezone.now())
    return report


def _is_known(have: Order | None, told: ChannelOrder) -> bool:
    return have is not None and _version(have) >= told.version


def _version(order: Order) -> int:
    return int(order.external_version) if order.external_version.isdecimal() else -1


@dataclass(frozen=True, slots=True)
class _Listings:
    """Listings by the channel's own code and by seller SKU."""

    by_code: dict[str, Listing]
    by_sku: dict[str, Listing]

    def of(self, line: ChannelOrderLine) -> Listing | None:
        """Answer what the line sells. The channel's code is minted once; a SKU may be written anew there."""
        return self.by_code.get(line.external_listing_id or "") or self.by_sku.get(line.external_sku)


def _listings(account: Account, orders: Sequence[ChannelOrder]) -> _Listings:
    lines = [line for order in orders for line in order.lines]
    codes = {line.external_listing_id for line in lines if line.external_listing_id}
    found = Listing.objects.filter(
        Q(seller_sku__in={line.external_sku for line in lines}) | Q(channel_code__in=codes), account=account
    ).select_related("item")
    return _Listings(
        by_code={listing.channel_code: listing for listing in found if listing.channel_code},
        by_sku={listing.seller_sku: listing for listing in found},
    )


def _translate(account: Account, told: ChannelOrder, listings: _Listings, have: Order | None = None) -> NewOrder:
    """Answer the order in our words. For one that we have, lines keep the SKU under which they were taken then."""
    taken = {line.external_id: line.sku for line in have.lines.all()} if have else {}
    person, address = told.customer, told.shipping_address
    return NewOrder(
        channel=account.channel.code,
        external_reference=told.external_id,
        placed_at=told.placed_at,
        currency=told.currency,
        customer=Person(
            name=clean_line(person.name),
            email=clean_line(person.email),
            phone=clean_line(person.phone),
            external_id=person.external_id or "",
            channel=account.channel.code,
        )
        if person
        else None,
        shipping=NewShipping(
            method=clean_line(told.shipping_method)[:80],
            address={
                name: clean_text(value)
                for name in ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")
                if (value := getattr(address, name))
            }
            if address
            else {},
            price=told.shipping_price,
        ),
        lines=[_line(line, listings.of(line), taken.get(line.external_id[:120])) for line in told.lines],
        payments=[
            NewPayment(
                method=clean_line(payment.method)[:60],
                amount=payment.amount,
                reference=payment.external_id[:120],
                captured=payment.paid_at is not None or payment.status in {"paid", "captured"},
            )
            for payment in told.payments
        ],
        keep_unmapped=True,
        external_version=str(told.version),
    )


def _line(line: ChannelOrderLine, listing: Listing | None, taken_as: str | None) -> NewLine:
    """Answer the line in our SKU and base units; what the channel sells as one may be a pack of ours."""
    pack = listing.pack if listing else 1
    sku = taken_as or (listing.item.sku if listing and listing.item else clean_line(line.external_sku)[:64])
    if not 0 < line.quantity * pack <= MOST_UNITS:
        raise ValueError(f"{line.quantity} of {sku} is not a quantity")
    return NewLine(
        sku=sku,
        quantity=line.quantity * pack,
        unit_price=line.unit_price if pack == 1 else round_price(line.unit_price / Decimal(pack)),
        tax_rate=line.tax_rate,
        discount=line.discount,
        external_id=line.external_id[:120],
    )


def _compare_totals(account: Account, told: ChannelOrder, placed: PlacedOrder) -> None:
    """Let a person look when the order comes to another sum here: the customer paid what the channel says."""
    if told.total is None or told.total == placed.totals.total:
        return
    reason = f"The channel says {told.total} {told.currency}, its lines come to {placed.totals.total} here."
    raise_attention([_attention("order_total", account, placed.number, reason)])


def _count_sold(sold: dict[int, int], told: ChannelOrder, listings: _Listings, sign: int = 1) -> None:
    for line in told.lines:
        if listing := listings.of(line):
            sold[listing.pk] = sold.get(listing.pk, 0) + sign * line.quantity


def _raise_edited(account: Account, order: Order, reason: str) -> None:
    """Let a person decide on what the channel did to an order that we had taken already."""
    raise_attention([_attention("order_edited", account, order.number, reason)])


def _attention(kind: str, account: Account, number: str, reason: str) -> Attention:
    return Attention(
        kind=kind,
        subject=f"{number} · {account.channel.name}",
        reason=reason,
        document=f"order:{number}",
        channel=account.channel.code,
        scope="orders:write",
        step_label="Look at the order",
        step_url=f"/orders/{number}/",
    )


def _follow(
    account: Account,
    told: Sequence[ChannelOrder],
    actor: str,
    report: Imported,
    touched: dict[int, int],
    listings: _Listings,
) -> None:
    """Cancel what the channel cancelled, and note the version of each order that the book stands at now."""
    by_id = {order.external_id: order for order in told}
    for order in Order.objects.filter(channel=account.channel_id, external_reference__in=by_id).order_by("pk"):
        news = by_id[order.external_reference]
        if _version(order) > news.version:
            continue
        if news.status == OrderStatus.CANCELLED and order.status != Status.CANCELLED:
            _cancel(account, order, actor)
            report.cancelled.append(order.external_reference)
            # Sold and taken back before we heard of either: the channel shows what it showed before. Otherwise it may
            # have put the goods back on its shelf, or not: being told its figure settles that.
            _count_sold(touched, news, listings, sign=-1 if order.external_reference in report.new else 0)
        elif order.external_reference not in report.new + report.edited:
            report.same.append(order.external_reference)
        _note_version(order.pk, news.version)


def _note_version(order_id: int, version: int) -> None:
    """Note the version that the book stands at. Somebody else may have taken a newer one in meanwhile: that stays."""
    rows(_NOTE_VERSION, [str(version), order_id, version])


def _cancel(account: Account, order: Order, actor: str) -> None:
    try:
        with transaction.atomic():
            after = cancel_order(
                order_id=order.pk, actor=actor, reason="Cancelled on the channel.", told_by_channel=True
            )
    except DomainError as refusal:
        _raise_edited(account, order, f"The channel cancelled this order; ours could not be: {refusal.detail}")
        return
    if after.status != Status.CANCELLED:
        _raise_edited(account, order, "The channel cancelled this order, but goods have left already.")
