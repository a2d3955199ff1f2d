"""Transport: one HTTP call to a Sandbox shop, and what its ending means."""

from __future__ import annotations

import ipaddress
import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import stamina

from channels.connectors.base import AccountSettings
from channels.connectors.outcomes import NeedsAuth, NotFound, Permanent, Retryable, Unknown

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 20.0
MOST_BYTES = 16 * 1024 * 1024
LONGEST_WAIT = 15 * 60.0


class Throttled(Retryable):
    """The shop asks for patience; nothing was applied. `retry_after` is always set."""

    code = "throttled"


@dataclass(frozen=True)
class Reply:
    payload: dict[str, Any]
    replayed: bool


class SandboxClient:
    """Keeps connections alive across calls and threads; makes new ones after a fork, and after `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._owner = 0

    def close(self) -> None:
        with self._lock:
            if self._http is not None and self._owner == os.getpid():
                self._http.close()
            self._http = None

    def read(self, account: AccountSettings, path: str, params: Any = None) -> dict[str, Any]:
        """Ask for something. A broken line is tried once more; asking changes nothing."""
        for attempt in stamina.retry_context(
            on=_BrokenLine, attempts=2, timeout=None, wait_initial=0.05, wait_jitter=0.1, wait_max=0.2
        ):
            with attempt:
                try:
                    return self._call(account, "GET", path, params=params).payload
                except Unknown as broken:
                    raise _BrokenLine(broken.message, code=broken.code) from broken
        raise AssertionError("unreachable")

    def write(
        self, account: AccountSettings, method: str, path: str, body: Mapping[str, Any], *, key: str | None = None
    ) -> Reply:
        """Ask for a change, once. Raises Unknown when it was sent and nobody knows what became of it."""
        return self._call(account, method, path, body=body, key=key)

    def _call(
        self,
        account: AccountSettings,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Reply:
        total = float(account.options.get("timeout_seconds", TOTAL_SECONDS))
        until = time.monotonic() + total
        headers = {"X-Api-Key": account.credentials.get("api_key", ""), "Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        if key is not None:
            headers["Idempotency-Key"] = key
        url = base_url(account) + path
        try:
            timeout = httpx.Timeout(total, connect=min(CONNECT_SECONDS, total))
            with self._client().stream(
                method, url, params=params, content=content, headers=headers, timeout=timeout
            ) as response:
                raw = _read_within(response, until)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as trouble:
            raise Retryable(f"The shop cannot be reached ({type(trouble).__name__}).", code="unreachable") from trouble
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as trouble:
            raise Permanent(
                "The address or the key of this account cannot be used.", code="invalid_account"
            ) from trouble
        except httpx.TransportError as trouble:
            raise Unknown(f"No answer came ({type(trouble).__name__}).", code="no_answer") from trouble
        return _judge(response, raw)

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._http is None or self._owner != os.getpid():
                # A connection inherited over a fork belongs to two processes: leave it, do not close it.
                self._owner = os.getpid()
                self._http = httpx.Client(
                    follow_redirects=False,
                    trust_env=False,
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # never used: no certificates need loading
                    limits=httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30),
                )
            return self._http


class _BrokenLine(Retryable):
    """A question that got no answer."""


def base_url(account: AccountSettings) -> str:
    """The account's address, if it is one that a sandbox may have: on this machine, plain http."""
    try:
        parts = urlsplit(account.base_url)
        host, port = parts.hostname or "", parts.port
        near = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        near, port = False, None
    if not near or parts.scheme != "http" or parts.username or parts.password or parts.query or parts.fragment:
        raise Permanent(
            "A Sandbox shop lives on this machine: the address must be http://127.0.0.1:port.",
            code="address_not_allowed",
            field="base_url",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def path_part(external_id: str) -> str:
    """An id as one part of a path, whatever it is made of."""
    return quote(external_id, safe="") if external_id not in (".", "..") else "-"


def _read_within(response: httpx.Response, until: float) -> bytes:
    """The body, not too much of it and not for too long."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise httpx.ReadError("the answer is too long")
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the answer takes too long")
    return b"".join(chunks)


def _judge(response: httpx.Response, raw: bytes) -> Reply:
    """Turn an answer into a payload or the error it means."""
    status = response.status_code
    payload: Any = None
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        if response.is_success:
            raise Unknown("The answer is not complete.", code="unreadable_answer") from None
    if response.is_success:
        if not isinstance(payload, dict):
            raise Unknown("The answer is not what the shop's API promises.", code="unreadable_answer")
        return Reply(payload, replayed=response.headers.get("Idempotency-Replayed") == "true")
    code, message, field = _told(payload, status)
    if status == 429:
        wait = _wait(response)
        raise Throttled(message, code=code, retry_after=1.0 if wait is None else wait)
    if status in (401, 403):
        raise NeedsAuth(message, code=code)
    if status in (408, 425) or status >= 500:
        raise Retryable(message, code=code, retry_after=_wait(response))
    if status == 404:
        raise NotFound(message, code=code, field=field)
    raise Permanent(message, code=code, field=field)


def _told(payload: Any, status: int) -> tuple[str, str, str | None]:
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return f"http_{status}", f"The shop answered with HTTP {status}.", None
    field = error.get("field")
    return (
        str(error.get("code") or f"http_{status}")[:100],
        str(error.get("message") or f"The shop answered with HTTP {status}.")[:500],
        str(field)[:100] if field is not None else None,
    )


def _wait(response: httpx.Response) -> float | None:
    """Seconds from Retry-After, within reason; None when it says nothing usable."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, LONGEST_WAIT) if seconds >= 0 else None
