"""Prepared statements for the few verbs that are called all day, and a health check that asks nobody."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as Backend

from retailhub.core.postgresql.statements import Statements

# Plans are made anew now and then, because tables grow: what was quickest for ten rows is not for a million.
SECONDS_OF_A_PLAN = 10.0


class DatabaseWrapper(Backend):
    """PostgreSQL as Django speaks to it."""

    _prepares = True
    _planned_at = 0.0
    _statements: Statements | None = None

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        self._prepares = str(parameters.pop("prepared_statements", "1")).lower() not in {"0", "false", "no", "off"}
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
            statements = self._statements
            if statements is None or statements.connection is not self.connection:
                statements = self._statements = Statements(self.connection, prepares=self._prepares)
            began = time.monotonic()
            if began - self._planned_at > SECONDS_OF_A_PLAN:
                self._planned_at = began
                statements.plan_anew()
            try:
                return statements.run(statement, values)
            finally:
                if self.queries_logged:
                    entry = {"sql": statement.decode(), "time": f"{time.monotonic() - began:.3f}"}
                    self.queries_log.append(entry)
