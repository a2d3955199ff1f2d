"""Calls that may be repeated: the first answer is kept under the caller's key and given again.

1. `claim` writes a *running* row with a lease token in a transaction of its own, so that a twin hears "in use" at once
   instead of waiting on the unique index.
2. The work and its answer are saved in one transaction. Saving compares the token and is the last statement: it locks
   the row and refuses a holder whose lease ran out and was taken by a retry, whose work then rolls back with it. The
   row is not locked before the work: a retry that comes while the holder lives must be answered, not kept waiting.
3. Answers 2xx and 409 are kept. A 409 is saved after its work was rolled back: nothing happened, so nothing has to be
   atomic with it. Everything else frees the key.

A process that dies leaves *running* behind; after the lease a retry takes the key with a new token.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from retailhub.core.errors import DomainError, Invalid, TryAgain
from retailhub.core.models import IdempotencyKey
from retailhub.core.sql import prepared_rows, rows
from retailhub.core.transactions import retried

Result = TypeVar("Result")
LONGEST_KEY = 255


class KeyRequired(Invalid):
    """This call makes a document or moves goods or money: send an Idempotency-Key."""

    code = "idempotency_key_required"


class KeyUnusable(Invalid):
    """An Idempotency-Key is a text of at most 255 printable characters."""

    code = "idempotency_key_invalid"


class KeyMismatch(DomainError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_mismatch"
    status = 422


class KeyInUse(DomainError):
    """The first call with this Idempotency-Key is still running."""

    code = "idempotency_key_in_use"
    retry_after = 1


class LeaseLost(TryAgain):
    """This call took so long that a retry took its place; nothing of it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is being asked: by whom, on which route, under which key, with which content."""

    actor: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered, byte by byte."""

    status: int
    body: bytes
    content_type: str
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to do the work of one call: its row and the token of the lease."""

    row: int
    token: uuid.UUID


def answer_once(*, call: Call, work: Callable[[], Answer], refused: Callable[[DomainError], Answer]) -> Answer:
    """Do the work once per call and answer the same ever after.

    `work` runs in one transaction with the saving of its answer, and again from its beginning after a deadlock.
    `refused` writes down a 409 that the work raised. Raises KeyInUse, KeyMismatch, or whatever the work raised, in
    which case the key is free again. Two statements more than the work itself.
    """
    held = claim(call)
    if isinstance(held, Answer):
        return held

    def work_and_save() -> Answer:
        answer = work()
        save([(held, answer)])
        return answer

    try:
        return in_one_transaction(work_and_save)
    except DomainError as refusal:
        if refusal.status != 409:
            release([held])
            raise
        answer = refused(refusal)
        in_one_transaction(lambda: save([(held, answer)]))
        return answer
    except BaseException:
        release([held])
        raise


def claim(call: Call) -> Claim | Answer:
    """Take the key for this call, or answer what was answered before. Raises KeyInUse or KeyMismatch."""
    (outcome,) = claim_all([call])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def claim_all(calls: Sequence[Call]) -> list[Claim | Answer | DomainError]:
    """Take the keys of several calls in one statement; each is taken, answered before, in use or misused on its own.

    Two calls of one batch under one key: the second is in use.
    """
    taken: list[Claim | Answer | DomainError | None] = [None] * len(calls)
    # In the order of the unique index, so that two batches with common keys queue instead of deadlocking.
    todo = sorted(range(len(calls)), key=lambda i: (calls[i].actor, calls[i].route, calls[i].key))
    for _ in range(20):
        tokens = {i: uuid.uuid4() for i in todo}
        unseen: dict[tuple[str, str, str], int] = {}
        for i in todo:
            name = (calls[i].actor, calls[i].route, calls[i].key)
            first = unseen.setdefault(name, i)
            if first != i:
                same = calls[first].fingerprint == calls[i].fingerprint
                taken[i] = KeyInUse() if same else KeyMismatch()
        for row in _insert_or_look([calls[i] for i in unseen.values()], [tokens[i] for i in unseen.values()]):
            i = unseen.pop((row.actor, row.route, row.key))
            taken[i] = _judge(row, calls[i], tokens[i])
        todo = [i for i in todo if taken[i] is None]
        if not todo:
            break
        # A twin's row that was committed, or removed, between our snapshot and our insert: look again.
    return [outcome or KeyInUse() for outcome in taken]


@dataclass(frozen=True, slots=True)
class _Row:
    actor: str
    route: str
    key: str
    id: int
    fresh: bool
    fingerprint: str
    state: str
    lease: uuid.UUID
    expired: bool
    status: int | None
    body: bytes | None
    content_type: str


def _insert_or_look(calls: Sequence[Call], tokens: Sequence[uuid.UUID]) -> list[_Row]:
    found = prepared_rows(
        """
        WITH asked AS (
            SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[])
                AS a(actor, route, key, fingerprint, lease)
        ), fresh AS (
            INSERT INTO core_idempotencykey
                (actor, route, key, fingerprint, state, lease, leased_until, content_type, created_at)
            SELECT actor, route, key, fingerprint, 'running', lease,
                clock_timestamp() + make_interval(secs => %s), '', clock_timestamp()
            FROM asked
            ON CONFLICT (actor, route, key) DO NOTHING
            RETURNING actor, route, key, id
        )
        SELECT actor, route, key, id, true, '', 'running', NULL::uuid, false, NULL, NULL, '' FROM fresh
        WHERE %s OR set_config('synchronous_commit', 'off', true) = 'off'
        UNION ALL
        SELECT k.actor, k.route, k.key, k.id, false, k.fingerprint, k.state, k.lease,
            k.leased_until < clock_timestamp(), k.status, k.body, k.content_type
        FROM core_idempotencykey k JOIN asked USING (actor, route, key)
        """,
        [
            [call.actor for call in calls],
            [call.route for call in calls],
            [call.key for call in calls],
            [call.fingerprint for call in calls],
            list(tokens),
            float(settings.IDEMPOTENCY_LEASE_SECONDS),
            # A claim of its own need not reach the disk at once: should the machine stop now, the work is not done
            # either, and if it is, its commit comes later in the log and takes the claim along.
            connection.in_atomic_block,
        ],
    )
    return [_Row(*row) for row in found]


def _judge(row: _Row, call: Call, token: uuid.UUID) -> Claim | Answer | DomainError | None:
    if row.fresh:
        return Claim(row=row.id, token=token)
    if row.fingerprint != call.fingerprint:
        return KeyMismatch()
    if row.state == IdempotencyKey.State.DONE:
        return Answer(status=row.status or 0, body=bytes(row.body or b""), content_type=row.content_type, replayed=True)
    if not row.expired:
        return KeyInUse()
    # Its holder died or is late. Whoever changes the token first has the key; the late one cannot save any more.
    won = rows(
        """
        UPDATE core_idempotencykey
        SET lease = %s, leased_until = clock_timestamp() + make_interval(secs => %s)
        WHERE id = %s AND lease = %s AND state = 'running' RETURNING id
        """,
        [token, settings.IDEMPOTENCY_LEASE_SECONDS, row.id, row.lease],
    )
    return Claim(row=row.id, token=token) if won else None


def save(answers: Sequence[tuple[Claim, Answer]]) -> None:
    """Keep the answers, in the transaction of their work. Raises LeaseLost when one of the claims is no longer ours."""
    saved = prepared_rows(
        """
        UPDATE core_idempotencykey k
        SET state = 'done', status = a.status, body = a.body, content_type = a.content_type
        FROM unnest(%s::bigint[], %s::uuid[], %s::smallint[], %s::bytea[], %s::text[])
            AS a(id, lease, status, body, content_type)
        WHERE k.id = a.id AND k.lease = a.lease RETURNING k.id
        """,
        [
            [held.row for held, _ in answers],
            [held.token for held, _ in answers],
            [answer.status for _, answer in answers],
            [answer.body for _, answer in answers],
            [answer.content_type for _, answer in answers],
        ],
    )
    if len(saved) != len(answers):
        raise LeaseLost


def release(claims: Sequence[Claim]) -> None:
    """Free the keys of work that left nothing behind. What cannot be freed now is free once its lease has run out."""
    with suppress(DatabaseError):
        rows(
            """
            DELETE FROM core_idempotencykey k USING unnest(%s::bigint[], %s::uuid[]) AS a(id, lease)
            WHERE k.id = a.id AND k.lease = a.lease AND k.state = 'running' RETURNING k.id
            """,
            [[held.row for held in claims], [held.token for held in claims]],
        )


def in_one_transaction(work: Callable[[], Result]) -> Result:
    """Run the work in a transaction, again from its beginning after a deadlock or when a twin took a unique key.

    Inside an open transaction, as in most tests, it gets a savepoint instead, so that a refusal still undoes its work.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return work()
    return retried(on_twin=True)(work)()


def forget_answers(*, older_than: datetime, batch: int = 5_000) -> int:
    """Remove answers given before then, some thousand at a time; answers how many there were."""
    total = 0
    while True:
        gone = rows(
            """
            DELETE FROM core_idempotencykey WHERE id IN (
                SELECT id FROM core_idempotencykey WHERE created_at < %s ORDER BY created_at LIMIT %s
                FOR UPDATE SKIP LOCKED
            ) RETURNING id
            """,
            [older_than, batch],
        )
        total += len(gone)
        if len(gone) < batch:
            return total
