"""Bytes to an XML tree: strictly in the encoding they declare, without a document type, within bounds."""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from lxml import etree

from purchasing.einvoices.limits import Limits
from purchasing.einvoices.refusing import NotReadable, Trouble, shown


class Element(Protocol):
    """What we use of lxml's elements, which come without types."""

    tag: str
    text: str | None
    sourceline: int | None

    def get(self, key: str, default: str = "") -> str: ...
    def find(self, path: str) -> Element | None: ...
    def findall(self, path: str) -> list[Element]: ...
    def getparent(self) -> Element | None: ...


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PATTERNS = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARATION = re.compile(r"""<\?xml\s[^>]{0,200}?encoding\s*=\s*(["'])([^"'>]{1,60})\1""")
# Python knows more codecs than texts are written in (rot13, zip, idna, …); these are the ones that invoices use.
_WRITTEN_IN = re.compile(r"utf-8|ascii|utf-(?:16|32)(?:-[lb]e)?|iso8859-\d{1,2}|cp\d{3,4}|koi8-[ru]|mac-roman")
_LAST_LINE = 65_535  # libxml2 counts lines no further
_MOST_PROLOG = 1_000


def looks_like_xml(head: bytes) -> bool:
    """Answer whether the file begins as XML does, in any of the encodings that we read."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(codec, "ignore").lstrip().startswith("<")
    return head.lstrip().startswith(b"<") or any(head.startswith(pattern) for pattern, _ in _PATTERNS)


def read_tree(data: bytes, limits: Limits) -> tuple[Element, str]:
    """Answer the root of the document and its text. Raises NotReadable naming the line."""
    if len(data) > limits.xml_bytes:
        raise NotReadable(
            Trouble(code="too_big", detail=f"it has {len(data):,} bytes of XML; {limits.xml_bytes:,} are allowed")
        )
    text = decoded(data)
    _refuse_document_type(text)
    if text.count("<") - text.count("</") > limits.elements:
        raise NotReadable(
            Trouble(code="too_big", detail=f"it has more than {limits.elements:,} elements, which is no invoice")
        )
    parser = etree.XMLParser(
        encoding="utf-8",  # of the bytes made here, whatever the declaration inside says
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
        collect_ids=False,
    )
    try:
        root: Element = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise NotReadable(_syntax(error)) from error
    if etree.ElementTree(root).docinfo.doctype:
        raise NotReadable(Trouble(code="document_type", detail=_NO_DOCUMENT_TYPE))
    return root, text


def decoded(data: bytes) -> str:
    """Answer the text, decoded as the file says it is written. Raises NotReadable where bytes and words disagree."""
    mark, codec = _by_bytes(data)
    head = data[len(mark) : 1_200].decode(codec or "latin-1", "ignore")
    declared = _DECLARATION.match(head.lstrip())
    name = declared[2] if declared else ""
    said = _codec(name) if name else ""
    if name and (not said or not _WRITTEN_IN.fullmatch(said)):
        raise NotReadable(
            Trouble(code="wrong_encoding", line=1, detail=f"there is no encoding called {shown(name)} for texts")
        )
    if said and _family(said) != (_family(codec) if codec else _family_of_plain(said)):
        seen = codec.upper() if codec else "a text of one byte for each letter"
        raise NotReadable(
            Trouble(code="wrong_encoding", line=1, detail=f"it declares {shown(name)}, but its bytes are {seen}")
        )
    codec = codec or said or "utf-8"
    try:
        text = data[len(mark) :].decode(codec)
    except UnicodeDecodeError as error:
        before = data[len(mark) : len(mark) + error.start].decode(codec, "ignore")
        bad = error.object[error.start]
        raise NotReadable(
            Trouble(
                code="wrong_encoding",
                line=before.count("\n") + 1,
                detail=f"the byte 0x{bad:02X} at {len(mark) + error.start:,} is not {name or codec.upper()}",
            )
        ) from error
    return text.lstrip()


def _by_bytes(data: bytes) -> tuple[bytes, str]:
    """Answer the mark the file begins with, if any, and the codec that its first bytes leave no doubt about."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return mark, codec
    for pattern, codec in _PATTERNS:
        if data.startswith(pattern):
            return b"", codec
    return b"", ""


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""


def _family(codec: str) -> str:
    """Answer the codec without the order of its bytes, which a mark says better than a declaration."""
    return re.sub(r"-[lb]e$", "", codec)


def _family_of_plain(said: str) -> str:
    """Answer what a file without mark and NULs can be: anything it says, but not UTF-16 or UTF-32."""
    return "" if said.startswith(("utf-16", "utf-32")) else _family(said)


_NO_DOCUMENT_TYPE = "it has a document type (DOCTYPE), which an electronic invoice never has"


def _refuse_document_type(text: str) -> None:
    """Raise NotReadable for a DOCTYPE, before any parser could follow what stands in it.

    It can only stand before the root element, behind comments and processing instructions.
    """
    at = 0
    for _ in range(_MOST_PROLOG):
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if text.startswith("<!--", at):
            end, closing = text.find("-->", at + 4), 3
        elif text.startswith("<?", at):
            end, closing = text.find("?>", at + 2), 2
        elif text.startswith("<!", at):
            raise NotReadable(Trouble(code="document_type", line=_line(text, at), detail=_NO_DOCUMENT_TYPE))
        else:
            return
        if end < 0:
            raise NotReadable(
                Trouble(code="not_xml", line=_line(text, at), detail="a comment or instruction is never closed")
            )
        at = end + closing
    raise NotReadable(
        Trouble(code="not_xml", line=_line(text, at), detail="nothing but comments stands before the first element")
    )


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _syntax(error: SyntaxError) -> Trouble:
    line = error.lineno if error.lineno and error.lineno > 0 else None
    message = re.sub(r", line \d+, column \d+.*", "", error.msg or "it is not well-formed", flags=re.DOTALL)
    if "memory" in message.casefold() or message == "unknown error":
        raise MemoryError(message) from error  # without memory libxml2 cannot even write down why it stopped
    code = "too_big" if "huge" in message.casefold() or "depth" in message.casefold() else "not_xml"
    return Trouble(code=code, line=line, detail=f"the XML breaks off or is wrong here: {shown(message)}")


def line_of(element: Element) -> int | None:
    """Answer the line an element begins in, where it is known: beyond 65,535 libxml2 loses count."""
    line = element.sourceline
    return line if line is not None and line < _LAST_LINE else None


def path_of(element: Element) -> str:
    """Answer the path to an element as people write it, such as /Invoice/InvoiceLine[3]/Price."""
    steps: list[str] = []
    step: Element | None = element
    while step is not None:
        parent = step.getparent()
        name = step.tag.rpartition("}")[2]
        if parent is not None and (twins := parent.findall(step.tag)) and len(twins) > 1:
            name += f"[{twins.index(step) + 1}]"
        steps.append(name)
        step = parent
    return "/" + "/".join(reversed(steps))
