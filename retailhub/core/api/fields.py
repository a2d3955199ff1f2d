"""Fields of request bodies. Each reads one JSON value with one plain function, so that a thousand lines are quick."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from retailhub.core import money, quantities
from retailhub.core.text import clean_line, clean_text

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DECIMAL = r"^-?\d+(\.\d+)?$"


class BadValue(ValueError):
    """The value cannot be read: a stable code and a sentence."""

    def __init__(self, detail: str, code: str = "invalid") -> None:
        self.detail, self.code = detail, code
        super().__init__(detail)


class ReadingMixin:
    """Lets DRF's own machinery use the plain function too."""

    def read(self, value: Any) -> Any:
        """Answer the value as Python, or raise BadValue."""
        raise NotImplementedError

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.read(data)
        except BadValue as bad:
            raise serializers.ValidationError(bad.detail, code=bad.code) from bad

    def to_representation(self, value: Any) -> Any:
        return value


class CleanChar(ReadingMixin, serializers.CharField):
    """One line of text: trimmed, NFC, without control or zero-width characters."""

    def __init__(self, *, max_length: int = 200, several_lines: bool = False, **kwargs: Any) -> None:
        self.most, self.several_lines = max_length, several_lines
        super().__init__(max_length=max_length, **kwargs)

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise BadValue("a text is expected here")
        # The parser cleaned it already; what is left is to make it one line.
        text = value if self.several_lines else " ".join(value.split())
        if not text and not self.allow_blank:
            raise BadValue("this may not be empty", "blank")
        if len(text) > self.most:
            raise BadValue(f"this is longer than {self.most} characters", "max_length")
        return text

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            data = clean_text(data) if self.several_lines else clean_line(data)
        return super().run_validation(data)


class SkuField(CleanChar):
    """A SKU, in any spelling that folds to the same key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)


class CodeField(CleanChar):
    """The code of something new: letters, digits, dot, dash and underscore."""

    def __init__(self, *, max_length: int = 32, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def read(self, value: Any) -> str:
        code = super().read(value)
        if not CODE.fullmatch(code):
            raise BadValue("a code is made of letters, digits, dots, dashes and underscores")
        return code


class KeyField(CleanChar):
    """A key that names something we have; one that names nothing is `unknown_...`, whatever it looks like."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 120)
        super().__init__(**kwargs)


class ChoiceText(ReadingMixin, serializers.ChoiceField):
    """One of a few words."""

    def __init__(self, choices: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(choices=list(choices), **kwargs)
        self.words = frozenset(str(word) for word in self.choices)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise BadValue(f"this is one of {', '.join(sorted(self.words))}", "invalid_choice")
        return value


class Flag(ReadingMixin, serializers.BooleanField):
    """True or false, as JSON writes them."""

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise BadValue("true or false is expected here")
        return value


class QuantityField(ReadingMixin, serializers.IntegerField):
    """Whole base units."""

    def __init__(self, *, least: int = 1, most: int = quantities.MOST, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(min_value=least, max_value=most, **kwargs)

    def read(self, value: Any) -> int:
        try:
            number = quantities.quantity(value, least=self.least)
        except quantities.NotAQuantity as error:
            raise BadValue(str(error)) from error
        if number > self.most:
            raise BadValue(f"this is at most {self.most}")
        return number


class WholeNumber(QuantityField):
    """A whole number that is no quantity: a line's number, an id."""

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadValue("a whole number is expected here")
        if not self.least <= value <= self.most:
            raise BadValue(f"this is between {self.least} and {self.most}")
        return value


@extend_schema_field({"type": "string", "format": "decimal", "pattern": _DECIMAL, "examples": ["19.90"]})
class MoneyString(ReadingMixin, serializers.Field):  # type: ignore[type-arg]
    """An amount as text, such as "19.90"; a JSON number is taken when it is whole, because only then it is exact."""

    def __init__(self, *, places: int = 4, least: Decimal | int | None = 0, **kwargs: Any) -> None:
        self.places, self.least = places, least
        super().__init__(**kwargs)

    def read(self, value: Any) -> Decimal:
        # The same prices and rates come again and again; what a price cannot be is not worth remembering.
        if isinstance(value, str) and len(value) <= 24:
            return _remembered_amount(value, self.places, self.least)
        return _amount(value, self.places, self.least)


def _amount(value: Any, places: int, least: Decimal | int | None) -> Decimal:
    try:
        number = money.amount(value)
    except money.NotMoney as error:
        raise BadValue(str(error)) from error
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        rounded = number.quantize(Decimal(1).scaleb(-places))
        if rounded != number:
            raise BadValue(f"at most {places} decimal places are kept here", "max_decimal_places")
        number = rounded
    if least is not None and number < least:
        raise BadValue(f"this is at least {least}", "min_value")
    return number


_remembered_amount = lru_cache(maxsize=8_192)(_amount)


@extend_schema_field({"type": "string", "format": "decimal", "pattern": r"^[01](\.\d{1,6})?$", "examples": ["0.20"]})
class RateField(MoneyString):
    """A rate as a fraction between 0 and 1: "0.20" is 20 percent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=6, least=0, **kwargs)

    def read(self, value: Any) -> Decimal:
        rate = super().read(value)
        if rate > 1:
            raise BadValue('a rate is a fraction: 20 percent is "0.20"', "max_value")
        return rate


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217", "examples": ["EUR"]})
class CurrencyField(CleanChar):
    """An ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=3, **kwargs)

    def read(self, value: Any) -> str:
        code = value.strip().upper() if isinstance(value, str) else ""
        if code not in money.currencies() and not (code == "" and self.allow_blank and value == ""):
            raise BadValue("this is not an ISO 4217 currency code", "invalid_currency")
        return code


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(ReadingMixin, serializers.Field):  # type: ignore[type-arg]
    """A moment: RFC 3339 with an offset, kept in UTC."""

    def read(self, value: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) >= 16 else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise BadValue('a moment is written as "2026-11-22T10:00:00Z", with its offset from UTC')


@extend_schema_field({"type": "string", "format": "date"})
class DayField(ReadingMixin, serializers.Field):  # type: ignore[type-arg]
    """A calendar day, such as "2026-11-22"."""

    def read(self, value: Any) -> date:
        try:
            if isinstance(value, str) and len(value) == 10:
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise BadValue('a day is written as "2026-11-22"')


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "null"]}})
class TextsField(ReadingMixin, serializers.Field):  # type: ignore[type-arg]
    """An object of short texts whose names the sender chooses, such as an address."""

    def __init__(self, *, most: int = 40, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def read(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise BadValue("an object is expected here")
        if len(value) > self.most:
            raise BadValue(f"at most {self.most} members are kept here")
        texts: dict[str, str] = {}
        for name, text in value.items():
            if text is None:
                continue
            if not isinstance(text, str) or len(text) > 500 or len(name) > 60:
                raise BadValue(f"{name[:60]}: a text of at most 500 characters is expected here")
            texts[name] = text
        return texts


class WordList(ReadingMixin, serializers.ListField):
    """A list of single values."""

    def __init__(self, child: ReadingMixin, *, least: int = 0, most: int = 100, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(child=child, min_length=least or None, max_length=most, **kwargs)  # type: ignore[arg-type]

    def read(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise BadValue("a list is expected here", "not_a_list")
        if not self.least <= len(value) <= self.most:
            raise BadValue(f"between {self.least} and {self.most} entries are expected here", "length")
        child: Any = self.child
        answers = []
        for index, entry in enumerate(value):
            try:
                answers.append(child.read(entry))
            except BadValue as bad:
                raise BadValueAt(index, bad) from bad
        return answers


class BadValueAt(BadValue):
    """One entry of a list cannot be read."""

    def __init__(self, index: int, bad: BadValue) -> None:
        self.index = index
        super().__init__(bad.detail, bad.code)
