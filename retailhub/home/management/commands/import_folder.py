"""Imports a folder of files."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from retailhub.core.access import SYSTEM
from retailhub.core.errors import DomainError
from retailhub.core.imports.report import Report
from retailhub.core.imports.runner import carry_on, open_run
from retailhub.core.models import Job
from retailhub.core.services.working import Progress
from retailhub.home.importing import find_profile, folder_import, output_folder, profile_names


class Command(BaseCommand):
    help = "Read a folder of files through a declared profile. Started again after a stop, it goes on where it was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--profile", required=True, help=f"one of {', '.join(profile_names())}")
        parser.add_argument("--output", type=Path, default=None, help="where to put refused.csv and the report")
        parser.add_argument("--from-start", action="store_true", help="do not go on with an unfinished run")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        try:
            self._import(folder, options["profile"], options["output"] or output_folder(), options["from_start"])
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal

    def _import(self, folder: Path, name: str, output: Path, from_start: bool) -> None:
        work = folder_import(folder, find_profile(name), SYSTEM)
        run = open_run(work, job=None, output=output, from_start=from_start)
        job = run.job if run.job and not run.job.is_over else None
        if job is None:
            # A stopped run keeps its chunks, but its job told its story to the end.
            label, data = f"Import {folder.name} as {name}", {"folder": str(folder), "profile": name}
            job = run.job = Job.objects.create(kind="import_folder", label=label, data=data)
            run.save(update_fields=["job"])
        if run.chunks.exists():
            self.stdout.write(f"going on with run {run.pk}, {run.chunks.count()} chunks are done")
        report: Report | None = None
        with Progress(job) as progress:
            report = carry_on(run, work, progress, tell=self._tell)
            if report:
                Job.objects.filter(pk=job.pk).update(
                    data={**job.data, "report": report.as_dict()},
                    result_file=str(Path(run.output) / "refused.csv"),
                )
        self._tell("", 0, 0)
        if report is None:
            raise CommandError(
                f"Stopped on request. The same command goes on from here. What became of the rows so far: {run.output}"
            )
        self.stdout.write(report.as_text())
        self.stdout.write(f"refused rows, remarks and this report: {run.output}")

    def _tell(self, step: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            percent = 100 * done // total if total else 100
            line = f"{percent:3d} % {done:,} of {total:,} rows, {step}" if total else ""
            self.stderr.write(f"\r{line:<70}\r", ending="")
            self.stderr.flush()
