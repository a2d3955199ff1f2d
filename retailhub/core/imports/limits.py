"""How big a file may be, checked before it is opened."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from retailhub.core.imports.complaints import BadFile

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps on one file. A workbook is a zip: what it unpacks to counts, not what it weighs."""

    bytes: int = 2048 * MEBIBYTE
    rows: int = 5_000_000
    columns: int = 500
    cell: int = 32_767  # what a sheet's cell holds at most
    zip_entries: int = 1_000
    unpacked_bytes: int = 200 * MEBIBYTE
    ratio: int = 100


FOLDER = Limits()
UPLOAD = Limits(bytes=20 * MEBIBYTE, rows=100_000, columns=200)


def check_size(path: Path, limits: Limits, name: str = "") -> None:
    """Refuse a file that is too big or empty, by what the file system says of it. People know it as `name`."""
    name, size = name or path.name, path.stat().st_size
    if size > limits.bytes:
        raise BadFile(f"{name} has {size:,} bytes; {limits.bytes:,} are allowed.")
    if size == 0:
        raise BadFile(f"{name} is empty.")


def is_workbook(path: Path) -> bool:
    """Whether the file is a zip, an empty one too."""
    with path.open("rb") as file:
        return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def check_workbook(path: Path, limits: Limits, name: str = "") -> None:
    """Refuse a zip whose directory promises too much. A directory can lie: the reader's child has memory limits too."""
    name = name or path.name
    try:
        with zipfile.ZipFile(path) as book:
            entries = book.infolist()
    except zipfile.BadZipFile as error:
        raise BadFile(f"{name} is not a workbook: {error}") from error
    if len(entries) > limits.zip_entries:
        raise BadFile(f"{name} has {len(entries)} parts; {limits.zip_entries} are allowed.")
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if unpacked > limits.unpacked_bytes:
        raise BadFile(f"{name} unpacks to {unpacked:,} bytes; {limits.unpacked_bytes:,} are allowed.")
    if unpacked > MEBIBYTE and unpacked > packed * limits.ratio:
        raise BadFile(f"{name} unpacks to {unpacked // packed} times its size; {limits.ratio} times are allowed.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise BadFile(f"{name} is encrypted.")
