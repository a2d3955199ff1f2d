"""Bells wake workers. One that does not ring harms nobody: not who asked for it, and not the next one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from amqp.exceptions import RecoverableConnectionError
from django.core.cache.backends.base import BaseCache
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisAway

from retailhub.core import bells

TASK = "retailhub.outbox.tasks.deliver_waiting"


class Tower:
    """A Celery application that writes down what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[int]]] = []
        self.trouble: list[Exception] = []

    def send_task(self, task: str, *, args: list[int], countdown: float | None) -> None:
        if self.trouble:
            raise self.trouble.pop()
        self.sent.append((task, args))

    def heard(self, count: int) -> bool:
        end = time.monotonic() + 5
        while len(self.sent) < count and time.monotonic() < end:
            time.sleep(0.01)
        return len(self.sent) == count


@pytest.fixture
def tower(monkeypatch: pytest.MonkeyPatch) -> Tower:
    tower = Tower()
    monkeypatch.setattr(bells, "import_string", lambda path: tower)
    monkeypatch.setattr(bells, "_silent_until", 0.0)
    return tower


@pytest.mark.parametrize(
    "trouble",
    [OperationalError("away"), RedisAway("away"), RecoverableConnectionError("away"), ConnectionResetError("away")],
    ids=lambda error: type(error).__name__,
)
def test_a_broker_that_is_away_harms_nobody_and_is_left_alone_for_a_moment(tower: Tower, trouble: Exception) -> None:
    tower.trouble = [trouble]

    bells.ring(TASK)
    bells.ring(TASK)

    assert tower.sent == []
    assert bells._silent_until > time.monotonic()


def test_the_ringer_outlives_what_nobody_thought_of(tower: Tower) -> None:
    ringer = bells._Ringer()
    tower.trouble = [LookupError("no such queue")]
    ringer.ask(TASK, (1,), 0)
    end = time.monotonic() + 5
    while tower.trouble and time.monotonic() < end:
        time.sleep(0.01)

    ringer.ask(TASK, (2,), 0)

    assert tower.heard(1)
    assert tower.sent == [(TASK, [2])]


def test_without_a_shared_cache_every_round_rings(tower: Tower) -> None:
    """The worker unmutes the bell in a memory of its own."""
    bells.ring(TASK)
    bells.ring(TASK)

    assert tower.heard(2)


def test_with_a_shared_cache_a_bell_is_muted_until_a_worker_takes_the_call(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: set[str] = set()

    class Shared(BaseCache):
        def add(self, key: str, value: Any, timeout: Any = None, version: Any = None) -> bool:
            known = key in kept
            kept.add(key)
            return not known

        def delete(self, key: str, version: Any = None) -> bool:
            kept.discard(key)
            return True

    shared = Shared({})
    monkeypatch.setattr(bells, "caches", {"default": shared})
    monkeypatch.setattr(bells, "cache", shared)

    bells.ring(TASK)
    bells.ring(TASK)
    bells.unmute(TASK)
    bells.ring(TASK)

    assert tower.heard(2)
