"""The table of subscriptions, found by its setting so that the ground floor does not import the roof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

Listener = Callable[[Sequence[dict[str, Any]]], None]


@lru_cache(maxsize=1)
def subscriptions() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = import_string(settings.OUTBOX_SUBSCRIPTIONS)
    return table


def listeners_of(event: str) -> tuple[str, ...]:
    """Answer the dotted names of the functions that hear the event."""
    return subscriptions().get(event, ())


@lru_cache(maxsize=64)
def listener(path: str) -> Listener:
    """Answer the function behind a dotted name: it takes a list of payloads and may be called twice with one.

    Each payload is what was published, and `at`: when the transaction of the event began.
    """
    found: Listener = import_string(path)
    return found
