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
        *range(0x2060, 0x2065),
        *range(0x2066, 0x2070),
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
        *range(0xE0000, 0xE0080),
    ]
)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


class DirtyText(ValueError):
    """The text holds a character that no document may hold: NUL, a control character or half of a surrogate pair."""


def clean_line(value: str) -> str:
    """Answer `value` as one trimmed NFC line. Raises DirtyText for NUL, control characters and lone surrogates.

    Zero-width and bidirectional marks are dropped; tabs and line ends become one space.
    """
    return " ".join(clean_text(value).split())


def clean_text(value: str) -> str:
    """Answer `value` as trimmed NFC text that may have several lines. Raises DirtyText as `clean_line` does."""
    if value.isascii() and value.isprintable():
        return value.strip()
    tidy = unicodedata.normalize("NFC", _BREAKS.sub("\n", value).translate(_INVISIBLE))
    for character in tidy:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
            raise DirtyText(f"it holds the character U+{ord(character):04X}, which cannot be stored")
    return tidy.strip()


def clean_json(value: Any, pointer: str = "") -> Any:
    """Answer a JSON value with every string cleaned, keys too. Raises DirtyText naming the JSON pointer."""
    if isinstance(value, str):
        try:
            return clean_text(value)
        except DirtyText as dirt:
            raise DirtyText(f"{pointer or '/'}: {dirt}") from dirt
    if isinstance(value, list):
        return [clean_json(entry, f"{pointer}/{index}") for index, entry in enumerate(value)]
    if isinstance(value, dict):
        return {clean_json(key, pointer): clean_json(entry, f"{pointer}/{key}") for key, entry in value.items()}
    return value


@lru_cache(maxsize=8_192)
def sku_key(sku: str) -> str:
    """Answer the key under which a SKU is unique: NFKC and casefold, so that full-width or lower-case twins meet."""
    if sku.isascii() and sku.isprintable():
        return "".join(sku.casefold().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean_line(sku)).casefold())
    return "".join(folded.split())


_CARD_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")


def without_card_numbers(text: str) -> str:
    """Blank what looks like a payment card (13 to 19 digits with a right Luhn check digit): we never keep one."""

    def blank(match: re.Match[str]) -> str:
        digits = [int(c) for c in match.group() if c.isdigit()]
        total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits)))
        return "[card number removed]" if total % 10 == 0 else match.group()

    return _CARD_NUMBER.sub(blank, text)
