"""What an electronic invoice says, whichever format it came in. BT and BG numbers are those of EN 16931."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

GTIN_SCHEMES = frozenset({"0160", "GTIN", "EAN"})
GLN_SCHEMES = frozenset({"0088", "GLN"})


class Kind(StrEnum):
    """What the document does to our debt: an invoice raises it, a credit note lowers it."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class Format(StrEnum):
    UBL = "ubl"
    CII = "cii"
    ZUGFERD_1 = "zugferd_1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identifier:
    """A number by which somebody is known, with the ISO 6523 code (or word) of who gave it, where that is said."""

    value: str
    scheme: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    lines: tuple[str, ...] = ()
    city: str = ""
    postcode: str = ""
    region: str = ""
    country: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Where the money is asked to go (BG-17). An account that is no IBAN stands in `number`."""

    iban: str = ""
    number: str = ""
    bic: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """Seller, buyer or payee, by everything that can tell who it is."""

    name: str = ""
    trading_name: str = ""
    ids: tuple[Identifier, ...] = ()
    legal_id: Identifier | None = None
    vat_ids: tuple[str, ...] = ()
    tax_ids: tuple[str, ...] = ()
    endpoint: Identifier | None = None
    contact: str = ""
    email: str = ""
    phone: str = ""
    address: Address = Address()
    ibans: tuple[str, ...] = ()

    @property
    def glns(self) -> tuple[str, ...]:
        """Answer the global location numbers, from whichever field they stand in."""
        known = [*self.ids, *filter(None, [self.legal_id, self.endpoint])]
        return tuple(dict.fromkeys(one.value for one in known if one.scheme.upper() in GLN_SCHEMES))


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """An allowance, or a charge, on a line (BG-27, BG-28) or on the document (BG-20, BG-21)."""

    is_charge: bool
    amount: Decimal
    base: Decimal | None = None
    percent: Decimal | None = None
    code: str = ""
    reason: str = ""
    tax_category: str = ""
    tax_rate: Decimal | None = None

    @property
    def signed(self) -> Decimal:
        return self.amount if self.is_charge else -self.amount


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderLine:
    """The line of our purchase order that an invoice line bills (BT-132); `order` only where the line names it."""

    order: str = ""
    line: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceLine:
    """One line (BG-25). `counts` is false for headings and remarks that the totals leave out.

    `position` counts the lines from 1; `source_line` and `element` say where in the file it begins.
    """

    position: int
    id: str = ""
    name: str = ""
    description: str = ""
    note: str = ""
    seller_item: str = ""
    buyer_item: str = ""
    standard_item: Identifier | None = None
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    price_base: Decimal = Decimal(1)
    price_base_unit: str = ""
    gross_price: Decimal | None = None
    net: Decimal | None = None
    adjustments: tuple[Adjustment, ...] = ()
    tax_category: str = ""
    tax_rate: Decimal | None = None
    order_line: OrderLine | None = None
    despatch: str = ""
    counts: bool = True
    source_line: int | None = None
    element: str = ""

    @property
    def gtin(self) -> str:
        """Answer the GTIN (BT-157 with scheme 0160), or nothing."""
        item = self.standard_item
        return item.value if item and item.scheme.upper() in GTIN_SCHEMES else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxShare:
    """One row of the tax breakdown (BG-23)."""

    category: str = ""
    rate: Decimal | None = None
    basis: Decimal | None = None
    amount: Decimal
    exemption: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The figures at the foot (BG-22). What the document does not say is None, except what follows from the rest."""

    lines: Decimal | None = None
    allowances: Decimal | None = None
    charges: Decimal | None = None
    tax_basis: Decimal | None = None
    tax: Decimal | None = None
    tax_in_tax_currency: Decimal | None = None
    grand: Decimal
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    payable: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A document that this one refers to, with its date where that is said."""

    number: str
    date: dt.date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something odd that reading noticed and that did not stop it."""

    code: str
    detail: str
    element: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadInvoice:
    """An invoice or credit note as it was read.

    Amounts and quantities are positive in the direction of `kind`: an invoice over a negative sum is read as a credit
    note, and a credit note that is written in negative figures is read in positive ones. `turned` says that this was
    done, and multiplying amounts and quantities by -1 gives back what is written.
    """

    kind: Kind
    type_code: str
    number: str
    issue_date: dt.date
    due_date: dt.date | None = None
    delivery_date: dt.date | None = None
    currency: str
    tax_currency: str = ""
    seller: Party
    buyer: Party
    payee: Party | None = None
    accounts: tuple[Account, ...] = ()
    payment_reference: str = ""
    payment_terms: str = ""
    order: str = ""
    sales_order: str = ""
    buyer_reference: str = ""
    contract: str = ""
    despatch_advices: tuple[str, ...] = ()
    receiving_advices: tuple[str, ...] = ()
    corrects: tuple[Reference, ...] = ()
    lines: tuple[InvoiceLine, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    taxes: tuple[TaxShare, ...] = ()
    totals: Totals
    notes: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    format: Format
    profile: str = ""
    customization: str = ""
    file: str = ""
    attachment: str = ""
    turned: bool = False
    remarks: tuple[Remark, ...] = ()
    xml: str = field(default="", repr=False)
