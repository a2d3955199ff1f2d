"""A real worker, a real clock and two shops in processes of their own: how long a sale takes to be seen everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from retailhub.embedded.application import PROJECT

pytestmark = pytest.mark.soak


def run(*options: str) -> dict[str, Any]:
    """Run the measurement with servers of its own."""
    ours = {"RETAILHUB_TEST_SERVICES", "DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "DATA_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-m", "bench.sync_lag", *options],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_sale_is_seen_by_every_channel_soon() -> None:
    told = run("--seconds", "20")

    assert told["breaches"] == []
    assert told["p50"] < 3
    assert told["p95"] < 10


def test_a_worker_killed_on_the_way_loses_nothing() -> None:
    told = run("--seconds", "20", "--kill")

    assert told["breaches"] == []
    assert told["drained_after"] < 60
