"""The same key, the same answer: what has been done once is not done again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.sandbox_shop.refusals import Refusal

KEPT_FOR = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Answer:
    payload: dict[str, Any]
    status: int = 200
    replayed: bool = False
    final: bool = True  # nothing was done and it may be tried again under the same key: not final


def once(
    db: sqlite3.Connection, *, operation: str, key: str, raw: bytes, act: Callable[[], Answer], subject: str = ""
) -> Answer:
    """Act and keep the answer under the key, or give the kept answer again. Part of the caller's transaction.

    What changed nothing is not kept, be it a refusal or an answer that is not final: the caller may try again.
    """
    digest = hashlib.sha256(subject.encode() + b"\0" + raw).hexdigest()
    kept = db.execute("SELECT * FROM answer WHERE operation = ? AND key = ?", (operation, key)).fetchone()
    if kept is not None:
        if kept["digest"] != digest:
            raise Refusal(422, "key_reused", "This key was used for another request.", field="Idempotency-Key")
        return Answer(json.loads(kept["payload"]), kept["status"], replayed=True)
    answer = act()
    if not answer.final:
        return answer
    now = time.time()
    db.execute("DELETE FROM answer WHERE answered_at < ?", (now - KEPT_FOR,))
    db.execute(
        "INSERT INTO answer (operation, key, digest, status, payload, answered_at) VALUES (?, ?, ?, ?, ?, ?)",
        (operation, key, digest, answer.status, json.dumps(answer.payload), now),
    )
    return answer
