"""Why an electronic invoice was not read, and where exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retailhub.core.errors import DomainError, Offence

MOST_TROUBLES = 50
MOST_SHOWN = 200


class UnreadableDocument(DomainError):
    """This file cannot be read as an invoice."""

    code = "unreadable_document"
    status = 422


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One place that cannot be read: the attachment of a PDF, the line of its text and the path to its element."""

    code: str
    detail: str
    attachment: str = ""
    line: int | None = None
    element: str = ""

    def where(self, file: str) -> str:
        """Answer the place as people read it."""
        parts = [file]
        if self.attachment:
            parts.append(f"attachment {self.attachment}")
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.element:
            parts.append(self.element)
        return ", ".join(parts)

    def as_plain(self) -> dict[str, Any]:
        return asdict(self)


class NotReadable(Exception):
    """Raised where reading stops, with every trouble that was seen until then."""

    def __init__(self, *troubles: Trouble) -> None:
        self.troubles = troubles
        super().__init__("; ".join(trouble.detail for trouble in troubles))


def shown(value: object) -> str:
    """Answer a value from the file as a refusal quotes it: printable and of bounded length."""
    text = "".join(c if c.isprintable() else "�" for c in str(value)[: MOST_SHOWN + 1])
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def refusal(file: str, troubles: Sequence[Trouble]) -> UnreadableDocument:
    """Answer the refusal that names every trouble. The pointer is the uploaded field; the place is beside it."""
    named = troubles[:MOST_TROUBLES]
    errors = [
        Offence(
            pointer="/file",
            code=trouble.code,
            detail=f"{trouble.where(file)}: {trouble.detail}",
            extra={"file": file, **{k: v for k, v in trouble.as_plain().items() if k in _PLACES and v}},
        )
        for trouble in named
    ]
    first = errors[0].detail if errors else f"{file} cannot be read as an invoice."
    more = len(troubles) - 1
    return UnreadableDocument(first if more < 1 else f"{first} (and {more} more)", errors=errors)


_PLACES = ("attachment", "line", "element")
