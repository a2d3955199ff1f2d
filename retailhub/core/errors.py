"""Refusals: what a rule of the trade says when it says no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Offence:
    """One offending place in what was sent: a JSON pointer, a stable code, a sentence, and figures that help."""

    pointer: str
    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail, **self.extra}


class DomainError(Exception):
    """A refusal with a stable `code`, a `status` for HTTP, a sentence for people and every offending place.

    Subclasses live beside the service that raises them; their docstring is the default sentence.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, detail: str | None = None, *, errors: Sequence[Offence] = (), **details: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().split("\n")[0]
        self.errors = list(errors)
        self.details = details
        super().__init__(self.detail)

    def moved(self, prefix: str) -> DomainError:
        """Answer the same refusal with every pointer below `prefix`, for a caller who nested the document."""
        return type(self)(
            self.detail,
            errors=[
                Offence(pointer=prefix + e.pointer, code=e.code, detail=e.detail, extra=e.extra) for e in self.errors
            ],
            **self.details,
        )


class Invalid(DomainError):
    """What was sent cannot be understood."""

    code = "invalid"
    status = 400


class Unknown(DomainError):
    """A key names nothing."""

    code = "unknown"
    status = 422


class AmbiguousLine(DomainError):
    """Several lines fit what was said: name the line."""

    code = "ambiguous_line"


class NotAllowed(DomainError):
    """You may not do this."""

    code = "not_allowed"
    status = 403


class NotFound(DomainError):
    """There is nothing here."""

    code = "not_found"
    status = 404


class TryAgain(DomainError):
    """The system is busy with the same goods; try again."""

    code = "try_again"
    status = 503
    retry_after: ClassVar[int] = 1
