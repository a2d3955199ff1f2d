"""One normaliser for text, used at every door, so that two spellings of one thing are one thing in the database."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

# Zero-width characters and bidirectional controls hide in pasted text and make twins that look alike.
_INVISIBLE = dict.fromkeys(
    [
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0x00AD,
        0x034F,
        0x061C,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180E,
        0x3164,
        0xFEFF,
        0xFFA0,
        *range(0xFFF0, 0xFFFC),
        *range(0x1BCA0, 0x1BCA4),
        *range(0x1D173, 0x1D17B),
        *range(0xE0000, 0xE0080),
    ]
)
# Variation selectors choose between shapes of one character. Names need them; a key that differs in them is a twin.
_SELECTORS = dict.fromkeys([*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0080, 0xE1000)])
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


class DirtyText(ValueError):
    """The text holds a character that no document may hold: NUL, a control character or half of a surrogate pair.

    In a document `pointer` says where.
    """

    pointer = ""


def clean_line(value: str) -> str:
    """Answer `value` as one trimmed NFC line. Raises DirtyText for NUL, control characters and lone surrogates.

    Zero-width and bidirectional marks are dropped; tabs and line ends become one space.
    """
    return " ".join(clean_text(value).split())


def clean_text(value: str) -> str:
    """Answer `value` as trimmed NFC text that may have several lines. Raises DirtyText as `clean_line` does."""
    return without_traps(value).strip()


def without_traps(value: str) -> str:
    """Answer `value` as `clean_text` does, with the blanks around it: what a form sent, before the form has read it."""
    if value.isascii() and value.isprintable():
        return value
    tidy = unicodedata.normalize("NFC", _BREAKS.sub("\n", value).translate(_INVISIBLE))
    for character in tidy:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
            raise DirtyText(f"it holds the character U+{ord(character):04X}, which cannot be stored")
    return tidy


def storable(text: str) -> str:
    """Answer words of our own about a failure, which may quote what no column can hold, so that they can be kept."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def clean_json(value: Any, pointer: str = "") -> Any:
    """Answer a JSON value with every string cleaned, keys too. Raises DirtyText with the JSON pointer of the place."""
    if isinstance(value, str):
        try:
            return clean_text(value)
        except DirtyText as dirt:
            dirt.pointer = pointer
            raise
    if isinstance(value, list):
        return [clean_json(entry, f"{pointer}/{index}") for index, entry in enumerate(value)]
    if isinstance(value, dict):
        return {clean_json(key, pointer): clean_json(entry, _below(pointer, key)) for key, entry in value.items()}
    return value


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


@lru_cache(maxsize=8_192)
def sku_key(sku: str) -> str:
    """Answer the key under which a SKU is unique: NFKC and casefold, so that full-width or lower-case twins meet."""
    if sku.isascii() and sku.isprintable():
        return "".join(sku.casefold().split())
    plain = clean_line(sku).translate(_SELECTORS)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
    return "".join(folded.split())


_CARD_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")


def without_card_numbers(text: str) -> str:
    """Blank what looks like a payment card (13 to 19 digits with a right Luhn check digit): we never keep one."""

    def blank(match: re.Match[str]) -> str:
        digits = [int(c) for c in match.group() if c.isdigit()]
        total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits)))
        return "[card number removed]" if total % 10 == 0 else match.group()

    return _CARD_NUMBER.sub(blank, text)
