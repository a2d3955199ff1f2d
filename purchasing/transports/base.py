"""What carries papers to suppliers: one small protocol, whatever the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from purchasing.models import Supplier


class Outcome(StrEnum):
    SENT = "sent"
    RETRY = "retry"
    """It did not work now; the same paper may well get through later."""
    PERMANENT = "permanent"
    """It will not work like this: somebody has to change something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper on its way: where to, what it is called, and the page itself.

    `message_id` stays the same however often it is tried, so that a paper that is sent twice can be told as one.
    """

    kind: str
    number: str
    revision: int | None
    address: str
    language: str
    supplier_name: str
    message_id: str
    file_name: str
    content: bytes
    content_type: str = "application/pdf"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it; `error` says in words why it was not sent."""

    outcome: Outcome
    error: str = ""


@runtime_checkable
class Transport(Protocol):
    """A way papers travel. `send` is called with no transaction open, and may be called again for the same paper."""

    key: str
    label: str

    def address_of(self, supplier: Supplier) -> str:
        """Answer where the supplier's papers go by this way; nothing where he cannot be reached by it."""
        ...

    def send(self, paper: Paper) -> Told:
        """Send it, and say what came of it. Raises for nothing that the other side or the road does."""
        ...
