"""The yardstick: the order transaction and the hot-SKU decrement as pgbench sends them, in the plainest schema."""

from __future__ import annotations

import re
import resource
import subprocess
import tempfile
from pathlib import Path

import psycopg

from bench.cpu import seconds_used
from bench.figures import Rate
from bench.house import ITEMS, SELLABLE, House

_SCHEMA = f"""
CREATE TABLE stock (sku int, loc int, on_hand int NOT NULL, reserved int NOT NULL DEFAULT 0, PRIMARY KEY (sku, loc),
    CHECK (reserved <= on_hand)) WITH (fillfactor = 80);
CREATE TABLE orders (id bigserial PRIMARY KEY, ref text NOT NULL UNIQUE, channel int NOT NULL, status text NOT NULL,
    currency text NOT NULL, total numeric(19, 4) NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON orders (placed_at);
CREATE TABLE order_line (order_id bigint NOT NULL REFERENCES orders, line int NOT NULL, sku int NOT NULL,
    quantity int NOT NULL, unit_price numeric(19, 4) NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE ledger (id bigserial PRIMARY KEY, sku int NOT NULL, loc int NOT NULL, change int NOT NULL,
    document text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON ledger (sku);
CREATE TABLE outbox (id bigserial PRIMARY KEY, name text NOT NULL, payload jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
INSERT INTO stock SELECT n, 1, {SELLABLE * 1000} FROM generate_series(1, {ITEMS}) n;
"""
_THIRD = ITEMS // 3
# In the order of the SKUs, or the yardstick would deadlock with itself.
ORDER = f"""
\\set a random(1, {_THIRD})
\\set b random({_THIRD + 1}, {2 * _THIRD})
\\set c random({2 * _THIRD + 1}, {ITEMS})
BEGIN;
INSERT INTO orders (ref, channel, status, currency, total) VALUES (gen_random_uuid()::text, 1, 'allocated', 'EUR', 30)
    RETURNING id \\gset
UPDATE stock SET reserved = reserved + 1 WHERE sku = :a AND loc = 1 AND on_hand - reserved >= 1;
UPDATE stock SET reserved = reserved + 1 WHERE sku = :b AND loc = 1 AND on_hand - reserved >= 1;
UPDATE stock SET reserved = reserved + 1 WHERE sku = :c AND loc = 1 AND on_hand - reserved >= 1;
INSERT INTO order_line VALUES (:id, 1, :a, 1, 10), (:id, 2, :b, 1, 10), (:id, 3, :c, 1, 10);
INSERT INTO ledger (sku, loc, change, document)
    VALUES (:a, 1, -1, 'order:' || :id), (:b, 1, -1, 'order:' || :id), (:c, 1, -1, 'order:' || :id);
INSERT INTO outbox (name, payload) VALUES ('order_placed', jsonb_build_object('order', :id::bigint));
COMMIT;
"""
HOT = "UPDATE stock SET reserved = reserved + 1 WHERE sku = 1 AND loc = 1 AND on_hand - reserved >= 1;\n"


def make_tables(house: House) -> None:
    with psycopg.connect(house.raw_url, autocommit=True) as connection:
        connection.execute(_SCHEMA)
        connection.execute("VACUUM ANALYZE")


def per_second(house: House, script: str, *, clients: int, seconds: int) -> Rate:
    """Run the script as pgbench does, prepared and on one thread; answer transactions per second."""
    before, own = seconds_used(house.postgres_pid), sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                *(str(house.pgbench), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1"),
                *(f"--time={seconds}", f"--file={Path(file.name)}", house.raw_url),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    used = seconds_used(house.postgres_pid) - before + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - own
    done_transactions = re.search(r"actually processed: (\d+)", done.stdout)
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode or not found or not done_transactions:
        raise RuntimeError(f"pgbench failed: {done.stdout[-500:]}{done.stderr[-1000:]}")
    return Rate(float(found[1]), cpu_ms=1000 * used / max(1, int(done_transactions[1])))
