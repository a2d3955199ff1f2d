"""A house to measure: durable servers of its own, the web door of `make run`, and a stocked catalogue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from retailhub.embedded.application import PROJECT, retailhub_application
from retailhub.embedded.ports import Ports, ask_kernel
from retailhub.embedded.processes import ends_with_parent
from retailhub.embedded.testing import OURS, TestServices, start_test_services

ITEMS = 100_000
SELLABLE = 1_000_000
CHANNEL, LOCATION = "bench", "bench-hall"
RAW_DATABASE = "bench_raw"


@dataclass(frozen=True)
class House:
    """Where everything is."""

    services: TestServices
    web_port: int
    web_pid: int
    api_key: str
    web_processes: int

    @property
    def raw_url(self) -> str:
        return self.services.database_url.rpartition("/")[0] + f"/{RAW_DATABASE}"

    @property
    def pgbench(self) -> Path:
        if self.services.cluster is None:
            raise RuntimeError("pgbench comes with our own PostgreSQL; TEST_DATABASE_URL names another")
        return self.services.cluster.programs / "pgbench"

    @property
    def postgres_pid(self) -> int:
        return next(process.pid for program, process in self.services._running if program.name == "postgres")

    def deadlocks(self) -> int:
        """Answer how many deadlocks the server has counted in the subject's database."""
        with psycopg.connect(self.services.admin_database_url, autocommit=True) as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
            found = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            return int((found.fetchone() or [0])[0])

    def ask(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Run a statement on the subject's database."""
        with psycopg.connect(self.services.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


# As the verbs would leave it: every level explained by an opening movement, every pool by the values of the movements.
_STOCK = """
INSERT INTO inventory_item
    (sku, sku_key, name, kind, status, base_unit, currency, reorder_point, created_at, updated_at)
SELECT 'SKU-' || to_char(n, 'FM000000'), 'sku-' || to_char(n, 'FM000000'), 'Item ' || n, 'stocked', 'active', 'each',
    'EUR', 0, now(), now()
FROM generate_series(0, %(items)s - 1) n;
INSERT INTO inventory_stockmovement (item_id, from_location_id, from_bucket, to_location_id, to_bucket, quantity, value,
    reason, document, actor, note, occurred_at)
SELECT i.id, (SELECT id FROM inventory_location WHERE code = '@opening'), 'sellable', %(hall)s, 'sellable', %(units)s,
    %(units)s, 'opening', 'bench', 'bench', '', now()
FROM inventory_item i ORDER BY i.id;
INSERT INTO inventory_stocklevel (item_id, location_id, sellable, reserved, damaged, on_hold, safety)
SELECT item_id, to_location_id, quantity, 0, 0, 0, 0 FROM inventory_stockmovement ORDER BY item_id;
INSERT INTO inventory_costpool (item_id, method, quantity, value, last_unit_cost)
SELECT item_id, 'average', quantity, value, 1 FROM inventory_stockmovement ORDER BY item_id;
"""


@contextmanager
def open_house() -> Iterator[House]:
    """Start everything and fill it; all of it is gone afterwards.

    The servers of a `throwaway` around us are not used: they forget what they were told when the machine stops, and so
    are faster than a real one.
    """
    os.environ.pop(OURS, None)
    with start_test_services(with_redis=True, durable=True) as services, tempfile.TemporaryDirectory() as folder:
        services.put_into(os.environ)
        data = Path(folder)
        os.environ |= {"DATA_DIR": folder, "DEMO": "0", "LOG_LEVEL": "WARNING", "DEBUG": "0"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "retailhub.settings"
        _say(f"filling the house: {ITEMS:,} items")
        api_key = _fill()
        port = ask_kernel()
        application = retailhub_application(data, port, False, Ports(data / "ports.json"))
        (web,) = (p for step in application.steps for p in step.keep_running if p.name == "web")
        with (data / "web.log").open("wb") as log:
            process = subprocess.Popen(
                web.command,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGTERM),
            )
        try:
            deadline = time.monotonic() + 60
            while web.is_ready is None or not web.is_ready(process.pid):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((data / "web.log").read_text()[-3000:])
                time.sleep(0.1)
            yield House(services, port, process.pid, api_key, int(web.command[web.command.index("--workers") + 1]))
        finally:
            _end(process)
            noise = (data / "web.log").read_text()
            if "Traceback" in noise:
                sys.stderr.write(noise[-6000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _fill() -> str:
    """Make the tables, the items with their stock, a channel and a key; answer the key."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from inventory.models import Location, StockPool, StockPoolLocation
    from orders.models import SalesChannel
    from retailhub.core.rubbish import look_rarely
    from retailhub.core.services.keying import make_key

    call_command("migrate", "--noinput", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {RAW_DATABASE}")
        cursor.execute("SET statement_timeout = 0")
    hall = Location.objects.create(code=LOCATION, name="Hall", kind=Location.Kind.WAREHOUSE)
    pool = StockPool.objects.create(code="bench", name="Bench")
    StockPoolLocation.objects.create(pool=pool, location=hall, position=0)
    SalesChannel.objects.create(code=CHANNEL, name="Bench", currency="EUR", pool=pool)
    with connection.cursor() as cursor:
        cursor.execute(_STOCK, {"items": ITEMS, "units": SELLABLE, "hall": hall.pk})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    look_rarely()  # as the web processes do
    _, key = make_key(name="bench", scopes=["orders:read", "orders:write", "stock:write", "items:write"])
    connection.close()
    return key


def sku(number: int) -> str:
    return f"SKU-{number:06d}"


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
