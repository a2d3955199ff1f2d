"""The worker's doors to stock."""

from __future__ import annotations

from celery import shared_task

from inventory.services import reserving


@shared_task(ignore_result=True)
def release_expired_reservations() -> None:
    """Release reservations whose time has run out; nothing depends on it being punctual."""
    while reserving.release_expired_reservations():
        pass
