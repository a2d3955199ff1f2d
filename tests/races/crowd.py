"""Several threads at once, each with its own connection, and a count of the deadlocks they ran into."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from psycopg import errors as pg

from retailhub.core import transactions
from retailhub.core.sql import rows
from tests.books import assert_books_agree

_workers: list[ThreadPoolExecutor] = []
"""One thread each, which keeps its connection until the test is over."""


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Let the acts begin at the same moment; answers what each answered, or the exception it ended with."""
    while len(_workers) < len(acts):
        _workers.append(ThreadPoolExecutor(1))
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        connection.ensure_connection()
        start.wait(60)
        try:
            return act()
        except Exception as error:  # noqa: BLE001  the test looks at it
            return error

    futures = [worker.submit(run, act) for worker, act in zip(_workers, acts, strict=False)]
    return [future.result() for future in futures]


def send_home() -> None:
    """End the threads and their connections."""
    for worker in _workers:
        worker.submit(lambda: connection.close()).result()  # each closes its own
        worker.shutdown()
    _workers.clear()


def crowd(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Let so many threads do the same at the same moment."""
    return together(*[lambda number=number: act(number) for number in range(count)])  # type: ignore[misc]


def failures(answers: Iterable[Any], *allowed: type[BaseException]) -> list[BaseException]:
    """Answer the exceptions among the answers that are none of the allowed refusals."""
    return [a for a in answers if isinstance(a, BaseException) and not isinstance(a, allowed)]


class MeetingPoint:
    """Where threads wait for each other, each so many times, but not for ever: one that a lock holds up never comes."""

    def __init__(self, count: int, patience: float = 0.4, times: int = 1) -> None:
        self._barrier = threading.Barrier(count)
        self._patience, self._times = patience, times
        self._mine = threading.local()

    def meet(self) -> None:
        self._mine.count = getattr(self._mine, "count", 0) + 1
        if self._mine.count > self._times:
            return
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(self._patience)


def after(monkeypatch: pytest.MonkeyPatch, target: str, then: Callable[[], Any], *, once: bool = False) -> None:
    """Have `then` run each time after the function named by its dotted path, before its caller goes on."""
    module, _, name = target.rpartition(".")
    real = getattr(__import__(module, fromlist=[name]), name)
    done = threading.Event()

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        if not (once and done.is_set()):
            done.set()
            then()
        return answer

    monkeypatch.setattr(target, wrapped)


def deadlocks_in_database() -> int:
    rows("SELECT pg_stat_clear_snapshot()")
    ((count,),) = rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(count)


class Deadlocks:
    """The deadlocks that verbs ran into (and survived by running again) while a test ran."""

    def __init__(self) -> None:
        self.seen = 0
        self.expected = False


@pytest.fixture(autouse=True)
def deadlocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deadlocks]:
    """Count deadlocks; unless a control expects them there is none, and the books agree in the end."""
    request.getfixturevalue("transactional_db")
    counted = Deadlocks()
    before = deadlocks_in_database()
    passes = transactions._passes

    def count(error: BaseException, on_twin: bool) -> bool:
        counted.seen += isinstance(error.__cause__, pg.DeadlockDetected)
        return passes(error, on_twin)

    monkeypatch.setattr(transactions, "_passes", count)
    yield counted
    send_home()
    monkeypatch.undo()
    assert_books_agree()
    if not counted.expected:
        assert counted.seen == 0
        assert deadlocks_in_database() == before
