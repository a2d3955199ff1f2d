"""Jobs: long work that shows how far it is and can be stopped."""

from __future__ import annotations

import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from django.db.models import Q
from django.utils import timezone

from retailhub.core.models import Job
from retailhub.core.text import storable

# A worker gives a sign of life at each step; one that was silent for so long is dead, or will hear of it at its next.
SILENT_SECONDS = 120
STOPPED = "Stopped on request; what was done stays."
_OPEN = (Job.State.WAITING, Job.State.RUNNING)


class JobCancelled(Exception):
    """Somebody asked the job to stop."""


class Progress:
    """Reports a job's progress at most once a second, on its own, outside the work's transactions.

    Used as a context manager: leaving it marks the job done, failed or cancelled. Raises JobCancelled from `step`
    once somebody has asked for it.
    """

    def __init__(self, job: Job | None, *, every: float = 1.0) -> None:
        self.job, self.every, self._last = job, every, 0.0
        self.done = self.failed = self.total = 0

    def __enter__(self) -> Self:
        if self.job:
            self.done, self.failed = self.job.done, self.job.failed
            now = timezone.now()
            # Not what somebody stopped while it waited: the first report says so.
            Job.objects.filter(pk=self.job.pk, state__in=_OPEN).update(
                state=Job.State.RUNNING, started_at=self.job.started_at or now, beat_at=now
            )
        return self

    def expect(self, total: int) -> None:
        self.total = total
        self._write(force=True)

    def step(self, done: int = 1, *, failed: int = 0, message: str = "") -> None:
        self.done += done
        self.failed += failed
        self._write(message=message)

    def _write(self, *, message: str = "", force: bool = False, **more: Any) -> None:
        if not self.job or (not force and time.monotonic() - self._last < self.every):
            return
        self._last = time.monotonic()
        self.total = max(self.total, self.done)
        if message:
            more["message"] = storable(message)
        Job.objects.filter(pk=self.job.pk).update(
            total=self.total, done=self.done, failed=self.failed, beat_at=timezone.now(), **more
        )
        if Job.objects.filter(pk=self.job.pk, cancel_requested=True).exists() and "state" not in more:
            raise JobCancelled(self.job.label)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not self.job:
            return False
        state, message = Job.State.DONE, ""
        if isinstance(error, JobCancelled):
            state, message = Job.State.CANCELLED, STOPPED
        elif error is not None:
            state, message = Job.State.FAILED, f"{type(error).__name__}: {error}"[:2000]
        self._write(force=True, state=state, finished_at=timezone.now(), message=message)
        return isinstance(error, JobCancelled)


def cancel_job(job: Job) -> None:
    """Ask the job to stop at its next step; one that nobody is at work on is stopped now."""
    now = timezone.now()
    alone = Q(state=Job.State.WAITING) | Q(state=Job.State.RUNNING, beat_at__lt=now - timedelta(seconds=SILENT_SECONDS))
    if not Job.objects.filter(alone, pk=job.pk).update(
        state=Job.State.CANCELLED, cancel_requested=True, finished_at=now, message=STOPPED
    ):
        Job.objects.filter(pk=job.pk, state__in=_OPEN).update(cancel_requested=True)
