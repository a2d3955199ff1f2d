"""Profiles: what the files of a folder are and what becomes of them, declared in TOML without data or code."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retailhub.core.imports.complaints import BadProfile
from retailhub.core.imports.sources import FileSpec
from retailhub.core.imports.transforms import TRANSFORMATIONS

MISSING = ("refuse", "remark", "empty")


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """Where a field's value comes from: cells of the row, a constant, or a row of another file; then transformations.

    `find` hops through other files by their keys: `subcategory:ProductCategoryID`, `category:Name`. What is `missing`
    there refuses the row, or is remarked on and left empty. Where the column `when` is empty, the value is. `else_` is
    tried when nothing came out.
    """

    field: str
    source: tuple[str, ...] = ()
    value: Any = None
    find: tuple[tuple[str, tuple[str, ...]], ...] = ()
    do: tuple[tuple[str, Any], ...] = ()
    missing: str = "refuse"
    when: str = ""
    else_: ColumnRule | None = None


@dataclass(frozen=True, kw_only=True)
class PartsRule:
    """Rows of another file that belong to each row of the step's file: the lines of an order."""

    name: str
    file: str
    key: str
    by: str
    columns: tuple[ColumnRule, ...]


@dataclass(frozen=True, kw_only=True)
class StepRule:
    """One pass over one file (or over rows written in the profile) into one kind of thing."""

    name: str
    into: str
    file: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()
    columns: tuple[ColumnRule, ...] = ()
    parts: PartsRule | None = None
    together: str = ""
    batch: int = 500
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a folder of files is read."""

    name: str
    title: str
    digest: str
    zone: ZoneInfo
    books_currency: str = ""
    files: Mapping[str, FileSpec] = field(default_factory=dict)
    not_used: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[StepRule, ...] = ()


def load_profile(path: Path) -> Profile:
    """Read a profile. Raises BadProfile naming the place that cannot be followed."""
    try:
        raw = path.read_bytes()
        document = tomllib.loads(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadProfile(f"The profile {path.stem} cannot be read: {error}") from error
    return read_profile(path.stem, document, digest=hashlib.sha256(raw).hexdigest())


def read_profile(name: str, document: Mapping[str, Any], *, digest: str) -> Profile:
    known(document, {"title", "zone", "books_currency", "format", "files", "not_used", "steps"}, "profile")
    try:
        zone = ZoneInfo(document.get("zone", "UTC"))
    except ZoneInfoNotFoundError as error:
        raise BadProfile(f"zone: {error}") from error
    files = {
        alias: _file(alias, {**document.get("format", {}), **entry})
        for alias, entry in document.get("files", {}).items()
    }
    profile = Profile(
        name=name,
        title=document.get("title", name),
        digest=digest,
        zone=zone,
        books_currency=document.get("books_currency", ""),
        files=files,
        not_used=document.get("not_used", {}),
        steps=tuple(_step(entry) for entry in document.get("steps", [])),
    )
    _check(profile)
    return profile


def _file(alias: str, entry: Mapping[str, Any]) -> FileSpec:
    known(
        entry,
        {"name", "stored", "columns", "delimiter", "end", "quote", "encoding", "key", "escaped", "shared"},
        f"files.{alias}",
    )
    return FileSpec(alias=alias, **{**entry, "columns": tuple(entry.get("columns", ()))})


def _step(entry: Mapping[str, Any]) -> StepRule:
    name = entry.get("name", "?")
    known(
        entry,
        {"name", "into", "file", "rows", "columns", "parts", "together", "batch", "options"},
        f"steps.{name}",
    )
    parts = entry.get("parts")
    return StepRule(
        name=name,
        into=entry["into"],
        file=entry.get("file", ""),
        rows=tuple(entry.get("rows", ())),
        columns=columns(entry.get("columns", {}), f"steps.{name}"),
        parts=_parts(parts, name) if parts else None,
        together=entry.get("together", ""),
        batch=int(entry.get("batch", 500)),
        options=entry.get("options", {}),
    )


def _parts(entry: Mapping[str, Any], step: str) -> PartsRule:
    known(entry, {"name", "file", "key", "by", "columns"}, f"steps.{step}.parts")
    return PartsRule(
        name=entry["name"],
        file=entry["file"],
        key=entry["key"],
        by=entry.get("by", entry["key"]),
        columns=columns(entry["columns"], f"steps.{step}.parts"),
    )


def columns(entries: Mapping[str, Any], where: str) -> tuple[ColumnRule, ...]:
    """Read `field = "Column"` and `field = { from = .., find = .., do = .. }` alike."""
    return tuple(_column(name, entry, f"{where}.{name}") for name, entry in entries.items())


def _column(name: str, entry: Any, where: str) -> ColumnRule:
    if isinstance(entry, str):
        return ColumnRule(field=name, source=(entry,))
    known(entry, {"from", "value", "find", "do", "missing", "when", "else"}, where)
    source = entry.get("from", ())
    if entry.get("missing", "refuse") not in MISSING:
        raise BadProfile(f"{where}: missing is one of {', '.join(MISSING)}")
    return ColumnRule(
        field=name,
        source=(source,) if isinstance(source, str) else tuple(source),
        value=entry.get("value"),
        find=tuple(_hop(hop, where) for hop in _listed(entry.get("find", ()))),
        do=tuple(_doing(step, where) for step in _listed(entry.get("do", ()))),
        missing=entry.get("missing", "refuse"),
        when=entry.get("when", ""),
        else_=_column(name, entry["else"], where) if "else" in entry else None,
    )


def _listed(entry: Any) -> list[Any]:
    return list(entry) if isinstance(entry, list | tuple) else [entry]


def _hop(hop: str, where: str) -> tuple[str, tuple[str, ...]]:
    alias, colon, taken = hop.partition(":")
    if not colon:
        raise BadProfile(f"{where}: {hop!r} is written file:column")
    return alias, tuple(taken.split("+"))


def _doing(step: Any, where: str) -> tuple[str, Any]:
    name, option = (step, None) if isinstance(step, str) else next(iter(step.items()))
    if name not in TRANSFORMATIONS:
        raise BadProfile(f"{where}: there is no transformation {name}; there are {', '.join(sorted(TRANSFORMATIONS))}")
    return name, option


def _check(profile: Profile) -> None:
    names: set[str] = set()
    for step in profile.steps:
        if step.name in names:
            raise BadProfile(f"two steps are called {step.name}")
        names.add(step.name)
        if bool(step.file) == bool(step.rows):
            raise BadProfile(f"steps.{step.name} reads either a file or rows written in the profile")
        hops = [alias for rule in step.columns for alias, _ in rule.find]
        hops += [alias for rule in step.parts.columns for alias, _ in rule.find] if step.parts else []
        for alias in [*hops, *([step.file] if step.file else []), *([step.parts.file] if step.parts else [])]:
            if alias not in profile.files:
                raise BadProfile(f"steps.{step.name} names the file {alias}, which is not declared")
        for alias in hops:
            if not profile.files[alias].key:
                raise BadProfile(f"files.{alias} is looked up, so it needs a key")


def known(entry: Mapping[str, Any], names: set[str], where: str) -> None:
    """Refuse words nobody reads: a typing mistake in a profile must not be silence."""
    extra = sorted(set(entry) - names)
    if extra:
        raise BadProfile(f"{where}: nobody reads {', '.join(extra)}; known are {', '.join(sorted(names))}")
