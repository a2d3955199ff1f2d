"""Cells that a spreadsheet would take for a formula: defused on the way out, restored on the way in."""

from __future__ import annotations

from typing import Any

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe_cell(value: Any) -> Any:
    """Answer text that begins like a formula with `'` before it; numbers, dates and other text stay as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS) else value


def restored_cell(text: str) -> str:
    """Undo `safe_cell`: drop a `'` that stands before the beginning of a formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_STARTS) else text
