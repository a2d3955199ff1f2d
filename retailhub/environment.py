"""Settings that differ between machines, read from the environment once, with an error at start when one is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit


class BadSetting(RuntimeError):
    """An environment variable holds something that cannot be used."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """Read 1/0, true/false, yes/no, on/off; anything else stops the start."""
    raw = text(name).lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name} must be 1 or 0, not {raw!r}")


def number(name: str, default: int) -> int:
    raw = text(name)
    if not raw:
        return default
    if not raw.isdecimal():
        raise BadSetting(f"{name} must be a whole number, not {raw!r}")
    return int(raw)


def words(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list; empty entries are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def folder(name: str, default: Path) -> Path:
    raw = text(name)
    return Path(raw).expanduser().resolve() if raw else default


def database(url: str) -> dict[str, object]:
    """Translate `postgresql://user:password@host:port/name?sslmode=require` into Django's dictionary."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting("DATABASE_URL must begin with postgresql://")
    return {
        "ENGINE": "retailhub.core.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "retailhub",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
