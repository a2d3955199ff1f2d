"""The supervisor with two tiny programs instead of retailhub; the tests beside this file run it as a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from retailhub.embedded.application import Application, Step, answers
from retailhub.embedded.errors import CannotStart
from retailhub.embedded.ports import Ports
from retailhub.embedded.run import read_wishes, run
from retailhub.embedded.supervisor import Program

# A program with a child of its own, which ends with nobody and hears no kindly meant signal.
WITH_CHILD = (
    "import subprocess, sys, time\n"
    "deaf = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'\n"
    "subprocess.Popen([sys.executable, '-c', deaf])\n"
    "time.sleep(600)\n"
)


def describe(data_dir: Path, web_port: int, demo: bool, ports: Ports) -> Application:
    pages = data_dir / "pages"
    pages.mkdir(exist_ok=True)
    (pages / "livez").write_text("ok")
    web = Program(
        name="web",
        command=[sys.executable, "-m", "http.server", str(web_port), "--bind", "127.0.0.1"],
        folder=pages,
        is_ready=answers(f"http://127.0.0.1:{web_port}/livez"),
    )
    worker = Program(name="worker", command=[sys.executable, "-c", WITH_CHILD], folder=data_dir)
    greeting = Program(name="greet", command=[sys.executable, "-c", "print('good morning')"], folder=data_dir)
    return Application(
        steps=[Step(title="Starting the pages", keep_running=[web])], closing=[greeting], background=[worker]
    )


if __name__ == "__main__":
    try:
        code = run(read_wishes(os.environ), describe)
    except CannotStart as reason:
        raise SystemExit(str(reason)) from reason
    raise SystemExit(code)
