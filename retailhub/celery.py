"""The Celery application. Messages are a doorbell: they carry ids, and the database holds the truth."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")

app = Celery("retailhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
