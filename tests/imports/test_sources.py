"""Files as they really come: encodings, terminators, quotes, ragged rows, and files that are too big."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from retailhub.core.imports.complaints import BadFile, Complaint
from retailhub.core.imports.encodings import find_encoding, repaired
from retailhub.core.imports.escaping import restored_cell, safe_cell
from retailhub.core.imports.limits import Limits, check_workbook
from retailhub.core.imports.sources import FileSpec, Table


def rows_of(
    folder: Path, raw: bytes, limits: Limits | None = None, **spec: object
) -> tuple[list[object], list[Complaint]]:
    (folder / "file.csv").write_bytes(raw)
    said: list[Complaint] = []
    table = Table(folder, FileSpec(alias="file", name="file.csv", **spec), limits or Limits())  # type: ignore[arg-type]
    return list(table.rows(said.append)), said


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("code,name\n1,Käse\n".encode(), "utf-8"),
        ("code,name\n1,Käse\n".encode("utf-8-sig"), "utf-8-sig"),
        ("code,name\n1,Käse\n".encode("utf-16"), "utf-16"),
        ("code,name\n1,Käse\n".encode("utf-16-be"), "utf-16-be"),
        ("code,name\n1,Käse\n".encode("utf-16-le"), "utf-16-le"),
        ("code,name\n1,Käse\n".encode("cp1252"), "cp1252"),
    ],
)
def test_every_usual_encoding_reads_the_same(tmp_path: Path, raw: bytes, encoding: str) -> None:
    rows, said = rows_of(tmp_path, raw)
    assert (rows, said) == ([(2, ["1", "Käse"])], [])
    assert find_encoding(tmp_path / "file.csv") == encoding


def test_bytes_of_no_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="neither UTF-8"):
        rows_of(tmp_path, b"code\n\x81\xff\x8d\n")


def test_a_declared_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="not utf-8"):
        rows_of(tmp_path, "code\nKäse\n".encode("cp1252"), encoding="utf-8")


def test_rows_count_as_in_a_sheet_whatever_line_breaks_they_hold(tmp_path: Path) -> None:
    rows, said = rows_of(tmp_path, b'code,name\r\n1,"two\r\nlines"\r\n2,"a ""quote"""\r\n\r\n4,last\r\n')
    assert rows == [(2, ["1", "two\r\nlines"]), (3, ["2", 'a "quote"']), (5, ["4", "last"])]
    assert said == []


def test_ragged_rows_are_refused_with_their_number_and_the_rest_is_read(tmp_path: Path) -> None:
    rows, said = rows_of(tmp_path, b"code,name\n1,one\n2\n3,three,more\n4,four\n")
    assert rows == [(2, ["1", "one"]), (5, ["4", "four"])]
    assert [(c.row, c.reason) for c in said] == [
        (3, "the row has 1 fields where 2 belong"),
        (4, "the row has 3 fields where 2 belong"),
    ]


def test_a_quote_that_does_not_match_refuses_its_row_alone(tmp_path: Path) -> None:
    rows, said = rows_of(tmp_path, b'code,name\n1,"one"x\n2,two\n')
    assert rows == [(3, ["2", "two"])]
    assert [c.row for c in said] == [2]


@pytest.mark.parametrize("tail", [b"", b"&|\n"])
def test_terminators_of_several_characters_keep_everything_between_them(tmp_path: Path, tail: bytes) -> None:
    raw = b'1+|a "quoted"\nname+|&|\n2+|tab\there+|x' + tail
    rows, said = rows_of(tmp_path, raw, columns=("a", "b", "c"), delimiter="+|", end="&|\n", quote="")
    assert rows == [(1, ["1", 'a "quoted"\nname', ""]), (2, ["2", "tab\there", "x"])]
    assert said == []


def test_a_terminator_cut_in_two_by_the_buffer_is_found(tmp_path: Path) -> None:
    filler = "x" * 30_000
    raw = "&|\n".join(f"{number}+|{filler}{'y' * number}" for number in range(1, 30)) + "&|\n"
    rows, said = rows_of(tmp_path, raw.encode(), columns=("a", "b"), delimiter="+|", end="&|\n", quote="")
    assert rows == [(number, [str(number), filler + "y" * number]) for number in range(1, 30)]
    assert said == []


def test_a_file_without_the_declared_end_of_row_is_refused_early(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="does '&"):
        rows_of(tmp_path, b"x" * 200_000, Limits(cell=1000), columns=("a",), delimiter="+|", end="&|\n", quote="")


def test_caps_on_bytes_rows_columns_and_cells(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="20 are allowed"):
        rows_of(tmp_path, b"code\n" + b"1\n" * 20, Limits(bytes=20))
    with pytest.raises(BadFile, match="more than 5 rows"):
        rows_of(tmp_path, b"code\n" + b"1\n" * 20, Limits(rows=5))
    with pytest.raises(BadFile, match="4 columns"):
        rows_of(tmp_path, b"a,b,c,d\n1,2,3,4\n", Limits(columns=3))
    rows, said = rows_of(tmp_path, b"a,b\n1,12345\n2,123456\n", Limits(cell=5))
    assert rows == [(2, ["1", "12345"])]
    assert [(c.row, c.column) for c in said] == [(3, "b")]
    with pytest.raises(BadFile, match="empty"):
        rows_of(tmp_path, b"")


def test_a_column_named_twice_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("code,Code,name\n1,2,3\n")
    table = Table(tmp_path, FileSpec(alias="file", name="file.csv"))
    assert table.place("name") == 2
    with pytest.raises(BadFile, match="more than once"):
        table.place("code")
    with pytest.raises(BadFile, match="has the column price not"):
        table.place("price")


def test_headings_are_cleaned_as_any_text(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("co\u200bde, Cafe\u0301  au lait ,,\u202ename\n1,2,3,4\n", encoding="utf-8")
    table = Table(tmp_path, FileSpec(alias="file", name="file.csv"))

    assert table.columns == ("code", "Café au lait", "column 3", "name")


def test_a_heading_that_cannot_be_stored_is_refused_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("code,na\x07me\n1,2\n", encoding="utf-8")

    with pytest.raises(BadFile, match=r"of column 2: it holds the character U\+0007"):
        Table(tmp_path, FileSpec(alias="file", name="file.csv"))


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * 30_000_000)
    assert bomb.stat().st_size < 50_000
    with pytest.raises(BadFile, match="times its size"):
        check_workbook(bomb, Limits())
    with pytest.raises(BadFile, match="unpacks to"):
        check_workbook(bomb, Limits(unpacked_bytes=1_000_000))
    with zipfile.ZipFile(bomb, "w") as book:
        for number in range(20):
            book.writestr(f"{number}.xml", b"x")
    with pytest.raises(BadFile, match="20 parts"):
        check_workbook(bomb, Limits(zip_entries=10))
    bomb.write_bytes(b"PK\x03\x04 but nothing behind")
    with pytest.raises(BadFile, match="not a workbook"):
        check_workbook(bomb, Limits())


@pytest.mark.parametrize(
    ("wrong", "right"), [("SÃ¡nchez", "Sánchez"), ("FranÃ§ois", "François"), ("Ã\xad", "í"), ("Ã\x81lvarez", "Álvarez")]
)
def test_only_an_exact_round_trip_counts_as_a_repair(wrong: str, right: str) -> None:
    assert repaired(wrong) == right


@pytest.mark.parametrize("text", ["Sanchez", "Sánchez", "Altendorfer Straße", "东京", "Ã", "naïve Ã©té …", "50 €"])
def test_text_that_is_right_is_left_alone(text: str) -> None:
    assert repaired(text) is None


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-5", "@cmd", "\tx", "\uff1dSUM(A1)"])
def test_cells_that_look_like_formulas_are_defused_and_come_back(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert restored_cell(safe_cell(text)) == text


def test_numbers_and_plain_text_are_not_touched() -> None:
    assert [safe_cell(value) for value in (-5, 1.5, None, "plain", "'quoted'")] == [-5, 1.5, None, "plain", "'quoted'"]
    assert restored_cell("'quoted'") == "'quoted'"
