"""Which processes are ours, and how they end: by id, and only with proof that the id has not passed to someone else."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ON_LINUX = sys.platform.startswith("linux")
PROC = Path("/proc")
PR_SET_PDEATHSIG = 1
# Every child carries this variable; its value is drawn anew by each supervisor, so nobody else's process has it.
MARK = "RETAILHUB_SUPERVISION"


@dataclass(frozen=True)
class ProcessId:
    """A process named so that a later process with the same number is not mistaken for it."""

    pid: int
    born: str

    @property
    def is_running(self) -> bool:
        """A zombie does not run: it only waits for its parent to take note."""
        return born(self.pid) == self.born


def born(pid: int) -> str | None:
    """Answer what tells this process from any other that had or will have its number; None when it does not run."""
    if not ON_LINUX:
        state, _, started = _ps("stat=,lstart=", pid).partition(" ")
        return None if not state or state.startswith("Z") else started.strip()
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]  # in clock ticks since the machine was started
    boot = _read(PROC / "sys/kernel/random/boot_id").decode().strip()
    return None if state in "ZX" else f"{boot}:{started}"


def identify(pid: int) -> ProcessId | None:
    at = born(pid)
    return ProcessId(pid, at) if at else None


def marked_with(mark: str) -> list[ProcessId]:
    """Find every process, grandchildren too, that was started under this mark. Empty where /proc is not to be had."""
    wanted = f"{MARK}={mark}".encode()
    return [
        process
        for pid in _pids()
        if wanted in _read(PROC / str(pid) / "environ").split(b"\0")
        and pid != os.getpid()
        and (process := identify(pid))
    ]


def working_in(folder: Path) -> list[ProcessId]:
    """Find every process whose working directory is `folder`: PostgreSQL's processes all stay in their cluster."""
    place = str(folder.resolve())
    found = []
    for pid in _pids():
        try:
            at_home = os.readlink(PROC / str(pid) / "cwd") == place
        except OSError:
            continue
        if at_home and (process := identify(pid)):
            found.append(process)
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()] if ON_LINUX else []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def command_line(pid: int) -> str:
    """Answer how a process was started, for messages; empty when that cannot be read."""
    return _read(PROC / str(pid) / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def program_name(pid: int) -> str:
    """Answer the name of the program a process runs; empty when that cannot be read."""
    if ON_LINUX:
        return _read(PROC / str(pid) / "comm").decode(errors="replace").strip()
    return _ps("comm=", pid)


def _ps(columns: str, pid: int) -> str:
    command = ["ps", "-o", columns, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone."""
    if not hasattr(os, "pidfd_open"):
        return process.is_running and _kill(process.pid, number)
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return process.is_running and _kill(process.pid, number)
    try:
        # Asked after the handle is held: from here on the number cannot come to mean another process.
        if not process.is_running:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _kill(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def still_running(processes: Iterable[ProcessId], *, seconds: float) -> list[ProcessId]:
    """Wait until all have ended or the time is up; answer those that have not."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if process.is_running]
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [process for process in left if process.is_running]
    return left


def ends_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Make the function that a child runs before its program, so that the kernel signals it when its parent is gone.

    It must run after a change of user, which would clear the wish; `Popen(preexec_fn=...)` does. Only Linux has this.
    """
    if not ON_LINUX:
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the wish was known
            os._exit(1)

    return ask_kernel
