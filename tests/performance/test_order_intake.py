"""What order intake costs, where noise cannot reach it: statements, write-ahead log, versions of rows, deadlocks."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location, StockLevel
from inventory.services.receiving import ReceiptLine, receive_stock
from orders.models import Order, SalesChannel
from orders.services.placing import NewOrder, PlacedOrder, place_orders
from retailhub.core.sql import rows
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of
from tests.factories.orders import SalesChannelFactory, new_order

pytestmark = pytest.mark.django_db(transaction=True)


class Hall:
    """A place with many items and a channel that sells from it."""

    def __init__(self, items: int, units: int = 1_000) -> None:
        self.location: Location = LocationFactory.create()
        self.channel: SalesChannel = SalesChannelFactory.create(code="webshop", pool=pool_of(self.location))
        self.items: list[Item] = ItemFactory.create_batch(items)
        lines = [ReceiptLine(item_id=item.pk, quantity=units, line=n) for n, item in enumerate(self.items, 1)]
        receive_stock(location=self.location, lines=lines, document="delivery:1", actor="test")

    def order(self, reference: str, items: Sequence[Item]) -> NewOrder:
        return new_order(self.channel, reference, *[(item.sku, 1) for item in items])


def statements(act: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [" ".join(query["sql"].split()) for query in queries]


def test_placing_sends_three_statements_between_begin_and_commit_whatever_the_lines() -> None:
    hall = Hall(100)
    place_orders(batch=[hall.order("warm", hall.items[:1])], actor="test")

    one = statements(lambda: place_orders(batch=[hall.order("one", hall.items[:1])], actor="test"))
    hundred = statements(lambda: place_orders(batch=[hall.order("hundred", hall.items)], actor="test"))
    batch = [hall.order(f"batch-{n}", hall.items[n : n + 3]) for n in range(90)]
    many = statements(lambda: place_orders(batch=batch, actor="test"))

    assert [len(told) for told in (one, hundred, many)] == [5, 5, 5]
    assert one == hundred == many  # the very same texts, so each is planned once
    assert (one[0], one[-1]) == ("BEGIN", "COMMIT")


def test_one_order_over_http_is_eight_trips_to_the_database() -> None:
    hall = Hall(3)
    client = program()

    def send(reference: str) -> None:
        body = {
            "channel": "webshop",
            "external_reference": reference,
            "currency": "EUR",
            "lines": [{"sku": item.sku, "quantity": 1, "unit_price": "10.00"} for item in hall.items],
        }
        assert client.send("/orders/", body).status_code == 201

    send("warm")
    told = statements(lambda: send("counted"))

    wanted = [
        "SELECT .*FROM core_apikey",  # who asks
        "WITH asked .*INSERT INTO core_idempotencykey",  # the key is taken, in a transaction of its own
        "BEGIN",
        "SELECT .*orders_saleschannel.*inventory_item.*orders_order",  # all that the order refers to
        "WITH wanted.*inventory_stocklevel.*FOR NO KEY UPDATE",  # its levels, locked in order
        'WITH part_0 AS .INSERT INTO "orders_order".*"inventory_stocklevel".*outbox_outboxevent',  # all that it writes
        "UPDATE core_idempotencykey",  # the answer is kept with the work
        "COMMIT",
    ]
    assert len(told) == len(wanted), told
    for statement, pattern in zip(told, wanted, strict=True):
        assert re.match(pattern, statement), statement


def test_levels_get_their_new_versions_beside_the_old_ones() -> None:
    """HOT: no index of the levels is written when stock is promised, all over the catalogue.

    While the database's own housekeeping reads the tables, old versions make no room: then the next round counts.
    """
    hall = Hall(300)
    chance = random.Random(1)
    shares = []
    for n in range(4):
        before = versions()
        for k in range(150):
            place_orders(batch=[hall.order(f"hot-{n}-{k}", chance.sample(hall.items, 3))], actor="test")
        after = versions()
        updated, beside = after[0] - before[0], after[1] - before[1]
        assert updated >= 450
        shares.append(beside / updated)
        if shares[-1] >= 0.9:
            return
        time.sleep(1)
    raise AssertionError(shares)


def versions() -> tuple[int, int]:
    rows("SELECT pg_stat_force_next_flush()::text")
    rows("SELECT 1")  # what the session counted is told when it is idle
    ((updated, beside),) = rows(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'inventory_stocklevel'"
    )
    return updated, beside


def test_an_order_writes_little_more_log_than_its_rows_need() -> None:
    """The same rows written again by plain SQL, an order at a time, are the measure."""
    hall = Hall(300)
    chance = random.Random(2)
    size = 50
    orders = [hall.order(f"wal-{n}", chance.sample(hall.items, 3)) for n in range(size)]
    ours = logged(lambda: [place_orders(batch=[order], actor="test") for order in orders])

    tables = ("orders_order", "orders_orderline", "inventory_reservation", "outbox_outboxevent", "outbox_delivery")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")
        for table in reversed(tables):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("VACUUM")
    again = logged(lambda: [write_again(number) for number in range(size)])

    print(f"an order writes {ours // size} bytes of log; plain SQL writes {again // size}")  # noqa: T201  pytest -s
    assert Order.objects.count() == size
    assert ours / again <= 1.5, f"{ours // size} bytes an order; plain SQL writes {again // size}"


def logged(act: Callable[[], Any]) -> int:
    where = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    ((before,),) = rows(where)
    act()
    ((after,),) = rows(where)
    return int(after - before)


def write_again(number: int) -> None:
    """Write the rows of the order at this place as plain statements of one transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, number FROM kept_orders_order ORDER BY id OFFSET %s LIMIT 1", [number])
        order_id, name = cursor.fetchone()
        cursor.execute("SELECT id FROM kept_outbox_outboxevent ORDER BY id OFFSET %s LIMIT 2", [2 * number])
        events = [pk for (pk,) in cursor.fetchall()]
        cursor.execute("BEGIN")
        for table, condition, value in (
            ("orders_order", "id = %s", order_id),
            ("orders_orderline", "order_id = %s", order_id),
            ("inventory_reservation", "document = %s", f"order:{name}"),
            ("outbox_outboxevent", "id = ANY(%s)", events),
            ("outbox_delivery", "event_id = ANY(%s)", events),
        ):
            columns = ", ".join(own_columns(table))
            cursor.execute(
                f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE "
                f"SELECT {columns} FROM kept_{table} WHERE {condition}",
                [value],
            )
        cursor.execute(
            """UPDATE inventory_stocklevel l SET reserved = l.reserved + 1 FROM inventory_reservation r
               WHERE r.document = %s AND r.item_id = l.item_id AND r.location_id = l.location_id""",
            [f"order:{name}"],
        )
        cursor.execute("COMMIT")


def own_columns(table: str) -> list[str]:
    found = rows(
        """SELECT attname FROM pg_attribute
           WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''""",
        [table],
    )
    return [name for (name,) in found]


@pytest.mark.race
def test_crossing_orders_never_deadlock() -> None:
    hall = Hall(6)
    before = deadlocks()

    def sell(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for n in range(25):
                (answer,) = place_orders(
                    batch=[hall.order(f"{seed}-{n}", chance.sample(hall.items, 4))], actor=f"till-{seed}"
                )
                assert isinstance(answer, PlacedOrder)
        finally:
            connection.close()

    tills = [threading.Thread(target=sell, args=(seed,)) for seed in range(4)]
    for till in tills:
        till.start()
    for till in tills:
        till.join()

    assert Order.objects.count() == 100
    assert sum(StockLevel.objects.values_list("reserved", flat=True)) == 400
    assert deadlocks() == before


def deadlocks() -> int:
    rows("SELECT pg_stat_force_next_flush()::text")
    ((count,),) = rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(count)
