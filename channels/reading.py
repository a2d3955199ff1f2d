"""What the pages of channels tell, for all channels at once or one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from channels.models import Account, InboxMessage, Listing, StockIntent
from channels.queries import SyncState
from retailhub.core.access import Principal
from retailhub.core.sql import rows

TROUBLED = Q(intent__state__in=["refused", "unsure"]) | Q(state__in=["error", "unmapped"]) | ~Q(error="")


@dataclass(slots=True)
class ChannelLine:
    """One channel on the list of channels, with its health."""

    account: Account
    lag_p95_ms: int | None = None
    waiting: int = 0
    troubled: int = 0
    live: int = 0
    quarantined: int = 0
    remarks: list[str] = field(default_factory=list)


def channel_lines(principal: Principal, *, at: datetime | None = None) -> list[ChannelLine]:
    """Answer every channel with its health: five statements, however many channels there are."""
    at = at or timezone.now()
    accounts = list(Account.objects.for_principal(principal).select_related("channel").defer("credentials"))
    lines = {account.pk: ChannelLine(account) for account in accounts}
    ids = list(lines)
    for pk, lag in rows(
        """SELECT account_id, percentile_cont(0.95) WITHIN GROUP (ORDER BY lag_ms) FROM channels_pushlog
           WHERE account_id = ANY(%s) AND at >= %s AND lag_ms IS NOT NULL GROUP BY account_id""",
        [ids, at - timedelta(minutes=15)],
    ):
        lines[pk].lag_p95_ms = round(lag)
    waiting = StockIntent.objects.filter(account__in=ids, state__in=["due", "sending"]).order_by()
    for pk, count in waiting.values("account").annotate(n=Count("pk")).values_list("account", "n"):
        lines[pk].waiting = count
    listings = Listing.objects.filter(account__in=ids).order_by().values("account")
    figures = listings.annotate(
        live=Count("pk", filter=Q(state=Listing.State.LIVE)), troubled=Count("pk", filter=TROUBLED)
    )
    for pk, live, troubled in figures.values_list("account", "live", "troubled"):
        lines[pk].live, lines[pk].troubled = live, troubled
    messages = InboxMessage.objects.filter(account__in=ids, state=InboxMessage.State.QUARANTINED).order_by()
    for pk, count in messages.values("account").annotate(n=Count("pk")).values_list("account", "n"):
        lines[pk].quarantined = count
    return list(lines.values())


@dataclass(frozen=True, slots=True)
class Spark:
    """Points of a small line chart in a box of 100 by 100, beginning below left."""

    middle: str
    high: str
    top: float


def lag_chart(minutes: Sequence[dict[str, Any]]) -> Spark | None:
    """Answer the lag by minute as two lines; nothing to draw with fewer than two minutes."""
    told = [minute for minute in minutes if minute["lag_p95"] is not None]
    if len(told) < 2:
        return None
    top = max(float(minute["lag_p95"]) for minute in told) or 1.0
    first, last = told[0]["minute"], told[-1]["minute"]
    width = (last - first).total_seconds() or 1.0

    def points(name: str) -> str:
        return " ".join(
            f"{100 * (minute['minute'] - first).total_seconds() / width:.1f},{96 - 90 * float(minute[name]) / top:.1f}"
            for minute in told
        )

    return Spark(points("lag_p50"), points("lag_p95"), top)


def troubled_listings(account: Account, *, most: int = 50) -> list[Listing]:
    """Answer the listings that a person should look at, with what the channel said."""
    found = Listing.objects.filter(TROUBLED, account=account).select_related("item", "intent")
    return list(found.defer("item__cost", "item__search_text").order_by("seller_sku")[:most])


def ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def verdict(state: SyncState) -> str:
    """Answer one word for how the channel keeps up."""
    if state.state != Account.State.LIVE:
        return state.state
    if state.last_error or state.open_again_at:
        return "error"
    return "waiting" if state.oldest_wait > 60 else "live"
