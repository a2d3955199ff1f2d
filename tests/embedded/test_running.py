"""`make run` from the outside: start, refusals, stop."""

from __future__ import annotations

import http.server
import os
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest
import redis

from retailhub.embedded.connection import find_services, last_services
from retailhub.embedded.data_dir import leftovers
from retailhub.embedded.ports import ask_kernel
from retailhub.embedded.processes import marked_with
from tests.embedded.conftest import Installation, eventually, fetch, remember, remembered


def test_starts_servers_and_programs_and_says_where(installation: Installation) -> None:
    services = installation.start()

    assert f"retailhub is ready at {services.web_url}\ngood morning\n" in installation.text
    assert fetch(services.web_url + "livez") == "ok"
    with psycopg.connect(services.database_url) as connection:
        row = connection.execute(
            "SELECT current_setting('data_checksums'), current_setting('fsync'), datlocale, rolsuper"
            " FROM pg_database JOIN pg_roles ON rolname = current_user WHERE datname = current_database()"
        ).fetchone()
    assert row == ("on", "on", "C.UTF-8", False)
    with redis.Redis.from_url(services.broker_url) as broker:
        assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert broker.config_get("appendonly") == {"appendonly": "yes"}


def test_keeps_passwords_to_its_owner(installation: Installation) -> None:
    services = installation.start()
    password = services.database_url.split(":")[2].split("@")[0]

    for path in (installation.data_dir, installation.data_dir / "services.json", installation.data_dir / "secrets"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert password not in shown
    assert services.broker_url.split(":")[2].split("@")[0] not in shown
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(services.database_url.replace(password, "guess"))


def test_stops_everything_when_asked(installation: Installation) -> None:
    services = installation.start()
    children = set(services.processes.values())

    assert installation.stop() < 10

    assert not marked_with(services.mark)  # the worker's deaf grandchild too
    assert not any(process.is_running for process in children)
    assert last_services(installation.data_dir) is None
    assert not (installation.data_dir / "postgres" / "postmaster.pid").exists()


def test_second_start_finds_all_data_and_the_same_addresses(installation: Installation) -> None:
    first = installation.start()
    remember(first, "kept")
    installation.stop()

    second = installation.start()

    assert remembered(second) == ["kept"]
    assert (second.database_url, second.broker_url) == (first.database_url, first.broker_url)
    assert (installation.data_dir / "logs" / "postgres.log.1").exists()


def test_refuses_a_second_supervisor_and_names_the_first(installation: Installation) -> None:
    services = installation.start()

    said = installation.refused()

    assert f"Another retailhub (process {services.supervisor.pid}, {services.web_url})" in said
    assert fetch(services.web_url + "livez") == "ok"
    assert find_services(installation.data_dir) == services


def test_refuses_a_port_that_is_taken(installation: Installation) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        said = installation.refused(PORT=str(other.server_port))

    assert f"Port {other.server_port} of 127.0.0.1 is taken" in said
    assert not (installation.data_dir / "postgres").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "70000"), ("DEMO", "perhaps"), ("DATA_DIR", "/proc/no")]
)
def test_refuses_wishes_it_cannot_read(installation: Installation, name: str, value: str) -> None:
    assert name in installation.refused(**{name: value})


def test_uses_the_given_port(installation: Installation) -> None:
    port = ask_kernel()

    assert installation.start(PORT=str(port)).web_url == f"http://127.0.0.1:{port}/"


def test_starts_no_server_whose_address_is_given(installation: Installation) -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/shop", "CELERY_BROKER_URL": "amqp://elsewhere"}

    services = installation.start(**given)

    assert set(services.processes) == {"web", "worker"}
    assert (services.database_url, services.broker_url) == tuple(given.values())
    environment = Path(f"/proc/{services.processes['web'].pid}/environ").read_bytes().split(b"\0")
    assert {f"{name}={value}".encode() for name, value in given.items()} <= set(environment)
    assert not (installation.data_dir / "postgres").exists()
    assert not (installation.data_dir / "redis").exists()


def test_starts_programs_again_that_die(installation: Installation) -> None:
    services = installation.start()
    remember(services, "before the crash")

    for name in ("web", "redis", "postgres"):
        os.kill(services.processes[name].pid, 9)

    eventually(lambda: fetch(services.web_url + "livez") == "ok")
    eventually(lambda: remembered(services) == ["before the crash"])
    with redis.Redis.from_url(services.broker_url) as broker:
        eventually(lambda: broker.ping())
    now = last_services(installation.data_dir)
    assert now is not None
    assert set(now.processes) == set(services.processes)
    assert not set(now.processes.values()) & {services.processes[name] for name in ("web", "redis", "postgres")}
    assert "postgres ended (signal 9)" in installation.text
    assert leftovers(now) >= set(now.processes.values())
