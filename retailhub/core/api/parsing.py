"""JSON in: bounded, strict where it matters, and clean before anything else sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from retailhub.core.errors import Invalid, Offence
from retailhub.core.failures import PayloadTooLarge
from retailhub.core.text import DirtyText, clean_json


class TooDeep(Invalid):
    """The JSON is nested too deeply."""


class CleanJsonParser(BaseParser):
    """Reads UTF-8 JSON of at most 8 MiB and cleans every text in it.

    NaN and infinities are refused, of two members with one name the last counts, and a whole number beyond 64 bits
    arrives as a float, which no quantity and no amount accepts.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise PayloadTooLarge
        return read_json(raw)


def read_json(raw: bytes) -> Any:
    """Answer the cleaned JSON value. Raises ParseError or Invalid with a pointer to the text that cannot be stored."""
    try:
        value = orjson.loads(raw)
        return value if _is_clean(raw) else clean_json(value)
    except DirtyText as dirt:
        raise Invalid(
            "A text holds a character that cannot be stored.",
            errors=[Offence(pointer=dirt.pointer, code="invalid_text", detail=str(dirt))],
        ) from dirt
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error}.") from error
    except RecursionError as error:
        raise TooDeep from error


def _is_clean(raw: bytes) -> bool:
    """Tell whether cleaning would change nothing: plain ASCII without escapes, and no text with blanks at its ends.

    Without escapes every second piece between quotation marks is a text.
    """
    if not raw.isascii() or b"\\" in raw or b"\x7f" in raw:
        return False
    texts = raw.split(b'"')[1::2]
    return [text.strip() for text in texts] == texts
