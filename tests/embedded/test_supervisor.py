"""The supervisor on its own, with programs of one line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retailhub.embedded.errors import CannotStart
from retailhub.embedded.logs import turn_over
from retailhub.embedded.processes import ProcessId
from retailhub.embedded.supervisor import Program, Stopped, Supervisor


class Watched:
    """A supervisor and all that it told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.changes: list[dict[str, ProcessId]] = []
        turn_over(folder)
        self.supervisor = Supervisor(logs=folder, environment={}, say=self.said.append, on_change=self.changes.append)

    def program(self, name: str, source: str, **more: object) -> Program:
        return Program(name=name, command=[sys.executable, "-c", source], folder=self.folder, **more)  # type: ignore[arg-type]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.supervisor.stop_all()


def test_answers_what_a_program_printed(watched: Watched) -> None:
    source = "import sys; print('for people'); print('for the log', file=sys.stderr)"

    assert watched.supervisor.run_to_end(watched.program("greet", source)) == "for people\n"
    assert (watched.folder / "greet.log").read_text() == "for the log\n"


def test_tells_why_a_program_failed(watched: Watched) -> None:
    with pytest.raises(CannotStart, match=r"migrate failed \(exit code 1\)(.|\n)*no such table"):
        watched.supervisor.run_to_end(watched.program("migrate", "raise SystemExit('no such table')"))


def test_tells_why_a_program_did_not_get_ready(watched: Watched) -> None:
    program = watched.program("web", "raise SystemExit('port taken')", is_ready=lambda pid: False)

    with pytest.raises(CannotStart, match=r"web ended while it was starting(.|\n)*port taken"):
        watched.supervisor.start_and_wait(program)


def test_waits_for_readiness_only_so_long(watched: Watched) -> None:
    program = watched.program("web", "import time; time.sleep(60)", is_ready=lambda pid: False, seconds_to_ready=0.3)

    with pytest.raises(CannotStart, match="web was not ready after 0 s"):
        watched.supervisor.start_and_wait(program)


def test_pauses_longer_before_each_new_start(watched: Watched) -> None:
    watched.supervisor.start(watched.program("worker", "raise SystemExit(3)"))

    watched.supervisor.wait_until(lambda: len(watched.said) == 3, seconds=10)

    pauses = [line.partition("again in ")[2].partition(" s")[0] for line in watched.said]
    assert pauses == ["0.5", "1", "2"]
    assert all(line.startswith("worker ended (exit code 3)") for line in watched.said)


def test_stops_the_last_started_first(watched: Watched) -> None:
    tells = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.1), sys.exit()))\n"
    order = watched.folder / "order"
    for name in ("servers", "web", "beat"):
        source = f"{tells}open({str(watched.folder / name)!r}, 'w').close()\ntry:\n time.sleep(60)\nfinally:\n"
        source += f" open({str(order)!r}, 'a').write('{name} ')\n"
        watched.supervisor.start(watched.program(name, source))
        watched.supervisor.wait_until((watched.folder / name).exists, seconds=10)

    watched.supervisor.stop_all()

    assert order.read_text().split() == ["beat", "web", "servers"]


def test_kills_what_hears_no_signal(watched: Watched) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(60)"
    )
    watched.supervisor.start(watched.program("worker", deaf, stop=((signal.SIGTERM, 0.3),)))
    watched.supervisor.wait_until((watched.folder / "deaf").exists, seconds=10)

    watched.supervisor.stop_all()

    assert not any(process.is_running for change in watched.changes for process in change.values())


def test_asked_to_stop_it_waits_no_longer(watched: Watched) -> None:
    program = watched.program("migrate", "import time; time.sleep(60)")
    watched.supervisor.start(watched.program("clock", "import time; time.sleep(60)"))
    watched.supervisor.ask_to_stop()

    with pytest.raises(Stopped):
        watched.supervisor.run_to_end(program)


def test_hands_programs_their_input_and_environment(watched: Watched) -> None:
    watched.supervisor.environment["GREETING"] = "hello"
    source = "import os, sys; print(os.environ['GREETING'], os.environ['NAME'], sys.stdin.read())"
    program = watched.program("ask", source, standard_input="in secret", environment={"NAME": "shop"})

    assert watched.supervisor.run_to_end(program) == "hello shop in secret\n"
