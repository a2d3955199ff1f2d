"""Answers that were given, kept under the key the asker chose."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class IdempotencyKey(models.Model):
    """One call that may be repeated: who made it, on which route, under which key, and what was answered."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"

    actor = models.CharField(max_length=200)
    route = models.CharField(max_length=300, help_text="Method and path.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the canonical body and query.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    lease = models.UUIDField()
    leased_until = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["actor", "route", "key"], name="idempotency_key_one_per_actor_route_and_key"
            ),
            models.CheckConstraint(
                condition=Q(state="running") | Q(status__isnull=False, body__isnull=False),
                name="idempotency_key_done_has_an_answer",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
