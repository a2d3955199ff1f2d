"""Files made to hurt: each is refused in words, by code and place, within the memory and time the child may use."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purchasing.einvoices.limits import MEBIBYTE, USUAL
from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.refusing import UnreadableDocument
from tests.purchasing.einvoices.writing import a_pdf, an_invoice, as_ubl, small_cii

MOST_MEMORY = 300 * MEBIBYTE
MOST_SECONDS = 20

_MEASURE = """
import json, resource, sys, time
from pathlib import Path
from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.refusing import UnreadableDocument
began = time.monotonic()
try:
    read = read_invoice(Path(sys.argv[1]), sys.argv[2])
    said = {"lines": len(read.lines), "number": read.number}
except UnreadableDocument as refused:
    said = {"errors": [error.as_dict() for error in refused.errors]}
# The high-water mark of this program alone: what getrusage says of it counts what ran in the process before.
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
said["child"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
said["parent"] = int(peak) * 1024
said["seconds"] = time.monotonic() - began
print(json.dumps(said))
"""


def measured(path: Path) -> dict[str, Any]:
    """Answer what reading the file said, and what it took: in a process of its own, whose only child is the reader."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path), path.name], capture_output=True, timeout=120, check=True
    )
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["child"] < MOST_MEMORY
    assert said["parent"] < MOST_MEMORY
    assert said["seconds"] < MOST_SECONDS
    return said


def refused(path: Path, content: bytes, code: str) -> dict[str, Any]:
    """Answer the one error the file is refused with; memory and time were bounded."""
    path.write_bytes(content)
    error: dict[str, Any]
    (error,) = measured(path)["errors"]
    assert error["code"] == code
    assert error["pointer"] == "/file"
    assert error["detail"].startswith(path.name)
    return error


UBL = as_ubl(an_invoice())


def with_type(declarations: str, *, number: str = "x", head: str = '<?xml version="1.0"?>\n') -> bytes:
    return (head + f"<!DOCTYPE Invoice [{declarations}]>\n" + UBL.replace("INV-2026-17", number, 1)).encode()


def test_a_billion_laughs_are_refused_by_their_document_type(tmp_path: Path) -> None:
    laughs = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))

    assert refused(tmp_path / "laughs.xml", with_type(laughs, number="&a11;"), "document_type")["line"] == 2


def test_one_long_entity_used_often_is_refused_by_its_document_type(tmp_path: Path) -> None:
    quadratic = f'<!ENTITY a "{"a" * 100_000}">'

    refused(tmp_path / "quadratic.xml", with_type(quadratic, number="&a;" * 100_000), "document_type")


def test_an_external_entity_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of this machine")

    error = refused(
        tmp_path / "xxe.xml", with_type(f'<!ENTITY x SYSTEM "file://{secret}">', number="&x;"), "document_type"
    )

    assert "secret of" not in json.dumps(error)


@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE Invoice [<!ENTITY x SYSTEM "{url}/entity">]>',
        '<!DOCTYPE Invoice SYSTEM "{url}/type.dtd">',
        '<!DOCTYPE Invoice [<!ENTITY % p SYSTEM "{url}/parameter"> %p;]>',
        '<?xml-stylesheet href="{url}/style.xsl" type="text/xsl"?>',
        '<!-- a comment first --><?pi?>\n<!DOCTYPE Invoice PUBLIC "-//x//y" "{url}/public.dtd">',
    ],
)
def test_nothing_is_fetched_from_the_network(tmp_path: Path, document_type: str) -> None:
    asked = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Canary)
    Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path / "call.xml"
    path.write_bytes(f"{document_type.format(url=f'http://127.0.0.1:{server.server_port}')}\n{UBL}".encode())

    said = measured(path)

    server.shutdown()
    server.server_close()
    assert asked == []
    assert said.get("number") == "INV-2026-17" or said["errors"][0]["code"] == "document_type"


def test_included_files_are_not_included(tmp_path: Path) -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file:///etc/hostname"/>'
    path = tmp_path / "include.xml"
    path.write_text(UBL.replace(">INV-2026-17<", f">A{include}<", 1))

    assert measured(path)["number"] == "A"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso-8859-1"])
@pytest.mark.parametrize("declared", [True, False])
def test_an_invoice_is_read_in_the_encoding_it_declares(codec: str, declared: bool) -> None:
    if codec == "iso-8859-1" and not declared:
        return  # without a declaration this is no XML
    name = {"utf-8-sig": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16LE"}.get(codec, codec.upper())
    name = "UTF-16BE" if codec == "utf-16-be" else name
    head = f'<?xml version="1.0" encoding="{name}"?>\n' if declared else ""

    read = read_invoice((head + UBL).encode(codec), "bill.xml")

    assert read.seller.name == "Müller & Söhne GmbH"


@pytest.mark.parametrize(
    ("name", "codec", "line"),
    [
        ("UTF-8", "iso-8859-1", 19),
        ("UTF-8", "utf-16", 1),
        ("UTF-16", "utf-8", 1),
        ("ISO-8859-1", "utf-8-sig", 1),
        ("ASCII", "utf-8", 19),
        ("UTF-8-W/O-BOM", "utf-8", 1),
        ("rot13", "utf-8", 1),
        ("zlib", "utf-8", 1),
        ("unicode_escape", "utf-8", 1),
    ],
)
def test_a_wrong_encoding_is_refused_at_the_byte_that_shows_it(
    tmp_path: Path, name: str, codec: str, line: int
) -> None:
    xml = f'<?xml version="1.0" encoding="{name}"?>\n{UBL}'

    error = refused(tmp_path / "wrong.xml", xml.encode(codec), "wrong_encoding")

    assert error["line"] == (line if line == 1 else xml[: xml.index("ü")].count("\n") + 1)


@pytest.mark.parametrize("cut", [1, 5, 100, 1_000, 3_000, -1, -10])
def test_a_truncated_invoice_is_refused_where_it_breaks_off(tmp_path: Path, cut: int) -> None:
    error = refused(tmp_path / "cut.xml", UBL.encode()[:cut], "not_xml")

    assert error["line"] >= 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"   \n", "unknown_format"),
        (b"\xef\xbb\xbf", "unknown_format"),
        (b"PK\x03\x04" + b"\0" * 100, "unknown_format"),
        (b"\x89PNG\r\n", "unknown_format"),
        (b"%PDF-1.7\n", "broken_pdf"),
        (b"%PDF-1.7\n" + UBL.encode(), "broken_pdf"),
        (b"<", "not_xml"),
        (b"<!-- never closed", "not_xml"),
        (b"<!---->" * 5_000, "not_xml"),
        (b"<html><body>Invoice</body></html>", "unknown_format"),
        (b"<Invoice/>", "unknown_format"),
        (UBL.replace("INV-2026-17", "A\0B", 1).encode(), "not_xml"),
        (UBL.replace("INV-2026-17", "A&#0;B", 1).encode(), "not_xml"),
        (UBL.replace("INV-2026-17", "A&unknown;B", 1).encode(), "not_xml"),
        ((UBL + UBL).encode(), "not_xml"),
    ],
)
def test_what_is_no_invoice_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    refused(tmp_path / "thing.bin", content, code)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    deep = UBL.replace("<cbc:ID>", "<a>" * 100_000 + "</a>" * 100_000 + "<cbc:ID>", 1)

    refused(tmp_path / "deep.xml", deep.encode(), "too_big")


def test_too_many_elements_are_refused_before_they_are_read(tmp_path: Path) -> None:
    many = UBL.replace("<cbc:ID>", "<a/>" * (USUAL.elements + 1) + "<cbc:ID>", 1)

    assert "1,000,000 elements" in refused(tmp_path / "many.xml", many.encode(), "too_big")["detail"]


def test_as_many_elements_as_are_allowed_stay_within_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.xml"
    path.write_text(UBL.replace("<cbc:ID>", "<a/>" * (USUAL.elements - 1_000) + "<cbc:ID>", 1))

    assert measured(path)["number"] == "INV-2026-17"


def test_many_attributes_are_refused_or_ignored_in_time(tmp_path: Path) -> None:
    path = tmp_path / "attributes.xml"
    attributes = " ".join(f'a{n}="{n}"' for n in range(500_000))
    path.write_text(UBL.replace("<cbc:ID>", f"<a {attributes}/><cbc:ID>", 1))

    said = measured(path)

    assert said.get("number") == "INV-2026-17" or said["errors"][0]["code"] in {"too_big", "not_xml"}


def test_huge_text_is_refused(tmp_path: Path) -> None:
    note = UBL.replace("Thank you.", "Thank you. " * 1_500_000, 1)

    assert refused(tmp_path / "huge.xml", note.encode(), "too_big")["line"] >= 1


def test_a_long_note_is_refused_by_its_element(tmp_path: Path) -> None:
    note = UBL.replace("Thank you.", "Thank you. " * 10_000, 1)

    assert refused(tmp_path / "note.xml", note.encode(), "too_long")["element"] == "/Invoice/Note"


def test_ten_thousand_lines_are_read_within_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "long.xml"
    path.write_text(as_ubl(an_invoice(10_000)))

    assert measured(path)["lines"] == 10_000


def test_more_lines_than_any_invoice_has_are_refused(tmp_path: Path) -> None:
    line = "<cac:InvoiceLine><cbc:ID>1</cbc:ID></cac:InvoiceLine>"
    xml = UBL.replace("</Invoice>", line * USUAL.lines + "</Invoice>")

    assert refused(tmp_path / "lines.xml", xml.encode(), "too_big")["element"].startswith("/Invoice/InvoiceLine[")


def test_reading_ends_when_everything_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(as_ubl(an_invoice(5_000)).replace(">24<", ">x<"))

    errors = measured(path)["errors"]

    assert len(errors) == 50
    assert {error["code"] for error in errors} == {"bad_number"}


def sparse(path: Path, head: bytes, size: int) -> Path:
    """Write a file that is long and takes no room."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


@pytest.mark.parametrize("head", [b"%PDF-1.7\n", b"<Invoice>"])
def test_a_file_of_200_megabytes_is_refused_unopened(tmp_path: Path, head: bytes) -> None:
    said = measured(sparse(tmp_path / "big.pdf", head, 200 * MEBIBYTE))

    assert [error["code"] for error in said["errors"]] == ["too_big"]
    assert said["child"] == 0
    assert said["parent"] < 100 * MEBIBYTE


def test_a_file_of_200_megabytes_that_is_streamed_is_refused(tmp_path: Path) -> None:
    path = sparse(tmp_path / "big.pdf", b"%PDF-1.7\n", 200 * MEBIBYTE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with path.open("rb") as file, pytest.raises(UnreadableDocument) as refusal:
        read_invoice(file, "big.pdf")

    assert refusal.value.errors[0].code == "too_big"
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 50 * MEBIBYTE


def test_the_biggest_pdf_that_is_allowed_is_read_within_memory(tmp_path: Path) -> None:
    path = tmp_path / "padded.pdf"
    pdf = a_pdf({"photo.bin": b"\x01\x02" * 12 * MEBIBYTE, "factur-x.xml": small_cii().encode()})
    path.write_bytes(pdf + b"\n" * (USUAL.pdf_bytes - len(pdf)))

    said = measured(path)

    assert said.get("number") == "CII-1" or said["errors"][0]["code"] == "broken_pdf"


def blanks(megabytes: int) -> bytes:
    """Answer so many blanks, packed; unpacked they never exist here."""
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(b" " * MEBIBYTE) for _ in range(megabytes)), packer.flush()])


def packed(content: bytes, *, rounds: int = 1, others: bytes = b"") -> bytes:
    """Answer a PDF written by hand, whose factur-x.xml is packed `rounds` times; `others` is packed already."""
    for _ in range(rounds - 1):
        content = zlib.compress(content, 9)
    listed = b"(factur-x.xml) 3 0 R" + (b"(other.bin) 5 0 R" if others else b"")
    names = b"<</EmbeddedFiles<</Names[" + listed + b"]>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Names" + names + b">>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        b"<</Type/Filespec/F(factur-x.xml)/UF(factur-x.xml)/EF<</F 4 0 R>>>>",
        embedded(content, rounds),
    ]
    if others:
        objects += [b"<</Type/Filespec/F(other.bin)/EF<</F 6 0 R>>>>", embedded(others, 1)]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj".encode() + body + b"\nendobj\n"
    table = b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    return (
        out
        + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
        + table
        + f"trailer<</Root 1 0 R/Size {len(objects) + 1}>>\nstartxref\n{len(out)}\n%%EOF".encode()
    )


def embedded(content: bytes, rounds: int) -> bytes:
    head = f"<</Type/EmbeddedFile/Filter[{'/FlateDecode' * rounds}]/Length {len(content)}>>"
    return head.encode() + b"stream\n" + content + b"\nendstream"


def test_an_invoice_packed_by_hand_is_read() -> None:
    assert read_invoice(packed(zlib.compress(small_cii().encode())), "bill.pdf").number == "CII-1"


@pytest.mark.parametrize(("megabytes", "rounds"), [(200, 1), (900, 1), (900, 2), (400, 3)])
def test_an_attachment_that_unpacks_to_a_thousand_times_its_size_is_refused(
    tmp_path: Path, megabytes: int, rounds: int
) -> None:
    bomb = packed(blanks(megabytes), rounds=rounds)
    assert len(bomb) * 500 < megabytes * MEBIBYTE

    error = refused(tmp_path / "bomb.pdf", bomb, "too_big")

    assert error["attachment"] == "factur-x.xml"


def test_a_bomb_beside_the_invoice_does_not_go_off(tmp_path: Path) -> None:
    path = tmp_path / "beside.pdf"
    path.write_bytes(packed(zlib.compress(small_cii().encode()), others=blanks(900)))

    said = measured(path)

    assert said["number"] == "CII-1"
    assert said["child"] < 100 * MEBIBYTE


def test_a_pdf_without_an_invoice_says_what_is_attached(tmp_path: Path) -> None:
    error = refused(tmp_path / "plain.pdf", a_pdf({"photo.png": b"x"}), "no_invoice")

    assert "photo.png" in error["detail"]


def test_a_pdf_without_attachments_says_so(tmp_path: Path) -> None:
    assert "nothing is attached" in refused(tmp_path / "plain.pdf", a_pdf({}), "no_invoice")["detail"]


@pytest.mark.parametrize("names", [("factur-x.xml", "xrechnung.xml"), ("one.xml", "two.xml")])
def test_a_pdf_with_two_different_invoices_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    pdf = a_pdf({names[0]: small_cii().encode(), names[1]: small_cii(number="CII-2").encode()})

    error = refused(tmp_path / "two.pdf", pdf, "ambiguous")

    assert error["attachment"] == names[1]
    assert all(name in error["detail"] for name in names)


def test_a_pdf_with_two_invoices_of_one_name_is_refused(tmp_path: Path) -> None:
    pdf = a_pdf({"factur-x.xml": [small_cii().encode(), small_cii(number="CII-2").encode()]})

    refused(tmp_path / "two.pdf", pdf, "ambiguous")


@pytest.mark.parametrize(
    "content",
    [
        b"1 0 obj<<>>endobj\n" * 2_700_000,
        b"1 0 obj" + b"[" * 5_000_000 + b"]" * 5_000_000 + b"endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF",
        b"xref\n0 9999999\n" + b"0000000000 00000 n \n" * 2_000_000,
    ],
    ids=["objects", "nesting", "table"],
)
def test_a_pdf_made_to_keep_its_reader_busy_is_refused_in_time(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "busy.pdf"
    path.write_bytes(b"%PDF-1.7\n" + content)

    (error,) = measured(path)["errors"]

    assert error["code"] in {"too_big", "broken_pdf", "no_invoice"}


def test_an_encrypted_pdf_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "locked.pdf", a_pdf({"factur-x.xml": small_cii().encode()}, password="x"), "encrypted")


def test_trouble_inside_a_pdf_names_attachment_line_and_element(tmp_path: Path) -> None:
    pdf = a_pdf({"factur-x.xml": small_cii(grand="much").encode()})

    error = refused(tmp_path / "bad.pdf", pdf, "bad_number")

    assert error["attachment"] == "factur-x.xml"
    assert error["element"].endswith("/GrandTotalAmount")
    assert small_cii(grand="much").splitlines()[error["line"] - 1].count("GrandTotalAmount") == 2


def test_a_circle_of_name_trees_ends(tmp_path: Path) -> None:
    pdf = packed(zlib.compress(small_cii().encode())).replace(
        b"<</EmbeddedFiles<</Names[(factur-x.xml) 3 0 R]>>>>", b"<</EmbeddedFiles 1 0 R/Kids[1 0 R]       >>"
    )

    refused(tmp_path / "circle.pdf", pdf.replace(b"/Type/Catalog", b"/Kids[1 0 R]"), "no_invoice")


def test_a_file_that_is_two_things_is_read_as_what_it_begins_as(tmp_path: Path) -> None:
    pdf = a_pdf({"factur-x.xml": small_cii().encode()})
    xml_and_pdf = f"<!-- {pdf.decode('latin-1').replace('--', '- ')} -->\n{UBL}"

    assert read_invoice(pdf + b"PK\x03\x04 and " + UBL.encode(), "both.pdf").number == "CII-1"
    error = refused(tmp_path / "both.xml", xml_and_pdf.encode("latin-1"), "wrong_encoding")
    assert error["line"] >= 1


@given(st.integers(0, 2**32), st.binary(max_size=8))
@settings(max_examples=25, deadline=None)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(place: int, damage: bytes) -> None:
    for whole in (a_pdf({"factur-x.xml": small_cii().encode()}), UBL.encode()):
        at = place % len(whole)
        try:
            read = read_invoice(whole[:at] + damage + whole[at + len(damage) :], "damaged")
        except UnreadableDocument as refusal:
            fate = [error.code for error in refusal.errors]
        else:
            fate = [type(read).__name__]
        assert fate
        assert "unreadable" not in fate


def test_a_reader_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()

    with pytest.raises(UnreadableDocument) as refusal:
        read_invoice(
            as_ubl(an_invoice(20_000)).encode(),
            "slow.xml",
            limits=replace(USUAL, cpu_seconds=1, xml_bytes=40 * MEBIBYTE),
        )

    assert refusal.value.errors[0].code == "too_big"
    assert time.monotonic() - began < 8


def test_a_reader_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(UnreadableDocument) as refusal:
        read_invoice(as_ubl(an_invoice(10_000)).encode(), "fat.xml", limits=replace(USUAL, memory=90 * MEBIBYTE))

    assert refusal.value.errors[0].code == "too_big"


def test_odd_file_names_are_shown_as_one_clean_line() -> None:
    with pytest.raises(UnreadableDocument) as refusal:
        read_invoice(b"x", "../../etc/\x00\u202egnp.exe\nSet-Cookie: a" + "b" * 500)

    detail = refusal.value.errors[0].extra["file"]
    assert len(detail) <= 200
    assert detail.isprintable()
