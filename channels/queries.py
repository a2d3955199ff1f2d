"""Reads of channels that span tables: what each listing is to show, and how a channel keeps up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from channels.exposure import Figure, Terms, published
from channels.models import Account, Listing, PushLog, StockIntent
from inventory.models import Reservation, StockLevel
from retailhub.core.sql import rows

_TERMS = """
WITH l AS (
    SELECT l.id, l.item_id, c.pool_id, i.kind,
           l.state = 'live' AND l.item_id IS NOT NULL AS live,
           coalesce(l.share_percent, a.share_percent) AS share, coalesce(l.buffer, a.buffer) AS buffer,
           l.end_when, l.max_listed, l.fixed_quantity, l.pack
    FROM channels_listing l JOIN channels_account a ON a.id = l.account_id
    JOIN orders_saleschannel c ON c.id = a.channel_id LEFT JOIN inventory_item i ON i.id = l.item_id
    WHERE l.id = ANY(%s)
),
parts AS (
    SELECT l.id, l.pool_id, coalesce(k.component_id, l.item_id) AS item_id, coalesce(k.quantity, 1) AS per_unit
    FROM l LEFT JOIN inventory_kitcomponent k ON k.kit_id = l.item_id AND l.kind = 'kit'
    WHERE l.item_id IS NOT NULL AND (l.kind <> 'kit' OR k.id IS NOT NULL)
),
by_place AS (
    SELECT p.id, e.location_id, min(greatest(coalesce(s.available - s.safety, 0), 0) / p.per_unit) AS units
    FROM parts p JOIN inventory_stockpoollocation e ON e.pool_id = p.pool_id
    JOIN inventory_location w ON w.id = e.location_id AND w.is_active
    LEFT JOIN inventory_stocklevel s ON s.item_id = p.item_id AND s.location_id = e.location_id
    GROUP BY p.id, e.location_id
)
SELECT l.id, l.live, coalesce((SELECT sum(units) FROM by_place b WHERE b.id = l.id), 0)::bigint,
       l.share, l.buffer, l.end_when, l.max_listed, l.fixed_quantity, l.pack
FROM l
"""


def terms_of(listing_ids: Sequence[int]) -> dict[int, Terms]:
    """Answer what each listing's figure is made of right now: one statement whatever their number."""
    return {
        row[0]: Terms(
            live=row[1],
            offered=row[2],
            share_percent=row[3],
            buffer=row[4],
            end_when=row[5],
            max_listed=row[6],
            fixed_quantity=row[7],
            pack=row[8],
        )
        for row in rows(_TERMS, [list(listing_ids)])
    }


def figures_of(listing_ids: Sequence[int]) -> dict[int, Figure]:
    """Answer what each listing is to show right now."""
    return {listing_id: published(terms) for listing_id, terms in terms_of(listing_ids).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a channel shows what it shows: levels by place, who holds reservations, every term, and what was told."""

    listing: Listing
    figure: Figure
    levels: Sequence[Mapping[str, Any]]
    reservations: Sequence[Mapping[str, Any]]
    intent: StockIntent | None

    @property
    def in_step(self) -> bool:
        return self.intent is not None and self.intent.confirmed_quantity == self.figure.quantity


def explain(listing: Listing) -> Explanation:
    """Answer every term of the figure that this listing's channel is offered."""
    item_ids = [listing.item_id] if listing.item_id else []
    if listing.item is not None and listing.item.kind == "kit":
        item_ids = list(listing.item.components.values_list("component_id", flat=True))
    pool = listing.account.channel.pool_id
    levels = StockLevel.objects.filter(item__in=item_ids, location__pool_entries__pool=pool, location__is_active=True)
    held = Reservation.objects.open().filter(item__in=item_ids, location__pool_entries__pool=pool)
    return Explanation(
        listing=listing,
        figure=figures_of([listing.pk])[listing.pk],
        levels=list(
            levels.order_by("location__pool_entries__position", "item__sku_key").values(
                "item__sku",
                "location__code",
                "location__name",
                "sellable",
                "reserved",
                "available",
                "safety",
                "damaged",
                "on_hold",
            )
        ),
        reservations=list(
            held.order_by("pk").values("document", "line", "item__sku", "location__code", "open_quantity")[:200]
        ),
        intent=StockIntent.objects.filter(listing=listing).first(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """How a channel keeps up: lag in seconds over the last quarter of an hour, what waits, what went wrong."""

    state: str
    state_reason: str
    lag_p50: float | None
    lag_p95: float | None
    waiting: int
    oldest_wait: float
    unsure: int
    refused: int
    discrepancies: int
    inbox_pending: int
    inbox_quarantined: int
    last_push_at: datetime | None
    last_order_at: datetime | None
    last_pull_at: datetime | None
    last_error: str
    open_again_at: datetime | None
    minutes: list[dict[str, Any]] = field(default_factory=list)


def sync_state(account: Account, *, at: datetime | None = None) -> SyncState:
    """Answer how the channel keeps up: five statements."""
    at = at or timezone.now()
    since = at - timedelta(minutes=15)
    ((p50, p95),) = rows(
        """SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_ms) / 1000.0,
                  percentile_cont(0.95) WITHIN GROUP (ORDER BY lag_ms) / 1000.0
           FROM channels_pushlog WHERE account_id = %s AND at >= %s AND lag_ms IS NOT NULL""",
        [account.pk, since],
    )
    minutes = [
        {"minute": minute, "pushes": pushes, "lag_p50": middle, "lag_p95": high}
        for minute, pushes, middle, high in rows(
            """SELECT date_trunc('minute', at), count(*),
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_ms) / 1000.0,
                      percentile_cont(0.95) WITHIN GROUP (ORDER BY lag_ms) / 1000.0
               FROM channels_pushlog WHERE account_id = %s AND at >= %s GROUP BY 1 ORDER BY 1""",
            [account.pk, since],
        )
    ]
    ((waiting, oldest, unsure, refused, stale),) = rows(
        """SELECT count(*) FILTER (WHERE state IN ('due', 'sending')),
                  min(wanted_at) FILTER (WHERE state IN ('due', 'sending')),
                  count(*) FILTER (WHERE state = 'unsure'), count(*) FILTER (WHERE state = 'refused'),
                  count(*) FILTER (WHERE stale_in_a_row >= 3)
           FROM channels_stockintent WHERE account_id = %s""",
        [account.pk],
    )
    ((pending, quarantined),) = rows(
        """SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'quarantined')
           FROM channels_inboxmessage WHERE account_id = %s AND state IN ('pending', 'quarantined')""",
        [account.pk],
    )
    return SyncState(
        state=account.state,
        state_reason=account.state_reason,
        lag_p50=p50,
        lag_p95=p95,
        waiting=waiting,
        oldest_wait=max(0.0, (at - oldest).total_seconds()) if oldest else 0.0,
        unsure=unsure,
        refused=refused,
        discrepancies=stale,
        inbox_pending=pending,
        inbox_quarantined=quarantined,
        last_push_at=account.last_push_at,
        last_order_at=account.last_order_at,
        last_pull_at=account.last_pull_at,
        last_error=account.last_error,
        open_again_at=account.open_again_at,
        minutes=minutes,
    )


def recent_pushes(account: Account, most: int = 50) -> list[PushLog]:
    return list(PushLog.objects.filter(account=account).select_related("listing").order_by("-pk")[:most])
