"""Starting after a supervisor that was killed, on whatever it left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from retailhub.embedded.binaries import postgres_programs
from retailhub.embedded.connection import last_services
from retailhub.embedded.ports import ask_kernel
from retailhub.embedded.processes import marked_with, still_running
from retailhub.embedded.system_user import server_user
from tests.embedded.conftest import Installation, eventually, fetch, remember, remembered


def as_owner_of(cluster: Path) -> dict[str, Any]:
    """Answer how to start a program as the user the servers run as."""
    owner = cluster.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def test_killed_supervisor_takes_its_children_along(installation: Installation) -> None:
    services = installation.start()

    installation.kill()

    assert not still_running(services.processes.values(), seconds=10)


def test_start_right_after_a_kill_loses_nothing(installation: Installation) -> None:
    first = installation.start()
    remember(first, "kept")

    def deaf_ones() -> set[Any]:
        """Processes that are not the supervisor's own children, and so do not hear of its end."""
        return set(marked_with(first.mark)) - set(first.processes.values())

    eventually(deaf_ones)  # the web server and the worker take a moment to have theirs
    deaf = deaf_ones()

    installation.kill()
    second = installation.start()

    assert remembered(second) == ["kept"]
    assert fetch(second.web_url + "livez") == "ok"
    assert not any(process.is_running for process in (*first.processes.values(), *deaf))
    assert second.database_url == first.database_url


def test_start_after_everything_was_killed_at_once(installation: Installation) -> None:
    first = installation.start()
    remember(first, "kept")

    # The server first, so that it has no time to hear of its parent's end and tidy up.
    os.kill(first.processes["postgres"].pid, signal.SIGKILL)
    installation.kill()
    assert (installation.data_dir / "postgres" / "postmaster.pid").exists()

    assert remembered(installation.start()) == ["kept"]


def test_number_in_a_stale_file_may_have_passed_to_a_stranger(installation: Installation) -> None:
    """PostgreSQL alone refuses to start while any program of its user has the number of its dead postmaster."""
    remember(installation.start(), "kept")
    installation.stop()
    cluster = installation.data_dir / "postgres"
    stranger = subprocess.Popen(["/bin/sleep", "600"], **as_owner_of(cluster))
    try:
        pid_file = cluster / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{cluster}\n1\n1\n\n127.0.0.1\n 1 1\nready\n")
        shutil.chown(pid_file, cluster.stat().st_uid)

        assert remembered(installation.start()) == ["kept"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_names_a_server_that_somebody_else_runs_on_the_cluster(installation: Installation, tmp_path: Path) -> None:
    installation.start()
    installation.stop()
    cluster = installation.data_dir / "postgres"
    user = server_user(cluster)
    program = str(postgres_programs(cluster, user) / "postgres")
    place = "/proc/self/cwd" if user else str(cluster)
    with (tmp_path / "other.log").open("wb") as log:
        other = subprocess.Popen(
            [program, "-D", place, "-p", str(ask_kernel()), "-c", "unix_socket_directories="],
            cwd=cluster,
            stdout=log,
            stderr=log,
            **as_owner_of(cluster),
        )
    try:
        eventually(lambda: "ready" in (cluster / "postmaster.pid").read_text())

        said = installation.refused()

        assert f"Another PostgreSQL (process {other.pid})" in said
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGINT)
        other.wait(20)


def test_leaves_alone_what_is_not_proven_to_be_ours(installation: Installation) -> None:
    """A services.json whose numbers have passed to other processes since."""
    installation.start()
    installation.kill()
    file = installation.data_dir / "services.json"
    last = last_services(installation.data_dir)
    assert last is not None
    assert not still_running(last.processes.values(), seconds=10)
    stranger = subprocess.Popen(["/bin/sleep", "600"])
    try:
        file.write_text(file.read_text().replace(f": {last.processes['web'].pid},", f": {stranger.pid},"))

        installation.start()

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
