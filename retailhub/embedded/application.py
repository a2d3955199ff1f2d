"""What stands on the servers, as data: the programs that `make run` keeps running, in the order they start."""

from __future__ import annotations

import http.client
import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from retailhub.embedded.ports import LOOPBACK, Ports
from retailhub.embedded.supervisor import Program

PROJECT = Path(__file__).resolve().parents[2]
SHOPS = ("meadow", "harbour")
WEB_PROCESSES, WEB_THREADS, WORKER_PROCESSES = 2, 4, 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of progress: commands to run to their end, or programs to start together and keep running.

    Programs get ready while the commands of the next step run; the step after that finds them ready.
    """

    title: str
    run_once: list[Program] = field(default_factory=list)
    keep_running: list[Program] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Application:
    """All that runs on the servers. Programs stop in the opposite order of the steps."""

    steps: list[Step]
    # Run while the last step gets ready, and what they say is printed when it is: who can log in
    closing: list[Program] = field(default_factory=list)
    # Started when all else is ready, and not waited for: they would only take its processors away
    background: list[Program] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    # Where the sandbox shops are, by the name that stands on their pages
    shops: Mapping[str, str] = field(default_factory=dict)


def retailhub_application(data_dir: Path, web_port: int, demo: bool, ports: Ports) -> Application:
    """Describe the web door, the worker and the clock; with the demo, its data and two shops to sell through."""
    shop_ports = {name: ports.of(f"sandbox-{name}") for name in SHOPS} if demo else {}
    shops = {_shown(name): f"http://{LOOPBACK}:{port}" for name, port in shop_ports.items()}
    steps = [
        *([Step(title="Starting two sandbox shops", keep_running=_shops(data_dir, shop_ports))] if demo else []),
        Step(title="Updating the database tables", run_once=[_manage("migrate", "--noinput")]),
        *([Step(title="Filling in the demo", run_once=[_manage("load_demo", "--skip-checks")])] if demo else []),
        Step(title="Starting web, worker and clock", keep_running=[_web(web_port)]),
    ]
    return Application(
        steps=steps,
        closing=[_manage("show_logins", "--skip-checks")],
        background=[_worker(), _beat(data_dir)],
        # what load_demo needs; the shops' keys lie in DATA_DIR/sandbox/<name>, where each shop leaves its own
        environment={"SANDBOX_URLS": json.dumps(list(shops.values())), "WEB_URL": f"http://{LOOPBACK}:{web_port}"},
        shops=shops,
    )


def answers(url: str) -> Callable[[int], bool]:
    """Make the question whether a GET of `url` on this machine is answered with 200."""
    place = urlsplit(url)

    def ask(pid: int) -> bool:
        connection = http.client.HTTPConnection(place.hostname or LOOPBACK, place.port, timeout=5)
        try:
            connection.request("GET", place.path or "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def _manage(command: str, *options: str) -> Program:
    return Program(name=command, command=[sys.executable, "manage.py", command, *options], folder=PROJECT)


def _web(port: int) -> Program:
    return Program(
        name="web",
        command=[
            *(
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "wsgi",
                "--no-ws",
                "--host",
                LOOPBACK,
                "--port",
                str(port),
            ),
            *("--workers", str(WEB_PROCESSES), "--blocking-threads", str(WEB_THREADS), "--respawn-failed-workers"),
            "retailhub.wsgi:application",
        ],
        folder=PROJECT,
        stop=((signal.SIGTERM, 3.0),),
        is_ready=answers(f"http://{LOOPBACK}:{port}/livez"),
    )


def _worker() -> Program:
    return Program(
        name="worker",
        command=[
            *(sys.executable, "-m", "celery", "--app", "retailhub.celery:app", "worker"),
            *("--concurrency", str(WORKER_PROCESSES), "--loglevel", "INFO", "--without-gossip", "--without-mingle"),
        ],
        folder=PROJECT,
        # first warm: finish what is in hand; then cold: what is in hand is delivered again after the next start
        stop=((signal.SIGTERM, 4.0), (signal.SIGQUIT, 1.0)),
    )


def _beat(data_dir: Path) -> Program:
    folder = data_dir / "celery"
    folder.mkdir(mode=0o700, exist_ok=True)
    return Program(
        name="beat",
        command=[
            *(sys.executable, "-m", "celery", "--app", "retailhub.celery:app", "beat"),
            *("--schedule", str(folder / "beat-schedule"), "--loglevel", "INFO"),
        ],
        folder=PROJECT,
        stop=((signal.SIGTERM, 1.0),),
    )


def _shown(shop: str) -> str:
    return f"Sandbox {shop.title()}"


def _shops(data_dir: Path, ports: Mapping[str, int]) -> list[Program]:
    return [
        Program(
            name=f"sandbox-{name}",
            command=[
                *(sys.executable, "-m", "channels.sandbox_shop", "--name", _shown(name)),
                *("--port", str(port), "--data", str(data_dir / "sandbox" / name)),
            ],
            folder=PROJECT,
            is_ready=answers(f"http://{LOOPBACK}:{port}/healthz"),
            seconds_to_ready=20.0,
        )
        for name, port in ports.items()
    ]
