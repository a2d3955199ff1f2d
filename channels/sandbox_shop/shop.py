"""One running shop: its name, its file, its clock, its limits and its faults."""

from __future__ import annotations

import json
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from channels.sandbox_shop import messages
from channels.sandbox_shop.clock import Clock
from channels.sandbox_shop.faults import FaultScript
from channels.sandbox_shop.limits import TokenBucket
from channels.sandbox_shop.sender import Sender
from channels.sandbox_shop.store import Store, read_setting, write_setting

API_KEY = "api_key"
CONTROL_KEY = "control_key"
PAGE_KEY = "page_key"
CREDENTIALS_FILE = "shop.json"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line said. Keys that are None are made once and kept in the shop's file."""

    name: str
    data: Path
    api_key: str | None = None
    control_key: str | None = None
    webhook_secret: str | None = None
    webhook_url: str | None = None
    webhook_pause: float = 1.0
    calls_per_second: float = 50.0
    burst: int = 100
    latency: float = 0.0


class Shop:
    def __init__(self, settings: Settings) -> None:
        settings.data.mkdir(parents=True, exist_ok=True)
        self.name = settings.name
        self.data = settings.data
        self._settings = settings
        self.store = Store(settings.data / "shop.sqlite3")
        self.clock = Clock()
        self.faults = FaultScript()
        self.bucket = TokenBucket(settings.calls_per_second, settings.burst)
        self.latency = settings.latency
        self.closing = threading.Event()
        self.sender = Sender(self.store, self.clock, self.faults, self.closing, pause=settings.webhook_pause)
        self._keep_keys(settings)

    @property
    def number_prefix(self) -> str:
        """What order numbers begin with: the last word of the name, "A-" for "Sandbox A"."""
        letters = "".join(letter for letter in self.name.split()[-1] if letter.isalnum())
        return f"{letters[:12].upper()}-" if letters else ""

    def calm_down(self) -> None:
        """End all scripted trouble: no faults, the right time, the limits of the command line."""
        self.faults.load([], 0)
        self.clock.skew(0)
        self.bucket.set(self._settings.calls_per_second, self._settings.burst)
        self.latency = self._settings.latency

    def secret(self, name: str) -> str:
        """A key of the shop. Every one is there from the start."""
        value = self.store.setting(name)
        if value is None:
            raise LookupError(name)
        return value

    def open_doors(self, base_url: str) -> None:
        """Begin to send messages and leave a note of where to find the shop and its keys, for its owner's eyes only."""
        self.sender.start()
        told = {
            "name": self.name,
            "base_url": base_url,
            "api_key": self.secret(API_KEY),
            "control_key": self.secret(CONTROL_KEY),
            "webhook_secret": self.secret(messages.SECRET),
            "pid": os.getpid(),
        }
        note = self.data / CREDENTIALS_FILE
        fresh = note.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(told, file, indent=2)
        fresh.replace(note)

    def close(self) -> None:
        self.closing.set()
        self.sender.ring()
        if self.sender.is_alive():
            self.sender.join(timeout=6)
        self.store.close()

    def _keep_keys(self, settings: Settings) -> None:
        keys = {
            API_KEY: (settings.api_key, f"sandbox_{secrets.token_urlsafe(24)}"),
            CONTROL_KEY: (settings.control_key, f"control_{secrets.token_urlsafe(24)}"),
            messages.SECRET: (
                settings.webhook_secret and messages.checked_secret(settings.webhook_secret),
                messages.new_secret(),
            ),
            PAGE_KEY: (None, secrets.token_urlsafe(48)),
        }
        with self.store.transaction() as db:
            for name, (given, made) in keys.items():
                if given or read_setting(db, name) is None:
                    write_setting(db, name, given or made)
            if settings.webhook_url:
                write_setting(db, messages.TARGET, messages.check_target(settings.webhook_url))


class _Present:
    shop: Shop | None = None


def open_shop(shop: Shop) -> None:
    """Make this the shop of the process; the views ask for it."""
    _Present.shop = shop


def the_shop() -> Shop:
    if _Present.shop is None:
        raise LookupError("no shop is open in this process")
    return _Present.shop
