"""What received goods are worth: the order's price at the rate of the day, or what was billed for them already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from inventory.services.costing import cents
from purchasing.models import Receipt, ReceiptLine
from purchasing.services.pricing import offers_of
from purchasing.services.unbilled import units_in
from retailhub.core.money import round_cost, round_total
from retailhub.core.services.exchanging import rates_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepaid:
    """Units that are billed already, and what for: home currency, whole cents.

    By invoice line those that were billed before they came; by line of a return those that come in place of others.
    """

    units: int
    amount: Decimal
    references: Mapping[str, Decimal]
    claims: Mapping[str, Decimal] = field(default_factory=dict)


NOTHING_PREPAID = Prepaid(units=0, amount=Decimal(0), references={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What all units of a receipt line that came in cost, in home currency and whole cents.

    `amount` is None where nobody ever said what they cost: stock then values them as before.
    """

    units: int
    amount: Decimal | None
    rate: Decimal = Decimal(1)

    def shared(self, units: Sequence[int]) -> list[Decimal | None]:
        """Answer the amount shared by units, in whole cents; together all of it."""
        if self.amount is None or not self.units:
            return [None] * len(units)
        shares: list[Decimal | None] = []
        counted, given = 0, Decimal(0)
        for quantity in units:
            counted += quantity
            upto = cents(self.amount * counted / self.units)
            shares.append(upto - given)
            given = upto
        return shares


def worth_of(
    receipt: Receipt, rows: Sequence[ReceiptLine], prepaid: Mapping[int, Prepaid], *, on: date
) -> dict[int, Worth]:
    """Answer by line number what came in is worth, and note rate and unit cost on the rows.

    Goods of an order: its net price times the day's rate. Goods nobody ordered: what the supplier asks for them, else
    what stock valued them at so far. Units billed before they came: what was billed.
    """
    currencies = {row.order_line.order.currency for row in rows if row.order_line}
    loose = [row for row in rows if row.order_line is None]
    asked = {}
    if loose and receipt.supplier:
        units: dict[int, int] = {}
        for row in loose:
            units[row.item_id] = units.get(row.item_id, 0) + units_in(row)
        asked = offers_of(supplier=receipt.supplier, wanted=units, on=on)
        currencies.add(receipt.supplier.currency)
    rates = rates_on(currencies, on)
    answers: dict[int, Worth] = {}
    for row in rows:
        came = units_in(row)
        amount: Decimal | None = None
        if row.order_line:
            order = row.order_line.order
            row.rate = rates[order.currency]
            paid = prepaid.get(row.line, NOTHING_PREPAID)
            rest = round_total(row.order_line.net_amount(came - paid.units), order.currency)
            amount = cents(rest * row.rate) + paid.amount
        elif (offer := asked.get(row.item_id)) and offer.price is not None and receipt.supplier:
            row.rate = rates[receipt.supplier.currency]
            net = offer.price * (100 - offer.discount_percent) / 100 * came / Decimal(offer.pack.numerator)
            amount = cents(round_total(net * offer.pack.denominator, receipt.supplier.currency) * row.rate)
        if amount is not None and came:
            row.unit_cost = round_cost(amount / came)
        answers[row.line] = Worth(units=came, amount=amount, rate=row.rate)
    return answers
