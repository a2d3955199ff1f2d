"""A real process, really killed in the middle of an import: the next one goes on where it was."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models import Sum

from inventory.models import Item
from orders.models import Order, OrderLine
from retailhub.core.models import ImportChunk, ImportRun
from tests.shared_data import shared_data

ROOT = Path(__file__).resolve().parents[2]


def some_of_the_files(folder: Path) -> Path:
    """Answer a folder with all orders, but only the customers who placed them, which makes the test short."""
    source = shared_data("adventureworks-sales-sample")
    with (source / "salesorderheader.csv").open(encoding="utf-8", newline="") as file:
        buyers = {row["customerid"] for row in csv.DictReader(file)}
    folder.mkdir()
    for path in source.glob("*.csv"):
        heading, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if path.name == "customer.csv":
            rows = [row for row in rows if row.split(",")[0] in buyers]
        (folder / path.name).write_text("".join([heading, *rows]), encoding="utf-8")
    return folder


def command(folder: Path, output: Path) -> list[str]:
    return [
        sys.executable,
        "manage.py",
        "import_folder",
        str(folder),
        "--profile",
        "adventureworks-sales",
        "--output",
        str(output),
    ]


def environment() -> dict[str, str]:
    """Name the database of this test to the process: it is no child of the test's transaction."""
    to = connection.settings_dict
    user, password = quote(to["USER"]), quote(to["PASSWORD"])
    url = f"postgresql://{user}:{password}@{to['HOST'] or '127.0.0.1'}:{to['PORT']}/{to['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_twice_ends_as_if_it_never_was(tmp_path: Path) -> None:
    folder = some_of_the_files(tmp_path / "files")
    for enough in (5, 16):
        process = subprocess.Popen(
            command(folder, tmp_path / "out"),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 90
        while ImportChunk.objects.count() < enough and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL, "it was over before it could be killed"
    before = set(ImportChunk.objects.values_list("step", "number", "done_at"))
    assert 16 <= len(before) < 24
    done = subprocess.run(
        command(folder, tmp_path / "out"), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "going on with run" in done.stdout
    run = ImportRun.objects.get()
    assert before <= set(ImportChunk.objects.values_list("step", "number", "done_at"))
    assert (run.report["read"], run.report["refused"], run.report["changed"]) == (12_287, 179, 0)
    assert (Item.objects.count(), Order.objects.count()) == (504, 1_566)
    assert OrderLine.objects.aggregate(units=Sum("quantity"))["units"] == 12_847
