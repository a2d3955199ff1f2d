"""What the readers of the formats have in common."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from purchasing.einvoices.document import OrderLine
from purchasing.einvoices.elements import Values
from purchasing.einvoices.limits import Limits
from purchasing.einvoices.trees import Element

NO_DAY = dt.date.min  # stands where a day is missing, until `finish` refuses the document
_CURRENCY = re.compile(r"[A-Z]{3}")


class FormatReader:
    """One document of one format while it is read."""

    namespaces: ClassVar[Mapping[str, str]]

    def __init__(self, root: Element, limits: Limits) -> None:
        self.root, self.limits = root, limits
        self.values = Values(root, self.namespaces)

    def currency(self, node: Element | None, path: str) -> str:
        """Answer the currency of the document, in which every amount has to be from here on."""
        v = self.values
        element = v.only(node, path)
        code = v.line_of(element)
        v.need(code, node, path, "the currency (BT-5)")
        if code and not _CURRENCY.fullmatch(code):
            v.trouble("bad_currency", f"{code[:20]!r} is not a currency such as EUR", element)
        v.currency = code
        return code

    def counted(self, nodes: list[Element]) -> list[Element]:
        """Answer the lines, unless they are too many to be an invoice."""
        if len(nodes) > self.limits.lines:
            self.values.trouble(
                "too_big", f"it has {len(nodes):,} lines; {self.limits.lines:,} are allowed", nodes[self.limits.lines]
            )
            self.values.finish()
        return nodes

    def base_quantity(self, element: Element | None) -> Decimal:
        """Answer for how many units the price is (BT-149): one, if nothing is said."""
        number = self.values.number_of(element)
        if number is not None and number <= 0:
            self.values.trouble("bad_number", f"a price is for more than {number} units", element)
            return Decimal(1)
        return Decimal(1) if number is None else number

    def foot(
        self,
        grand: Decimal | None,
        payable: Decimal | None,
        prepaid: Decimal | None,
        rounding: Decimal | None,
        *,
        node: Element | None,
        path: str,
    ) -> tuple[Decimal, Decimal]:
        """Answer the total with tax and the amount due; where one is not said, it follows from the other."""
        between = (rounding or Decimal(0)) - (prepaid or Decimal(0))
        if grand is None and payable is None:
            self.values.need(None, node, path, "the amount due (BT-115)")
            return Decimal(0), Decimal(0)
        if grand is None and payable is not None:
            grand = payable - between
        if payable is None and grand is not None:
            payable = grand + between
        return grand or Decimal(0), payable or Decimal(0)


def order_line(order: str, line: str) -> OrderLine | None:
    """Answer the reference to a line of an order, if there is any."""
    return OrderLine(order=order, line=line) if order or line else None
