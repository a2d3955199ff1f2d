"""`make run`: the servers, then what stands on them, then waiting until somebody ends it."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retailhub.embedded import data_dir as folder
from retailhub.embedded.application import PROJECT, Application, retailhub_application
from retailhub.embedded.binaries import postgres_programs, redis_program
from retailhub.embedded.connection import Services, forget_services, last_services, secret, write_services
from retailhub.embedded.errors import CannotStart
from retailhub.embedded.logs import turn_over
from retailhub.embedded.ports import LOOPBACK, Ports, web_port
from retailhub.embedded.postgres import Cluster
from retailhub.embedded.processes import MARK, ProcessId, identify
from retailhub.embedded.redis_server import Redis
from retailhub.embedded.supervisor import Program, Stopped, Supervisor
from retailhub.embedded.system_user import SystemUser, server_user

Describe = Callable[[Path, int, bool, Ports], Application]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the environment asks for."""

    data_dir: Path
    port: str = ""
    demo: bool = True
    database_url: str = ""
    broker_url: str = ""


def read_wishes(environment: Mapping[str, str]) -> Wishes:
    """Read PORT, DATA_DIR, DEMO, DATABASE_URL and CELERY_BROKER_URL; raises CannotStart when one cannot be used."""
    demo = environment.get("DEMO", "").strip().lower() or "1"
    if demo not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise CannotStart(f"DEMO must be 1 or 0, not {demo!r}.")
    place = environment.get("DATA_DIR", "").strip()
    return Wishes(
        data_dir=Path(place).expanduser().resolve() if place else PROJECT / ".data",
        port=environment.get("PORT", "").strip(),
        demo=demo in {"1", "true", "yes", "on"},
        database_url=environment.get("DATABASE_URL", "").strip(),
        broker_url=environment.get("CELERY_BROKER_URL", "").strip(),
    )


def run(wishes: Wishes, describe: Describe = retailhub_application) -> int:
    """Run the installation until it is asked to end; answer the exit code. Nothing we started outlives this call."""
    try:
        with folder.held(wishes.data_dir):
            return _Run(wishes).until_stopped(describe)
    except CannotStart as reason:
        _write(sys.stderr.fileno(), f"retailhub cannot start. {reason}\n")
        return 1


class _Run:
    """One start of the installation on a directory that is ours alone."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.data_dir = wishes.data_dir
        self.begun = time.monotonic()
        self.ports = Ports(self.data_dir / "ports.json")
        me = identify(os.getpid())
        if me is None:
            raise CannotStart("This system does not tell what processes run: neither /proc nor ps can be read.")
        self.last = last_services(self.data_dir)
        self.services = Services(supervisor=me, mark=secrets.token_hex(16))
        self.noted = False
        turn_over(self.data_dir / "logs")
        self.supervisor = Supervisor(
            logs=self.data_dir / "logs",
            environment={**os.environ, MARK: self.services.mark, "PYTHONUNBUFFERED": "1"},
            say=self.say,
            on_change=self.note,
        )

    def until_stopped(self, describe: Describe) -> int:
        self._listen_to_signals()
        try:
            self._start(describe)
            self.supervisor.wait_until(lambda: False, seconds=None)
        except Stopped:
            self.say("Stopping")
        except OSError as reason:
            raise CannotStart(str(reason)) from reason
        finally:
            self.supervisor.stop_all()
            if self.noted:  # else the file is of a killed start that we could not clear up
                forget_services(self.data_dir)
        self.say("Stopped")
        return 0

    def say(self, text: str) -> None:
        _write(sys.stdout.fileno(), f"[{time.monotonic() - self.begun:6.1f} s] {text}\n")

    def note(self, processes: dict[str, ProcessId]) -> None:
        """Keep services.json true: it is how commands find the servers, and how the next start knows our leftovers."""
        self.services.processes = processes
        self.noted = True
        try:
            write_services(self.data_dir, self.services)
        except OSError as reason:  # a full disk must not end what still runs
            self.say(f"services.json could not be written: {reason}")

    def _start(self, describe: Describe) -> None:
        """Start everything and say where it is to be found. Raises Stopped when asked to end meanwhile."""
        cluster = self.data_dir / "postgres"
        leftover = self._end_leftovers(cluster)
        port = web_port(self.wishes.port)
        web_url = self.services.web_url = f"http://{LOOPBACK}:{port}/"
        self._start_servers(cluster, leftover)
        application = describe(self.data_dir, port, self.wishes.demo, self.ports)
        self.services.sandbox_urls = list(application.shops.values())
        self.supervisor.environment.update(
            DATABASE_URL=self.services.database_url,
            CELERY_BROKER_URL=self.services.broker_url,
            DATA_DIR=str(self.data_dir),
            DEMO="1" if self.wishes.demo else "0",
            **application.environment,
        )
        started: list[Program] = []
        for step in application.steps:
            self.say(step.title)
            for program in step.run_once:
                self.supervisor.run_to_end(program)
            self._wait_for(started)
            for program in step.keep_running:
                self.supervisor.start(program)
            started = step.keep_running
        closing = [self.supervisor.run_to_end(program) for program in application.closing]
        self._wait_for(started)
        for program in application.background:
            self.supervisor.start(program)
        _write(sys.stdout.fileno(), f"retailhub is ready at {web_url}\n")
        for text in (*closing, *(f"{name}: {url}/" for name, url in application.shops.items())):
            if said := text.rstrip():
                _write(sys.stdout.fileno(), f"{said}\n")

    def _wait_for(self, programs: list[Program]) -> None:
        for program in programs:
            self.supervisor.wait_ready(program)

    def _start_servers(self, cluster: Path, leftover: set[ProcessId]) -> None:
        wishes = self.wishes
        user = None if wishes.database_url and wishes.broker_url else server_user(cluster)
        folder.note_kind(self.data_dir, demo=wishes.demo)
        self.services.database_url = wishes.database_url or self._start_postgres(cluster, user, leftover)
        self.services.broker_url = wishes.broker_url or self._start_redis(user)

    def _end_leftovers(self, directory: Path) -> set[ProcessId]:
        if self.last is None or not folder.leftovers(self.last):
            return set()
        self.say("Ending what a killed start left behind")
        return folder.end_leftovers(self.last, cluster=directory)

    def _start_postgres(self, directory: Path, user: SystemUser | None, leftover: set[ProcessId]) -> str:
        cluster = Cluster(
            directory=directory,
            programs=postgres_programs(directory, user),
            port=self.ports.of("postgres"),
            user=user,
            admin_password=secret(self.data_dir, "postgres-admin"),
            password=secret(self.data_dir, "postgres"),
        )
        if (postmaster := cluster.postmaster()) and postmaster in leftover:
            cluster.end(postmaster)
        # Whatever a second kill would leave behind is known from here on.
        self.note({})
        if not cluster.is_made:
            self.say("Making a PostgreSQL cluster")
            cluster.make()
        for name in ("PGSSLMODE", "PGOPTIONS", "PGSERVICE", "PGHOSTADDR"):
            self.supervisor.environment.pop(name, None)  # meant for another server
        self.say("Starting PostgreSQL")
        self.supervisor.start_and_wait(cluster.program())
        cluster.make_database()
        return cluster.url

    def _start_redis(self, user: SystemUser | None) -> str:
        redis = Redis(
            directory=self.data_dir / "redis",
            binary=redis_program(user),
            port=self.ports.of("redis"),
            user=user,
            password=secret(self.data_dir, "redis"),
        )
        redis.make()
        self.say("Starting Redis")
        self.supervisor.start_and_wait(redis.program())
        return redis.url

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays in force
                signal.signal(number, lambda *_: self.supervisor.ask_to_stop())


def _write(file: int, text: str) -> None:
    """Print at once; whoever read our output may be gone, which is no reason to end."""
    try:
        os.write(file, text.encode())
    except OSError:
        return
