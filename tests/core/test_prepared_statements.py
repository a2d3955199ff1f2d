"""Statements that are prepared once per connection: what they read and write, and what they outlive."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from retailhub.core.models import Job
from retailhub.core.sql import array_text, prepared_rows, rows

pytestmark = pytest.mark.django_db(transaction=True)


def prepared_names() -> list[str]:
    found = rows("SELECT name::text FROM pg_prepared_statements WHERE name LIKE %s ORDER BY 1", ["hot%"])
    return [name for (name,) in found]


def test_values_come_back_as_they_went() -> None:
    texts = ["plain", 'quo"te', "back\\slash", "{brace},", "", "NULL", "naïve ไทย", " blank "]
    moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    sign = UUID("12345678-1234-5678-1234-567812345678")

    ((got, numbers, amounts, flags, moments, signs, raw, word, none),) = prepared_rows(
        """SELECT %s::text[], %s::bigint[], %s::numeric[], %s::bool[], %s::timestamptz[], %s::uuid[], %s::bytea[],
           %s::text, %s::text""",
        [
            texts,
            [1, -2, None],
            [Decimal("1.50"), Decimal("1E+3")],
            [True, False],
            [moment],
            [sign],
            [b"\x00\xff"],
            "a'b",
            None,
        ],
    )

    assert got == texts
    assert numbers == [1, -2, None]
    assert amounts == [Decimal("1.50"), Decimal(1000)]
    assert flags == [True, False]
    assert moments == [moment]
    assert signs == [sign]
    assert raw == [b"\x00\xff"]
    assert (word, none) == ("a'b", None)


def test_an_array_of_nothing_is_empty() -> None:
    assert prepared_rows("SELECT %s::text[], %s::int", [[], 1]) == [([], 1)]
    assert array_text([""]) == '{""}'


def test_a_text_with_nul_is_refused_and_not_cut() -> None:
    with pytest.raises(DataError):
        prepared_rows("SELECT %s::text", ["a\x00b"])
    with pytest.raises(DataError):
        prepared_rows("SELECT %s::text[]", [["a\x00b"]])


def test_a_statement_is_prepared_once_and_outlives_a_rollback() -> None:
    before = prepared_names()
    for _ in range(3):
        prepared_rows("SELECT %s::int + 41", [1])
    with transaction.atomic():
        prepared_rows("SELECT %s::int + 41", [1])
        transaction.set_rollback(True)

    assert prepared_rows("SELECT %s::int + 41", [1]) == [(42,)]
    assert len(prepared_names()) == len(before) + 1


def test_what_is_written_in_a_transaction_goes_with_it() -> None:
    insert = """INSERT INTO core_job (kind, label, state, total, done, failed, message, data, result_file,
        cancel_requested, created_at) SELECT 'k', l, 'waiting', 0, 0, 0, '', '{}', '', false, now()
        FROM unnest(%s::text[]) l RETURNING id"""
    with transaction.atomic():
        prepared_rows(insert, [["gone"]])
        transaction.set_rollback(True)
    with transaction.atomic():
        prepared_rows(insert, [["kept"]])

    assert list(Job.objects.values_list("label", flat=True)) == ["kept"]


def test_errors_are_djangos_and_name_their_cause() -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        prepared_rows("INSERT INTO core_job (kind) VALUES (%s) RETURNING id", ["k"])

    assert error.value.__cause__ is not None
    assert type(error.value.__cause__).__name__ == "NotNullViolation"
    assert prepared_rows("SELECT %s::int", [1]) == [(1,)]


def test_a_table_that_changed_shape_is_read_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE shapes AS SELECT 1 AS a")
        assert prepared_rows("SELECT * FROM shapes WHERE a = %s::int", [1]) == [(1,)]
        cursor.execute("ALTER TABLE shapes ADD COLUMN b int DEFAULT 2")

    assert prepared_rows("SELECT * FROM shapes WHERE a = %s::int", [1]) == [(1, 2)]


def test_a_session_that_somebody_emptied_prepares_again() -> None:
    assert prepared_rows("SELECT %s::int + 1", [1]) == [(2,)]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    assert prepared_rows("SELECT %s::int + 1", [1]) == [(2,)]


def test_a_connection_whose_server_ended_it_is_not_usable() -> None:
    connection.ensure_connection()
    assert connection.is_usable()
    ((pid,),) = rows("SELECT pg_backend_pid()")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        other.close()

    assert not connection.is_usable()
    with pytest.raises(OperationalError):
        prepared_rows("SELECT %s::int", [1])
    connection.close()
    assert prepared_rows("SELECT %s::int", [1]) == [(1,)]
