"""The process that opens what strangers sent, with little memory and time, and without settings or database.

Run as `python -m purchasing.einvoices.child LIMITS`, the file on standard input. It writes one line of JSON to
standard output, `{"read": …}` or `{"troubles": […]}`, and behind the line the XML as it was read.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import replace
from typing import BinaryIO

from purchasing.einvoices.carrying import as_plain
from purchasing.einvoices.limits import Limits
from purchasing.einvoices.refusing import NotReadable, Trouble


def main(limits: Limits, file: BinaryIO) -> int:
    _bind(limits)
    try:
        answer, xml = _answer(limits, file)
    except NotReadable as refused:
        answer, xml = {"troubles": [trouble.as_plain() for trouble in refused.troubles]}, ""
    except (MemoryError, RecursionError):
        answer, xml = {"troubles": [TOO_MUCH.as_plain()]}, ""
    out = sys.stdout.buffer
    out.write(json.dumps(answer).encode())
    out.write(b"\n")
    out.write(xml.encode("utf-8"))
    return 0


TOO_MUCH = Trouble(code="too_big", detail="it takes more memory or time to read than any invoice does")


def _bind(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.answer_bytes, limits.answer_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(limits: Limits, file: BinaryIO) -> tuple[dict[str, object], str]:
    """Answer the read invoice as plain values, and its XML. Raises NotReadable."""
    from purchasing.einvoices import cii, ubl
    from purchasing.einvoices.signing import signed
    from purchasing.einvoices.trees import line_of, looks_like_xml, path_of, read_tree

    head = file.read(1_024)
    file.seek(0)
    attachment, others = "", tuple[str, ...]()
    if head.startswith(b"%PDF-"):
        from purchasing.einvoices.pdfs import invoice_in

        found = invoice_in(file, limits)
        attachment, others, data = found.name, found.others, found.xml
        if not looks_like_xml(data[:1_024]):
            raise NotReadable(Trouble(code="not_xml", attachment=attachment, line=1, detail="this is no XML"))
    elif looks_like_xml(head):
        data = file.read()
    else:
        raise NotReadable(Trouble(code="unknown_format", detail=f"this is {_kind(head)}, neither XML nor a PDF"))
    try:
        root, text = read_tree(data, limits)
        del data
        if root.tag in ubl.ROOTS:
            read = ubl.read_ubl(root, limits)
        elif root.tag in cii.ROOTS:
            read = cii.read_cii(root, limits)
        else:
            raise NotReadable(
                Trouble(
                    code="unknown_format",
                    detail=f"the XML is a {root.tag[:200]}, not an invoice or credit note of UBL, CII or ZUGFeRD",
                    line=line_of(root),
                    element=path_of(root),
                )
            )
    except NotReadable as refused:
        raise NotReadable(*(replace(one, attachment=attachment) for one in refused.troubles)) from refused
    read = replace(signed(read), attachment=attachment, attachments=(*read.attachments, *others))
    return {"read": as_plain(read)}, text


_KINDS = (
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"II*\0", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{", "JSON"),
    (b"ISA", "an X12 message"),
    (b"UNA", "an EDIFACT message"),
    (b"UNB", "an EDIFACT message"),
)


def _kind(head: bytes) -> str:
    return next((kind for start, kind in _KINDS if head.startswith(start)), "a file of another kind")


if __name__ == "__main__":
    sys.exit(main(Limits(**json.loads(sys.argv[1])), sys.stdin.buffer))
