"""The worker's doors to stock."""

from __future__ import annotations

from celery import shared_task

from inventory.services import journalising, reserving


@shared_task(ignore_result=True)
def release_expired_reservations() -> None:
    """Release reservations whose time has run out; nothing depends on it being punctual."""
    while reserving.release_expired_reservations():
        pass


@shared_task(ignore_result=True)
def post_stock_summary() -> None:
    """Post what the journal does not know yet; what one run leaves behind the next one finds."""
    journalising.post_stock_summary()
