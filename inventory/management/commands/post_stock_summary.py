"""manage.py post_stock_summary: write to the journal what it does not know yet of the stock's value."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from inventory.services.journalising import post_stock_summary


class Command(BaseCommand):
    help = (
        "Post the stock entries of the journal from valued movements, per business day and kind. "
        "Run again it posts only what came since."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        summary = post_stock_summary(actor="command:post_stock_summary")
        self.stdout.write(f"{summary.pools} items looked at, {len(summary.entries)} entries written")
        for number in summary.entries:
            self.stdout.write(f"  {number}")
