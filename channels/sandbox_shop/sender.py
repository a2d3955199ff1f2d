"""The thread that carries messages out: at least once, again after a pause, with the scripted mischief."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from channels.sandbox_shop import journal, messages
from channels.sandbox_shop.clock import Clock
from channels.sandbox_shop.faults import MESSAGE_PREFIX, FaultScript, Rule
from channels.sandbox_shop.store import Store, read_setting

log = logging.getLogger(__name__)

PAUSES = (1, 2, 5, 10, 30, 60, 300)
MOST_ATTEMPTS = len(PAUSES) + 1
HELD_AT_MOST = 1.0
PATIENCE = 5.0
KEPT_MESSAGES = 10_000


class Sender(threading.Thread):
    """Sends one message after another. `pause` is the unit of the pauses between attempts, in seconds."""

    def __init__(
        self, store: Store, clock: Clock, faults: FaultScript, closing: threading.Event, *, pause: float
    ) -> None:
        super().__init__(name="sandbox-shop-sender", daemon=True)
        self._store = store
        self._clock = clock
        self._faults = faults
        self._closing = closing
        self._pause = pause
        self._bell = threading.Event()

    def ring(self) -> None:
        """There is something to send."""
        self._bell.set()

    def run(self) -> None:
        while not self._closing.is_set():
            self._bell.clear()
            try:
                wait = self._work()
            except sqlite3.Error:
                if not self._closing.is_set():
                    log.exception("the message queue could not be read")
                wait = 1.0
            if wait > 0:
                self._bell.wait(wait)

    def _work(self) -> float:
        """Send what is due first; answers how long to wait before the next."""
        with self._store.reading() as db:
            message = db.execute("SELECT * FROM message WHERE state = 'waiting' ORDER BY due_at, id LIMIT 1").fetchone()
            target = read_setting(db, messages.TARGET)
            secret = read_setting(db, messages.SECRET)
        if message is None or not target or not secret:
            return 5.0
        early = float(message["due_at"]) - time.time()
        if early > 0:
            return min(early, 5.0)
        rule = None if message["scripted"] else self._faults.next_for(MESSAGE_PREFIX + message["topic"])
        if rule is not None and self._put_aside(message, rule):
            return 0.0
        if rule is not None and rule.kind == "forged":
            self._forge(message, target)
        error = ""
        for _ in range(1 + (rule.copies if rule is not None and rule.kind == "duplicate" else 0)):
            error = self._post(message["event_id"], message["topic"], message["body"].encode(), target, secret)
        self._note(message, error)
        return 0.0

    def _put_aside(self, message: sqlite3.Row, rule: Rule) -> bool:
        """Drop, delay or hold back, if that is the mischief; otherwise the message goes out now."""
        state, due_at, held = "waiting", time.time(), 0
        if rule.kind == "drop":
            state = "dropped"
        elif rule.kind == "delay":
            due_at += rule.seconds
        elif rule.kind == "reorder":
            due_at, held = due_at + (rule.seconds or HELD_AT_MOST), 1
        else:
            return False
        with self._store.transaction() as db:
            db.execute(
                "UPDATE message SET state = ?, due_at = ?, held = ?, scripted = 1 WHERE id = ?",
                (state, due_at, held, message["id"]),
            )
            journal.write(db, journal.MESSAGE, _told(message) | {"mischief": rule.kind})
        return True

    def _forge(self, message: sqlite3.Row, target: str) -> None:
        """Send a lie ahead of the truth: a cancelled order, signed with somebody else's secret."""
        body = json.loads(message["body"])
        body["data"]["status"] = "cancelled"
        body["data"]["version"] = int(body["data"].get("version", 0)) + 1000
        raw = json.dumps(body, separators=(",", ":")).encode()
        self._post(f"msg_forged_{message['event_id']}", "order.cancelled", raw, target, messages.new_secret())

    def _post(self, event_id: str, topic: str, body: bytes, target: str, secret: str) -> str:
        """Deliver once; answers the trouble, or nothing."""
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "content-type": "application/json",
            "user-agent": "sandbox-shop",
            "webhook-id": event_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": messages.sign(secret, event_id, timestamp, body),
        }
        try:
            status = _deliver(target, body, headers)
            error = "" if 200 <= status < 300 else f"HTTP {status}"
        except (OSError, HTTPException, ValueError) as trouble:
            error = type(trouble).__name__
        with self._store.transaction() as db:
            journal.write(db, journal.MESSAGE, {"event_id": event_id, "topic": topic, "error": error})
        return error

    def _note(self, message: sqlite3.Row, error: str) -> None:
        attempts = message["attempts"] + 1
        state, due_at = "sent", time.time()
        if error:
            state = "dead" if attempts >= MOST_ATTEMPTS else "waiting"
            due_at += self._pause * PAUSES[min(attempts, len(PAUSES)) - 1]
        with self._store.transaction() as db:
            db.execute(
                "UPDATE message SET state = ?, attempts = ?, due_at = ?, last_error = ?, scripted = 1 WHERE id = ?",
                (state, attempts, due_at, error, message["id"]),
            )
            if not error:  # what was held back may follow now, overtaken
                db.execute("UPDATE message SET due_at = ?, held = 0 WHERE held = 1", (time.time(),))
            db.execute("DELETE FROM message WHERE state <> 'waiting' AND id <= ?", (message["id"] - KEPT_MESSAGES,))


def _deliver(target: str, body: bytes, headers: dict[str, str]) -> int:
    """Post once, follow nothing; answers the status."""
    parts = urlsplit(target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)) as line:
        line.request("POST", path, body, headers)
        return line.getresponse().status


def _told(message: sqlite3.Row) -> dict[str, str]:
    return {"event_id": message["event_id"], "topic": message["topic"]}
