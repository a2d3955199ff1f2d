"""What buying does by the clock."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from purchasing.services.reordering import raise_low_stock


@shared_task(ignore_result=True)
def look_for_low_stock() -> None:
    """Tell buyers, one row per supplier, what is below its reorder point."""
    raise_low_stock(today=timezone.localdate())
