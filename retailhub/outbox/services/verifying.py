"""Proof that no event was lost: every listener of every event has its delivery, in a known state."""

from __future__ import annotations

from retailhub.core.sql import rows
from retailhub.core.verifying import Breach
from retailhub.outbox.registry import subscriptions


def verify() -> list[Breach]:
    """Answer events whose deliveries do not add up, and dead letters; nothing, when all is well."""
    breaches = []
    pairs = [(name, listener) for name, listeners in subscriptions().items() for listener in listeners]
    for name, listener, count in rows(
        """SELECT p.name, p.listener, count(*) FROM outbox_outboxevent e
           JOIN unnest(%s::varchar[], %s::varchar[]) AS p(name, listener) ON p.name = e.name
           WHERE NOT EXISTS (SELECT 1 FROM outbox_delivery d WHERE d.event_id = e.id)
           GROUP BY 1, 2 ORDER BY 1, 2""",
        [[pair[0] for pair in pairs], [pair[1] for pair in pairs]],
    ):
        breaches.append(
            Breach(
                check="outbox", subject=name, place=listener, expected="a delivery per event", found=f"{count} without"
            )
        )
    for state, count in rows(
        "SELECT state, count(*) FROM outbox_delivery WHERE state NOT IN ('waiting', 'done', 'dead') GROUP BY 1"
    ):
        breaches.append(Breach(check="outbox", subject=f"state {state}", expected="a known state", found=count))
    return breaches
