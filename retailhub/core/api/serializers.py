"""Request bodies: declared as DRF serializers, so that the schema knows them, but read in one quick pass.

The pass walks the declared fields itself instead of binding copies of them for each object: an order of three lines
takes about 30 microseconds rather than a millisecond. Every offence is named, at any depth, with its JSON pointer.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from rest_framework import serializers
from rest_framework.fields import empty

from retailhub.core.api.fields import BadValue, BadValueAt, ReadingMixin
from retailhub.core.errors import Invalid, Offence
from retailhub.core.failures import escaped

Values = dict[str, Any]


class UnknownField(Invalid):
    """What was sent has a field that means nothing here."""

    code = "unknown_field"


class _Step(NamedTuple):
    name: str
    field: Any
    required: bool
    default: Any
    allow_null: bool
    is_value: bool


class StrictSerializer(serializers.Serializer[Any]):
    """A body that refuses fields it does not know."""

    @classmethod
    def read(cls, data: Any, *, partial: bool = False) -> Values:
        """Answer the body's values, defaults filled in unless `partial`. Raises Invalid or UnknownField naming every
        offending place."""
        offences: list[Offence] = []
        values = cls.collect(data, "", offences, partial=partial)
        refuse(offences)
        return values

    @classmethod
    def collect(cls, data: Any, pointer: str, offences: list[Offence], *, partial: bool = False) -> Values:
        """Answer what can be read of `data` and add what cannot to `offences`."""
        values: Values = {}
        if not isinstance(data, dict):
            offences.append(Offence(pointer=pointer, code="invalid", detail="an object is expected here"))
            return values
        before, left = len(offences), len(data)
        for name, field, required, default, allow_null, is_value in _plan(cls):
            value = data.get(name, empty)
            if value is empty:
                if default is not empty and not partial:
                    values[name] = default() if callable(default) else default
                elif required and not partial:
                    offences.append(
                        Offence(pointer=f"{pointer}/{name}", code="required", detail="this field is missing")
                    )
                continue
            left -= 1
            if value is None:
                if allow_null:
                    values[name] = None
                else:
                    offences.append(Offence(pointer=f"{pointer}/{name}", code="null", detail="this may not be null"))
                continue
            if is_value:
                try:
                    values[name] = field.read(value)
                except BadValue as bad:
                    place = f"{pointer}/{name}/{bad.index}" if isinstance(bad, BadValueAt) else f"{pointer}/{name}"
                    offences.append(Offence(pointer=place, code=bad.code, detail=bad.detail))
            elif isinstance(field, serializers.ListSerializer):
                values[name] = _collect_list(field, value, f"{pointer}/{name}", offences)
            else:
                values[name] = type(field).collect(value, f"{pointer}/{name}", offences, partial=partial)
        if left:
            known = {step.name for step in _plan(cls)}
            offences.extend(
                Offence(
                    pointer=f"{pointer}/{escaped(name)}", code="unknown_field", detail="there is no such field here"
                )
                for name in data
                if name not in known
            )
        if len(offences) == before:
            cls.check(values, pointer, offences)
        return values

    @classmethod
    def check(cls, values: Values, pointer: str, offences: list[Offence]) -> None:
        """Add what is wrong with the fields taken together; called once each of them is right."""


def many(body: type[StrictSerializer], *, least: int = 0, most: int | None = None, **kwargs: Any) -> Any:
    """Declare a list of such bodies."""
    return body(many=True, allow_empty=least == 0, max_length=most, **kwargs)  # type: ignore[call-arg]


def _collect_list(
    field: serializers.ListSerializer[Any], value: Any, pointer: str, offences: list[Offence]
) -> list[Values]:
    if not isinstance(value, list):
        offences.append(Offence(pointer=pointer, code="not_a_list", detail="a list is expected here"))
        return []
    least = 0 if field.allow_empty else 1
    most: int | None = field.max_length  # type: ignore[attr-defined]
    if len(value) < least:
        offences.append(Offence(pointer=pointer, code="empty", detail="there must be at least one entry here"))
    if most is not None and len(value) > most:
        offences.append(Offence(pointer=pointer, code="max_length", detail=f"there are more than {most} entries here"))
        return []
    collect = type(field.child).collect  # type: ignore[union-attr]
    return [collect(entry, f"{pointer}/{index}", offences) for index, entry in enumerate(value)]


def refuse(offences: list[Offence]) -> None:
    """Raise the refusal that lists these offences, if there are any."""
    if not offences:
        return
    first = f"{offences[0].pointer or 'The body'}: {offences[0].detail}"
    detail = first if len(offences) == 1 else f"{first} (and {len(offences) - 1} more)"
    # A field nobody knows is most often the misspelt twin of one that is missing, so it names the refusal.
    kind = UnknownField if any(offence.code == "unknown_field" for offence in offences) else Invalid
    raise kind(detail, errors=offences)


@cache
def _plan(cls: type[StrictSerializer]) -> tuple[_Step, ...]:
    steps = []
    for name, field in cls._declared_fields.items():
        if not isinstance(field, ReadingMixin | serializers.ListSerializer | StrictSerializer):
            raise TypeError(f"{cls.__name__}.{name} is no field that can be read quickly")
        is_value = isinstance(field, ReadingMixin)
        steps.append(_Step(name, field, field.required, field.default, field.allow_null, is_value))
    return tuple(steps)
