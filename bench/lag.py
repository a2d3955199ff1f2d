"""Benchmark 14: from a sale to the push, measured by `bench.sync_lag` in a house of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.figures import Figure


def sale_to_push(*, seconds: int) -> list[Figure]:
    """Run it and read what it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.sync_lag", "--seconds", str(seconds)], capture_output=True, text=True, check=False
    )
    try:
        told = json.loads(done.stdout.strip().rpartition("\n")[2])
    except ValueError as error:
        raise RuntimeError(f"bench.sync_lag told nothing: {done.stderr[-2000:]}") from error
    note = f"{told.get('orders')} orders in {seconds} s, breaches of the books: {told['breaches'] or 'none'}"
    return [
        Figure(
            name=f"14 sale to push, {share}",
            floor=floor,
            moonshot=moonshot,
            value=told[share],
            unit="s",
            smaller_is_better=True,
            note=note if share == "p50" else "",
        )
        for share, floor, moonshot in zip(("p50", "p95"), told["floor"], told["moonshot"], strict=True)
    ]
