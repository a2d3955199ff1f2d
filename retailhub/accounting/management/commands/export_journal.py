"""manage.py export_journal: the journal as a file for beancount, hledger, or as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from retailhub.accounting.services.exporting import FORMS, export_journal
from retailhub.core.errors import Invalid


class Command(BaseCommand):
    help = "Write the journal of a period, or all of it, to a file or to the screen."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=sorted(FORMS), default="beancount", dest="form")
        parser.add_argument("--period", default="", help="A month such as 2026-11, or a year such as 2026.")
        parser.add_argument("--output", default="", help="The file; left out: the screen.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            export = export_journal(form=options["form"], period=options["period"])
        except Invalid as refusal:
            raise CommandError(refusal.detail) from refusal
        if not options["output"]:
            for piece in export.pieces:
                self.stdout.write(piece, ending="")
            return
        path = Path(options["output"])
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(export.pieces)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        self.stderr.write(f"{path}: {path.stat().st_size:,} bytes")
