"""Codes of the standards that say what a document is: UNTDID 1001 document types, and profiles by their identifiers."""

from __future__ import annotations

import re

# The document types of EN 16931's code list that lower a debt; every other one of the list raises it.
CREDIT_NOTES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
_INVOICES = (
    "71 80 82 84 102 130 202 203 204 211 218 219 295 325 326 331 380 382 383 384 385 386 387 388 389 390 393 394 395 "
    "456 457 471 472 473 500 501 502 503 527 553 575 623 633 751 780 817 870 875 876 877 935"
)
INVOICES = frozenset(_INVOICES.split())
# A type of the list that asks for no money: nothing may be paid on it.
NO_DEMANDS = {"325": "a pro forma invoice", "751": "invoice data for bookkeeping, sent beside the invoice itself"}

_PROFILES = (
    ("xrechnung", "xrechnung"),
    ("peppol", "peppol"),
    ("extended-ctc", "extended"),
    ("conformant#urn:factur-x.eu:1p0:extended", "extended"),
    ("conformant#urn:zugferd.de:2p0:extended", "extended"),
    ("extended", "extended"),
    ("basicwl", "basicwl"),
    ("basic", "basic"),
    ("minimum", "minimum"),
    ("comfort", "en16931"),
    ("urn:cen.eu:en16931", "en16931"),
)


def profile_of(customization: str) -> str:
    """Answer the profile a specification identifier (BT-24) names, or nothing when we know no such profile."""
    folded = customization.casefold().replace(" ", "")
    return next((profile for part, profile in _PROFILES if part in folded), "")


_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def iban_of(account: str) -> str:
    """Answer the account without blanks if it is written as an IBAN, else nothing."""
    packed = "".join(account.split()).upper()
    return packed if _IBAN.fullmatch(packed) else ""
