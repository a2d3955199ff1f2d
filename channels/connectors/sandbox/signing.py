"""Is this message from the shop? Standard Webhooks: HMAC-SHA256 over id, timestamp and the raw body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.connectors.base import Ping, Rejected, WebhookEvent, WebhookVerdict
from channels.connectors.sandbox.mapping import Unreadable, instant

TOLERANCE = timedelta(minutes=5)
MOST_BYTES = 1024 * 1024
SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one
VERSION = "v1"
_TIMESTAMP = re.compile(r"\d{1,12}\Z", re.ASCII)
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,255}\Z", re.ASCII)
_MOST_SIGNATURES = 16


def verify(headers: Mapping[str, str], raw_body: bytes, *, secrets: Sequence[str], now: datetime) -> WebhookVerdict:
    """Believe the message or say why not. The body is not looked into before its signature is right."""
    told = {name.lower(): value for name, value in headers.items()}
    event_id, timestamp = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    signatures = told.get("webhook-signature", "")
    if not (event_id and timestamp and signatures):
        return Rejected(reason="header_missing")
    if len(raw_body) > MOST_BYTES:
        return Rejected(reason="too_large")
    if not _EVENT_ID.match(event_id) or not _TIMESTAMP.match(timestamp):
        return Rejected(reason="header_malformed")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return Rejected(reason="out_of_time")
    if not _signed(event_id, timestamp, raw_body, signatures, secrets):
        return Rejected(reason="signature_wrong")
    return _read(event_id, raw_body)


def _signed(event_id: str, timestamp: str, raw_body: bytes, signatures: str, secrets: Sequence[str]) -> bool:
    content = f"{event_id}.{timestamp}.".encode() + raw_body
    keys = [key for key in map(_key, secrets) if key]
    good = False
    for signature in signatures.split(" ")[:_MOST_SIGNATURES]:
        version, _, value = signature.partition(",")
        given = _strict_base64(value) if version == VERSION else None
        for key in keys:
            right = hmac.new(key, content, hashlib.sha256).digest()
            # No early end: how long this takes shall not tell which secret or which byte was right.
            good |= hmac.compare_digest(right, given if given is not None else b"")
    return good


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _strict_base64(value: str) -> bytes | None:
    """Bytes of the one standard way to write them; other spellings of the same bytes are not accepted."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == value else None


def _read(event_id: str, raw_body: bytes) -> WebhookVerdict:
    try:
        body: Any = json.loads(raw_body)
    except (ValueError, RecursionError):
        return Rejected(reason="body_unreadable")
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        return Rejected(reason="body_unreadable")
    if body["type"] == "ping":
        return Ping(event_id=event_id)
    data = body.get("data")
    order_id = data.get("order_id") if isinstance(data, dict) else None
    version = data.get("version") if isinstance(data, dict) else None
    if not isinstance(order_id, str) or not order_id:
        return Rejected(reason="body_unreadable")
    try:
        occurred_at = instant(body.get("timestamp"))
    except Unreadable:
        return Rejected(reason="body_unreadable")
    return WebhookEvent(
        event_id=event_id,
        topic=body["type"],
        external_id=order_id,
        version=version if isinstance(version, int) and not isinstance(version, bool) else None,
        occurred_at=occurred_at,
    )
