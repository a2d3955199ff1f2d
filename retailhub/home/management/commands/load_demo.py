"""Fills an installation with a shop to look at."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from channels.connectors.base import ConnectorError
from retailhub.home.demo import buying, people, sales, shops, stock_room
from retailhub.outbox.services.delivering import deliver_waiting

LOCK = 7_305_551_212


class Command(BaseCommand):
    help = "Have the demo's people, goods, stock, channels, orders and purchases. What is there already stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="also where DEMO is off")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO and not options["force"]:
            raise CommandError("This installation is not a demo (DEMO=0). Use --force to fill it all the same.")
        begun = time.monotonic()
        with connection.cursor() as cursor:
            # Two starts at once would make two demos.
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            self._fill()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        self.stdout.write(f"The demo is there ({time.monotonic() - begun:.1f} s).")

    def _fill(self) -> None:
        people.have_logins()
        stock_room.have_places()
        stock_room.have_catalogue()
        stock_room.have_stock()
        sales.have_desk()
        sales.have_desk_orders()
        stock_room.have_transfers()
        buying.have_purchases()
        deliver_waiting()  # orders that are short become work for somebody
        for shop in shops.running_shops():
            if shop.name not in shops.PLANS:
                continue
            try:
                account = shops.connect(shop)
                shops.have_listings(account)
                sales.have_shop_orders(shop, account)
                deliver_waiting()
                shops.push(account)
            except (ConnectorError, httpx.HTTPError) as error:
                # The demo is worth having with one shop, or none.
                self.stderr.write(f"The shop {shop.name} did not take part: {error}")
