"""One worker at a time stays with an account: a lease, short enough that a dead worker holds nobody up."""

from __future__ import annotations

import uuid

from retailhub.core.sql import rows

TURN_SECONDS = 5.0

_TAKE = """
UPDATE channels_account SET pushing_token = %s, pushing_until = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s AND (pushing_until IS NULL OR pushing_until < clock_timestamp() OR pushing_token = %s) RETURNING id
"""

_END = """
UPDATE channels_account SET pushing_token = NULL, pushing_until = NULL WHERE id = %s AND pushing_token = %s RETURNING id
"""


def take_turn(account_id: int, turn: uuid.UUID | None = None) -> uuid.UUID | None:
    """Answer the token of a new turn, or `turn` made longer; None while another worker has it.

    A call that takes longer than the turn lets a second worker in. That is harmless, and better than to wait for a
    channel that hangs: figures are claimed one by one.
    """
    token = turn or uuid.uuid4()
    return token if rows(_TAKE, [token, TURN_SECONDS, account_id, token]) else None


def end_turn(account_id: int, turn: uuid.UUID) -> None:
    rows(_END, [account_id, turn])
