"""Deliveries: claimed by state, counted before they run, marked in the listener's own transaction."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention
from retailhub.core.sql import rows
from retailhub.core.text import storable
from retailhub.outbox.models import Delivery
from retailhub.outbox.registry import listener

log = logging.getLogger(__name__)

# What runs is locked, and skipped by whoever claims; the lease is only for what a dead worker had claimed.
LEASE_SECONDS = 20
MOST_TRIES = 8
MOST_CRASHES = 3

_CLAIM = """
WITH due AS (
    SELECT id, attempts AS tried FROM outbox_delivery WHERE state = 'waiting' AND due_at <= clock_timestamp()
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE outbox_delivery d
SET attempts = greatest(d.attempts, 1), due_at = clock_timestamp() + make_interval(secs => %s)
FROM due WHERE d.id = due.id
RETURNING d.id, d.listener, due.tried, d.error
"""

# Counted one by one, each right before it runs: who waits in line behind a killer has not been tried.
_COUNT = """
UPDATE outbox_delivery SET attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => %s)
WHERE id = (
    SELECT id FROM outbox_delivery WHERE id = %s AND attempts = %s AND state = 'waiting' FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def deliver_waiting(*, most: int = 200) -> int:
    """Run what waits, a batch per listener, until nothing is due or `most` were tried; answers how many were tried.

    An attempt is counted before it runs, so a message that kills its worker is found out. First attempts of one
    listener run together in one transaction; whatever was tried before runs alone, what was tried least first.
    """
    claimed = rows(_CLAIM, [most, LEASE_SECONDS])
    together: dict[str, list[int]] = defaultdict(list)
    again: list[tuple[int, int, str]] = []
    for pk, path, tried, error in claimed:
        if tried >= MOST_TRIES or (tried >= MOST_CRASHES and not error):
            _bury(pk, error or f"its worker died {tried} times")
        elif tried:
            again.append((tried, pk, path))
        else:
            together[path].append(pk)
    for path, batch in together.items():
        if not _run(batch, path) and len(batch) > 1:
            for pk in batch:
                _run([pk], path)
    for tried, pk, path in sorted(again):
        # Not counted: it was a long line, and somebody else has taken it meanwhile.
        if rows(_COUNT, [LEASE_SECONDS, pk, tried]):
            _run([pk], path)
    return len(claimed)


def _run(batch: Sequence[int], path: str) -> bool:
    try:
        with transaction.atomic():
            deliveries = list(
                Delivery.objects.filter(pk__in=batch, state=Delivery.State.WAITING)
                .select_related("event")
                .order_by("event_id")
                .select_for_update(of=("self",), skip_locked=True)
            )
            if not deliveries:
                return True
            listener(path)([{"at": d.event.created_at, **d.event.payload} for d in deliveries])
            Delivery.objects.filter(pk__in=[d.pk for d in deliveries]).update(
                state=Delivery.State.DONE, done_at=timezone.now(), error=""
            )
    except Exception as error:  # noqa: BLE001  one bad listener must not stop the others; it is counted and shown
        if len(batch) == 1:
            _fail(batch[0], error)
        else:
            log.warning("%s failed on a batch of %d, trying one by one: %s", path, len(batch), storable(str(error)))
        return False
    return True


def _fail(pk: int, error: Exception) -> None:
    # It may quote what killed it: what no column can hold must not keep the failure from being counted.
    text = storable(f"{type(error).__name__}: {error}")[:4000]
    delivery = Delivery.objects.filter(pk=pk, state=Delivery.State.WAITING).first()
    if delivery is None:
        return
    if delivery.attempts >= MOST_TRIES:
        _bury(pk, text)
        return
    log.warning("delivery %s of %s failed (try %d): %s", pk, delivery.listener, delivery.attempts, text)
    # A listener that met a passing database fault is tried again soon; others wait longer each time, up to an hour.
    base = 0.2 if isinstance(error, DatabaseError) else 2.0
    pause = min(3600.0, base * 2 ** min(delivery.attempts, 12)) * random.uniform(0.7, 1.3)  # noqa: S311
    Delivery.objects.filter(pk=pk, state=Delivery.State.WAITING).update(
        error=text, due_at=timezone.now() + timedelta(seconds=pause)
    )


def _bury(pk: int, error: str) -> None:
    with transaction.atomic():
        waiting = Delivery.objects.filter(pk=pk, state=Delivery.State.WAITING)
        if not waiting.update(state=Delivery.State.DEAD, error=error):
            return  # its worker was slow, not dead: it is done
        log.error("delivery %s is dead: %s", pk, error)
        delivery = Delivery.objects.select_related("event").get(pk=pk)
        raise_attention(
            [
                Attention(
                    kind="dead_letter",
                    subject=f"{delivery.event.name} did not reach {delivery.listener}",
                    reason=error[:1000],
                    document=f"delivery:{pk}",
                    scope="system:write",
                    step_label="Look and replay",
                    step_url=f"/admin/outbox/delivery/{pk}/change/",
                )
            ]
        )


_FORGET = """
WITH stale AS (
    SELECT e.id FROM outbox_outboxevent e
    WHERE e.created_at < %s
        AND NOT EXISTS (SELECT 1 FROM outbox_delivery d WHERE d.event_id = e.id AND d.state <> 'done')
        AND coalesce(e.listeners, 0) <= (SELECT count(*) FROM outbox_delivery d WHERE d.event_id = e.id)
    ORDER BY e.created_at LIMIT %s FOR UPDATE SKIP LOCKED
), heard AS (
    DELETE FROM outbox_delivery d USING stale WHERE d.event_id = stale.id
)
DELETE FROM outbox_outboxevent e USING stale WHERE e.id = stale.id RETURNING e.id
"""


def forget_delivered(*, older_than_days: int = 7, batch: int = 5_000) -> int:
    """Delete events that are old and that everybody heard, some thousand at a time; answers how many.

    What waits, is dead or lost a delivery stays: somebody has to look at it.
    """
    old = timezone.now() - timedelta(days=older_than_days)
    total = 0
    while gone := len(rows(_FORGET, [old, batch])):
        total += gone
    return total
