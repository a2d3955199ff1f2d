"""Numbers for the papers of the stock room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from inventory.models import Location, StockDocument
from retailhub.core.sql import rows

_PREFIX = {
    StockDocument.Kind.ADJUSTMENT: "ADJ",
    StockDocument.Kind.MOVE: "MV",
    StockDocument.Kind.RECEIPT: "RC",
}


def next_number(prefix: str) -> str:
    """Answer a number that was never given before. A rolled back transaction leaves a gap."""
    ((number,),) = rows("SELECT nextval('inventory_document_number')")
    return f"{prefix}-{number}"


def new_document(
    *,
    kind: str,
    location: Location,
    reason: str,
    note: str,
    lines: Sequence[dict[str, Any]],
    actor: str,
    occurred_at: datetime | None = None,
) -> StockDocument:
    """Have a numbered stock document; the caller posts its movements under `document.reference` in this transaction."""
    return StockDocument.objects.create(
        number=next_number(_PREFIX[StockDocument.Kind(kind)]),
        kind=kind,
        location=location,
        reason=reason,
        note=note,
        lines=list(lines),
        actor=actor,
        occurred_at=occurred_at or timezone.now(),
    )
