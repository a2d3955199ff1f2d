"""What the children print, one file each in DATA_DIR/logs; each start of the installation begins new files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

KEPT = 5  # older files of each name
MOST_SHOWN = 4_000  # characters of a log in an error message


def turn_over(logs: Path) -> None:
    """Set the logs of the last run aside as <name>.log.1; the oldest ones go."""
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    for current in logs.glob("*.log"):
        for number in range(KEPT - 1, 0, -1):
            older = current.with_name(f"{current.name}.{number}")
            if older.exists():
                older.replace(current.with_name(f"{current.name}.{number + 1}"))
        current.replace(current.with_name(f"{current.name}.1"))


def open_log(logs: Path, name: str) -> BinaryIO:
    return (logs / f"{name}.log").open("ab")


def log_tail(logs: Path, name: str) -> str:
    """Answer the end of a log for an error message."""
    text = log_text(logs, name)[-MOST_SHOWN:].strip()
    path = logs / f"{name}.log"
    return f"--- {path}\n{text}" if text else f"{path} is empty."


def log_text(logs: Path, name: str) -> str:
    try:
        return (logs / f"{name}.log").read_text(errors="replace")
    except OSError:
        return ""
