"""What a channel told us and we cannot take: kept with its reason, shown to a person, replayed when that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from channels.models import Account
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention
from retailhub.core.sql import rows

_KEEP = """
INSERT INTO channels_inboxmessage
    (account_id, event_id, topic, external_id, version, headers, body, state, attempts, error, settled_at)
SELECT %s, b.event_id, 'order.pulled', b.external_id, '', '{}', b.body, 'quarantined', 0, b.reason, now()
FROM unnest(%s::varchar[], %s::varchar[], %s::bytea[], %s::text[]) AS b(event_id, external_id, body, reason)
ON CONFLICT (account_id, event_id) DO NOTHING RETURNING id, external_id, error
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """An order that was read and could not be taken."""

    external_id: str
    version: str
    reason: str
    raw: str = ""


@transaction.atomic
def quarantine(account: Account, bad: Sequence[Bad]) -> None:
    """Keep each once per version; an order without an id cannot be asked for again, but is shown all the same."""
    if not bad:
        return
    kept = rows(
        _KEEP,
        [
            account.pk,
            [storable(f"pull:{order.external_id}:{order.version}")[:200] for order in bad],
            [storable(order.external_id)[:120] for order in bad],
            [order.raw.encode("utf-8", "replace") for order in bad],
            [storable(order.reason)[:4000] for order in bad],
        ],
    )
    raise_quarantined(account, [(pk, f"Order {external_id}", reason) for pk, external_id, reason in kept])


@transaction.atomic
def raise_quarantined(account: Account, messages: Sequence[tuple[int, str, str]]) -> None:
    """Let a person look at these messages: (id, what it is about, why)."""
    raise_attention(
        [
            Attention(
                kind="quarantined",
                subject=f"{subject} · {account.channel.name}"[:200],
                reason=reason[:1000],
                document=f"inbox:{pk}",
                channel=account.channel.code,
                scope="system:write",
                step_label="Look and replay",
                step_url=f"/admin/channels/inboxmessage/{pk}/change/",
            )
            for pk, subject, reason in messages
        ]
    )


def storable(text: str) -> str:
    """Answer the text without what PostgreSQL cannot hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
