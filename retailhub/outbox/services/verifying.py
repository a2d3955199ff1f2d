"""Proof that no event was lost: every listener of every event has its delivery, in a known state."""

from __future__ import annotations

from retailhub.core.sql import rows
from retailhub.core.verifying import Breach
from retailhub.outbox.registry import subscriptions

# What an event counted when it was published is compared with what is there now: the table of subscriptions may have
# changed since. Events of before they counted are only asked for one delivery at least.
_UNEVEN = """
SELECT e.id, e.name, e.listeners, count(d.id), coalesce(string_agg(d.listener, ', ' ORDER BY d.listener), '')
FROM outbox_outboxevent e LEFT JOIN outbox_delivery d ON d.event_id = e.id
GROUP BY e.id
HAVING count(d.id) <> e.listeners OR (e.listeners IS NULL AND count(d.id) = 0 AND e.name = ANY(%s::varchar[]))
ORDER BY e.id
"""


def verify() -> list[Breach]:
    """Answer each event whose deliveries do not add up, and states that nobody knows; nothing, when all is well."""
    breaches = []
    heard = [name for name, listeners in subscriptions().items() if listeners]
    for pk, name, listeners, count, found in rows(_UNEVEN, [heard]):
        expected = "a delivery per listener" if listeners is None else f"{listeners} deliveries"
        told = f"{count}: {found}" if count else "none"
        breaches.append(Breach(check="outbox", subject=f"{name} {pk}", expected=expected, found=told))
    for state, count in rows(
        "SELECT state, count(*) FROM outbox_delivery WHERE state NOT IN ('waiting', 'done', 'dead') GROUP BY 1"
    ):
        breaches.append(Breach(check="outbox", subject=f"state {state}", expected="a known state", found=count))
    return breaches
