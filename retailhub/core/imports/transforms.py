"""Named transformations that a profile may ask for between a file's cells and a field. Text in, text out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from retailhub.core.imports.encodings import repaired
from retailhub.core.imports.fields import BadValue, Field

Value = str | None | Sequence[str | None]
Step = Callable[[Value], Value]


class Tally(Counter[str]):
    """What happened to values on the way in, counted, for the report."""


def one(value: Value) -> str | None:
    """Answer the single value; of several, the only one that is not empty."""
    if value is None or isinstance(value, str):
        return value
    full = [entry for entry in value if entry]
    if len(full) > 1:
        raise BadValue("several values where one belongs")
    return full[0] if full else None


def _several(value: Value) -> Sequence[str | None]:
    return [value] if value is None or isinstance(value, str) else value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation as error:
        raise BadValue(f"{text!r} is not a number") from error
    if not number.is_finite():
        raise BadValue(f"{text!r} is not a number")
    return number


def _trim(option: Any, run: Run) -> Step:
    return lambda value: [entry and entry.strip() for entry in value] if isinstance(value, list) else _strip(value)


def _strip(value: Value) -> str | None:
    text = one(value)
    return text.strip() if text else text


def _upper(option: Any, run: Run) -> Step:
    return lambda value: (one(value) or "").upper() or None


def _lower(option: Any, run: Run) -> Step:
    return lambda value: (one(value) or "").lower() or None


def _prefix(option: Any, run: Run) -> Step:
    return lambda value: f"{option}{text}" if (text := one(value)) else None


def _map(option: Mapping[str, str], run: Run) -> Step:
    def look(value: Value) -> Value:
        text = one(value) or ""
        if text in option:
            return option[text]
        if "*" in option:
            return option["*"]
        raise BadValue(f"it is none of {', '.join(sorted(option))}") if text else BadValue("it is empty")

    return look


def _present(option: Any, run: Run) -> Step:
    return lambda value: "yes" if any(entry and entry.strip() for entry in _several(value)) else "no"


def _passed(option: Any, run: Run) -> Step:
    moment = Field(name="moment", kind="moment")
    return lambda value: (
        "yes" if any(entry and moment.read(entry, run.zone) <= run.now for entry in _several(value)) else "no"
    )


def _first(option: Any, run: Run) -> Step:
    return lambda value: next((entry for entry in _several(value) if entry and entry.strip()), None)


def _join(option: Any, run: Run) -> Step:
    glue = " " if option is None else str(option)
    return lambda value: glue.join(entry.strip() for entry in _several(value) if entry and entry.strip()) or None


def _product(option: Mapping[str, int], run: Run) -> Step:
    """Multiply the values exactly and round half up to the declared places; what was rounded is counted."""
    unit = Decimal(1).scaleb(-int(option["places"]))

    def multiply(value: Value) -> Value:
        result = Decimal(1)
        for entry in _several(value):
            if not entry:
                return None
            result *= _decimal(entry)
        rounded = result.quantize(unit, ROUND_HALF_UP)
        if rounded != result:
            run.tally[f"amounts rounded to {option['places']} places"] += 1
        return str(rounded)

    return multiply


_GRAMS = {"G": Decimal(1), "KG": Decimal(1000), "LB": Decimal("453.59237"), "OZ": Decimal("28.349523125")}


def _grams(option: Any, run: Run) -> Step:
    """Answer whole grams of a weight and its unit, rounded half up; a weight without a unit is refused."""

    def convert(value: Value) -> Value:
        weight, unit = _several(value)
        if not weight:
            return None
        factor = _GRAMS.get((unit or "").strip().upper())
        if factor is None:
            raise BadValue(f"the unit {unit!r} is none of {', '.join(_GRAMS)}")
        return str((_decimal(weight) * factor).quantize(Decimal(1), ROUND_HALF_UP))

    return convert


def _repair_mojibake(option: Any, run: Run) -> Step:
    """Undo UTF-8 that was read as Windows-1252, where an exact round trip proves it; each repair is counted."""

    def repair(text: str | None) -> str | None:
        better = repaired(text) if text else None
        if better is None:
            return text
        run.tally["cells repaired: UTF-8 that was read as Windows-1252"] += 1
        return better

    return lambda value: repair(value) if value is None or isinstance(value, str) else [repair(v) for v in value]


def _decimal_comma(option: Any, run: Run) -> Step:
    """Read 1.234,56 as 1234.56."""
    return lambda value: (one(value) or "").replace("\u00a0", "").replace(".", "").replace(",", ".") or None


def _date(option: str, run: Run) -> Step:
    """Read a date as it is written there, such as `%m/%d/%Y`, and write it as 2026-11-22."""

    def read(value: Value) -> Value:
        text = (one(value) or "").strip()
        if not text:
            return None
        try:
            return datetime.strptime(text, option).date().isoformat()  # noqa: DTZ007  a day has no zone
        except ValueError as error:
            raise BadValue(f"this is not a date as in {option}") from error

    return read


def _nonzero(option: Any, run: Run) -> Step:
    """Leave nothing of a zero."""
    return lambda value: None if (text := one(value)) and not _decimal(text) else text


_CODE = re.compile(r"[^A-Za-z0-9_.-]+")


def _code(option: Any, run: Run) -> Step:
    """Put a dash for what a code cannot have; each change is counted."""

    def clean(value: Value) -> Value:
        text = (one(value) or "").strip()
        better = _CODE.sub("-", text)
        if better != text:
            run.tally["codes written with dashes for other signs"] += 1
        return better or None

    return clean


class Run:
    """What transformations may know of the run: its clock, its zone, and the tally they add to."""

    def __init__(self, *, now: datetime, zone: tzinfo) -> None:
        self.now, self.zone, self.tally = now, zone, Tally()


TRANSFORMATIONS: dict[str, Callable[[Any, Run], Step]] = {
    "trim": _trim,
    "upper": _upper,
    "lower": _lower,
    "prefix": _prefix,
    "map": _map,
    "present": _present,
    "passed": _passed,
    "first": _first,
    "join": _join,
    "product": _product,
    "grams": _grams,
    "repair_mojibake": _repair_mojibake,
    "date": _date,
    "nonzero": _nonzero,
    "code": _code,
    "decimal_comma": _decimal_comma,
}
