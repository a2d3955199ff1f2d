"""How much of each item customers take a day, from what left the house, and how much that varies.

Read from the movements to customers, day by day, over the last half year. Days on which nothing was there to be sold
say nothing about demand: they are not counted, neither as days without sales nor in the pause between two sales. So an
item that ran out, or came new last week, is not taken for a slow one. (A balance below nothing means that the books
began later than the sales in them: what was there is not known, and such days count.)

Goods that are sold on most days are forecast by the mean of the days they could be sold on. For intermittent goods (on
average 1.32 selling days or more from one sale to the next, the border of Syntetos and Boylan) a mean of mostly empty
days is a poor guide: Croston's method smooths the size of a sale and the pause between two sales apart, and the
Syntetos-Boylan approximation takes off its bias: rate = (1 - a/2) * size / pause, with a = 0.1. Exponential smoothing
in closed form is a weighted sum, so it is done in one statement for all items; fewer than three sales are no series,
and keep the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from inventory.models import Location
from retailhub.core.sql import rows

HISTORY_DAYS = 182
SMOOTHING = 0.1
INTERMITTENT = 1.32
FEWEST_SALES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyDemand:
    """What customers take a day: on average, and how much a day differs from that (standard deviation)."""

    item_id: int
    per_day: float
    deviation: float
    sold: int
    selling_days: int
    is_intermittent: bool


# Units for sale today, less what happened since, are the units at the end of each day; between two days on which
# something moved they stay.
DEMAND = """
moved AS (
    SELECT m.item_id, (m.occurred_at AT TIME ZONE %(zone)s)::date AS day,
        COALESCE(SUM(m.quantity) FILTER (WHERE m.to_location_id = %(customer)s), 0) AS sold,
        SUM(m.quantity * ((m.to_location_id = ANY(%(places)s) AND m.to_bucket = 'sellable')::int
            - (m.from_location_id = ANY(%(places)s) AND m.from_bucket = 'sellable')::int)) AS net
    FROM inventory_stockmovement m
    WHERE m.occurred_at >= %(begin)s
        AND (m.from_location_id = ANY(%(places)s) OR m.to_location_id = ANY(%(places)s))
        AND (%(items)s::int[] IS NULL OR m.item_id = ANY(%(items)s))
    GROUP BY 1, 2
),
stock AS (
    SELECT item_id, SUM(sellable) AS sellable, SUM(available) AS available
    FROM inventory_stocklevel
    WHERE location_id = ANY(%(places)s) AND (%(items)s::int[] IS NULL OR item_id = ANY(%(items)s))
    GROUP BY 1
),
days AS (
    SELECT moved.item_id, day, sold,
        COALESCE(sellable, 0) - COALESCE(SUM(net) OVER later, 0) AS left_over,
        COALESCE(sellable, 0) - SUM(net) OVER (PARTITION BY moved.item_id) AS at_first,
        LEAST(COALESCE(LEAD(day) OVER (PARTITION BY moved.item_id ORDER BY day), %(today)s::date), %(today)s::date)
            AS next_day,
        MIN(day) OVER (PARTITION BY moved.item_id) AS first_day
    FROM moved LEFT JOIN stock ON stock.item_id = moved.item_id
    WINDOW later AS (PARTITION BY moved.item_id ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
past AS (
    SELECT item_id, day, sold,
        CASE WHEN left_over = 0 THEN next_day - day - 1 ELSE 0 END AS empty_after,
        CASE WHEN at_first = 0 THEN first_day - %(first)s::date ELSE 0 END AS empty_first,
        -- A day on which nothing was sold and nothing was left over was no selling day either.
        (sold = 0 AND left_over = 0)::int AS empty_itself
    FROM days WHERE day < %(today)s::date
),
numbered AS (
    SELECT item_id, sold, empty_first, empty_after, empty_itself,
        day - %(first)s::date - empty_first
            - COALESCE(SUM(empty_after + empty_itself) OVER (PARTITION BY item_id ORDER BY day
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS selling_day
    FROM past
),
totals AS (
    SELECT item_id, GREATEST(%(days)s - MAX(empty_first) - SUM(empty_after + empty_itself), 1) AS selling_days
    FROM numbered GROUP BY 1
),
sales AS (
    SELECT item_id, sold,
        selling_day - COALESCE(LAG(selling_day) OVER (PARTITION BY item_id ORDER BY selling_day), -1) AS pause,
        ROW_NUMBER() OVER (PARTITION BY item_id ORDER BY selling_day DESC) - 1 AS age,
        COUNT(*) OVER (PARTITION BY item_id) AS times
    FROM numbered WHERE sold > 0
),
weighed AS (
    SELECT item_id, sold, pause, times,
        CASE WHEN age = times - 1 THEN POWER(1 - %(a)s::float8, age)
            ELSE %(a)s::float8 * POWER(1 - %(a)s::float8, age) END AS weight
    FROM sales
),
smooth AS (
    SELECT item_id, SUM(sold) AS sold, SUM(sold::float8 * sold) AS squares, MAX(times) AS times,
        SUM(weight * sold) AS size, SUM(weight * pause) AS pause
    FROM weighed GROUP BY 1
),
demand AS (
    SELECT smooth.item_id, smooth.sold, GREATEST(selling_days, times) AS selling_days,
        times >= %(fewest)s AND selling_days >= %(border)s::float8 * times AS is_intermittent,
        CASE WHEN times >= %(fewest)s AND selling_days >= %(border)s::float8 * times
            THEN (1 - %(a)s::float8 / 2) * size / GREATEST(pause, 1)
            ELSE smooth.sold::float8 / GREATEST(selling_days, times) END AS per_day,
        SQRT(GREATEST(squares / GREATEST(selling_days, times)
            - POWER(smooth.sold::float8 / GREATEST(selling_days, times), 2), 0)) AS deviation
    FROM smooth JOIN totals ON totals.item_id = smooth.item_id
)
"""
"""The common table expressions that end in `demand` and `stock`, one row per item."""


def demand_values(*, place_ids: Sequence[int], today: date, item_ids: Sequence[int] | None = None) -> dict[str, Any]:
    """Answer the values that DEMAND asks for."""
    first = today - timedelta(days=HISTORY_DAYS)
    return {
        "places": list(place_ids),
        "items": None if item_ids is None else list(item_ids),
        "customer": Location.objects.values_list("pk", flat=True).get(code="@customer"),
        "zone": settings.TIME_ZONE,
        "begin": datetime.combine(first, time(), tzinfo=ZoneInfo(settings.TIME_ZONE)),
        "first": first,
        "today": today,
        "days": HISTORY_DAYS,
        "a": SMOOTHING,
        "border": INTERMITTENT,
        "fewest": FEWEST_SALES,
    }


def demand_of(
    *, place_ids: Sequence[int], today: date, item_ids: Sequence[int] | None = None
) -> dict[int, DailyDemand]:
    """Answer what customers take a day at these places together, of every item that sold. Two statements."""
    # Only names of our own are put together here; values travel as parameters.
    found = rows(
        f"WITH {DEMAND} SELECT item_id, per_day, deviation, sold, selling_days, is_intermittent FROM demand",  # noqa: S608
        demand_values(place_ids=place_ids, today=today, item_ids=item_ids),
    )
    return {
        item_id: DailyDemand(
            item_id=item_id,
            per_day=per_day,
            deviation=deviation,
            sold=int(sold),
            selling_days=int(days),
            is_intermittent=intermittent,
        )
        for item_id, per_day, deviation, sold, days, intermittent in found
    }
