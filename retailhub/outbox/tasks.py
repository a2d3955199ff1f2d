"""The worker's doors to the outbox: woken by the bell, or by the sweep that finds what was not rung."""

from __future__ import annotations

import time

from celery import shared_task

from retailhub.core.bells import ring, unmute
from retailhub.outbox.services import delivering


@shared_task(ignore_result=True)
def deliver_waiting() -> None:
    """Deliver until nothing is due; whatever is committed after the bell was unmuted rings again.

    After half a second others have their turn: while news keeps coming, one of few workers would do nothing else.
    """
    unmute("retailhub.outbox.tasks.deliver_waiting")
    end = time.monotonic() + 0.5
    while delivering.deliver_waiting():
        if time.monotonic() >= end:
            ring("retailhub.outbox.tasks.deliver_waiting")
            return


@shared_task(ignore_result=True)
def sweep() -> None:
    """Deliver what nobody rang for: the broker was away, or a worker died."""
    deliver_waiting()


@shared_task(ignore_result=True)
def forget_delivered() -> None:
    delivering.forget_delivered()
