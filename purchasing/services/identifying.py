"""Numbers that name a firm: what can be wrong with one before anybody looks it up."""

from __future__ import annotations

from stdnum import ean, get_cc_module, iban
from stdnum.exceptions import ValidationError as BadNumber

from purchasing.models import SupplierIdentifier, identifier_key

_KIND = SupplierIdentifier.Kind
_LONGEST = 80
# Greece writes EL before its VAT numbers, and Northern Ireland XI.
_COUNTRIES = {"EL": "gr", "XI": "gb"}


def fault_of(kind: str, value: str) -> str:
    """Answer what is wrong with the number as one of its kind, in words; empty where nothing can be said against it.

    VAT numbers are checked by their country's own rule where there is one, GLNs and IBANs by their check digits.
    """
    key = identifier_key(value)
    if not key or len(key) > _LONGEST:
        return "this is no number"
    try:
        if kind == _KIND.GLN:
            if len(key) != 13:
                return "a GLN has 13 digits"
            ean.validate(key)
        elif kind == _KIND.IBAN:
            iban.validate(key)
        elif kind == _KIND.DUNS and not (len(key) == 9 and key.isascii() and key.isdecimal()):
            return "a DUNS number has 9 digits"
        elif kind == _KIND.VAT:
            return _fault_of_vat(key)
    except BadNumber:
        return f"{value} has a wrong check digit or form"
    return ""


def _fault_of_vat(key: str) -> str:
    country = key[:2]
    if not (country.isascii() and country.isalpha()):
        return "a VAT number begins with the two letters of its country"
    rule = get_cc_module(_COUNTRIES.get(country, country.lower()), "vat")
    if rule is not None:
        rule.validate(key if country not in _COUNTRIES or country == "EL" else "GB" + key[2:])
    return ""
