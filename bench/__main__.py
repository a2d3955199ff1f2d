"""`python -m bench [names]`: measure, write a table, and fail where a floor is not reached."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from bench import buying, importing, intake, lag, oversell, raw, verifying
from bench.figures import Figure, keep, table
from bench.house import House, open_house
from retailhub.embedded.application import WEB_PROCESSES, WEB_THREADS
from retailhub.embedded.postgres import SETTINGS

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs" / "performance.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help="orders, bulk, hot, oversell, receive, match, items, verify, lag; all of them if left out",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="how long each side of a round is measured")
    parser.add_argument(
        "--full", action="store_true", help="5,000 buyers too, two minutes of sale to push, and all millions of rows"
    )
    parser.add_argument("--write-docs", action="store_true", help=f"put the table into {DOCS.relative_to(PROJECT)}")
    chosen = parser.parse_args(arguments)
    crowds = (50, 500, 5_000) if chosen.full else (50, 500)
    benchmarks: dict[str, Callable[[House], list[Figure]]] = {
        "orders": lambda house: intake.single_orders(house, chosen.rounds, chosen.seconds),
        "bulk": lambda house: intake.bulk_orders(house, chosen.rounds, chosen.seconds),
        "hot": lambda house: intake.hot_orders(house, chosen.rounds, chosen.seconds),
        "oversell": lambda house: oversell.no_oversell(house, crowds=crowds),
        # Before the two below, whose customers and orders nobody placed.
        "verify": lambda house: verifying.all_books(house, chosen.rounds, 10_000_000 if chosen.full else 1_000_000),
        "receive": lambda house: buying.big_receipt(house, chosen.rounds),
        "match": lambda house: buying.match_run(house, chosen.rounds, 10_000 if chosen.full else 1_000),
        "items": lambda house: importing.items_from_csv(house, 1_000_000 if chosen.full else 20_000),
    }
    names = chosen.names or [*benchmarks, "lag"]
    if unknown := set(names) - {*benchmarks, "lag"}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    if set(names) & set(benchmarks):
        with open_house() as house:
            raw.make_tables(house)
            for name in [name for name in benchmarks if name in names]:
                sys.stderr.write(f"bench: {name}\n")
                figures += benchmarks[name](house)
            figures.append(_deadlocks(house))
    if "lag" in names:
        sys.stderr.write("bench: lag\n")
        figures += lag.sale_to_push(seconds=120 if chosen.full else 30)
    written = table(figures)
    sys.stdout.write("\n" + written)
    keep(figures, PROJECT / "build" / "bench.json")
    if chosen.write_docs:
        _write_docs(written, chosen.rounds, chosen.seconds)
    return 0 if all(figure.passes for figure in figures) else 1


def _deadlocks(house: House) -> Figure:
    return Figure(
        name="deadlocks in all of it", floor=0, moonshot=0, value=house.deadlocks(), unit="", smaller_is_better=True
    )


def _write_docs(written: str, rounds: int, seconds: int) -> None:
    servers = ", ".join(f"{name} {SETTINGS[name]}" for name in ("shared_buffers", "max_wal_size", "jit"))
    how = (
        f"{rounds} rounds of raw, retailhub, raw, {seconds} seconds each; the table holds medians. Raw and retailhub "
        f"use one PostgreSQL with fsync on ({servers}); granian runs {WEB_PROCESSES} processes of {WEB_THREADS} "
        f"threads, as under `make run`; no worker runs, except for 14. Load, web and database share one machine of "
        f"{os.cpu_count()} cores ({platform.machine()}), so read the ratios."
    )
    before, _, rest = DOCS.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCS.write_text(f"{before}{BEGIN}\n{how}\n\n{written}{END}{after}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
