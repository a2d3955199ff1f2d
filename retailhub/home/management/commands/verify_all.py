"""manage.py verify_all: prove that all books agree."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from channels.services import verifying as channels
from inventory.services import verifying as inventory
from orders.services import verifying as orders
from purchasing.services import verifying as purchasing
from retailhub.accounting.services import verifying as accounting
from retailhub.core.verifying import Check
from retailhub.outbox.services import verifying as outbox

CHECKS: dict[str, Check] = {
    "stock": inventory.verify,
    "orders": orders.verify,
    "purchasing": purchasing.verify,
    "channels": channels.verify,
    "outbox": outbox.verify,
    "journal": accounting.verify,
}


class Command(BaseCommand):
    help = (
        "Prove that the books agree: levels = movements = reservations, values, orders, buying, channels, outbox and "
        "journal. "
        "Exit code 1 and a list of every place on any breach."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=sorted(CHECKS), action="append", help="Run only this group; repeatable.")
        parser.add_argument("--json", action="store_true", help="Print the breaches as one JSON list.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for name, check in CHECKS.items():
            if options["only"] and name not in options["only"]:
                continue
            started = time.monotonic()
            breaches = check()
            found += breaches
            if not options["json"]:
                verdict = "in order" if not breaches else f"{len(breaches)} breaches"
                self.stdout.write(f"{name:10} {verdict:16} {time.monotonic() - started:6.2f} s")
                for breach in breaches:
                    self.stdout.write(f"  {breach}")
        if options["json"]:
            rows = [
                {
                    "check": b.check,
                    "subject": b.subject,
                    "place": b.place,
                    "expected": str(b.expected),
                    "found": str(b.found),
                }
                for b in found
            ]
            self.stdout.write(json.dumps(rows))
        if found:
            raise SystemExit(1)
