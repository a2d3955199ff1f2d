"""Papers that were uploaded and are being typed: kept until there is an invoice to keep them with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from secrets import token_hex
from typing import IO, Any

from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from purchasing.einvoices.limits import USUAL
from retailhub.core.errors import DomainError

_FOLDER = "invoices/waiting"
_SALT = "purchasing.waiting_papers"


class NoPdf(DomainError):
    """Only a PDF can stand beside what is typed."""

    code = "no_pdf"
    status = 422


class PaperTooLarge(DomainError):
    """A PDF has 50 MB at most."""

    code = "too_large"
    status = 422


def keep_paper(*, file: IO[bytes], actor: str) -> str:
    """Keep a PDF for whoever types it, and answer the token that he, and nobody else, gets it back for.

    Raises NoPdf and PaperTooLarge; then nothing is kept.
    """
    content = file.read(USUAL.pdf_bytes + 1)
    if len(content) > USUAL.pdf_bytes:
        raise PaperTooLarge
    if not content.startswith(b"%PDF-"):
        raise NoPdf
    name = default_storage.save(f"{_FOLDER}/{token_hex(16)}.pdf", ContentFile(content))
    return signing.dumps([name.rpartition("/")[2], actor], salt=_SALT, compress=True)


def paper_of(token: str, *, actor: str) -> str:
    """Answer where the paper lies, or nothing: it is another person's, was used, or never was."""
    try:
        name, owner = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return ""
    path = f"{_FOLDER}/{name}"
    return path if owner == actor and default_storage.exists(path) else ""


@contextmanager
def opened(path: str) -> Iterator[IO[Any]]:
    with default_storage.open(path, "rb") as file:
        yield file


def forget_paper(path: str) -> None:
    """Let go of a paper that stands with its invoice by now."""
    default_storage.delete(path)


def sweep_papers(*, kept_since: datetime) -> int:
    """Let go of papers that nobody came back for. Answers how many."""
    try:
        _folders, names = default_storage.listdir(_FOLDER)
    except FileNotFoundError:
        return 0
    gone = 0
    for name in names:
        path = f"{_FOLDER}/{name}"
        if default_storage.get_modified_time(path) < kept_since:
            default_storage.delete(path)
            gone += 1
    return gone
