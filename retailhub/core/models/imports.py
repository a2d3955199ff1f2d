"""Readings of files: what was read, how far it came, and what became of every row."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now


class ImportRun(models.Model):
    """One reading of some files through one profile. Until it is finished, reading them again goes on where it was."""

    profile = models.CharField(max_length=60)
    source = models.CharField(max_length=300, help_text="The folder or the uploaded file, as people know it.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the profile and of every file it reads.")
    job = models.OneToOneField("core.Job", models.SET_NULL, null=True, blank=True, related_name="import_run")
    actor = models.CharField(max_length=200)
    output = models.CharField(max_length=300, blank=True, help_text="Where refused.csv and the report are.")
    report = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    undo_job = models.OneToOneField(
        "core.Job", models.SET_NULL, null=True, blank=True, related_name="undone_run", help_text="What takes it back."
    )

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["profile", "fingerprint"],
                condition=Q(finished_at__isnull=True),
                name="import_run_one_unfinished_per_content",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.profile}: {self.source}"


class ImportChunk(models.Model):
    """Some rows of a run, taken in one transaction with this row: it is there exactly when their effect is."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="chunks")
    step = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    counts = models.JSONField(default=dict, help_text="By file: read, new, changed, same, refused.")
    refusals = models.JSONField(default=list, help_text="[file, row, column, value, reason] of each refusal.")
    remarks = models.JSONField(default=list, help_text="The same for rows that were taken although something is odd.")
    tally = models.JSONField(default=dict)
    written = models.JSONField(
        default=list,
        db_default=Value([], output_field=models.JSONField()),
        help_text="[file, row, what was there before and after] of each row that can be taken back.",
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    kept = models.JSONField(
        default=list,
        db_default=Value([], output_field=models.JSONField()),
        help_text="[file, row, column, value, reason] of each row that could not be taken back.",
    )
    done_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "step", "number"], name="import_chunk_taken_once"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.number}"
