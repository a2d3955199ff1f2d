"""Benchmark 15: `verify_all` over millions of movements, against the plain aggregates that any check of them needs."""

from __future__ import annotations

import time
from statistics import median

import psycopg

from bench.figures import Figure, seconds
from bench.house import LOCATION, House

_DOCUMENTS = """
INSERT INTO inventory_stockmovement (item_id, from_location_id, from_bucket, to_location_id, to_bucket, quantity, value,
    reason, document, actor, note, occurred_at)
SELECT i.id, CASE n.n %% 2 WHEN 0 THEN s.id ELSE h.id END, 'sellable', CASE n.n %% 2 WHEN 0 THEN h.id ELSE c.id END,
    'sellable', 1, 1, CASE n.n %% 2 WHEN 0 THEN 'receipt' ELSE 'sale' END, 'bench:' || n.n, 'bench', '', now()
FROM generate_series(0, %(each)s - 1) AS n(n) CROSS JOIN inventory_item i, inventory_location h, inventory_location s,
    inventory_location c
WHERE h.code = %(hall)s AND s.code = '@supplier' AND c.code = '@customer'
"""
# What went in and out per place and bucket, and what it was worth: two passes over the ledger.
_PLAIN = (
    """
WITH ends AS (
    SELECT item_id, to_location_id AS place, to_bucket AS bucket, quantity FROM inventory_stockmovement
    UNION ALL SELECT item_id, from_location_id, from_bucket, -quantity FROM inventory_stockmovement
), sums AS (SELECT item_id, place, bucket, sum(quantity) AS units FROM ends GROUP BY 1, 2, 3)
SELECT count(*) FROM sums s JOIN inventory_stocklevel l ON l.item_id = s.item_id AND l.location_id = s.place
WHERE s.bucket = 'sellable' AND s.units <> l.sellable
""",
    """
SELECT count(*) FROM (SELECT item_id, sum(value) AS value FROM inventory_stockmovement GROUP BY 1) m
JOIN inventory_costpool p USING (item_id) WHERE p.value > m.value
""",
)


def all_books(house: House, rounds: int, movements: int) -> list[Figure]:
    """Verify everything, with so many movements more; they leave levels and values as they were."""
    from django.db import connection

    from retailhub.home.management.commands.verify_all import CHECKS

    with psycopg.connect(house.services.database_url, autocommit=True) as plain:
        plain.execute("SET statement_timeout = 0")
        (items,) = plain.execute("SELECT count(*) FROM inventory_item").fetchone() or (1,)
        each = max(2, movements // items // 2 * 2)
        plain.execute(_DOCUMENTS, {"each": each, "hall": LOCATION})
        plain.execute("VACUUM ANALYZE inventory_stockmovement")
        (count,) = plain.execute("SELECT count(*) FROM inventory_stockmovement").fetchone() or (0,)
        raw, subject = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            for statement in _PLAIN:
                plain.execute(statement)
            raw.append(time.perf_counter() - began)
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
            began = time.perf_counter()
            breaches = [breach for check in CHECKS.values() for breach in check()]
            subject.append(time.perf_counter() - began)
            if breaches:
                raise RuntimeError(f"the books disagree: {breaches[:3]}")
    connection.close()
    return [
        seconds(
            f"15 verify_all over {count:,} movements",
            raw,
            subject,
            floor=5,
            moonshot=1.5,
            note=f"{rounds} runs; {median(raw):.1f} s for the aggregates, {median(subject):.1f} s here; no breach",
        )
    ]
