"""Which encoding a file is in, and text that was decoded with the wrong one."""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path

from retailhub.core.imports.complaints import BadFile

_PIECE = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def find_encoding(path: Path, name: str = "") -> str:
    """Answer the codec that reads the whole file: by its mark, by UTF-16's pattern of NULs, UTF-8, or Windows-1252.

    Windows-1252 is only a guess, made when the bytes are no UTF-8. A file that is neither is refused, and so is one
    that begins like UTF-16 or UTF-32 and does not go on like it. `name` is what people know the file by.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    for codec in (promised,) if (promised := _promised(head)) else ("utf-8", "cp1252"):
        if reads(path, codec):
            return codec
    what = f"it begins like {promised.upper()} but is not" if promised else "neither UTF-8 nor UTF-16 nor Windows-1252"
    raise BadFile(f"{name or path.name} cannot be read as text: {what}.")


def _promised(head: bytes) -> str:
    """Answer the codec that a file's first bytes can only mean; empty when they may mean several."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if len(head) >= 4:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if odd > len(head) // 5 and even == 0:
            return "utf-16-le"
        if even > len(head) // 5 and odd == 0:
            return "utf-16-be"
    return ""


def reads(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# Windows-1252 as programs use it: the five bytes it leaves out stand for themselves.
_BYTES = {bytes([b]).decode("cp1252", "ignore") or chr(b): b for b in range(256)}
_LETTERS = {byte: letter for letter, byte in _BYTES.items()}


def repaired(text: str) -> str | None:
    """Answer what the text was before UTF-8 was read as Windows-1252, or None if it was not.

    Only an exact round trip counts: taking the answer and making the same mistake again gives `text` back.
    """
    if text.isascii():
        return None
    try:
        original = bytes(_BYTES[letter] for letter in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
    again = "".join(_LETTERS[byte] for byte in original.encode("utf-8"))
    return original if again == text else None
