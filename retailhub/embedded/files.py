"""Small private files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Put `text` at `path`, readable by its owner only; a reader sees the old text or the new, never half of it."""
    draft = _draft(path, text)
    draft.replace(path)


def keep_secret(path: Path) -> str:
    """Answer the secret kept at `path`; draw it at the first call. Two callers at once get the same one."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _draft(path, secrets.token_hex(32) + "\n")
    try:
        os.link(draft, path)  # fails when another caller was first: then theirs is the secret
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft
