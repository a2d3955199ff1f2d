"""Orders that a channel tells, taken into the book: each once, newest version wins, whatever the order of the news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from channels.connectors.base import ChannelOrder, ChannelOrderLine, OrderStatus
from channels.models import Account, Listing
from channels.services.pushing import note_sold_there
from channels.services.wanting import want_listings_pushed
from customers.services.finding import Person
from orders.models import Order, Status
from orders.services.cancelling import cancel_order
from orders.services.describing import PlacedOrder
from orders.services.placing import DuplicateOrder, NewLine, NewOrder, NewPayment, NewShipping, place_orders
from retailhub.core.errors import DomainError
from retailhub.core.models import Attention
from retailhub.core.money import round_price
from retailhub.core.services.attending import raise_attention
from retailhub.core.text import DirtyText, clean_line, clean_text
from retailhub.core.transactions import retried


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

    Orders are facts: what we lack becomes a shortage, an unknown SKU an unmapped line; a person is told of both. A
    cancellation cancels what is still open. An order the channel changed after we took it is raised, not guessed at.
    """
    actor = f"channel:{account.channel.code}"
    report = Imported()
    newest = {order.external_id: order for order in sorted(orders, key=lambda order: order.version)}
    known = {
        order.external_reference: order
        for order in Order.objects.filter(channel=account.channel_id, external_reference__in=newest)
    }
    listings = _listings(account, newest.values())
    fresh: list[tuple[ChannelOrder, NewOrder]] = []
    for external_id, told in newest.items():
        have = known.get(external_id)
        if have is not None and _version(have) >= told.version:
            report.same.append(external_id)
            continue
        try:
            fresh.append((told, _translate(account, told, listings)))
        except (DirtyText, ValueError) as error:
            report.refused[external_id] = str(error)
    answers = place_orders(batch=[order for _, order in fresh], actor=actor)
    sold: dict[int, int] = {}
    for (told, _), answer in zip(fresh, answers, strict=True):
        if isinstance(answer, PlacedOrder) and answer.created:
            report.new.append(told.external_id)
            _count_sold(sold, told, listings)
        elif isinstance(answer, DuplicateOrder):
            _apply_change(account, told, known.get(told.external_id), report)
        elif isinstance(answer, DomainError):
            report.refused[told.external_id] = answer.detail
    _apply_cancellations(account, [told for told, _ in fresh], actor, report, sold, listings)
    if sold:
        note_sold_there(account.pk, sold)
        # The channel shows less by itself now; the figure is told again all the same, as a check.
        want_listings_pushed(sorted(sold), anyway=True)
    if report.new:
        Account.objects.filter(pk=account.pk).update(last_order_at=timezone.now())
    return report


def _version(order: Order) -> int:
    return int(order.external_version) if order.external_version.isdecimal() else -1


def _listings(account: Account, orders: Any) -> dict[str, Listing]:
    skus = {line.external_sku for order in orders for line in order.lines}
    return {
        listing.seller_sku: listing
        for listing in Listing.objects.filter(account=account, seller_sku__in=skus).select_related("item")
    }


def _translate(account: Account, told: ChannelOrder, listings: dict[str, Listing]) -> NewOrder:
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
        lines=[_line(line, listings.get(line.external_sku)) for line in told.lines],
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


def _line(line: ChannelOrderLine, listing: Listing | None) -> NewLine:
    """Answer the line in our SKU and base units; what the channel sells as one may be a pack of ours."""
    pack = listing.pack if listing else 1
    sku = listing.item.sku if listing and listing.item else clean_line(line.external_sku)[:64]
    return NewLine(
        sku=sku,
        quantity=line.quantity * pack,
        unit_price=line.unit_price if pack == 1 else round_price(line.unit_price / Decimal(pack)),
        tax_rate=line.tax_rate,
        discount=line.discount,
        external_id=line.external_id[:120],
    )


def _count_sold(sold: dict[int, int], told: ChannelOrder, listings: dict[str, Listing], sign: int = 1) -> None:
    for line in told.lines:
        if listing := listings.get(line.external_sku):
            sold[listing.pk] = sold.get(listing.pk, 0) + sign * line.quantity


def _apply_change(account: Account, told: ChannelOrder, have: Order | None, report: Imported) -> None:
    """The channel changed an order's lines after we took it: a person decides, the version is noted."""
    if told.status == OrderStatus.CANCELLED:
        return
    report.edited.append(told.external_id)
    if have is None:
        return
    Order.objects.filter(pk=have.pk).update(external_version=str(told.version))
    raise_attention(
        [
            Attention(
                kind="order_edited",
                subject=f"{have.number} · {account.channel.name}",
                reason="The channel changed this order after we took it. Compare the two and correct ours.",
                document=have.reference,
                channel=account.channel.code,
                scope="orders:write",
                step_label="Look at the order",
                step_url=f"/orders/{have.number}/",
            )
        ]
    )


def _apply_cancellations(
    account: Account,
    told: Sequence[ChannelOrder],
    actor: str,
    report: Imported,
    sold: dict[int, int],
    listings: dict[str, Listing],
) -> None:
    cancelled = {order.external_id: order for order in told if order.status == OrderStatus.CANCELLED}
    unchanged = {order.external_id: order for order in told if order.external_id not in report.edited}
    for order in Order.objects.filter(channel=account.channel_id, external_reference__in=unchanged):
        news = unchanged[order.external_reference]
        if order.external_reference in cancelled and order.status != Status.CANCELLED:
            cancel_order(order_id=order.pk, actor=actor, reason="Cancelled on the channel.", told_by_channel=True)
            report.cancelled.append(order.external_reference)
            if order.external_reference in report.new:
                # Sold and taken back before we heard of it: the channel shows what it showed before.
                _count_sold(sold, news, listings, sign=-1)
        if _version(order) < news.version:
            Order.objects.filter(pk=order.pk).update(external_version=str(news.version))
            if order.external_reference not in report.new + report.cancelled:
                report.same.append(order.external_reference)
