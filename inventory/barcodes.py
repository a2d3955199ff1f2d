"""Codes on goods: GTIN check digits and the one key under which a scan is looked up."""

from __future__ import annotations

from stdnum import ean
from stdnum.exceptions import ValidationError as BadNumber


def gtin14(code: str) -> str | None:
    """Answer the 14-digit GTIN of an EAN-8, UPC-A, EAN-13 or GTIN-14 with a right check digit, else None.

    A UPC-A is read by many scanners as an EAN-13 with a leading zero; as GTIN-14 both are one code.
    """
    digits = "".join(code.split()).replace("-", "")
    if not digits.isascii() or not digits.isdecimal() or len(digits) not in {8, 12, 13, 14}:
        return None
    try:
        ean.validate(digits)
    except BadNumber:
        return None
    return digits.zfill(14)


def looks_like_gtin(code: str) -> bool:
    """Whether the code has a GTIN's shape, whatever its check digit: 12, 13 or 14 digits."""
    digits = "".join(code.split()).replace("-", "")
    return digits.isascii() and digits.isdecimal() and len(digits) in {12, 13, 14}
