"""The worker's doors to buying."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from purchasing.services import closing, flagging_orders, reordering, sending, waiting_papers
from retailhub.core.bells import unmute


@shared_task(ignore_result=True)
def send_papers() -> None:
    """Send the papers that are due, some at a time; what one run leaves behind the next one finds."""
    unmute("purchasing.tasks.send_papers")
    sending.send_papers(most=5)


@shared_task(ignore_result=True)
def look_after_orders() -> None:
    """Close orders that are over, tell people of those that are late, not confirmed or not approved.

    Papers that were uploaded and that nobody typed are let go of too.
    """
    closing.sweep_orders(on=timezone.localdate())
    flagging_orders.flag_orders()
    waiting_papers.sweep_papers(kept_since=timezone.now() - timedelta(days=7))


@shared_task(ignore_result=True)
def look_for_low_stock() -> None:
    """Tell buyers, one row per supplier, what is below its reorder point."""
    reordering.raise_low_stock(today=timezone.localdate())
