"""Statements that one connection has prepared, run with as little as possible in between.

psycopg's cursors adapt every value, describe every column and forget what they prepared at each ROLLBACK, as after an
order that is refused. Here values travel as text, only rows are read, and a prepared statement stays one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer

_GOOD = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
# A server whose tables or plans were changed under us, or a pooler that gave us another session
_STALE = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
MOST = 200

Rows = list[tuple[Any, ...]]


class Statements:
    """The prepared statements of one connection."""

    def __init__(self, connection: psycopg.Connection[Any], *, prepares: bool) -> None:
        self.connection = connection
        self._prepares = prepares
        self._names: dict[bytes, bytes] = {}
        self._made = 0
        self._reader = Transformer(connection)

    def run(self, statement: bytes, values: Sequence[Any]) -> Rows:
        """Run the statement with its parameters $1, $2, ... and answer its rows. Raises psycopg's errors."""
        parameters = [_as_text(value) for value in values]
        with self.connection.lock:
            self._begin()
            try:
                return self._run(statement, parameters)
            except _STALE:
                self._names.pop(statement, None)
                if self.connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                    raise
                return self._run(statement, parameters)

    def plan_anew(self) -> None:
        """Have every plan of this session made anew when it is next needed."""
        with self.connection.lock:
            self._begin()
            self._checked(self.connection.pgconn.exec_(b"DISCARD PLANS"))

    def _begin(self) -> None:
        connection = self.connection
        if connection.autocommit or connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            return
        level = connection.isolation_level
        self._checked(
            connection.pgconn.exec_(b"BEGIN ISOLATION LEVEL " + level.name.replace("_", " ").encode())
            if level
            else connection.pgconn.exec_(b"BEGIN")
        )

    def _run(self, statement: bytes, parameters: list[Any]) -> Rows:
        server = self.connection.pgconn
        name = self._names.get(statement)
        if name is None and self._prepares and len(self._names) < MOST:
            self._made += 1
            name = b"hot_%d" % self._made
            self._checked(server.prepare(name, statement))
            self._names[statement] = name
        result = server.exec_prepared(name, parameters) if name else server.exec_params(statement, parameters)
        self._checked(result)
        if not result.nfields:
            return []
        self._reader.set_pgresult(result)
        return self._reader.load_rows(0, result.ntuples, tuple)

    def _checked(self, result: pq.abc.PGresult) -> None:
        if result.status in _GOOD:
            return
        if self.connection.pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(result.get_error_message() or "the connection is lost")
        raise errors.error_from_result(result)


def _as_text(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    text = str(value)
    if "\x00" in text:
        raise psycopg.DataError("PostgreSQL texts cannot hold NUL")  # libpq would end the text there
    return text.encode()
