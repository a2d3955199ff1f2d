"""One normaliser: what looks alike is alike, and what cannot be stored is refused."""

from __future__ import annotations

import unicodedata

import pytest

from retailhub.core.text import DirtyText, clean_line, clean_text, sku_key

# Unicode's Default_Ignorable_Code_Point: characters that are drawn as nothing at all.
IGNORABLE = [
    0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010),
    *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0,
    *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
]  # fmt: skip


def test_no_sku_has_a_twin_that_looks_the_same() -> None:
    assert {sku_key(f"AB{chr(code)}-1") for code in IGNORABLE} == {"ab-1"}


@pytest.mark.parametrize(
    "twin", ["\uff34\uff25\uff25", "tee", " T\u00a0E E", "T\u200bEE", "TEE\ufe0f", "\u202eTEE", "TE\ufff9E"]
)
def test_twins_share_a_key(twin: str) -> None:
    assert sku_key(twin) == sku_key("TEE")


def test_a_key_is_its_own_key() -> None:
    for code in range(0x20, 0x3000):
        character = chr(code)
        if unicodedata.category(character) not in {"Cc", "Cs"}:
            assert sku_key(sku_key(character)) == sku_key(character), hex(code)


def test_shapes_that_names_need_are_kept() -> None:
    assert clean_line("\u2764\ufe0f \u845b\U000e0100\u57ce") == "\u2764\ufe0f \u845b\U000e0100\u57ce"


def test_text_is_nfc_without_traps_and_lines_end_in_one_way() -> None:
    assert clean_text(" Cafe\u0301\u200b\r\n\u202ebar\u2028x\x85y ") == "Café\nbar\nx\ny"
    assert clean_line(" a\tb\n c ") == "a b c"


@pytest.mark.parametrize("text", ["a\0", "a\x1b[31m", "a\x9f", "a\ud800"], ids=["nul", "escape", "c1", "half a pair"])
def test_what_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(DirtyText):
        clean_text(text)
