"""The commands behind the Makefile: `run`, `reset`, and `throwaway` for tools that want a database."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from retailhub.embedded import data_dir as folder
from retailhub.embedded.application import PROJECT
from retailhub.embedded.connection import last_services
from retailhub.embedded.errors import CannotStart
from retailhub.embedded.run import Wishes, read_wishes, run
from retailhub.embedded.testing import start_test_services


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m retailhub.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start the servers and retailhub, and keep them running until Ctrl-C")
    reset = commands.add_parser("reset", help="remove all data below DATA_DIR; the next run fills in the demo anew")
    reset.add_argument("--yes", action="store_true", help="remove data that is not the demo's too")
    throwaway = commands.add_parser("throwaway", help="run a command with servers that are gone when it ends")
    throwaway.add_argument("program", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its options")
    chosen = parser.parse_args(arguments)
    if chosen.command == "throwaway":
        return run_with_throwaway_servers(chosen.program)
    try:
        wishes = read_wishes(os.environ)
        return run(wishes) if chosen.command == "run" else remove_data(wishes, sure=chosen.yes)
    except CannotStart as reason:
        sys.stderr.write(f"{reason}\n")
        return 1


def remove_data(wishes: Wishes, *, sure: bool) -> int:
    """Remove the demo's data; data of a live installation only for somebody who is sure."""
    if not wishes.data_dir.exists():
        return 0
    with folder.held(wishes.data_dir):
        last = last_services(wishes.data_dir)
        if last and folder.leftovers(last):
            raise CannotStart("A killed start left programs running. `make run` ends them; stop it, then reset.")
        if not (sure or folder.is_demo(wishes.data_dir)):
            raise CannotStart(
                f"{wishes.data_dir} was used without the demo (DEMO=0): it may hold real data. "
                "To remove it all the same: python -m retailhub.embedded reset --yes"
            )
        folder.empty(wishes.data_dir)
    sys.stdout.write(f"All data below {wishes.data_dir} is gone; `make run` begins anew.\n")
    return 0


def run_with_throwaway_servers(command: list[str]) -> int:
    """Run a command with DATABASE_URL, CELERY_BROKER_URL and DATA_DIR of servers that are made and removed here."""
    with start_test_services(with_redis=True) as services:
        environment = dict(os.environ)
        services.put_into(environment)
        environment["DATA_DIR"] = str(services.folder / "data" if services.folder else PROJECT / ".data")
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  what the caller typed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
