"""A Redis of our own: the broker's queue, kept on disk, on the loopback only."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from retailhub.embedded.ports import LOOPBACK
from retailhub.embedded.supervisor import Program
from retailhub.embedded.system_user import SystemUser


@dataclass(frozen=True)
class Redis:
    """One Redis server that keeps its files in `directory`."""

    directory: Path
    binary: Path
    port: int
    user: SystemUser | None
    password: str
    durable: bool = True

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def make(self) -> None:
        """Make the directory and give what is in it to the server's user."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user:
            for path in (self.directory, *self.directory.iterdir()):
                self.user.own(path)

    def program(self) -> Program:
        """Describe the server as a child to supervise; it works in its directory and names its files from there."""
        return Program(
            name="redis",
            command=[str(self.binary), "-"],
            folder=self.directory,
            user=self.user,
            standard_input=self._configuration(),  # never on the command line, which everyone can read
            stop=((signal.SIGTERM, 3.0),),
            is_ready=self.is_ready,
            seconds_to_ready=30.0,
        )

    def is_ready(self, pid: int) -> bool:
        """Tell whether a server that knows our password answers, and has loaded its file."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (more := connection.recv(1024)):
                    answer += more
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _configuration(self) -> str:
        keeping = ["appendonly yes", "appendfsync everysec"] if self.durable else ["appendonly no", 'save ""']
        return "\n".join(
            [
                f"bind {LOOPBACK}",
                f"port {self.port}",
                f"requirepass {self.password}",
                "maxmemory-policy noeviction",  # a queue that forgets messages is not a queue
                "set-proc-title no",  # it would write over the mark that proves the process to be ours
                "daemonize no",
                *keeping,
                "",
            ]
        )
