"""One uploaded file: looked at, its headings matched with fields, and made into a profile of one step."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retailhub.core.imports.complaints import BadFile, shown
from retailhub.core.imports.encodings import find_encoding
from retailhub.core.imports.fields import Field
from retailhub.core.imports.limits import UPLOAD, check_size, is_workbook
from retailhub.core.imports.profiles import Profile, read_profile
from retailhub.core.imports.sources import FileSpec, Table
from retailhub.core.imports.targets import Target
from retailhub.core.imports.workbooks import workbook_to_csv

DELIMITERS = (",", ";", "\t", "|")
ROWS = "rows.csv"
NUMBERS = frozenset({"money", "cost", "percent", "rate", "whole"})
"""Kinds of fields that may be written with a decimal comma."""
MOST_SHOWN = 80
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as it was looked at: what it was called, how it is written, its headings and its first rows."""

    name: str
    delimiter: str
    encoding: str
    headings: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...] = field(default=())


def look_at(folder: Path, stored: str, name: str) -> Upload:
    """Check an uploaded file that is stored as `folder / stored`, and leave it there as `rows.csv`."""
    path = folder / stored
    check_size(path, UPLOAD, name)
    with path.open("rb") as file:
        head = file.read(4)
    if head == _OLD_WORKBOOK:
        raise BadFile(f"{name} is a workbook of the old kind: save it as .xlsx or CSV.")
    rows = folder / ROWS
    if is_workbook(path):
        workbook_to_csv(path, rows, name=name)
        path.unlink()
        encoding, delimiter = "utf-8", ","
    else:
        path.rename(rows)
        encoding = find_encoding(rows, name)
        delimiter = _declared_delimiter(rows, encoding) or _delimiter(rows, encoding)
    table = Table(
        folder, FileSpec(alias="upload", name=name, stored=ROWS, delimiter=delimiter, encoding=encoding), UPLOAD
    )
    if table.count() > UPLOAD.rows:
        raise BadFile(f"{name} has more than {UPLOAD.rows:,} rows.")
    samples: list[tuple[str, ...]] = []
    for _, cells in table.rows(lambda complaint: None):
        samples.append(tuple(shown(cell[:MOST_SHOWN]) for cell in cells))
        if len(samples) == 3:
            break
    return Upload(name=name, delimiter=delimiter, encoding=encoding, headings=table.columns, samples=tuple(samples))


def _declared_delimiter(path: Path, encoding: str) -> str:
    """Answer what a first line such as `sep=;` declares, and take that line away: no sheet counts it as a row."""
    with path.open("r", encoding=encoding, newline="") as file:
        line = file.readline(16)
        declared = line.strip().casefold().removeprefix("sep=") if line.casefold().startswith("sep=") else ""
        if declared not in DELIMITERS and line.rstrip("\r\n").casefold() != "sep=\t":
            return ""
        rest = path.with_suffix(".rest")
        with rest.open("w", encoding=encoding, newline="") as target:
            shutil.copyfileobj(file, target)
    rest.rename(path)
    return declared or "\t"


def _delimiter(path: Path, encoding: str) -> str:
    """Answer what separates the headings: whichever candidate splits the first line into most cells."""
    with path.open("r", encoding=encoding, newline="") as file:
        line = file.readline(UPLOAD.cell)
    return max(DELIMITERS, key=lambda candidate: len(next(csv.reader([line], delimiter=candidate), [])))


def guess_columns(
    headings: Sequence[str], fields: Sequence[Field], remembered: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Answer {field: heading}: as it was chosen last time, else by the names under which files carry the field."""
    left = {_plain(heading): heading for heading in reversed(headings)}
    chosen: dict[str, str] = {}
    for one in fields:
        before = (remembered or {}).get(one.name)
        names = [before] if before else [one.name, one.title, *one.headings]
        for name in names:
            heading = left.pop(_plain(name), None)
            if heading:
                chosen[one.name] = heading
                break
    return chosen


def _plain(heading: str) -> str:
    return "".join(letter for letter in heading.casefold() if letter.isalnum())


def upload_profile(
    upload: Upload,
    *,
    into: str,
    target: Target,
    columns: Mapping[str, str],
    constants: Mapping[str, Any] | None = None,
    decimal_comma: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Profile:
    """Answer the profile that reads the upload: the chosen headings, and constants for what the file does not say."""
    by_name = {one.name: one for one in target.fields}
    rules: dict[str, Any] = {}
    for name, heading in columns.items():
        if heading and name in by_name:
            comma = decimal_comma and by_name[name].kind in NUMBERS
            rules[name] = {"from": heading, "do": ["decimal_comma"] if comma else []}
    for name, value in (constants or {}).items():
        if value not in (None, "") and name not in rules and name in by_name:
            rules[name] = {"value": value}
    document: dict[str, Any] = {
        "title": upload.name,
        "files": {
            "upload": {
                "name": upload.name,
                "stored": ROWS,
                "delimiter": upload.delimiter,
                "encoding": upload.encoding,
                "escaped": True,
            }
        },
        "steps": [{"name": into, "into": into, "file": "upload", "columns": rules}],
    }
    # Options are facts of the moment: they are no part of what makes two readings the same.
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["steps"][0]["options"] = dict(options or {})
    return read_profile("upload", document, digest=digest)


def rows_to_fix(folder: Path, upload: Upload, refused: Mapping[int, str], target: Path) -> int:
    """Write the refused rows as they were, with a last column that says why, and answer how many."""
    spec = FileSpec(alias="upload", name=upload.name, stored=ROWS, delimiter=upload.delimiter, encoding=upload.encoding)
    count = 0
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*upload.headings, "what is wrong"])
        for number, cells in Table(folder, spec, UPLOAD).records():
            if number in refused and number > 1:
                writer.writerow([*cells, refused[number]])
                count += 1
    return count
