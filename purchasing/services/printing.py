"""Papers for suppliers as PDF: set by typst from one template, with fonts that come with the program."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import segno
import typst
from babel.dates import format_date
from babel.numbers import format_decimal
from django.conf import settings

from purchasing.models import PurchaseOrder, PurchaseOrderLine, PurchaseRevision
from purchasing.papers.words import words_in
from retailhub.core.money import exponent, round_total

_TEMPLATE = Path(__file__).resolve().parent.parent / "papers" / "paper.typ"
_FONTS = {"fontpkg_noto_sans": "files", "fontpkg_noto_sans_thai": "files", "noto_cjk_sans_otc": ""}
_LOCALES = {"zh-hans": "zh_Hans", "th": "th", "fr": "fr", "en": "en"}
KINDS = ("order", "revision", "cancellation", "dispute", "claim")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a paper's table; `rest` takes the width that the others leave."""

    title: str
    number: bool = False
    width: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a paper's table. A changed one is marked; the note stands below the cell number `described`."""

    cells: Sequence[str]
    note: str = ""
    described: int = -1
    changed: bool = False


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What is to be printed; `number` is what the code in the corner says when it is scanned back."""

    kind: str
    number: str
    title: str
    subtitle: str = ""
    supplier: Sequence[str] = ()
    ship_to: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    intro: str = ""
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    totals: Sequence[tuple[str, str]] = ()
    note: str = ""
    sender: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Words that stand otherwise on this paper, by their name."""


def print_paper(paper: Paper, *, language: str) -> bytes:
    """Answer the paper as a PDF in a language that suppliers get (another one: English).

    What is printed travels as data: nothing a person typed is read as part of the template.
    """
    words = words_in(language)
    told = {
        "title": paper.title,
        "subtitle": paper.subtitle,
        "language": language.split("-")[0].lower() or "en",
        "words": {**words, **paper.labels},
        "sender": paper.sender or _sender(),
        "supplier": list(paper.supplier) or [""],
        "ship_to": list(paper.ship_to) or [""],
        "facts": [list(fact) for fact in paper.facts],
        "intro": paper.intro,
        "columns": [{"title": c.title, "number": c.number, "width": c.width} for c in paper.columns],
        "rows": [
            {"cells": list(r.cells), "note": r.note, "described": r.described, "changed": r.changed} for r in paper.rows
        ],
        "totals": [list(total) for total in paper.totals],
        "note": paper.note,
    }
    code = io.BytesIO()
    segno.make(paper.number, error="m").save(code, kind="svg", border=0)
    return typst.compile(
        str(_TEMPLATE),
        root=str(_TEMPLATE.parent),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": orjson.dumps(told).decode(), "code": code.getvalue().decode()},
        format="pdf",
    )


@cache
def _fonts() -> typst.Fonts:
    found: list[Path] = []
    for package, folder in _FONTS.items():
        spec = find_spec(package)
        if spec and spec.submodule_search_locations:
            found.append(Path(spec.submodule_search_locations[0]) / folder)
    return typst.Fonts(include_system_fonts=False, font_paths=found)


def _sender() -> dict[str, Any]:
    lines = [line.strip() for line in settings.COMPANY_ADDRESS.split("|") if line.strip()]
    return {"name": settings.COMPANY_NAME, "lines": [settings.COMPANY_NAME, *lines]}


def order_paper(order: PurchaseOrder, *, kind: str = "order") -> bytes:
    """Answer an order as its supplier gets it: as ordered, revised (with what changed marked) or cancelled."""
    language = order.supplier.language
    words, locale = words_in(language), locale_of(language)
    lines = list(order.lines.select_related("item").order_by("line"))
    revision = order.revisions.order_by("-number").first()
    changed = _changes(revision) if kind == "revision" else {}
    charges = list(order.charges.order_by("code"))
    issued_on = (order.issued_at or order.created_at).date()
    goods = sum((round_total(x.net_amount(x.quantity - x.cancelled), order.currency) for x in lines), Decimal(0))
    totals = [
        (words["goods"], money(goods, order.currency, locale)),
        *((charge.code, money(charge.amount, order.currency, locale)) for charge in charges),
        (f"{words['total']} {order.currency}", money(order.net_total, order.currency, locale)),
    ]
    title = f"{words[kind]} {order.number}"
    return print_paper(
        Paper(
            kind=kind,
            number=order.number,
            title=title,
            subtitle=words["revision_number"].format(order.revision) if order.revision > 1 else "",
            supplier=[order.supplier.name, *address_lines(order.supplier.address)],
            ship_to=[order.ship_to.name, *address_lines(order.ship_to.address)],
            facts=[
                (words["number"], order.number),
                (words["date"], day(issued_on, locale)),
                (words["expected"], day(order.expected_on, locale)),
                (words["terms"], words["days"].format(order.payment_days)),
                (words["currency"], order.currency),
            ],
            intro=words["please_cancel"] if kind == "cancellation" else "",
            columns=[
                Column(title=words["line"]),
                Column(title=words["your_number"]),
                Column(title=words["item"], width="rest"),
                Column(title=words["quantity"], number=True),
                Column(title=words["price"], number=True),
                Column(title=words["amount"], number=True),
            ],
            rows=[_row(line, order, words, locale, changed.get(line.line), kind) for line in lines],
            totals=[] if kind == "cancellation" else totals,
            note=order.close_reason if kind == "cancellation" else order.note,
        ),
        language=language,
    )


def _row(
    line: PurchaseOrderLine,
    order: PurchaseOrder,
    words: Mapping[str, str],
    locale: str,
    before: Mapping[str, str] | None,
    kind: str,
) -> Row:
    units = line.quantity if kind == "cancellation" else line.quantity - line.cancelled
    per_pack = line.pack_numerator != line.pack_denominator
    packs = Decimal(units) * line.pack_denominator / line.pack_numerator
    quantity = number(Decimal(units), locale)
    if per_pack:
        quantity = f"{number(packs, locale)} {line.pack_code} ({quantity})"
    price = number(line.price, locale, least=exponent(order.currency))
    if line.discount_percent:
        price += f" \N{MINUS SIGN}{number(line.discount_percent, locale)} %"
    notes = [line.item.sku, line.note, day(line.expected_on, locale)]
    if not units:
        notes.append(words["cancelled"])
    notes += [words["was"].format(_as_it_was(line, name, value)) for name, value in (before or {}).items()]
    return Row(
        cells=[
            str(line.line),
            line.supplier_sku,
            line.description or line.item.name,
            quantity,
            price,
            money(round_total(line.net_amount(units), order.currency), order.currency, locale),
        ],
        note=" · ".join(note for note in notes if note),
        described=2,
        changed=before is not None,
    )


def _as_it_was(line: PurchaseOrderLine, name: str, value: str) -> str:
    """Answer what stood there before: units that were called off are told by how many were wanted before."""
    return str(line.quantity - int(value)) if name == "cancelled" and value.isdecimal() else value


def _changes(revision: PurchaseRevision | None) -> dict[int, dict[str, str]]:
    """Answer by line number what stood there before: {field: value}; a new line had nothing."""
    found: dict[int, dict[str, str]] = {}
    for pointer, before, _after in revision.changes if revision else ():
        parts = str(pointer).strip("/").split("/")
        if len(parts) >= 2 and parts[0] == "lines" and parts[1].isdecimal():
            told = found.setdefault(int(parts[1]) + 1, {})  # lines are never taken out: the first has number 1
            if len(parts) > 2 and before is not None:
                told[parts[2]] = str(before)
    return found


def money(value: Decimal, currency: str, locale: str) -> str:
    """Write an amount with the currency's places, as the reader's language does."""
    places = exponent(currency)
    return format_decimal(value, format="#,##0" + ("." + "0" * places if places else ""), locale=locale)


def number(value: Decimal, locale: str, *, least: int = 0) -> str:
    """Write a number with as many places as it has, at least `least`."""
    return format_decimal(value, format="#,##0." + "0" * least + "#" * (6 - least), locale=locale)


def day(value: date | None, locale: str) -> str:
    """Write a day as the reader's language does; nothing where there is none."""
    return format_date(value, format="medium", locale=locale) if value else ""


def locale_of(language: str) -> str:
    """Answer whose way of writing figures and days goes with the language of a paper."""
    return _LOCALES.get("zh-hans" if language.startswith("zh") else language.split("-")[0], "en")


def address_lines(address: Mapping[str, Any]) -> list[str]:
    """Answer an address line by line, whatever its parts are called."""
    town = " ".join(str(address[name]) for name in ("postal_code", "postcode", "city") if address.get(name))
    known = [address.get(name) for name in ("company", "line1", "line2")]
    lines = [str(line) for line in [*known, town, address.get("region"), address.get("country")] if line]
    return lines or [str(value) for value in address.values() if value and not isinstance(value, dict | list)]
