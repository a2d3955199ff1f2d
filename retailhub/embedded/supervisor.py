"""Keeps a list of programs running: starts them, restarts those that die, and stops all in the opposite order.

It knows nothing of what the programs do. One thread, no callbacks: whoever waits for something calls `wait_until`,
and looking after the children goes on meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from retailhub.embedded.errors import CannotStart
from retailhub.embedded.logs import log_tail, log_text, open_log
from retailhub.embedded.processes import ProcessId, ends_with_parent, identify
from retailhub.embedded.system_user import SystemUser

GLANCE = 0.1  # seconds between two looks at the children
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY = 60.0  # seconds a program must have run for its troubles to be forgotten


class Stopped(Exception):
    """The person or the machine asked us to end."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One child to keep running: how it starts, how to see that it is ready, and how it is told to end."""

    name: str
    command: list[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: SystemUser | None = None
    standard_input: str = ""
    # Signals in the order they are tried, each with the seconds it is given; SIGKILL comes last of all.
    stop: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 2.0),)
    # A program whose children open sessions of their own and notice its end by themselves, as PostgreSQL's do.
    own_sessions: bool = False
    before_start: Callable[[], None] | None = None
    is_ready: Callable[[int], bool] | None = None
    seconds_to_ready: float = 60.0


class Child:
    """A program as it runs now, or waits for its next start."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], identity: ProcessId | None) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = process
        self.identity = identity
        self.started = time.monotonic()
        self.pause = FIRST_PAUSE
        self.next_start = 0.0


class Supervisor:
    """The children of this process. Make them in the main thread: the kernel ties a child to a thread."""

    def __init__(
        self,
        *,
        logs: Path,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        on_change: Callable[[dict[str, ProcessId]], None],
    ) -> None:
        self._logs = logs
        self.environment = dict(environment)  # of every child started from now on
        self._say = say
        self._on_change = on_change
        self._children: dict[str, Child] = {}
        self.asked_to_stop = 0  # how many times

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        process = self._launch(program)
        self._children[program.name] = Child(program, process, identify(process.pid))
        self._tell()

    def start_and_wait(self, program: Program) -> None:
        """Start a program and come back when it is ready; raises CannotStart with the end of its log when it dies."""
        self.start(program)
        self.wait_ready(program)

    def wait_ready(self, program: Program) -> None:
        child = self._children[program.name]
        first = child.process

        def ready() -> bool:
            if child.process is not first or first is None:
                raise CannotStart(f"{program.name} ended while it was starting.\n{self._tail(program.name)}")
            return program.is_ready is None or program.is_ready(first.pid)

        if not self.wait_until(ready, seconds=program.seconds_to_ready):
            tail = self._tail(program.name)
            raise CannotStart(f"{program.name} was not ready after {program.seconds_to_ready:.0f} s.\n{tail}")

    def run_to_end(self, program: Program) -> str:
        """Run a program that ends by itself and answer what it printed; raises CannotStart when it fails."""
        output = f"{program.name}-output"
        process = self._launch(program, output=output)
        try:
            self.wait_until(lambda: _has_ended(process), seconds=None)
        finally:
            if not _has_ended(process):
                self._end(program, process)
            process.wait()
        if process.returncode != 0:
            raise CannotStart(f"{program.name} failed ({_ending(process.returncode)}).\n{self._tail(program.name)}")
        return log_text(self._logs, output)

    def wait_until(self, condition: Callable[[], bool], *, seconds: float | None) -> bool:
        """Look after the children until the condition holds; False when time is up. Raises Stopped when asked."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            if self.asked_to_stop:
                raise Stopped
            self.look()
            if condition():
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            time.sleep(GLANCE)

    def look(self) -> None:
        """Take note of children that died and start again those whose pause is over."""
        for child in self._children.values():
            if child.process is not None and _has_ended(child.process):
                self._bury(child)
            elif child.process is None and time.monotonic() >= child.next_start:
                self._start_again(child)

    def stop_all(self) -> None:
        """End every child, the last started first, and wait for each. Nothing is running after this call."""
        for child in reversed(self._children.values()):
            if child.process is not None:
                self._end(child.program, child.process)
                child.process.wait()
                child.process = None
        self._children.clear()

    def ask_to_stop(self) -> None:
        """Make the waiting calls raise Stopped; asked again, the children get no more time."""
        self.asked_to_stop += 1

    def _launch(self, program: Program, *, output: str = "") -> subprocess.Popen[bytes]:
        if program.before_start:
            program.before_start()
        with open_log(self._logs, program.name) as log, open_log(self._logs, output or program.name) as out:
            process = subprocess.Popen(  # noqa: S603  the programs are ours, given as lists
                program.command,
                cwd=program.folder,
                env={**self.environment, **program.environment},
                stdin=subprocess.PIPE if program.standard_input else subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                # Ctrl-C at the terminal is for us alone: we end the children in order.
                start_new_session=True,
                preexec_fn=ends_with_parent(program.stop[0][0]),
                **(program.user.popen_arguments if program.user else {}),
            )
        if process.stdin:
            with suppress(BrokenPipeError):  # it died at once; its log says why
                process.stdin.write(program.standard_input.encode())
                process.stdin.close()
        return process

    def _bury(self, child: Child) -> None:
        process = child.process
        if process is None:
            return
        self._end_group(child.program, process)
        status = process.wait()
        child.process = None
        if time.monotonic() - child.started > STEADY:
            child.pause = FIRST_PAUSE
        child.next_start = time.monotonic() + child.pause
        self._say(
            f"{child.program.name} ended ({_ending(status)}); it is started again in {child.pause:g} s. "
            f"See {self._logs / child.program.name}.log"
        )
        child.pause = min(child.pause * 2, LONGEST_PAUSE)
        self._tell()

    def _start_again(self, child: Child) -> None:
        try:
            child.process = self._launch(child.program)
        except (CannotStart, OSError) as reason:
            child.next_start = time.monotonic() + child.pause
            child.pause = min(child.pause * 2, LONGEST_PAUSE)
            self._say(f"{child.program.name} could not be started again: {reason}")
            return
        child.identity = identify(child.process.pid)
        child.started = time.monotonic()
        self._tell()

    def _end(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        """Climb the ladder of signals until the process is dead; it is not yet waited for. In a hurry, faster."""
        ladder = iter((*program.stop, (signal.SIGKILL, 60.0)))
        while not _has_ended(process) and (step := next(ladder, None)):
            number, seconds = step
            os.kill(process.pid, number)  # nobody has waited for it yet, so the number is still its own
            begun = time.monotonic()
            while not _has_ended(process) and time.monotonic() - begun < (seconds if self.asked_to_stop < 2 else 0.5):
                time.sleep(0.02)
        self._end_group(program, process)

    def _end_group(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        """End what a dead child left behind. Its number, kept by the zombie, still names the group and no other."""
        if not program.own_sessions:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _tail(self, name: str) -> str:
        return log_tail(self._logs, name)

    def _tell(self) -> None:
        self._on_change(
            {name: child.identity for name, child in self._children.items() if child.process and child.identity}
        )


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a child has ended, without taking its number away as `poll` would."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _ending(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {-status}"
