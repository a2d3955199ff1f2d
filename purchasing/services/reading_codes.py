"""What a scanned code on delivered goods names: an item of ours, how many base units, and what else the code says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from inventory.barcodes import gtin14
from inventory.models import Barcode, Item
from purchasing.models import SupplierItem
from retailhub.core.errors import Unknown
from retailhub.core.text import DirtyText, clean_line, sku_key

_SEPARATOR = "\x1d"
_SYMBOLOGIES = ("]C1", "]d2", "]Q3", "]e0")
_FIXED = {"00": 18, "01": 14, "02": 14, "11": 6, "13": 6, "15": 6, "17": 6, "20": 2}
"""Application identifiers whose values have one length; all others end at a separator or with the code."""
_IN_BRACKETS = re.compile(r"\((\d{2,4})\)([^(]*)")


class UnknownCode(Unknown):
    """This code names nothing we know."""

    code = "unknown_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An item and how many of its base units the code stands for; `note` says lot and expiry where it names them."""

    item: Item
    units: int = 1
    note: str = ""


def read_code(code: str, *, supplier_id: int | None) -> Code:
    """Answer what the code names: a barcode (its pack counts), a GS1 element string, our SKU, the supplier's number.

    Raises UnknownCode.
    """
    elements = gs1_elements(code)
    try:
        plain = clean_line(code.replace(_SEPARATOR, " ") if elements else code)
    except DirtyText as dirty:
        raise UnknownCode from dirty
    gtin = gtin14(elements.get("01") or elements.get("02") or plain)
    barcode = None
    for key in filter(None, (gtin, None if elements else _key(plain))):
        barcode = Barcode.objects.filter(code_key=key).select_related("item", "pack").first()
        if barcode is not None:
            break
    note = _note(elements)
    if barcode is not None:
        count = elements.get("37", "") or elements.get("30", "")
        packs = int(count) if count.isdecimal() and int(count) else 1
        pack = barcode.pack
        units = packs if pack is None else packs * pack.numerator // pack.denominator
        if units == 0 or (pack is not None and packs * pack.numerator % pack.denominator):
            raise UnknownCode(f"{plain} is a pack that holds no whole number of units.")
        return Code(item=barcode.item, units=units, note=note)
    item = Item.objects.filter(sku_key=_key(plain)).first() if _key(plain) else None
    if item is None and supplier_id is not None:
        sold = (
            SupplierItem.objects.filter(supplier=supplier_id, supplier_sku__iexact=plain)
            .select_related("item")
            .order_by("pk")
            .first()
        )
        item = sold.item if sold else None
    if item is None or item.kind == Item.Kind.KIT:
        raise UnknownCode(f"{plain[:60]} names nothing we know.")
    return Code(item=item, note=note)


def gs1_elements(code: str) -> dict[str, str]:
    """Answer the elements of a GS1 code by their identifier: with brackets as printed, or raw as scanners send it.

    Nothing where it is none: no identifier of an item (01, 02) in front, or a value cut short.
    """
    text = code.strip()
    for mark in _SYMBOLOGIES:
        text = text.removeprefix(mark)
    if text.startswith("("):
        return {ai: value.strip() for ai, value in _IN_BRACKETS.findall(text)}
    text = text.lstrip(_SEPARATOR)
    if text[:2] not in ("01", "02") or len(text) < 16 or not text[:16].isdecimal() or gtin14(text[2:16]) is None:
        return {}
    found: dict[str, str] = {}
    while text:
        ai = text[:2]
        if ai in _FIXED:
            value, text = text[2 : 2 + _FIXED[ai]], text[2 + _FIXED[ai] :]
        else:
            value, _, text = text[2:].partition(_SEPARATOR)
        if not ai.isdecimal() or not value:
            return {}
        found[ai] = value
        text = text.lstrip(_SEPARATOR)
    return found


def expiry_of(value: str) -> date | None:
    """Read YYMMDD; day 00 is the month's last."""
    if not re.fullmatch(r"\d{6}", value):
        return None
    year, month, day = 2000 + int(value[:2]), int(value[2:4]), int(value[4:])
    try:
        if day:
            return date(year, month, day)
        following = date(year + month // 12, month % 12 + 1, 1)
        return date.fromordinal(following.toordinal() - 1)
    except ValueError:
        return None


def _note(elements: dict[str, str]) -> str:
    parts = []
    if lot := elements.get("10"):
        parts.append(f"lot {lot}")
    if expiry := expiry_of(elements.get("17", "")):
        parts.append(f"expires {expiry.isoformat()}")
    if serial := elements.get("21"):
        parts.append(f"serial {serial}")
    return ", ".join(parts)


def _key(text: str) -> str:
    try:
        return sku_key(text)
    except DirtyText:
        return ""
