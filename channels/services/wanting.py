"""Which listings' figures have to be told to their channels: one row per listing, newest wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from channels.models import StockIntent
from channels.queries import figures_of
from retailhub.core.bells import ring_on_commit
from retailhub.core.sql import rows

# How long a change waits for others of its listing. A falling figure hardly waits: each moment it is late may sell a
# unit that is gone. A rising one may; it gathers what else is coming in.
GATHER_SECONDS = {0: 0.0, 1: 0.02, 2: 0.2}

_AFFECTED = """
SELECT l.id FROM channels_listing l WHERE l.state = 'live' AND l.item_id = ANY(%s)
UNION
SELECT l.id FROM channels_listing l JOIN inventory_kitcomponent k ON k.kit_id = l.item_id
WHERE l.state = 'live' AND k.component_id = ANY(%s)
"""

# A listing in flight keeps its state: it is looked at again when its answer is in. One whose answer is not known is
# read back first. A refused one is tried again, because the figure is another now. Rows are taken in the order of
# listings, as everywhere, so that two who want and settle queue instead of deadlocking.
_WANT = """
INSERT INTO channels_stockintent (listing_id, account_id, state, wanted_version, sent_version, confirmed_version,
    urgency, attempts, stale_in_a_row, due_at, wanted_at, error)
SELECT w.listing_id, l.account_id, 'due', 1, 0, 0, w.urgency, 0, 0, clock_timestamp() + make_interval(secs => w.gather),
       w.wanted_at, ''
FROM unnest(%s::bigint[], %s::smallint[], %s::float8[], %s::timestamptz[]) AS w(listing_id, urgency, gather, wanted_at)
JOIN channels_listing l ON l.id = w.listing_id
ORDER BY w.listing_id
ON CONFLICT (listing_id) DO UPDATE SET
    wanted_version = channels_stockintent.wanted_version + 1,
    state = CASE WHEN channels_stockintent.state IN ('idle', 'refused') THEN 'due' ELSE channels_stockintent.state END,
    urgency = least(excluded.urgency, CASE WHEN channels_stockintent.state = 'due'
                                           THEN channels_stockintent.urgency ELSE 2 END),
    due_at = CASE WHEN channels_stockintent.state IN ('idle', 'refused') THEN excluded.due_at
                  WHEN channels_stockintent.state = 'due' AND channels_stockintent.attempts = 0
                  THEN least(channels_stockintent.due_at, excluded.due_at)
                  ELSE channels_stockintent.due_at END,
    wanted_at = CASE WHEN channels_stockintent.state IN ('idle', 'refused') THEN excluded.wanted_at
                     ELSE channels_stockintent.wanted_at END,
    wanted_again_at = CASE WHEN channels_stockintent.state IN ('sending', 'unsure')
                           THEN coalesce(channels_stockintent.wanted_again_at, excluded.wanted_at) END,
    attempts = CASE WHEN channels_stockintent.state = 'refused' THEN 0 ELSE channels_stockintent.attempts END
RETURNING account_id
"""

_SOLD_THERE = """
WITH mine AS (
    SELECT i.id, s.units FROM channels_stockintent i
    JOIN unnest(%s::bigint[], %s::bigint[]) AS s(listing_id, units) ON s.listing_id = i.listing_id
    ORDER BY i.listing_id FOR NO KEY UPDATE OF i
)
UPDATE channels_stockintent i SET confirmed_quantity = i.confirmed_quantity - mine.units, confirmed_at = NULL
FROM mine WHERE i.id = mine.id AND i.stale_at IS NULL RETURNING i.id
"""


_FORGET = """
WITH mine AS (SELECT id FROM channels_stockintent WHERE listing_id = ANY(%s) ORDER BY listing_id FOR NO KEY UPDATE)
UPDATE channels_stockintent i
SET state = 'due', key = NULL, attempts = 0, due_at = clock_timestamp(), confirmed_quantity = NULL, confirmed_at = NULL,
    stale_in_a_row = 0, stale_at = NULL, wanted_version = i.wanted_version + 1
FROM mine WHERE i.id = mine.id RETURNING i.id
"""


def want_items_pushed(item_ids: Iterable[int], *, since: datetime | None = None) -> int:
    """Have every live listing of these items, and of kits that hold them, told its figure where that changed.

    A listing whose channel has confirmed just this figure is left alone. Answers how many listings want a push.
    """
    ids = sorted(set(item_ids))
    listing_ids = [row[0] for row in rows(_AFFECTED, [ids, ids])]
    return want_listings_pushed(listing_ids, since=since)


def want_listings_pushed(listing_ids: Sequence[int], *, since: datetime | None = None, anyway: bool = False) -> int:
    """Have these listings told their figure; `anyway` even where the channel has confirmed it."""
    if not listing_ids:
        return 0
    with transaction.atomic():
        # Held before the figures are read: while this transaction carries a change that nobody else sees yet, a worker
        # could tell the channel the figure of before, just when ours is found to be told already.
        known = {
            intent.listing_id: intent
            for intent in StockIntent.objects.filter(listing__in=listing_ids)
            .order_by("listing_id")
            .select_for_update(no_key=True)
            .only("listing_id", "state", "confirmed_quantity", "confirmed_at", "sent_quantity")
        }
        figures = figures_of(listing_ids)
        wanted = [
            (listing_id, _urgency(figures[listing_id].quantity, known.get(listing_id)))
            for listing_id in sorted(figures)
            if anyway or not _is_told(figures[listing_id].quantity, known.get(listing_id))
        ]
        if not wanted:
            return 0
        at = since or timezone.now()
        accounts = rows(
            _WANT,
            [
                [listing_id for listing_id, _ in wanted],
                [urgency for _, urgency in wanted],
                [GATHER_SECONDS[urgency] for _, urgency in wanted],
                [at] * len(wanted),
            ],
        )
        for account_id in sorted({row[0] for row in accounts}):
            ring_push(account_id)
    return len(wanted)


def ring_push(account_id: int) -> None:
    """Wake a worker for the account once this transaction commits; the sweep finds what was not rung."""
    ring_on_commit("channels.tasks.push_stock", account_id)


def forget_shown(listing_ids: Sequence[int]) -> None:
    """Take these for never told: the channel has another thing under another code, and what that shows nobody knows.

    An answer about the old one that is still under way is left alone when it comes.
    """
    rows(_FORGET, [sorted(listing_ids)])


def note_sold_there(sold: Mapping[int, int]) -> None:
    """The channel sold so many units of these listings itself: what it shows fell by as much, unconfirmed.

    A figure that the channel itself told us when it refused ours counts this sale already.
    """
    listing_ids = sorted(sold)
    rows(_SOLD_THERE, [listing_ids, [sold[listing_id] for listing_id in listing_ids]])


def _is_told(quantity: int, intent: StockIntent | None) -> bool:
    """Whether the channel has confirmed this figure, or is being told it right now."""
    if intent is None:
        return False
    if intent.state == StockIntent.State.SENDING:
        # Whatever changes later brings its own news; a figure that does not arrive is computed anew.
        return intent.sent_quantity == quantity
    return (
        intent.state == StockIntent.State.IDLE
        and intent.confirmed_at is not None
        and intent.confirmed_quantity == quantity
    )


def _urgency(quantity: int, intent: StockIntent | None) -> int:
    """Answer 0 for a figure that falls to zero, 1 for another that falls or was never told, 2 for the rest."""
    shown = intent.confirmed_quantity if intent else None
    if shown is not None and quantity >= shown:
        return 2
    return 0 if quantity == 0 else 1
