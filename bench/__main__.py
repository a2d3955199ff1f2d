"""`python -m bench [names]`: measure, write a table, and fail where a floor is not reached."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import intake, raw
from bench.figures import Figure, keep, table
from bench.house import House, open_house

PROJECT = Path(__file__).resolve().parent.parent
BENCHMARKS = {
    "orders": intake.single_orders,
    "bulk": intake.bulk_orders,
    "hot": intake.hot_orders,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(BENCHMARKS)}; all of them if left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="how long each side of a round is measured")
    chosen = parser.parse_args(arguments)
    names = chosen.names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    with open_house() as house:
        raw.make_tables(house)
        for name in names:
            sys.stderr.write(f"bench: {name}\n")
            figures += BENCHMARKS[name](house, chosen.rounds, chosen.seconds)
        figures.append(_deadlocks(house))
    sys.stdout.write("\n" + table(figures))
    keep(figures, PROJECT / "build" / "bench.json")
    return 0 if all(figure.passes for figure in figures) else 1


def _deadlocks(house: House) -> Figure:
    return Figure(
        name="deadlocks in all of it", floor=0, moonshot=0, value=house.deadlocks(), unit="", smaller_is_better=True
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
