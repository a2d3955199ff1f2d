"""A whole installation for a test: what `make run` starts, in a folder of its own, on ports from the kernel."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]


class Installation:
    """One running installation: its address, its programs by name, its commands."""

    def __init__(self, data_dir: Path, *, demo: bool) -> None:
        self.data_dir = data_dir
        dropped = {"DATABASE_URL", "CELERY_BROKER_URL", "RETAILHUB_TEST_SERVICES", "DJANGO_SETTINGS_MODULE", "PORT"}
        self.environment = {name: value for name, value in os.environ.items() if name not in dropped}
        self.environment |= {"DATA_DIR": str(data_dir), "DEMO": "1" if demo else "0", "PYTHONUNBUFFERED": "1"}
        self.output: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "retailhub.embedded", "run"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_until_ready()

    def _read(self) -> None:
        assert self.process.stdout
        self.output.extend(self.process.stdout)

    def _wait_until_ready(self, seconds: float = 120.0) -> str:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            for line in self.output:
                if found := re.match(r"retailhub is ready at (http://127\.0\.0\.1:\d+)/", line):
                    return found[1]
            time.sleep(0.1)
        raise AssertionError("".join(self.output))

    def wait_until_answering(self, seconds: float = 60.0) -> None:
        """Come back when the web door answers, as it does again some seconds after it was killed."""
        until = time.monotonic() + seconds
        while True:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < until, "the web door does not answer"
            time.sleep(0.2)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a manage.py command beside it, as a person would in another window."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=120,
        )

    def pid_of(self, name: str) -> int:
        processes = json.loads((self.data_dir / "services.json").read_text())["processes"]
        return int(processes[name]["pid"])

    def kill(self, name: str) -> None:
        """End one of its programs without warning."""
        os.kill(self.pid_of(name), signal.SIGKILL)

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Api-Key {key}"}, timeout=20, trust_env=False
        )

    def new_key(self, *scopes: str) -> str:
        """Have an API key with these scopes, as an administrator makes one."""
        arguments = [word for scope in scopes or ("*",) for word in ("--scope", scope)]
        printed = self.manage("create_api_key", f"test-{time.time_ns()}", *arguments).stdout
        found = re.search(r"\b[A-Za-z0-9]{6,}\.[A-Za-z0-9_-]{20,}\b", printed)
        assert found, printed
        return found[0]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()


@contextmanager
def running_installation(data_dir: Path, *, demo: bool = False) -> Iterator[Installation]:
    installation = Installation(data_dir, demo=demo)
    try:
        yield installation
    finally:
        installation.stop()


def post(client: httpx.Client, path: str, body: Any, key: str) -> httpx.Response:
    return client.post(path, json=body, headers={"Idempotency-Key": key})
