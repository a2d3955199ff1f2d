"""Benchmark 7: a CSV of items, new, changed and unchanged, one bad row in a hundred, against COPY and one upsert."""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path

import psycopg

from bench.figures import Figure
from bench.house import House

COLUMNS = {"sku": "sku", "name": "name", "price": "price", "currency": "currency", "cost": "cost", "weight_grams": "g"}
HEADINGS = list(COLUMNS.values())
# The same table, with its search index and its history: what SQL alone needs for what must be kept anyway.
_SAME = """
INSERT INTO inventory_item (sku, sku_key, name, kind, status, base_unit, price, currency, cost, weight_grams,
    reorder_point, created_at, updated_at)
SELECT sku, lower(sku), name, 'stocked', 'active', 'each', price, currency, cost, g, 0, now(), now() FROM taken
ON CONFLICT (sku_key) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency,
    cost = excluded.cost, weight_grams = excluded.weight_grams, updated_at = now()
WHERE (inventory_item.name, inventory_item.price, inventory_item.currency, inventory_item.cost,
       inventory_item.weight_grams)
    IS DISTINCT FROM (excluded.name, excluded.price, excluded.currency, excluded.cost, excluded.weight_grams)
"""
_PLAIN_TABLE = """
DROP TABLE IF EXISTS item;
CREATE TABLE item (id bigserial PRIMARY KEY, sku text NOT NULL UNIQUE, name text NOT NULL, price numeric(19, 4),
    currency text NOT NULL, cost numeric(19, 6), weight int, updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON item (name);
"""
_PLAIN = """
INSERT INTO item (sku, name, price, currency, cost, weight) SELECT sku, name, price, currency, cost, g FROM taken
ON CONFLICT (sku) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency,
    cost = excluded.cost, weight = excluded.weight, updated_at = now()
WHERE (item.name, item.price, item.currency, item.cost, item.weight)
    IS DISTINCT FROM (excluded.name, excluded.price, excluded.currency, excluded.cost, excluded.weight)
"""


def write_files(folder: Path, rows: int, price: str) -> tuple[Path, Path]:
    """Write the file with its bad rows, and one of the good rows alone for the yardstick."""
    whole, good = folder / "rows.csv", folder / "good.csv"
    with whole.open("w", newline="") as first, good.open("w", newline="") as second:
        writers = csv.writer(first), csv.writer(second)
        writers[0].writerow(HEADINGS)
        for n in range(rows):
            row = [
                f"IMP-{n:07d}",
                f"Imported thing number {n}",
                f"{price}.{n % 100:02d}",
                "EUR",
                f"4.{n % 97:02d}",
                n % 5000,
            ]
            if n % 100 == 50:
                row[2] = "twelve"
            else:
                writers[1].writerow(row)
            writers[0].writerow(row)
    return whole, good


def raw_seconds(url: str, good: Path, statement: str) -> float:
    """Time COPY to a temporary table and one upsert from it."""
    with psycopg.connect(url) as connection:
        connection.execute("SET statement_timeout = 0")
        began = time.perf_counter()
        connection.execute(
            "CREATE TEMPORARY TABLE taken (sku text, name text, price numeric, currency text, cost numeric, g int)"
            " ON COMMIT DROP"
        )
        with connection.cursor().copy("COPY taken FROM STDIN (FORMAT csv)") as copy, good.open("rb") as file:
            while piece := file.read(1 << 20):
                copy.write(piece.replace(b"IMP-", b"RAW-"))
        connection.execute(statement)
        connection.commit()
        return time.perf_counter() - began


def subject_seconds(folder: Path) -> tuple[float, dict[str, int]]:
    """Time the import as `import_folder` and the upload page run it, report and file of refused rows included."""
    from inventory.imports.items import ItemImport
    from retailhub.core.access import Principal
    from retailhub.core.imports.profiles import read_profile
    from retailhub.core.imports.runner import Import, carry_on, open_run
    from retailhub.core.services.working import Progress

    target = ItemImport()
    document = {
        "title": "bench",
        "files": {"rows": {"name": "rows.csv"}},
        "steps": [
            {"name": "items", "into": "items", "file": "rows", "columns": {k: {"from": v} for k, v in COLUMNS.items()}}
        ],
    }
    work = Import(
        profile=read_profile("bench", document, digest=str(time.time())),
        folder=folder,
        targets={"items": target},
        principal=Principal(actor="bench"),
        source="bench",
    )
    began = time.perf_counter()
    run = open_run(work, job=None, output=folder / "out")
    with Progress(None) as progress:
        report = carry_on(run, work, progress)
    seconds = time.perf_counter() - began
    if report is None:
        raise RuntimeError("the import did not end")
    return seconds, report.as_dict()


def items_from_csv(house: House, rows: int) -> list[Figure]:
    """Benchmark 7: import new rows, then other prices, then the same again; one row in a hundred is refused."""
    with psycopg.connect(house.raw_url, autocommit=True) as connection:
        connection.execute(_PLAIN_TABLE)
    figures = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for what, price in (("new", "19"), ("changed", "20"), ("same", "20")):
            _, good = write_files(folder, rows, price)
            plain = raw_seconds(house.raw_url, good, _PLAIN)
            raw = raw_seconds(house.services.database_url, good, _SAME)
            good.unlink()
            seconds, report = subject_seconds(folder)
            if (report["refused"], report[what]) != (rows // 100, rows - rows // 100):
                raise RuntimeError(f"another number of rows was {what} or refused: {report}")
            figures.append(
                Figure(
                    name=f"7 import {rows:,} items, {'unchanged' if what == 'same' else what}",
                    floor=3,
                    moonshot=1.5,
                    value=seconds / raw,
                    smaller_is_better=True,
                    unit="x raw time",
                    raw=rows / raw,
                    subject=rows / seconds,
                    note=f"one run; rows a second; {seconds / plain:.0f} x a plain table without search and history",
                )
            )
    return figures
