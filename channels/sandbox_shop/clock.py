"""The shop's clock, which may be stopped or set wrong on purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(moment: datetime) -> str:
    """An instant as text that sorts as it reads: UTC, microseconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Clock:
    def __init__(self) -> None:
        self._skew = timedelta()
        self._stopped_at: datetime | None = None

    def now(self) -> datetime:
        if self._stopped_at is not None:
            return self._stopped_at
        return datetime.now(UTC) + self._skew

    def stamp(self) -> str:
        return stamp(self.now())

    def skew(self, seconds: float) -> None:
        """Run, but so much fast (or slow, when negative)."""
        self._stopped_at = None
        self._skew = timedelta(seconds=seconds)

    def stop(self) -> None:
        """Stand still at the present instant: whatever happens now happens at one and the same time."""
        self._stopped_at = self.now()
