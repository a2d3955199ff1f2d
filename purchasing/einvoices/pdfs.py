"""The invoice inside a PDF: which attachments it has, and the one that is the invoice, unpacked within bounds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from pypdf import PdfReader, overwrite_configuration
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from purchasing.einvoices.limits import Limits
from purchasing.einvoices.refusing import NotReadable, Trouble, shown

# The names that Factur-X, ZUGFeRD and XRechnung prescribe; letters count in any case, as senders write them.
PRESCRIBED = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})
_MOST_DEPTH = 20
_MOST_NODES = 5_000


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A file in a PDF, still packed."""

    name: str
    stream: StreamObject


@dataclass(frozen=True, kw_only=True)
class Found:
    """The invoice of a PDF, by the name of its attachment, and what else is attached."""

    name: str
    xml: bytes
    others: tuple[str, ...]


def invoice_in(file: BinaryIO, limits: Limits) -> Found:
    """Answer the XML invoice attached to the PDF. Raises NotReadable: encrypted, broken, without or with several."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it mends what it can and would tell of each repair
    overwrite_configuration(
        maximum_declared_stream_length=limits.pdf_bytes,
        zlib_maximum_output_length=limits.xml_bytes,
        lzw_maximum_output_length=limits.xml_bytes,
        run_length_maximum_output_length=limits.xml_bytes,
        array_based_stream_maximum_output_length=limits.xml_bytes,
        stream_decoding_work_maximum_length=4 * limits.xml_bytes,
        jbig2dec_binary=None,
    )
    try:
        reader = PdfReader(file)
        if reader.is_encrypted:
            raise NotReadable(
                Trouble(code="encrypted", detail="the PDF is encrypted; ask the supplier for one without a password")
            )
        attached = list(_attached(reader, limits))
    except (NotReadable, MemoryError):
        raise
    except Exception as error:  # pypdf meets broken files with every kind of exception
        raise NotReadable(Trouble(code="broken_pdf", detail=f"the PDF is broken: {shown(error)}")) from error
    return _chosen(attached, limits)


def _chosen(attached: list[Attached], limits: Limits) -> Found:
    """Answer the attachment that is the invoice: by its name, or because it is the only XML."""
    names = tuple(dict.fromkeys(one.name for one in attached))
    named = [one for one in attached if one.name.casefold() in PRESCRIBED]
    candidates = named or [one for one in attached if one.name.casefold().endswith(".xml")]
    if not candidates:
        listed = f"; attached are {', '.join(shown(n) for n in names[:10])}" if names else "; nothing is attached to it"
        raise NotReadable(
            Trouble(code="no_invoice", detail=f"no XML invoice is attached to this PDF{listed}. Enter it by hand")
        )
    unpacked = {_unpacked(one, limits): one for one in candidates}
    if len(unpacked) > 1:
        listed = ", ".join(dict.fromkeys(shown(one.name) for one in candidates))
        raise NotReadable(
            Trouble(
                code="ambiguous",
                attachment=candidates[1].name,
                detail=f"{len(unpacked)} different XML invoices are attached ({listed}); one is expected",
            )
        )
    ((xml, chosen),) = unpacked.items()
    return Found(name=chosen.name, xml=xml, others=tuple(name for name in names if name != chosen.name))


def _unpacked(one: Attached, limits: Limits) -> bytes:
    try:
        data = bytes(one.stream.get_data())
    except LimitReachedError as error:
        raise NotReadable(
            Trouble(
                code="too_big",
                attachment=one.name,
                detail=f"it unpacks to more than the {limits.xml_bytes:,} bytes that are allowed",
            )
        ) from error
    except MemoryError:
        raise
    except Exception as error:
        raise NotReadable(
            Trouble(code="broken_pdf", attachment=one.name, detail=f"it cannot be unpacked: {shown(error)}")
        ) from error
    if len(data) > limits.xml_bytes:
        raise NotReadable(
            Trouble(
                code="too_big",
                attachment=one.name,
                detail=f"it unpacks to {len(data):,} bytes; {limits.xml_bytes:,} are allowed",
            )
        )
    return data


def _attached(reader: PdfReader, limits: Limits) -> Iterator[Attached]:
    """Answer each attachment once, from the tree of names and from the list of associated files."""
    catalog = _dictionary(reader.trailer.get("/Root"))
    names = _dictionary(_dictionary(catalog.get("/Names")).get("/EmbeddedFiles"))
    specs = [*_leaves(names), *((None, spec) for spec in _array(catalog.get("/AF")))]
    seen: set[tuple[int, int]] = set()
    for key, spec in specs:
        if isinstance(spec, IndirectObject):
            if (spec.idnum, spec.generation) in seen:
                continue
            seen.add((spec.idnum, spec.generation))
        described = _dictionary(spec)
        files = _dictionary(described.get("/EF"))
        reference = files.raw_get("/F") if "/F" in files else files.raw_get("/UF") if "/UF" in files else None
        stream = _resolved(reference)
        if not isinstance(stream, StreamObject):
            continue
        if isinstance(reference, IndirectObject):
            if (reference.idnum, reference.generation) in seen:
                continue
            seen.add((reference.idnum, reference.generation))
        name = _resolved(described.get("/UF")) or _resolved(described.get("/F")) or key or ""
        if len(seen) > 2 * limits.attachments:
            raise NotReadable(
                Trouble(code="too_big", detail=f"more than {limits.attachments} files are attached to the PDF")
            )
        yield Attached(name=shown(str(name).replace("\\", "/").rpartition("/")[2]), stream=stream)


def _leaves(root: DictionaryObject) -> Iterator[tuple[Any, Any]]:
    """Answer key and value of each leaf of a name tree, which may be deep, wide or a circle."""
    waiting: list[tuple[DictionaryObject, int]] = [(root, 0)]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        node, depth = waiting.pop()
        pairs = list(_array(node.get("/Names")))[: 2 * _MOST_NODES]
        yield from zip(pairs[::2], pairs[1::2], strict=False)
        if depth < _MOST_DEPTH:
            waiting += [(_dictionary(kid), depth + 1) for kid in list(_array(node.get("/Kids")))[:_MOST_NODES]]


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


def _dictionary(value: Any) -> DictionaryObject:
    found = _resolved(value)
    return found if isinstance(found, DictionaryObject) else DictionaryObject()


def _array(value: Any) -> ArrayObject:
    found = _resolved(value)
    return found if isinstance(found, ArrayObject) else ArrayObject()
