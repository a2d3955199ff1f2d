"""Installations to start, ask, kill and start again, each in a directory of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from retailhub.embedded.connection import Services, find_services, last_services
from retailhub.embedded.ports import ask_kernel
from retailhub.embedded.processes import marked_with
from retailhub.embedded.testing import BROKER_VARIABLE, DATABASE_VARIABLE

PROJECT = Path(__file__).resolve().parents[2]


class Installation:
    """`small_application.py` on one data directory, started and ended as often as a test likes."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.output = data_dir.with_name(data_dir.name + "-output.txt")
        self.process: subprocess.Popen[bytes] | None = None
        self._marks: set[str] = set()

    def launch(self, **environment: str) -> subprocess.Popen[bytes]:
        ours = {**os.environ, "PYTHONPATH": str(PROJECT), "DATA_DIR": str(self.data_dir), "PORT": str(ask_kernel())}
        for name in (DATABASE_VARIABLE, BROKER_VARIABLE, "DEMO"):
            ours.pop(name, None)
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.embedded.small_application"],
                cwd=PROJECT,
                env={**ours, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self, **environment: str) -> Services:
        """Start, wait until ready, and answer what runs."""
        before = self.text.count("retailhub is ready at")
        self.process = self.launch(**environment)
        deadline = time.monotonic() + 30
        while self.text.count("retailhub is ready at") == before:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)
        services = find_services(self.data_dir)
        assert services is not None
        self._marks.add(services.mark)
        return services

    def refused(self, **environment: str) -> str:
        """Start, see that it ends with an error, and answer what it said."""
        before = len(self.text)
        process = self.launch(**environment)
        assert process.wait(30) == 1, self.text
        return self.text[before:]

    def stop(self) -> float:
        """Ask it to end as `kill` does; answer how long that took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.terminate()
        assert self.process.wait(20) == 0, self.text
        self.process = None
        return time.monotonic() - begun

    def kill(self) -> None:
        """Kill the supervisor alone, as a lack of memory would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    @property
    def text(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def close(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        last = last_services(self.data_dir)
        for mark in self._marks | ({last.mark} if last else set()):
            for process in marked_with(mark):
                os.kill(process.pid, signal.SIGKILL)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "data")
    yield made
    made.close()


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own loopback address
        text: str = answer.read().decode()
        return text


def eventually(condition: object, *, seconds: float = 15.0) -> None:
    """Wait until a callable answers true; whatever it raises meanwhile counts as not yet."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (OSError, psycopg.Error):
            pass
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def remember(services: Services, word: str) -> None:
    with psycopg.connect(services.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (word text)")
        connection.execute("INSERT INTO word VALUES (%s)", [word])


def remembered(services: Services) -> list[str]:
    with psycopg.connect(services.database_url) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM word ORDER BY word")]
