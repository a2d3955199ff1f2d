"""A token bucket: so many calls a second, and a reserve for bursts."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """Whether this call may pass, and what to tell the caller about the next ones."""

    passed: bool
    limit: int
    remaining: int
    reset: float
    retry_after: float

    def headers(self) -> dict[str, str]:
        told = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset)),
        }
        if not self.passed:
            told["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        return told


class TokenBucket:
    def __init__(self, per_second: float, burst: int) -> None:
        self._lock = threading.Lock()
        self.set(per_second, burst)

    def set(self, per_second: float, burst: int) -> None:
        """Change the speed and fill the bucket."""
        with self._lock:
            self._per_second = per_second
            self._burst = burst
            self._tokens = float(burst)
            self._filled_at = time.monotonic()

    def take(self) -> Allowance:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
            self._filled_at = now
            passed = self._tokens >= 1
            if passed:
                self._tokens -= 1
            return Allowance(
                passed=passed,
                limit=self._burst,
                remaining=int(self._tokens),
                reset=(self._burst - self._tokens) / self._per_second,
                retry_after=0.0 if passed else (1 - self._tokens) / self._per_second,
            )
