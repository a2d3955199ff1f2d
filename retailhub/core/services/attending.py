"""Raising and settling what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import models
from django.db.models import F
from django.utils import timezone

from retailhub.core.models import Attention, User
from retailhub.core.sql import write_fields
from retailhub.core.text import storable


def raise_attention(rows: Sequence[Attention]) -> None:
    """Have one open row per kind and document; a row that is open already gets the new words and figures.

    Words that are too long or cannot be stored are made to fit: an alarm must not fail for what it quotes.
    """
    if not rows:
        return
    for row in rows:
        row.subject, row.reason = storable(row.subject)[:200], storable(row.reason)
    now = timezone.now()
    unique = {(row.kind, row.document, row.location, row.channel): row for row in rows}
    open_rows = {
        (row.kind, row.document, row.location, row.channel): row
        for row in Attention.objects.filter(
            document__in={row.document for row in rows}, kind__in={row.kind for row in rows}, resolved_at__isnull=True
        ).select_for_update()
    }
    fresh, known = [], []
    for key, row in unique.items():
        row.raised_at = row.raised_at or now
        standing = open_rows.get(key)
        if standing is None:
            fresh.append(row)
        else:
            for name in ("subject", "reason", "at_risk", "currency", "step_label", "step_url", "scope"):
                setattr(standing, name, getattr(row, name))
            known.append(standing)
    if fresh:
        # A twin that came first keeps its row; ours says the same.
        Attention.objects.bulk_create(fresh, ignore_conflicts=True)
    if known:
        write_fields(known, ["subject", "reason", "at_risk", "currency", "step_label", "step_url", "scope"])


def settle_attention(*, kind: str, documents: Iterable[str], by: str, at: datetime | None = None) -> int:
    """Close the open rows of one kind for these documents; answers how many there were."""
    return Attention.objects.filter(kind=kind, document__in=list(documents), resolved_at__isnull=True).update(
        resolved_at=at or timezone.now(), resolved_by=by
    )


def assign_attention(rows: models.QuerySet[Attention], *, to: User | None) -> int:
    """Say who looks after the open rows, or that nobody does; everybody who saw them still does."""
    return rows.filter(resolved_at__isnull=True).update(assigned_to=to)


def snooze_attention(rows: models.QuerySet[Attention], *, until: datetime | None) -> int:
    """Hide the rows until then, or show them at once; they come back by themselves."""
    return rows.filter(resolved_at__isnull=True).update(snoozed_until=until, raised_at=F("raised_at"))
