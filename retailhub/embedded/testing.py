"""Throw-away servers for the test suite: made in a temporary directory, gone when the process ends, however it ends."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from retailhub.embedded.binaries import postgres_programs, redis_program
from retailhub.embedded.errors import CannotStart
from retailhub.embedded.logs import log_tail, open_log
from retailhub.embedded.ports import ask_kernel
from retailhub.embedded.postgres import FORGETFUL, Cluster
from retailhub.embedded.processes import ends_with_parent
from retailhub.embedded.redis_server import Redis
from retailhub.embedded.supervisor import Program
from retailhub.embedded.system_user import server_user

DATABASE_VARIABLE, BROKER_VARIABLE = "DATABASE_URL", "CELERY_BROKER_URL"
# Set while the variables above name throw-away servers, so that nobody's real database is taken for one.
OURS = "RETAILHUB_TEST_SERVICES"


class TestServices:
    """Addresses of servers that tests may do with as they like. Closing twice is harmless."""

    __test__ = False  # pytest takes every Test* class for tests

    def __init__(self, database_url: str = "", broker_url: str = "", admin_database_url: str = "") -> None:
        self.database_url = database_url
        self.broker_url = broker_url
        # The cluster's superuser, for tests that look at what only he may see; empty when the servers are not ours
        self.admin_database_url = admin_database_url
        self.folder: Path | None = None
        self.cluster: Cluster | None = None
        self._owner = os.getpid()
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def put_into(self, environment: dict[str, str] | os._Environ[str] = os.environ) -> None:
        """Name the servers in the environment: settings read it, and so do xdist's workers, which inherit it."""
        environment[OURS] = "1"
        environment[DATABASE_VARIABLE] = self.database_url
        if self.broker_url:
            environment[BROKER_VARIABLE] = self.broker_url
        else:
            environment.pop(BROKER_VARIABLE, None)

    def close(self) -> None:
        """End the servers at once and remove their directory. In a forked child this does nothing: they are not its."""
        if os.getpid() != self._owner:
            return
        for program, process in reversed(self._running):
            # nothing of theirs is kept, so nothing needs saving
            process.send_signal(signal.SIGQUIT if program.name == "postgres" else signal.SIGKILL)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> TestServices:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self, program: Program) -> None:
        """Start one server and wait until it is ready; raises CannotStart with the end of its log otherwise."""
        folder = self.folder or Path()
        with open_log(folder, program.name) as log:
            process = subprocess.Popen(  # noqa: S603  our own binaries
                program.command,
                cwd=program.folder,
                stdin=subprocess.PIPE if program.standard_input else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGQUIT if program.name == "postgres" else signal.SIGKILL),
                **(program.user.popen_arguments if program.user else {}),
            )
        self._running.append((program, process))
        if process.stdin:
            with suppress(BrokenPipeError), process.stdin as way_in:
                way_in.write(program.standard_input.encode())
        deadline = time.monotonic() + program.seconds_to_ready
        while not (program.is_ready is None or program.is_ready(process.pid)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(f"{program.name} did not start for the tests.\n{log_tail(folder, program.name)}")
            time.sleep(0.01)


def start_test_services(*, with_redis: bool = True, durable: bool = False) -> TestServices:
    """Start a PostgreSQL (and a Redis) for the tests, or find those of TEST_DATABASE_URL or of our parent process.

    They end with this process: in order at its exit, by the kernel when it is killed. `durable` switches on what makes
    a cluster survive a crash (fsync and its kin), for tests that kill it. TEST_DATABASE_URL, and TEST_BROKER_URL, name
    servers to use instead. Called in an xdist worker this starts nothing and answers what its controller started.

    Settings are read before any conftest.py, so the suite calls this through a plugin, in the options of pytest:

        addopts = "-p retailhub.embedded.pytest_plugin"

    or at the top of its settings module, before anything reads DATABASE_URL:

        from retailhub.embedded.testing import start_test_services

        start_test_services(with_redis=True).put_into(os.environ)
    """
    if os.environ.get(OURS):
        return TestServices(os.environ[DATABASE_VARIABLE], os.environ.get(BROKER_VARIABLE, ""))
    database_url = os.environ.get("TEST_DATABASE_URL", "")
    broker_url = os.environ.get("TEST_BROKER_URL", "") if with_redis else ""
    services = TestServices(database_url, broker_url)
    if database_url and (broker_url or not with_redis):
        return services
    folder = services.folder = Path(tempfile.mkdtemp(prefix="retailhub-tests-"))
    atexit.register(services.close)
    user = server_user(folder / "postgres")
    try:
        if not database_url:
            services.cluster = cluster = Cluster(
                directory=folder / "postgres",
                programs=postgres_programs(folder / "postgres", user),
                port=ask_kernel(),
                user=user,
                admin_password=secrets.token_hex(16),
                password=secrets.token_hex(16),
                settings={} if durable else FORGETFUL,
            )
            cluster.make()
            services.start(cluster.program())
            cluster.make_database()
            services.database_url, services.admin_database_url = cluster.url, cluster.admin_url
        if with_redis and not broker_url:
            redis = Redis(
                directory=folder / "redis",
                binary=redis_program(user),
                port=ask_kernel(),
                user=user,
                password=secrets.token_hex(16),
                durable=durable,
            )
            redis.make()
            services.start(redis.program())
            services.broker_url = redis.url
    except BaseException:
        services.close()
        raise
    return services
