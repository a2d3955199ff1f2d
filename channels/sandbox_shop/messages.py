"""News for whoever registered a URL: noted with the change itself, sent afterwards, signed, until it is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import sqlite3
import time
from typing import Any
from urllib.parse import urlsplit

from channels.sandbox_shop.refusals import bad_value
from channels.sandbox_shop.store import read_setting

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one
TARGET = "webhook_url"
SECRET = "webhook_secret"  # noqa: S105 - the name of a setting


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The Standard Webhooks signature: base64 of HMAC-SHA256 over id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def checked_secret(secret: str) -> str:
    """The secret, if its bytes can be read and are enough."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or len(key) < 24:
        raise bad_value("webhook_secret", f"Must be {SECRET_PREFIX} and at least 24 bytes in base64.")
    return secret


def check_target(url: str) -> str:
    """Only this machine may be told: a sandbox talks to nobody else."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as trouble:
        raise bad_value("url", "This is not a URL.") from trouble
    if parts.scheme != "http" or not host or parts.username or parts.password:
        raise bad_value("url", "Must be an http URL without a user name.")
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if not near:
        raise bad_value("url", "Must be on this machine: 127.0.0.1, ::1 or localhost.")
    return url


def announce(db: sqlite3.Connection, topic: str, sale_id: int, *, now: str) -> None:
    """Note the news in the transaction of the change. Nobody registered, nothing to send."""
    if not read_setting(db, TARGET):
        return
    sale = db.execute("SELECT id, number, version, status FROM sale WHERE id = ?", (sale_id,)).fetchone()
    data = {"order_id": str(sale["id"]), "number": sale["number"], "version": sale["version"], "status": sale["status"]}
    enqueue(db, topic, data, now=now)


def enqueue(db: sqlite3.Connection, topic: str, data: dict[str, Any], *, now: str) -> str:
    event_id = f"msg_{secrets.token_hex(12)}"
    body = json.dumps({"type": topic, "timestamp": now, "data": data}, separators=(",", ":"), ensure_ascii=False)
    db.execute(
        "INSERT INTO message (event_id, topic, body, due_at) VALUES (?, ?, ?, ?)", (event_id, topic, body, time.time())
    )
    return event_id


def counts(db: sqlite3.Connection) -> dict[str, int]:
    told = {"waiting": 0, "sent": 0, "dropped": 0, "dead": 0}
    for row in db.execute("SELECT state, COUNT(*) AS many FROM message GROUP BY state"):
        told[row["state"]] = row["many"]
    return told
