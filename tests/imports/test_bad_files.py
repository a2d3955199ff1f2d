"""Files as people really send them, and worse: each is read as it was meant, or refused with a reason that helps."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from retailhub.core.imports.complaints import BadFile
from retailhub.core.imports.fields import BadValue
from retailhub.core.imports.formats import as_text
from retailhub.core.imports.sources import FileSpec, Table
from retailhub.core.imports.uploads import ROWS, Upload, look_at
from retailhub.home.importing import TARGETS


def looked_at(folder: Path, raw: bytes, name: str = "my list.csv") -> Upload:
    (folder / "upload").write_bytes(raw)
    return look_at(folder, "upload", name)


def saved(book: openpyxl.Workbook) -> bytes:
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def with_sheet(xml: str) -> bytes:
    """Answer a workbook whose only sheet is written by hand, as other programs may."""
    book, raw = zipfile.ZipFile(io.BytesIO(saved(openpyxl.Workbook()))), io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as target:
        for part in book.namelist():
            target.writestr(part, xml if part == "xl/worksheets/sheet1.xml" else book.read(part))
    return raw.getvalue()


def sheet(*rows: str, before: str = "") -> bytes:
    cells = "".join(f'<row r="{number}">{row}</row>' for number, row in enumerate(rows, 1))
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return with_sheet(f'<worksheet xmlns="{name}">{before}<sheetData>{cells}</sheetData></worksheet>')


def text(place: str, value: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


HEADINGS = text("A1", "sku") + text("B1", "price")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xfea\x00b\x00\x00\xd8c\x00", "begins like UTF-16 but is not"),
        (b"\xff\xfea\x00b", "begins like UTF-16 but is not"),
        (b"\x81\x8d\x8f\x90", "neither UTF-8 nor UTF-16 nor Windows-1252"),
        (b"sku,na\x00me\nA,B\n", "a heading that cannot be read.*U\\+0000"),
        (b'"sku"x,name\nA,b\nC,d\n', "names no columns in its first row: the quotes do not match"),
        (b"sku," + b"x" * 600_000 + b"\nA,B\n", "a cell is too long"),
        (b"sku," + b"x" * 40_000 + b"\nA,B\n", "a heading of 40,000 characters"),
        (b"PK\x05\x06" + b"\0" * 18, "cannot be read as a workbook"),
        (b"", "is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_own_name(raw: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=f"^my list.csv.*{reason}"):
        looked_at(tmp_path, raw)


def test_a_cell_that_cannot_be_stored_is_shown_and_refused_later(tmp_path: Path) -> None:
    upload = looked_at(tmp_path, b"sku,name\nA\x00B,x\n")
    assert upload.samples == (("A\N{SYMBOL FOR NULL}B", "x"),)


def test_a_cell_of_ten_mebibytes_is_one_bad_row(tmp_path: Path) -> None:
    upload = looked_at(tmp_path, b"sku,name\nA," + b"x" * 10 * 1024 * 1024 + b"\nB,ok\n")
    said: list[str] = []
    spec = FileSpec(alias="upload", name=upload.name, stored=ROWS)
    rows = list(Table(tmp_path, spec).rows(lambda complaint: said.append(str(complaint))))
    assert rows == [(3, ["B", "ok"])]
    assert said == ["my list.csv row 2: a cell is too long, or its quotes do not match; 32,767 characters are allowed"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(("declared", "delimiter"), [("sep=;", ";"), ("SEP=|", "|"), ("sep=\t", "\t")])
def test_the_line_that_tells_a_sheet_its_delimiter_is_no_row(
    declared: str, delimiter: str, encoding: str, tmp_path: Path
) -> None:
    lines = [declared, delimiter.join(["sku", "Größe, cm"]), delimiter.join(["A", "3,5"])]
    upload = looked_at(tmp_path, "\r\n".join(lines).encode(encoding))
    assert (upload.delimiter, upload.headings, upload.samples) == (delimiter, ("sku", "Größe, cm"), (("A", "3,5"),))
    assert not list(tmp_path.glob("*.rest"))


def test_a_heading_called_sep_is_a_heading(tmp_path: Path) -> None:
    assert looked_at(tmp_path, b"sep=,name\nA,x\n").headings == ("sep=", "name")


def test_the_first_sheet_that_people_see_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["secret"])
    book.worksheets[0].sheet_state = "hidden"
    book.create_sheet("Prices").append(["sku", "price"])
    assert looked_at(tmp_path, saved(book), "a.xlsx").headings == ("sku", "price")


def test_a_formula_that_was_never_calculated_is_no_empty_cell(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["sku", "price"], ["A", 1], ["B", "=1+1"]):
        book.worksheets[0].append(row)
    with pytest.raises(BadFile, match=r"^a\.xlsx: the formula in B3 was never calculated"):
        looked_at(tmp_path, saved(book), "a.xlsx")


def test_what_formulas_came_to_counts_nothing_at_all_too(tmp_path: Path) -> None:
    raw = sheet(
        HEADINGS,
        text("A2", "A") + '<c r="B2"><f>1+1</f><v>2</v></c>',
        text("A3", "B") + '<c r="B3" t="str"><f>IF(TRUE,"",1)</f><v></v></c>',
    )
    assert looked_at(tmp_path, raw, "a.xlsx").samples == (("A", "2"), ("B", ""))


def test_rows_behind_the_size_that_a_sheet_claims_are_read(tmp_path: Path) -> None:
    rows = [text(f"A{number}", f"S{number}") + text(f"B{number}", "1") for number in range(2, 12)]
    raw = sheet(HEADINGS, *rows, before='<dimension ref="A1:A3"/>')
    looked_at(tmp_path, raw, "a.xlsx")
    assert len((tmp_path / ROWS).read_text().splitlines()) == 11


def test_fifteen_digits_of_a_number_count_as_in_a_sheet() -> None:
    assert [as_text(value) for value in (19.9 * 1.1, 0.1 + 0.2, 4006381333931.0, 12.0, 0.0, 1e-7)] == [
        "21.89", "0.3", "4006381333931", "12", "0", "0.0000001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("#N/A", "a formula of the sheet went wrong"),
        ("#REF!", "went wrong"),
        ("\ufdfa" * 10, "more than 96 characters"),
    ],
)
def test_values_that_no_sku_can_be_are_refused_before_they_are_written(value: str, reason: str) -> None:
    sku: Any = next(field for field in TARGETS["items"].fields if field.name == "sku")
    with pytest.raises(BadValue, match=re.escape(reason)):
        sku.read(value)
