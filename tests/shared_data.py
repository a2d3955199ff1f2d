"""Where the real files made by others are. They stand beside the project and are never copied into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(*parts: str) -> Path:
    """Answer a folder or file below the shared data; the test is skipped, saying why, where it is missing."""
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    root = Path(os.environ.get("RETAILHUB_SHARED_DATA", "") or beside)
    found = root.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"{found} is not there; RETAILHUB_SHARED_DATA names the folder of real files")
    return found
