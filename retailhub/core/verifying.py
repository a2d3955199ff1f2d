"""What a check of the books finds, and the list of checks there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One place where two records of one truth disagree."""

    check: str
    subject: str
    place: str = ""
    expected: Any = None
    found: Any = None

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        return f"{self.check}: {self.subject}{where}: expected {self.expected}, found {self.found}"


Check = Callable[[], list[Breach]]
