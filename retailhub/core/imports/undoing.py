"""Runs taken back, chunk by chunk from the last to the first: one transaction each, gone on with after a stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Func, IntegerField, Sum
from django.utils import timezone

from retailhub.core.access import Principal
from retailhub.core.imports.complaints import write_complaints
from retailhub.core.imports.targets import Desk, TakesBack, Written
from retailhub.core.models import ImportChunk, ImportRun
from retailhub.core.services.working import Progress
from retailhub.core.transactions import retried

LIFETIME = timedelta(hours=24)
NOT_UNDONE = "not-undone.csv"


def rows_to_undo(run: ImportRun) -> int:
    """Answer how many rows of the run wrote something that can be taken back."""
    length = Func("written", function="jsonb_array_length", output_field=IntegerField())
    return run.chunks.aggregate(rows=Sum(length))["rows"] or 0


def take_back(run: ImportRun, target: TakesBack, principal: Principal, progress: Progress, *, seconds: float) -> bool:
    """Take the run's rows back that nobody touched since. Answers False when `seconds` were over before the end."""
    until = time.monotonic() + seconds
    progress.done = progress.failed = 0
    progress.expect(rows_to_undo(run))
    for chunk in run.chunks.exclude(written=[]).order_by("-pk").iterator(chunk_size=1):
        if chunk.undone_at is None:
            if time.monotonic() > until:
                return False
            chunk.kept = _take_chunk_back(chunk.pk, target, Desk(principal=principal, source=run.source, now=_now()))
        progress.step(len(chunk.written), failed=_rows(chunk.kept))
    write_complaints(Path(run.output) / NOT_UNDONE, kept(run))
    return True


@retried()
def _take_chunk_back(pk: int, target: TakesBack, desk: Desk) -> list[list[Any]]:
    """Take one chunk back and say so, both or neither; answers the places that stay. Again changes nothing."""
    with transaction.atomic():
        chunk = ImportChunk.objects.select_for_update().get(pk=pk)
        if chunk.undone_at is None:
            written = [Written(file, row, trace) for file, row, trace in chunk.written]
            target.take_back(written, desk)
            chunk.kept = [complaint.as_list() for row in written for complaint in row.kept]
            chunk.undone_at = desk.now
            chunk.save(update_fields=["kept", "undone_at"])
        return list(chunk.kept)


def kept(run: ImportRun) -> Iterator[list[Any]]:
    """Answer the places that could not be taken back, in the order of the file."""
    for entries in run.chunks.exclude(kept=[]).order_by("pk").values_list("kept", flat=True).iterator():
        yield from entries


def forget_traces() -> int:
    """Forget what rows wrote once it cannot be taken back any more; answers in how many chunks."""
    # A day more than anybody can ask for it: what was begun in time is ended.
    return (
        ImportChunk.objects.filter(done_at__lt=_now() - 2 * LIFETIME, undone_at__isnull=True)
        .exclude(written=[])
        .update(written=[])
    )


def _rows(entries: list[list[Any]]) -> int:
    return len({(file, row) for file, row, *_ in entries})


def _now() -> datetime:
    return timezone.now()
