"""Waking workers. A bell says that there is something to do; what there is to do stands in the database.

A bell is muted from the moment it rings until a worker takes the call (`unmute`), so a burst of news makes one message.
A broker that is away is no reason to fail: a sweep on the beat finds what nobody rang for.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time

from amqp.exceptions import AMQPError
from celery import Celery
from django.conf import settings
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError as BrokerDown
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

MUTED_SECONDS = 3
_AWAY = (BrokerDown, RedisError, AMQPError, OSError)
_silent_until = 0.0


def ring_on_commit(task: str, *ids: int, after: float = 0.0) -> None:
    """Have the task run once this transaction commits (now, outside of one), `after` so many seconds."""
    transaction.on_commit(lambda: _ringer.ask(task, ids, after))


def ring(task: str, *ids: int, after: float = 0.0) -> None:
    """Send one message unless one for the same task and ids is on its way; never raises for a broker that is away."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        if _is_first(task, ids, MUTED_SECONDS + after):
            app: Celery = import_string(settings.CELERY_APPLICATION)
            app.send_task(task, args=list(ids), countdown=after or None)
    except _AWAY as error:
        _silent_until = time.monotonic() + 2
        log.warning("the bell for %s did not ring: %s", task, error)


def _is_first(task: str, ids: tuple[int, ...], seconds: float) -> bool:
    """Tell whether no message for it is on its way, and mute the bell if so.

    Where processes share no cache (a broker that is not Redis) a muted bell would not hear that it is unmuted: there
    every round rings.
    """
    return isinstance(caches["default"], LocMemCache) or bool(cache.add(_name(task, ids), 1, timeout=seconds))


def unmute(task: str, *ids: int) -> None:
    """Let the bell ring again: called first thing by the worker, so that whatever commits from now on is heard."""
    try:
        cache.delete(_name(task, ids))
    except _AWAY as error:
        log.warning("the bell for %s stays muted for a moment: %s", task, error)


def _name(task: str, ids: tuple[int, ...]) -> str:
    return "bell:" + ":".join([task, *map(str, ids)])


class _Ringer:
    """Rings for this process on a thread of its own: who commits does not wait for the broker, and all that is
    committed within one breath rings once. What is asked for while it rings is rung for in the next round."""

    BREATH = 0.02

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, tuple[int, ...]], float] = {}
        self._called = threading.Condition()
        self._process = 0

    def ask(self, task: str, ids: tuple[int, ...], after: float) -> None:
        with self._called:
            self._wanted[(task, ids)] = min(after, self._wanted.get((task, ids), after))
            if self._process != os.getpid():  # the first time, or in a child, to which threads do not pass
                self._process = os.getpid()
                threading.Thread(target=self._run, name="bells", daemon=True).start()
            self._called.notify()

    def finish(self) -> None:
        """Ring for what is left: called when the process ends."""
        with self._called:
            wanted, self._wanted = self._wanted, {}
        for (task, ids), after in wanted.items():
            ring(task, *ids, after=after)

    def _run(self) -> None:
        while True:
            with self._called:
                self._called.wait_for(lambda: self._wanted)
            try:
                self.finish()
            except Exception:  # whatever it was, the next round rings, and the sweep comes by for this one
                log.exception("bells did not ring")
            time.sleep(self.BREATH)


_ringer = _Ringer()
atexit.register(_ringer.finish)
