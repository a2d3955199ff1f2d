"""A PostgreSQL cluster of our own: made, started as a direct child, and told apart from other people's servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from retailhub.embedded.errors import CannotStart
from retailhub.embedded.ports import LOOPBACK
from retailhub.embedded.processes import (
    ON_LINUX,
    ProcessId,
    command_line,
    ends_with_parent,
    identify,
    program_name,
    send,
    still_running,
    working_in,
)
from retailhub.embedded.supervisor import Program
from retailhub.embedded.system_user import SystemUser

DATABASE = ROLE = "retailhub"
ADMIN = "postgres"
SECONDS_TO_RECOVER = 60.0  # a big write-ahead log is replayed after a crash before anyone may connect
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# A cluster that is thrown away after the tests may forget what it was told when the machine stops.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL cluster in `directory`, listening on `port` of the loopback only."""

    directory: Path
    programs: Path
    port: int
    user: SystemUser | None
    admin_password: str
    password: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def admin_url(self) -> str:
        return f"postgresql://{ADMIN}:{self.admin_password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def is_made(self) -> bool:
        return (self.directory / "PG_VERSION").exists()

    def program(self) -> Program:
        """Describe the postmaster as a child to supervise. Interrupted, it ends at once and in order."""
        options = [part for name, value in {**SETTINGS, **self.settings}.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=[
                str(self.programs / "postgres"),
                "-D",
                self._way_in(self.directory),
                "-p",
                str(self.port),
                *options,
            ],
            folder=self.directory,
            user=self.user,
            stop=((signal.SIGINT, 5.0), (signal.SIGQUIT, 3.0)),
            own_sessions=True,
            before_start=self.clear_the_way,
            is_ready=self.is_ready,
            seconds_to_ready=SECONDS_TO_RECOVER,
        )

    def make(self) -> None:
        """Make the cluster unless it is there. Killed half-way, nothing is left that looks like a cluster."""
        if self.is_made:
            return
        draft = self.directory.with_name(self.directory.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        half = draft / "cluster"
        half.mkdir(parents=True, mode=0o700)
        (draft / "password").write_text(self.admin_password + "\n")
        (draft / "password").chmod(0o600)
        if self.user:
            for path in (draft, half, draft / "password"):
                self.user.own(path)
        done = subprocess.run(  # noqa: S603  our own binary
            [
                str(self.programs / "initdb"),
                *("-D", self._way_in(half), "--username", ADMIN, f"--pwfile={self._way_in(half)}/../password"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
                # PostgreSQL's own collation: the order of words does not change when the system's libraries do
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            ],
            capture_output=True,
            text=True,
            cwd=half,
            check=False,
            preexec_fn=ends_with_parent(signal.SIGTERM),  # the next start removes what a killed one half made
            **(self.user.popen_arguments if self.user else {}),
        )
        if done.returncode != 0:
            raise CannotStart(
                f"PostgreSQL could not make its cluster in {half}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
            )
        half.rename(self.directory)
        shutil.rmtree(draft)

    def make_database(self) -> None:
        """Make our role and our database on the running server unless they are there."""
        with psycopg.connect(
            host=LOOPBACK, port=self.port, user=ADMIN, password=self.admin_password, dbname="postgres", autocommit=True
        ) as connection:
            role = sql.Identifier(ROLE)
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
                password = sql.Literal(self.password)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))

    def is_ready(self, pid: int) -> bool:
        """Tell whether this very postmaster answers: the file it writes names itself and its state."""
        lines = self._postmaster_lines()
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def postmaster(self) -> ProcessId | None:
        """Answer the server that runs on this cluster, whoever started it."""
        lines = self._postmaster_lines()
        if not lines or not lines[0].strip().isdecimal():
            return None
        process = identify(int(lines[0]))
        # The number of a dead postmaster may have passed to any other program.
        if process is None or "postgres" not in program_name(process.pid):
            return None
        return process if not ON_LINUX or process in working_in(self.directory) else None

    def clear_the_way(self) -> None:
        """See to it that nothing of an earlier server keeps the next one from starting.

        A live server that we did not start is named and left alone: this raises CannotStart.
        """
        if other := self.postmaster():
            raise CannotStart(
                f"Another PostgreSQL (process {other.pid}) runs on {self.directory}: {command_line(other.pid)}\n"
                "Stop it, or give another DATA_DIR."
            )
        # The processes of a postmaster that was killed end by themselves; they hold its shared memory until then.
        theirs = [process for process in working_in(self.directory) if "postgres" in program_name(process.pid)]
        if left := still_running(theirs, seconds=10.0):
            raise CannotStart(f"Processes {[process.pid for process in left]} of an earlier PostgreSQL do not end.")
        self._disown_dead_postmaster()

    def end(self, postmaster: ProcessId) -> None:
        """End a postmaster that was proven to be ours, in order if it has the time."""
        for number, seconds in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0)):
            if not send(postmaster, number) or not still_running([postmaster], seconds=seconds):
                return
        raise CannotStart(f"PostgreSQL of an earlier start (process {postmaster.pid}) does not end.")

    def _disown_dead_postmaster(self) -> None:
        """Put PostgreSQL's parent's number into the file of a dead postmaster.

        PostgreSQL refuses to start while any process has the number in that file: a zombie that nobody waits for, or a
        stranger who got the number later. Its parent's number it passes over, and goes on to check the shared memory
        the file names, a safeguard that deleting the file would take away.
        """
        lines = self._postmaster_lines()
        if lines and lines[0].strip().isdecimal():
            lines[0] = str(os.getpid())
            with suppress(FileNotFoundError):
                self._postmaster_file.write_text("\n".join(lines) + "\n")

    @property
    def _postmaster_file(self) -> Path:
        return self.directory / "postmaster.pid"

    def _postmaster_lines(self) -> list[str]:
        try:
            return self._postmaster_file.read_text().splitlines()
        except OSError:
            return []

    def _way_in(self, directory: Path) -> str:
        """Name the directory so that the server's user gets in even when a directory above is closed to him.

        The server is started inside it; the kernel follows this link without asking about the directories above, so
        that root may keep DATA_DIR below /root.
        """
        return "/proc/self/cwd" if self.user and ON_LINUX else str(directory)
