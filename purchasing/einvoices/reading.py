"""The door: a supplier's file in, a `ReadInvoice` out, or a refusal that names the place. Opened by a child process."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from purchasing.einvoices.carrying import from_plain
from purchasing.einvoices.child import TOO_MUCH
from purchasing.einvoices.document import ReadInvoice
from purchasing.einvoices.limits import USUAL, Limits
from purchasing.einvoices.refusing import Trouble, refusal, shown
from retailhub.core.text import DirtyText, clean_line

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_PIECE = 1 << 20
_PATIENCE = 5  # seconds on the clock beyond those of the processor, for a machine that is busy


def read_invoice(source: bytes | Path | BinaryIO, filename: str, *, limits: Limits = USUAL) -> ReadInvoice:
    """Answer what the electronic invoice says. Raises UnreadableDocument with every place that cannot be read.

    Nothing is opened that is too big, and the process that opens it has bounded memory and time. A file object is
    read from where it stands, and only as far as is allowed.
    """
    name = _shown_name(filename)
    with ExitStack() as stack:
        file = _on_disk(source, limits, stack)
        if trouble := _too_big(file, limits):
            raise refusal(name, [trouble])
        answer, xml = _ask_child(file, limits)
    if "troubles" in answer:
        raise refusal(name, [Trouble(**trouble) for trouble in answer["troubles"]])
    return replace(from_plain(ReadInvoice, answer["read"]), file=name, xml=xml)


def _on_disk(source: bytes | Path | BinaryIO, limits: Limits, stack: ExitStack) -> int:
    """Answer the source as a file of the system at its beginning, cut off just beyond what is allowed."""
    if isinstance(source, Path):
        return stack.enter_context(source.open("rb", buffering=0)).fileno()
    file = stack.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  the stack closes it
    left = limits.most_bytes + 1
    stream = BytesIO(source) if isinstance(source, bytes) else source
    while left > 0 and (piece := stream.read(min(_PIECE, left))):
        file.write(piece)
        left -= len(piece)
    file.seek(0)
    return file.fileno()


def _too_big(file: int, limits: Limits) -> Trouble | None:
    size = os.fstat(file).st_size
    is_pdf = os.pread(file, 5, 0) == b"%PDF-"
    most = limits.pdf_bytes if is_pdf else limits.xml_bytes
    if size == 0:
        return Trouble(code="empty", detail="the file is empty")
    if size > most:
        kind = "a PDF" if is_pdf else "an XML invoice"
        return Trouble(code="too_big", detail=f"the file has more than the {most:,} bytes that are allowed for {kind}")
    return None


def _ask_child(file: int, limits: Limits) -> tuple[Mapping[str, Any], str]:
    """Answer what the child says of the file; if it ends in any other way than by answering, a trouble."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        try:
            done = subprocess.run(  # noqa: S603  our own program
                [sys.executable, "-m", "purchasing.einvoices.child", json.dumps(asdict(limits))],
                cwd=_ROOT,
                stdin=file,
                stdout=out,
                stderr=complaints,
                timeout=limits.cpu_seconds + _PATIENCE,
                check=False,
                env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        except subprocess.TimeoutExpired:
            return {"troubles": [TOO_MUCH.as_plain()]}, ""
        out.seek(0)
        if done.returncode == 0 and (line := out.readline()):
            return json.loads(line), out.read().decode("utf-8")
        complaints.seek(0)
        said = complaints.read(20_000).decode("utf-8", "replace")
    if done.returncode > 0 and "MemoryError" not in said:
        logger.error("reading an electronic invoice failed with status %s: %s", done.returncode, said)
        return {"troubles": [Trouble(code="unreadable", detail="it cannot be read; this was noted").as_plain()]}, ""
    return {"troubles": [TOO_MUCH.as_plain()]}, ""


def _shown_name(filename: str) -> str:
    """Answer the name of the file as it is shown and stored: one clean line without folders."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    try:
        return shown(clean_line(last)) or "invoice"
    except DirtyText:
        return shown(last) or "invoice"
