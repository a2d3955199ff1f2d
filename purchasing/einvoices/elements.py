"""Values out of an XML tree. What cannot be read is noted with its place, and reading goes on to find the rest."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache

from purchasing.einvoices.document import Identifier
from purchasing.einvoices.refusing import MOST_TROUBLES, NotReadable, Trouble, shown
from purchasing.einvoices.trees import Element, line_of, path_of
from retailhub.core.text import DirtyText, clean_line, clean_text

MOST_LINE = 1_000
MOST_TEXT = 20_000
MOST = Decimal("1e13")  # as retailhub.core.money has it; that module wants Django, and this one runs without
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T[0-9:.]{1,20})?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{4}|[0-9]{6})?")
_YEARS = range(1900, 2200)


class Values:
    """Reads below a root by paths with prefixes, such as `cac:Price/cbc:PriceAmount`."""

    def __init__(self, root: Element, namespaces: Mapping[str, str]) -> None:
        self.root = root
        self.troubles: list[Trouble] = []
        self.currency = ""
        self._spelled = cache(lambda path: _spell(path, namespaces))

    def all(self, node: Element | None, path: str) -> list[Element]:
        return [] if node is None else node.findall(self._spelled(path))

    def first(self, node: Element | None, path: str) -> Element | None:
        return None if node is None else node.find(self._spelled(path))

    def only(self, node: Element | None, path: str) -> Element | None:
        """Answer the element that may stand there once; a second one makes it unclear which of them counts."""
        found = self.all(node, path)
        if len(found) > 1:
            self.trouble("ambiguous", f"this stands {len(found)} times where it may stand once", found[1])
        return found[0] if found else None

    def line(self, node: Element | None, path: str) -> str:
        """Answer the first text there as one clean line, or nothing."""
        return self.line_of(self.first(node, path))

    def lines(self, node: Element | None, path: str) -> tuple[str, ...]:
        """Answer the texts there, each once, as clean lines."""
        return tuple(dict.fromkeys(filter(None, (self.line_of(one) for one in self.all(node, path)))))

    def text(self, node: Element | None, path: str) -> str:
        """Answer the first text there, with its line ends, or nothing."""
        return self.text_of(self.first(node, path))

    def texts(self, node: Element | None, path: str) -> Iterator[str]:
        for one in self.all(node, path):
            if text := self.text_of(one):
                yield text

    def line_of(self, element: Element | None) -> str:
        return "" if element is None else self._clean(element, clean_line, MOST_LINE)

    def text_of(self, element: Element | None) -> str:
        return "" if element is None else self._clean(element, clean_text, MOST_TEXT)

    def _clean(self, element: Element, cleaner: Callable[[str], str], most: int) -> str:
        raw = element.text or ""
        try:
            text = cleaner(raw)
        except DirtyText as dirt:
            self.trouble("dirty_text", str(dirt), element)
            return ""
        if len(text) > most:
            self.trouble("too_long", f"this text has {len(text):,} letters; {most:,} are allowed", element)
            return ""
        return text

    def identifier(self, node: Element | None, path: str) -> Identifier | None:
        """Answer the first identifier there with its scheme, or None."""
        return next(iter(self.identifiers(node, path)), None)

    def identifiers(self, node: Element | None, path: str) -> tuple[Identifier, ...]:
        found = [
            Identifier(value=value, scheme=self.attribute(one, "schemeID"))
            for one in self.all(node, path)
            if (value := self.line_of(one))
        ]
        return tuple(dict.fromkeys(found))

    def attribute(self, element: Element | None, name: str) -> str:
        """Answer an attribute as one clean line, or nothing."""
        value = element.get(name) if element is not None else ""
        if not value:
            return ""
        try:
            return clean_line(value)[:MOST_LINE]
        except DirtyText as dirt:
            self.trouble("dirty_text", f"attribute {name}: {dirt}", element)
            return ""

    def number(self, node: Element | None, path: str) -> Decimal | None:
        """Answer the number that stands there, or None if nothing does."""
        return self.number_of(self.only(node, path))

    def number_of(self, element: Element | None) -> Decimal | None:
        raw = (element.text or "").strip() if element is not None else ""
        if element is None or not raw:
            return None
        if not _DECIMAL.fullmatch(raw):
            self.trouble("bad_number", f"{shown(raw)!r} is not a number such as 1234.50", element)
            return None
        number = Decimal(raw)
        if abs(number) >= MOST:
            self.trouble("bad_number", f"{shown(raw)} is too big; numbers are smaller than 10,000,000,000,000", element)
            return None
        return number

    def amount(self, node: Element | None, path: str) -> Decimal | None:
        """Answer the amount that stands there, which is in the currency of the document, or None."""
        return self.amount_of(self.only(node, path))

    def amount_of(self, element: Element | None) -> Decimal | None:
        number = self.number_of(element)
        named = self.attribute(element, "currencyID")
        if number and named and self.currency and named != self.currency:
            self.trouble("other_currency", f"this amount is in {shown(named)}, the invoice in {self.currency}", element)
        return number

    def flag(self, node: Element | None, path: str) -> bool | None:
        element = self.only(node, path)
        raw = (element.text or "").strip() if element is not None else ""
        if element is None or not raw:
            return None
        if raw not in {"true", "false", "1", "0"}:
            self.trouble("bad_flag", f"{shown(raw)!r} is neither true nor false", element)
            return None
        return raw in {"true", "1"}

    def day(self, node: Element | None, path: str) -> dt.date | None:
        """Answer the day that stands there as 2026-03-31, or as 20260331 with format 102, or None."""
        element = self.only(node, path)
        raw = (element.text or "").strip() if element is not None else ""
        if element is None or not raw:
            return None
        found = _DATE.fullmatch(raw) or (_COMPACT.fullmatch(raw) if element.get("format", "102") in _DAYS else None)
        try:
            day = dt.date(int(found[1]), int(found[2]), int(found[3])) if found else None
        except ValueError:
            day = None
        if day is None or day.year not in _YEARS:
            self.trouble("bad_date", f"{shown(raw)!r} is not a day such as 2026-03-31", element)
            return None
        return day

    def need(self, value: object, node: Element | None, path: str, what: str) -> None:
        """Note that something is missing, unless it is there or its own trouble was noted already."""
        if value in (None, "") and not self._troubled_below(node, path):
            around = node if node is not None else self.root
            steps = "/".join(step.rpartition(":")[2] for step in path.split("/"))
            self.trouble("missing", f"{what} is missing", around, below=steps)

    def _troubled_below(self, node: Element | None, path: str) -> bool:
        found = self.first(node, path)
        if found is None:
            return False
        place = path_of(found)
        return any(trouble.element == place for trouble in self.troubles)

    def trouble(self, code: str, detail: str, element: Element | None, *, below: str = "") -> None:
        """Note what is wrong at an element. After many of them reading stops."""
        line = line_of(element) if element is not None else None
        place = path_of(element) if element is not None else ""
        self.troubles.append(
            Trouble(code=code, detail=detail, line=line, element=f"{place}/{below}" if below else place)
        )
        if len(self.troubles) > MOST_TROUBLES:
            self.finish()

    def finish(self) -> None:
        """Raise NotReadable if anything was noted."""
        if self.troubles:
            raise NotReadable(*self.troubles)


_DAYS = frozenset({"102", "203", "204", ""})


def _spell(path: str, namespaces: Mapping[str, str]) -> str:
    steps = []
    for step in path.split("/"):
        prefix, _, name = step.rpartition(":")
        steps.append(f"{{{namespaces[prefix]}}}{name}" if prefix else f"{{*}}{name}")
    return "/".join(steps)
