"""`manage.py create_api_key NAME --scope orders:write ...`: make a key for a program and print it once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from retailhub.core.access import SCOPES
from retailhub.core.errors import DomainError
from retailhub.core.services.keying import make_key


class Command(BaseCommand):
    help = "Make an API key. It is printed once, on standard output; only its hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who uses it, such as 'webshop'")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            metavar="SCOPE",
            help=f"what it may do; repeat for more, '*' for all: {', '.join(SCOPES)}",
        )
        parser.add_argument("--location", action="append", metavar="CODE", help="only there; repeat for more")
        parser.add_argument("--channel", default="", metavar="CODE", help="only for this channel")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="worthless after so many days")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires"]
        if days is not None and not 0 < days <= 36_500:
            raise CommandError("--expires takes a number of days between 1 and 36500.")
        try:
            _, secret = make_key(
                name=options["name"],
                scopes=list(SCOPES) if "*" in options["scope"] else options["scope"],
                locations=options["location"],
                channel=options["channel"],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except DomainError as refusal:
            raise CommandError("\n".join([refusal.detail, *(f"  {e.detail}" for e in refusal.errors)])) from refusal
        self.stdout.write(secret)
