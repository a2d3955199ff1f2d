"""The worker's doors to stock."""

from __future__ import annotations

from celery import shared_task

from inventory.services import journalising, reserving, serving
from retailhub.core.bells import unmute


@shared_task(ignore_result=True)
def release_expired_reservations() -> None:
    """Release reservations whose time has run out; nothing depends on it being punctual."""
    while reserving.release_expired_reservations():
        pass


@shared_task(ignore_result=True)
def post_stock_summary() -> None:
    """Post what the journal does not know yet; what one run leaves behind the next one finds."""
    journalising.post_stock_summary()


@shared_task(ignore_result=True)
def serve_who_waits() -> None:
    """Serve who waits although goods lie free within reach; nothing depends on it being punctual."""
    unmute("inventory.tasks.serve_who_waits")
    while serving.serve_within_reach(most=500) == 500:
        pass
