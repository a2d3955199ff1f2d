"""From cells to typed values: kinds, transformations, look-ups, parts, and what is said about the rest."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retailhub.core.imports.complaints import BadFile, BadProfile
from retailhub.core.imports.fields import BadValue, Field
from retailhub.core.imports.profiles import load_profile
from retailhub.core.imports.reading import Reading
from retailhub.core.imports.transforms import Run
from tests.imports.helpers import NOW, chunks_of, one_file, read, work_of


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("line", "  two  words ", "two words"),
        ("money", "19.9000", Decimal("19.9")),
        ("cost", "0.123456", Decimal("0.123456")),
        ("whole", "12.00", 12),
        ("flag", "t", True),
        ("flag", "No", False),
        ("moment", "2011-05-31 00:00:00", datetime(2011, 5, 31, tzinfo=UTC)),
        ("moment", "2011-05-31T02:00:00+02:00", datetime(2011, 5, 31, tzinfo=UTC)),
        ("day", "2011-05-31", date(2011, 5, 31)),
        ("day", "2011-05-31 00:00:00.000", date(2011, 5, 31)),
        ("percent", "12.50", Decimal("12.5")),
        ("rate", "0.123456789", Decimal("0.123456789")),
        ("currency", "usd", "USD"),
        ("country", "de", "DE"),
        ("words", "a, b ,,c", ("a", "b", "c")),
        ("note", "card 4111 1111 1111 1111", "card [card number removed]"),
    ],
)
def test_text_becomes_a_value(kind: str, text: str, value: Any) -> None:
    assert Field(name="x", kind=kind).read(text) == value
    assert Field(name="x", kind=kind).read("") is None


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("money", "19.90001", "more than 4 decimal places"),
        ("money", "1,50", "not a number"),
        ("money", "NaN", "finite"),
        ("money", "1e15", "smaller"),
        ("whole", "12.5", "not a whole number"),
        ("whole", "1e400", "whole number|at most"),
        ("whole", "9999999999", "at most"),
        ("flag", "maybe", "neither yes nor no"),
        ("moment", "31.05.2011", "not a date"),
        ("day", "31.05.2011", "not a date"),
        ("day", "2011-05-31 14:00", "a time, not a day"),
        ("percent", "100.01", "0 to 100"),
        ("percent", "1.234", "more than 2 decimal places"),
        ("currency", "XXQ", "ISO 4217"),
        ("country", "Germany", "ISO 3166"),
        ("line", "a\x00b", "U\\+0000"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(kind: str, text: str, reason: str) -> None:
    with pytest.raises(BadValue, match=reason):
        Field(name="x", kind=kind).read(text)


@pytest.mark.parametrize(
    ("do", "text", "value"),
    [
        ({"date": "%m/%d/%Y"}, "7/4/1996", "1996-07-04"),
        ({"date": "%m/%d/%Y"}, "", None),
        ("nonzero", ".00", None),
        ("nonzero", "1.50", "1.50"),
        ("code", " G&K 1 ", "G-K-1"),
        ("country", "UK", "GB"),
        ("country", "usa", "US"),
        ("country", "Germany", "DE"),
        ("country", "ch", "CH"),
        ("country", "", None),
    ],
)
def test_a_transformation_leaves_text(do: Any, text: str, value: str | None, tmp_path: Path) -> None:
    write(tmp_path, "a.csv", f"code,text\nA,{text}\n")
    rows, said, _ = read(tmp_path, one_file({"name": "a.csv"}, {"code": "code", "name": {"from": "text", "do": do}}))
    assert ([row.values["name"] for row in rows], said) == ([value], [])


@pytest.mark.parametrize(
    ("do", "text", "reason"),
    [
        ({"date": "%m/%d/%Y"}, "31/12/1996", "not a date as in %m/%d/%Y"),
        ("nonzero", "none", "not a number"),
        ("country", "Atlantis", "the English name of no country"),
    ],
)
def test_a_transformation_that_cannot_be_made_refuses_the_row(do: Any, text: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path, "a.csv", f"code,text\nA,{text}\n")
    _, said, _ = read(tmp_path, one_file({"name": "a.csv"}, {"code": "code", "name": {"from": "text", "do": do}}))
    assert len(said) == 1
    assert reason in said[0]


def test_of_a_shared_file_the_first_row_counts_and_the_rest_is_no_news(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,town\nA,1\n")
    write(tmp_path, "towns.csv", "id,name\n1,Kiel\n1,Bonn\n2,Lyon\n")
    for shared, told in ((False, ["towns.csv row 3", "towns.csv row 4"]), (True, [])):
        document = one_file({"name": "a.csv"}, {"code": "code", "name": {"from": "town", "find": "town:name"}})
        document["files"]["town"] = {"name": "towns.csv", "key": "id", "shared": shared}
        work = work_of(tmp_path, document)
        with Reading(work.profile, work.folder, Run(now=NOW, zone=UTC)) as reading:
            (chunk,) = reading.chunks(work.profile.steps[0], work.targets["things"])
            unasked = list(reading.not_referred_to(shared=False))
            assert len(list(reading.not_referred_to())) == 1
            assert [str(c).split(",")[0] for c in [*reading.looked_up_badly, *unasked]] == told
        assert chunk.rows[0].values["name"] == "Kiel"


def test_a_row_with_three_faults_is_refused_once_and_hears_of_all_three(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,price,units\n,1.5,x\nB,2,3\n")
    rows, said, chunk = read(
        tmp_path, one_file({"name": "a.csv"}, {"code": "code", "price": "price", "units": "units"})
    )
    assert [row.values["code"] for row in rows] == ["B"]
    assert said == ["a.csv row 2, units 'x': this is not a whole number", "a.csv row 2, code '': it is empty"]
    assert chunk.read == {"a.csv": 2}


def test_the_second_row_of_a_key_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code\nA\nB\nA\n")
    rows, said, _ = read(tmp_path, one_file({"name": "a.csv"}, {"code": "code"}, batch=1))
    assert [row.number for row in rows] == [2, 3]
    assert said == ["a.csv row 4, code 'A': row 2 says this already"]


def test_transformations(tmp_path: Path) -> None:
    write(
        tmp_path, "a.csv", "id,weight,unit,qty,price,share,first,last,end\n7,2.5,LB ,3,9.99,0.02,RenÃ©,Roy,2020-01-01\n"
    )
    rows, said, chunk = read(
        tmp_path,
        one_file(
            {"name": "a.csv"},
            {
                "code": {"from": "id", "do": {"prefix": "P-"}},
                "units": {"from": ["weight", "unit"], "do": "grams"},
                "price": {"from": ["qty", "price", "share"], "do": [{"product": {"places": 4}}]},
                "name": {"from": ["first", "last"], "do": ["repair_mojibake", "join"]},
                "group": {"from": "end", "do": ["passed", {"map": {"yes": "gone", "no": "here"}}]},
            },
        ),
    )
    assert said == []
    assert rows[0].values == {
        "code": "P-7", "units": 1134, "price": Decimal("0.5994"), "name": "René Roy", "group": "gone",
    }  # fmt: skip
    assert chunk.tally == {"cells repaired: UTF-8 that was read as Windows-1252": 1}


def test_mojibake_that_nobody_declared_is_remarked_on_and_never_repaired(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,name\nA,SÃ¡nchez\n")
    rows, said, chunk = read(tmp_path, one_file({"name": "a.csv"}, {"code": "code", "name": "name"}))
    assert rows[0].values["name"] == "SÃ¡nchez"
    assert said == []
    assert ["looks like UTF-8" in str(remark) for remark in chunk.remarks] == [True]


def test_look_ups_hop_from_file_to_file_and_say_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,sub\nA,1\nB,2\nC,9\nD,\n")
    write(tmp_path, "sub.csv", "id,cat\n1,10\n2,20\n3,10\n")
    write(tmp_path, "cat.csv", "id,name\n10,Bikes\n")
    document = one_file({"name": "a.csv"}, {"code": "code", "group": {"from": "sub", "find": ["sub:cat", "cat:name"]}})
    document["files"] |= {"sub": {"name": "sub.csv", "key": "id"}, "cat": {"name": "cat.csv", "key": "id"}}
    rows, said, _ = read(tmp_path, document)
    assert [(row.values["code"], row.values["group"]) for row in rows] == [("A", "Bikes"), ("D", None)]
    assert said == [
        "a.csv row 3, sub '2': 20 names no row of cat.csv",
        "a.csv row 4, sub '9': 9 names no row of sub.csv",
    ]
    document["steps"][0]["columns"]["group"]["missing"] = "remark"
    rows, said, chunk = read(tmp_path, document)
    assert (len(rows), said, len(chunk.remarks)) == (4, [], 2)


def test_a_second_source_is_asked_when_the_first_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,store,person\nA,S,1\nB,,1\nC,,2\n")
    write(tmp_path, "p.csv", "id,first,last\n1,Ann,Lee\n")
    name = {"from": "store", "else": {"from": "person", "find": "p:first+last", "do": "join", "missing": "remark"}}
    document = one_file({"name": "a.csv"}, {"code": "code", "name": name})
    document["files"]["p"] = {"name": "p.csv", "key": "id"}
    rows, said, chunk = read(tmp_path, document)
    assert [row.values["name"] for row in rows] == ["S", "Ann Lee", None]
    assert said == []
    assert [str(remark) for remark in chunk.remarks] == ["a.csv row 4, person '2': 2 names no row of p.csv"]


def orders_and_lines(tmp_path: Path, orders: str, lines: str) -> dict[str, Any]:
    write(tmp_path, "orders.csv", orders)
    write(tmp_path, "lines.csv", lines)
    parts = {"name": "lines", "file": "lines", "key": "id", "by": "order", "columns": {"sku": "sku", "units": "units"}}
    document = one_file({"name": "orders.csv"}, {"code": "id", "units": "n"}, parts=parts, batch=2)
    document["files"]["lines"] = {"name": "lines.csv"}
    return document


def test_parts_hang_on_their_row_and_orphans_are_refused(tmp_path: Path) -> None:
    document = orders_and_lines(tmp_path, "id,n\n1,1\n2,2\n3,3\n", "order,sku,units\n2,B,1\n1,A,2\n2,C,3\n9,D,4\n")
    rows, said, _ = read(tmp_path, document)
    assert [[part.values["sku"] for part in row.parts] for row in rows] == [["A"], ["B", "C"], []]
    assert said == ["lines.csv row 5, order '9': 9 names no row of orders.csv"]
    chunks = chunks_of(work_of(tmp_path, document))
    assert sum(chunk.read["lines.csv"] for chunk in chunks) == 4
    assert sum(chunk.read["orders.csv"] for chunk in chunks) == 3


def test_one_bad_part_refuses_the_whole_and_every_row_hears_why(tmp_path: Path) -> None:
    document = orders_and_lines(tmp_path, "id,n\n1,1\n2,x\n", "order,sku,units\n1,A,two\n1,B,1\n2,C,1\n")
    rows, said, chunk = read(tmp_path, document)
    assert rows == []
    assert said == [
        "lines.csv row 2, units 'two': this is not a whole number",
        "lines.csv row 3: refused together with lines.csv row 2",
        "orders.csv row 2: refused together with lines.csv row 2",
        "orders.csv row 3, n 'x': this is not a whole number",
        "lines.csv row 4: refused together with orders.csv row 3",
    ]
    assert chunk.read == {"orders.csv": 2, "lines.csv": 3}


def test_rows_that_belong_together_make_one_chunk_whatever_their_order(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code,place\nA,2\nB,1\nC,2\nbad\nD,1\n")
    chunks = chunks_of(work_of(tmp_path, one_file({"name": "a.csv"}, {"code": "code"}, together="place")))
    assert [[row.values["code"] for row in chunk.rows] for chunk in chunks] == [["B", "D"], ["A", "C"]]
    assert [complaint.row for complaint in chunks[0].refusals] == [5]
    assert sum(chunk.read["a.csv"] for chunk in chunks) == 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colums": {}}, "nobody reads colums"),
        ({"columns": {"code": {"from": "code", "do": "shout"}}}, "no transformation shout"),
        ({"columns": {"code": {"from": "code", "find": "nowhere:x"}}}, "nowhere, which is not declared"),
        ({"columns": {"code": {"from": "code", "missing": "shrug"}}}, "missing is one of"),
    ],
)
def test_a_typing_mistake_in_a_profile_is_not_silence(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    document = one_file({"name": "a.csv"}, {"code": "code"})
    document["steps"][0] |= change
    with pytest.raises(BadProfile, match=reason):
        work_of(tmp_path, document)


def test_columns_and_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "code\nA\n")
    with pytest.raises(BadFile, match="has the column kode not; it has code"):
        read(tmp_path, one_file({"name": "a.csv"}, {"code": "kode"}))
    with pytest.raises(BadFile, match=r"b\.csv is not in"):
        read(tmp_path, one_file({"name": "b.csv"}, {"code": "code"}))
    with pytest.raises(BadProfile, match="no field colour"):
        read(tmp_path, one_file({"name": "a.csv"}, {"code": "code", "colour": "code"}))
    with pytest.raises(BadProfile, match="Nothing says where code comes from"):
        read(tmp_path, one_file({"name": "a.csv"}, {"name": "code"}))


def test_the_projects_profiles_can_be_read() -> None:
    folder = Path(__file__).resolve().parents[2] / "retailhub" / "home" / "profiles"
    assert {load_profile(path).name for path in folder.glob("*.toml")} == {
        "adventureworks", "adventureworks-sales", "northwind",
    }  # fmt: skip
