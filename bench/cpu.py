"""Processor time of process trees: steadier than throughput where others use the machine too."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def seconds_used(*roots: int) -> float:
    """Answer the processor seconds of these processes and all their descendants, the dead ones included."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError, ValueError, IndexError):
            # after the name, which may hold anything: state, parent, ..., user, system, and those of dead children
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            used[int(entry.name)] = sum(int(fields[i]) for i in (11, 12, 13, 14)) / _TICK
    total = 0.0
    for pid, seconds in used.items():
        above: int | None = pid
        while above and above not in roots:
            above = parents.get(above)
        if above:
            total += seconds
    return total
