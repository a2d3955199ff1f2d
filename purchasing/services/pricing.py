"""What a supplier asks for an item on a day, and how much of it can be ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

from purchasing.models import PriceBreak, Supplier, SupplierItem

# Quotes and contracts come before list prices, whatever they say; the last price is better than none.
_PRECEDENCE = (PriceBreak.Source.QUOTE, PriceBreak.Source.CONTRACT, PriceBreak.Source.LIST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """How a supplier sells an item: `price` net for one purchase unit of numerator / denominator base units.

    `price` is None where he never named one. `source` is quote, contract, list or last.
    """

    item_id: int
    supplier_item: SupplierItem | None = None
    price: Decimal | None = None
    discount_percent: Decimal = Decimal(0)
    source: str = ""

    @property
    def pack(self) -> Fraction:
        """Base units in one purchase unit."""
        sold = self.supplier_item
        return Fraction(sold.pack_numerator, sold.pack_denominator) if sold else Fraction(1)

    def amount_of(self, units: int) -> Decimal:
        """Answer what so many base units come to after discount, not rounded; 0 without a price."""
        packs = Decimal(units) * self.pack.denominator / self.pack.numerator
        amount: Decimal = packs * (self.price or 0) * (100 - self.discount_percent) / 100
        return amount


def offers_of(*, supplier: Supplier, wanted: Mapping[int, int], on: date) -> dict[int, Offer]:
    """Answer the supplier's offer for each item, at the quantity wanted (base units) and on that day. Two queries."""
    sold = {
        row.item_id: row
        for row in SupplierItem.objects.filter(supplier=supplier, item__in=wanted, is_active=True).prefetch_related(
            "prices"
        )
    }
    return {
        item_id: offer_of(item_id=item_id, units=units, sold=sold.get(item_id), on=on)
        for item_id, units in wanted.items()
    }


def offer_of(*, item_id: int, units: int, sold: SupplierItem | None, on: date) -> Offer:
    """Answer the offer that follows from one row of a list. Its prices must have been read with it."""
    if sold is None:
        return Offer(item_id=item_id)
    packs = Fraction(units) * sold.pack_denominator / sold.pack_numerator
    found = best_price(list(sold.prices.all()), packs, on)
    if found:
        return Offer(
            item_id=item_id,
            supplier_item=sold,
            price=found.price,
            discount_percent=found.discount_percent,
            source=found.source,
        )
    return Offer(
        item_id=item_id, supplier_item=sold, price=sold.last_price, source="last" if sold.last_price is not None else ""
    )


def best_price(prices: Sequence[PriceBreak], packs: Fraction, on: date) -> PriceBreak | None:
    """Answer the row that holds for so many purchase units on that day.

    Of the first source that has any: the highest break that is reached, and of those the one that began last.
    """
    valid = [
        price
        for price in prices
        if price.minimum_quantity <= packs
        and (price.valid_from is None or price.valid_from <= on)
        and (price.valid_until is None or on <= price.valid_until)
    ]
    for source in _PRECEDENCE:
        named = [price for price in valid if price.source == source]
        if named:
            return max(named, key=lambda price: (price.minimum_quantity, price.valid_from or date.min))
    return None


def orderable(sold: SupplierItem | None, units: int) -> int:
    """Answer the least number of base units that covers the need and that the supplier sells.

    At least his minimum, in his multiples, in whole purchase units; the result is rounded up to whole base units.
    """
    if sold is None or units <= 0:
        return max(0, units)
    pack = Fraction(sold.pack_numerator, sold.pack_denominator)
    packs = max(ceil(Fraction(units) / pack), sold.minimum_quantity)
    packs = ceil(Fraction(packs, sold.multiple)) * sold.multiple
    return ceil(packs * pack)
