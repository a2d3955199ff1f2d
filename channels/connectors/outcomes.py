"""How a write to a channel can end: one outcome per item, and the errors that concern a whole call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    UNCHANGED = "unchanged"  # the channel had this value already
    PENDING = "pending"  # taken, not yet applied: ask again with `ref`
    STALE = "stale"  # refused: the channel holds another figure (`actual`) or a newer version
    REJECTED = "rejected"  # refused for good: `code`, `message`, `field`
    THROTTLED = "throttled"  # certainly not applied; try again after `retry_after` seconds
    UNKNOWN = "unknown"  # sent, no answer: read back, or repeat under the same key


_COMPULSORY = {
    Outcome.PENDING: "ref",
    Outcome.STALE: "actual",
    Outcome.REJECTED: "code",
    Outcome.THROTTLED: "retry_after",
}


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """What became of one item of a batch; `key` is the key of the item that was sent.

    `external_id` is the channel's id of the thing made or changed. After STALE, `actual` and `actual_version` are what
    the channel holds now. `replayed` says that the channel had done this before under the same key.
    """

    key: str
    outcome: Outcome
    external_id: str | None = None
    ref: str | None = None
    actual: int | None = None
    actual_version: int | None = None
    code: str = ""
    message: str = ""
    field: str | None = None
    retry_after: float | None = None
    replayed: bool = False

    def __post_init__(self) -> None:
        needed = _COMPULSORY.get(self.outcome)
        if needed and getattr(self, needed) in (None, ""):
            raise ValueError(f"a {self.outcome} result needs `{needed}`")

    @property
    def applied(self) -> bool:
        """The channel now holds what was asked for."""
        return self.outcome in (Outcome.OK, Outcome.UNCHANGED)


class ConnectorError(Exception):
    """A whole call failed. The message is fit to be shown to the operator."""

    code = "connector_error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class Retryable(ConnectorError):
    """Nothing was applied, or repeating it under the same key is harmless. `retry_after` is in seconds."""

    code = "retryable"

    def __init__(self, message: str, *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class NeedsAuth(ConnectorError):
    """The channel does not accept our credentials: a person must look."""

    code = "needs_auth"


class Permanent(ConnectorError):
    """Repeating will not help: the request or the account settings are wrong."""

    code = "permanent"

    def __init__(self, message: str, *, code: str = "", field: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class NotFound(Permanent):
    """The channel says it has no such thing. That is not yet proof that it was deleted."""

    code = "not_found"


class Unsupported(Permanent):
    """The connector does not declare the capability of this verb."""

    code = "unsupported"


class Unknown(ConnectorError):
    """The request was sent and no usable answer came: it may or may not have been applied."""

    code = "unknown"
