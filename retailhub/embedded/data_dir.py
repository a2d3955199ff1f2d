"""The directory that holds everything an installation keeps, and the rule that one supervisor at a time works on it."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retailhub.embedded.connection import Services, last_services
from retailhub.embedded.errors import CannotStart
from retailhub.embedded.processes import ProcessId, marked_with, send, still_running, working_in

# What a reset takes away. The secrets and the ports stay: nobody has to log in again or learn a new address.
KEPT_DATA = ("postgres", "postgres.new", "redis", "sandbox", "celery", "files", "logs", "kind")


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Make the directory and keep it to this process; raises CannotStart naming the supervisor that has it already."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as reason:
        raise CannotStart(f"DATA_DIR {data_dir} cannot be made: {reason.strerror}.") from reason
    owner = data_dir.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise CannotStart(
            f"DATA_DIR {data_dir} belongs to {_user_name(owner)}. Run as that user, or give another DATA_DIR."
        )
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with this process, however it ends
        except BlockingIOError:
            raise CannotStart(_who_has(data_dir)) from None
        yield


def _who_has(data_dir: Path) -> str:
    services = last_services(data_dir)
    who = (
        f" (process {services.supervisor.pid}{', ' + services.web_url if services.web_url else ''})" if services else ""
    )
    return f"Another retailhub{who} runs on {data_dir}. Stop it, or give another DATA_DIR."


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def leftovers(last: Services) -> set[ProcessId]:
    """Find what still runs of a supervisor that was killed. All of it was started by that supervisor: its children are
    known by number and birth, and everything below them by the mark in their environment."""
    return {process for process in (*last.processes.values(), *marked_with(last.mark)) if process.is_running}


def end_leftovers(last: Services, *, cluster: Path) -> set[ProcessId]:
    """End the programs of a killed supervisor, except its PostgreSQL: answer that, for the cluster to end."""
    ours = leftovers(last)
    postgres = {
        process for process in ours if process in working_in(cluster) or process == last.processes.get("postgres")
    }
    others = ours - postgres
    children = others & set(last.processes.values())
    for process in children:
        send(process, signal.SIGTERM)  # the kernel has asked them already, on Linux; they end what is below them
    still_running(children, seconds=5.0)
    for process in still_running(others, seconds=1.0):
        send(process, signal.SIGKILL)
    if left := still_running(others, seconds=5.0):
        raise CannotStart(f"Processes {[process.pid for process in left]} of an earlier start do not end.")
    return postgres


def note_kind(data_dir: Path, *, demo: bool) -> None:
    """Remember whether this directory has only ever held the demo, so that a reset knows what it would destroy."""
    kind = data_dir / "kind"
    if not demo:
        kind.write_text("live\n")
    elif not kind.exists():
        kind.write_text("demo\n")


def is_demo(data_dir: Path) -> bool:
    with suppress(OSError):
        return (data_dir / "kind").read_text().strip() == "demo"
    return False


def empty(data_dir: Path) -> None:
    """Remove all data; the next start begins with nothing."""
    for name in KEPT_DATA:
        path = data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
