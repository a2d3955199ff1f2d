"""Housekeeping of the ground floor."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from retailhub.core.services.answering_once import forget_answers


@shared_task(acks_late=True, ignore_result=True)
def forget_old_keys() -> None:
    forget_answers(older_than=timezone.now() - timedelta(days=settings.IDEMPOTENCY_KEEP_DAYS))
