"""Triggers that several tables of the books share."""

from __future__ import annotations

import pgtrigger

BOOKS_LOCK = 7_261_001
"""Key of the advisory lock on the books: whoever posts shares it, whoever closes or opens a period has it alone."""


def no_truncate(what: str) -> pgtrigger.Trigger:
    """Answer the trigger that keeps a table from being emptied at once, which row triggers would not see."""
    return pgtrigger.Trigger(
        name="no_truncate",
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        func=f"RAISE EXCEPTION 'pgtrigger: Cannot truncate {what}';",
    )
