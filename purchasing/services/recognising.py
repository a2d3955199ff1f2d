"""Whose paper this is, which order it bills, and which of our items its lines mean.

What follows from a number is a fact; what follows from a name, or from nothing else being left, is a guess. A guess is
used, noted on the invoice, and shown as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from inventory.barcodes import gtin14
from inventory.models import Barcode, Item
from purchasing.einvoices.document import ReadInvoice
from purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierIdentifier, SupplierItem
from purchasing.models.suppliers import identifier_key
from retailhub.core.text import sku_key

Guess = tuple[str, str]
"""A pointer into the invoice, and how what stands there was guessed."""

BASE_UNITS = frozenset({"", "C62", "H87", "EA", "XPP", "NAR", "PCE", "PC", "ST"})
"""Units of measure (rec 20) that mean one piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """By what a billed line says which goods it means. All may be empty."""

    sku: str = ""
    gtin: str = ""
    supplier_sku: str = ""
    description: str = ""
    order: str = ""
    order_line: int | None = None
    quantity: Decimal = Decimal(0)
    unit: str = ""


@dataclass(slots=True)
class Recognised:
    """What a line means: our item, the line of our order, and how many base units one of its units is."""

    item: Item | None = None
    order_line: PurchaseOrderLine | None = None
    factor: Fraction = Fraction(1)
    guessed: list[str] = field(default_factory=list)


def recognise_supplier(read: ReadInvoice) -> tuple[Supplier | None, list[Guess]]:
    """Answer who sent it: by VAT, tax or register number, GLN or bank account (a fact), else by his name (a guess).

    Numbers that lead to two suppliers lead to none.
    """
    seller = read.seller
    wanted = {
        SupplierIdentifier.Kind.VAT: seller.vat_ids,
        SupplierIdentifier.Kind.TAX: seller.tax_ids,
        SupplierIdentifier.Kind.GLN: seller.glns,
        SupplierIdentifier.Kind.LEGAL: (seller.legal_id.value,) if seller.legal_id else (),
        SupplierIdentifier.Kind.EDI: (seller.endpoint.value,) if seller.endpoint else (),
        SupplierIdentifier.Kind.OWN: tuple(one.value for one in seller.ids),
        SupplierIdentifier.Kind.IBAN: (*seller.ibans, *(account.iban for account in read.accounts)),
    }
    keys = {(kind, identifier_key(value)) for kind, values in wanted.items() for value in values if value}
    known = SupplierIdentifier.objects.filter(value_key__in={key for _, key in keys}).select_related("supplier")
    found = {row.supplier_id: row.supplier for row in known if (row.kind, row.value_key) in keys}
    if len(found) == 1:
        return next(iter(found.values())), []
    names = [name for name in (seller.name, seller.trading_name) if name]
    for name in names:
        called = list(Supplier.objects.filter(name__iexact=name)[:2])
        if len(called) == 1:
            return called[0], [("/supplier", f"by the name {name}; no number of his on the paper is known")]
    return None, [("/supplier", "several suppliers have numbers of this paper")] if found else []


def recognise_lines(
    *, supplier: Supplier | None, lines: Sequence[Named], orders: Iterable[str] = ()
) -> list[Recognised]:
    """Answer what each line means, in the order given. A fixed number of queries."""
    answers = [Recognised() for _ in lines]
    sold = _sold_by(supplier, lines)
    _find_items(answers, lines, sold)
    known = _orders(supplier, {*orders, *(line.order for line in lines)} - {""})
    open_lines = list(
        PurchaseOrderLine.objects.filter(order__in={order.pk for order in known.values()})
        .select_related("order", "item")
        .order_by("order_id", "line")
    )
    taken: set[int] = set()
    stated = [known[number].pk for number in orders if number in known]
    for answer, line in zip(answers, lines, strict=True):
        mine = [known[line.order].pk] if line.order in known else stated
        candidates = [row for row in open_lines if row.order_id in mine]
        _find_order_line(answer, line, candidates, taken)
        if answer.order_line:
            taken.add(answer.order_line.pk)
    left = [row for row in open_lines if row.pk not in taken]
    lost = [answer for answer in answers if answer.order_line is None and answer.item is None]
    if len(left) == 1 and len(lost) == 1 and stated:
        lost[0].order_line, lost[0].item = left[0], left[0].item
        lost[0].guessed.append("the only line of the order that is left")
    for answer, line in zip(answers, lines, strict=True):
        answer.factor = factor_of(answer, line, sold)
    return answers


def _sold_by(supplier: Supplier | None, lines: Sequence[Named]) -> list[SupplierItem]:
    if supplier is None:
        return []
    return list(SupplierItem.objects.filter(supplier=supplier).select_related("item")) if lines else []


def _find_items(answers: Sequence[Recognised], lines: Sequence[Named], sold: Sequence[SupplierItem]) -> None:
    by_sku = Item.objects.by_sku([line.sku for line in lines if line.sku])
    keys = {code: gtin14(code) for line in lines if (code := line.gtin)}
    by_code = {
        row.code_key: row.item
        for row in Barcode.objects.filter(code_key__in=[key for key in keys.values() if key]).select_related("item")
    }
    by_number = {row.supplier_sku_key: row.item for row in sold if row.supplier_sku_key}
    by_name: dict[str, list[Item]] = {}
    for row in sold:
        for name in {row.name.casefold(), row.item.name.casefold()} - {""}:
            by_name.setdefault(name, []).append(row.item)
    for answer, line in zip(answers, lines, strict=True):
        # Unlike numbers in a paper, ours were given by us: they decide, then the maker's, then the supplier's.
        answer.item = (
            by_sku.get(line.sku)
            or by_code.get(keys.get(line.gtin) or "")
            or by_number.get(sku_key(line.supplier_sku) if line.supplier_sku else "-")
        )
        if answer.item is None and line.description:
            called = {item.pk: item for item in by_name.get(line.description.casefold(), [])}
            if len(called) == 1:
                answer.item = next(iter(called.values()))
                answer.guessed.append(f"by the words {line.description[:60]}")


def _orders(supplier: Supplier | None, numbers: set[str]) -> dict[str, PurchaseOrder]:
    """Answer the orders by what the paper calls them: our number, as it is or in other capitals."""
    if not numbers:
        return {}
    folded = {number.strip().upper(): number for number in numbers}
    found = PurchaseOrder.objects.filter(number__in=folded).exclude(status="draft")
    return {folded[order.number.upper()]: order for order in found}


def _find_order_line(answer: Recognised, line: Named, candidates: Sequence[PurchaseOrderLine], taken: set[int]) -> None:
    if line.order_line is not None:
        for row in candidates:
            if row.line == line.order_line and (answer.item is None or row.item_id == answer.item.pk):
                answer.order_line, answer.item = row, row.item
                return
    if answer.item is None:
        return
    same = [row for row in candidates if row.item_id == answer.item.pk]
    fresh = [row for row in same if row.pk not in taken]
    answer.order_line = next(iter(fresh or same), None)


def factor_of(answer: Recognised, line: Named, sold: Sequence[SupplierItem]) -> Fraction:
    """Answer how many base units one billed unit is: as ordered when the unit is a pack, exactly."""
    ordered = answer.order_line
    if ordered and (ordered.pack_numerator, ordered.pack_denominator) != (1, 1):
        pack, code = Fraction(ordered.pack_numerator, ordered.pack_denominator), ordered.pack_code
    else:
        row = next((row for row in sold if answer.item and row.item_id == answer.item.pk), None)
        if row is None:
            return Fraction(1)
        pack, code = Fraction(row.pack_numerator, row.pack_denominator), row.pack_code
    if pack == 1 or line.unit.upper() in BASE_UNITS:
        return Fraction(1)
    if line.unit.casefold() != code.casefold():
        answer.guessed.append(f"{line.unit} taken for the supplier's pack of {pack}")
    return pack
