"""What the address of a record list may say besides filters, and what a list opens with.

Apart from the shell's admin classes, so that template libraries may import it while those are being loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

COLUMNS = "cols"
"""The columns the list shows, when not all of them."""
VIEW = "view"
"""`all` when the list was asked for whole, rather than with what it opens with."""

Opening = Callable[[HttpRequest, str], str]
_opening: list[Opening] = []


def open_lists_with(opening: Opening) -> None:
    """Say at start who knows with which query a list opens that was asked for bare."""
    _opening[:] = [opening]


def opening_of(request: HttpRequest, label: str) -> str:
    """Answer the query with which the list of a model such as inventory.item opens; nothing for the whole list."""
    return _opening[0](request, label) if _opening else ""


def column_name(column: Any) -> str:
    """Answer what a column of a list is called in addresses."""
    return column if isinstance(column, str) else str(column.__name__)
