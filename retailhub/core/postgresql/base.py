"""Prepared statements for the few verbs that are called all day, and a health check that asks nobody."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as Backend
from psycopg import RawCursor

# Plans are made anew now and then, because tables grow: what was quickest for ten rows is not for a million.
SECONDS_OF_A_PLAN = 10.0
# More than any statement of Django's own is ever repeated: only what asks for it is prepared.
_NEVER = 1_000_000_000


class DatabaseWrapper(Backend):
    """PostgreSQL as Django speaks to it."""

    _prepares = True
    _planned_at = 0.0
    _hot_cursor: RawCursor[tuple[Any, ...]] | None = None

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        self._prepares = str(parameters.pop("prepared_statements", "1")).lower() not in {"0", "false", "no", "off"}
        parameters["prepare_threshold"] = _NEVER if self._prepares else None
        return parameters

    def is_usable(self) -> bool:
        """Tell whether the connection still stands, without a round trip.

        A server that went away, or ended this session, has said so: its word waits on the socket. Between requests
        nothing else may wait there.
        """
        if self.connection is None or self.connection.closed:
            return False
        asked = select.poll()
        try:
            asked.register(self.connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
        except (OSError, ValueError):
            return False
        return not asked.poll(0)

    def run_prepared(self, statement: bytes, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a statement with parameters $1, $2, ..., planned once per connection, and answer its rows.

        It goes past what others have wrapped around cursors: above all past the history, whose facts would travel with
        every statement. Statements that write tables with a history do not belong here.
        """
        self.validate_thread_sharing()
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            self.close_if_health_check_failed()
            self.ensure_connection()
            began = time.monotonic()
            try:
                cursor = self._hot_cursor
                if cursor is None or cursor.connection is not self.connection:
                    cursor = self._hot_cursor = RawCursor(self.connection)
                if began - self._planned_at > SECONDS_OF_A_PLAN:
                    self._planned_at = began
                    cursor.execute("DISCARD PLANS", prepare=False)
                cursor.execute(statement, values, prepare=self._prepares or None)
                result = cursor.pgresult  # `description` would describe every column
                return cursor.fetchall() if result is not None and result.nfields else []
            finally:
                if self.queries_logged:
                    entry = {"sql": statement.decode(), "time": f"{time.monotonic() - began:.3f}"}
                    self.queries_log.append(entry)
