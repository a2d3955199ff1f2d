"""One transaction per verb, run again from its beginning when PostgreSQL says so."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors as pg

from retailhub.core.errors import TryAgain

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

# Deadlock and serialization failures pass if the whole transaction is run again; so does a twin that was quicker
# with a unique key, because the second run sees what it wrote.
_PASSING = (pg.DeadlockDetected, pg.SerializationFailure)
TRIES = 4


class OutOfTurn(TryAgain):
    """To go on a verb would have to wait for a lock that comes before one it holds: it must begin again instead."""


def _passes(error: BaseException, on_twin: bool) -> bool:
    cause = error.__cause__
    return isinstance(cause, _PASSING) or (on_twin and isinstance(cause, pg.UniqueViolation))


def retried(*, on_twin: bool = False) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """Run the verb in a transaction of its own, again (with jitter, three more times) after a deadlock or OutOfTurn.

    With `on_twin` a unique key that somebody else took meanwhile counts as passing too. Inside a transaction that is
    open already the verb just joins it: whoever opened it retries. When nothing helps, or a lock is not had in time,
    TryAgain is raised and nothing has happened.
    """

    def decorate(verb: Callable[Given, Answer]) -> Callable[Given, Answer]:
        @wraps(verb)
        def run(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
            if connection.in_atomic_block:
                return verb(*args, **kwargs)
            for attempt in range(1, TRIES + 1):
                try:
                    with transaction.atomic():
                        return verb(*args, **kwargs)
                except OutOfTurn:
                    if attempt == TRIES:
                        raise
                except (OperationalError, IntegrityError) as error:
                    if isinstance(error.__cause__, pg.LockNotAvailable):
                        raise TryAgain from error
                    if not _passes(error, on_twin):
                        raise
                    if attempt == TRIES:
                        raise TryAgain from error
                time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  jitter, not a secret
            raise AssertionError("unreachable")

        return run

    return decorate
