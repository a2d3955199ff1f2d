"""What one round of an invoice does to the books, the receipts and the orders. The caller holds invoice and orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from inventory.models import Location
from inventory.services.costing import cents, lock_pools
from inventory.services.revaluing import Correction, correct_receipts
from purchasing.models import (
    InvoiceCharge,
    InvoiceLine,
    MatchAllocation,
    PurchaseCharge,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    SupplierInvoice,
)
from purchasing.services.invoicing import ZERO, Sums
from purchasing.services.landing import (
    accrual_of_charge,
    goods_billed_by,
    items_bearing,
    part_to_bear,
    settle_charge,
)
from purchasing.services.unbilled import WentBefore, unbilled_units, went_before
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.money import round_total
from retailhub.core.sql import write_fields

LANDED_CODES = frozenset({"freight", "duty", "insurance", "packing"})
"""Charges that become part of what goods cost where neither order nor person says otherwise."""


@dataclass(slots=True)
class Round:
    """The journal lines of one round, and the corrections of stock that follow from its prices."""

    invoice: SupplierInvoice
    lines: list[EntryLine] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    corrected: list[ReceiptLine] = field(default_factory=list)
    before: dict[int, WentBefore] = field(default_factory=dict)
    """What went back of each receipt line."""
    refused: dict[int, int] = field(default_factory=dict)
    """Units that were refused of each order line whose supplier bills what he ships."""

    def home(self, amount: Decimal) -> Decimal:
        """Answer an amount of the invoice in home currency, in whole cents."""
        return cents(amount * self.invoice.rate)

    def at_receipt(self, amount: Decimal, line: InvoiceLine, row: ReceiptLine) -> Decimal:
        """Answer an amount of the line as it was worth when the goods came, in home currency.

        The receipt knows the rate of its order's currency; billed in another, what it costs at home is its price.
        """
        ordered = line.order_line
        if ordered is None or ordered.order.currency != self.invoice.currency:
            return self.home(amount)
        return cents(amount * row.rate)

    def put(self, account: str, amount: Decimal, *, reference: str = "", location: str = "", memo: str = "") -> None:
        party = self.invoice.supplier.party if self.invoice.supplier else ""
        self.lines.append(
            EntryLine(
                account=account, amount=amount, reference=reference, location=location, party=party, memo=memo[:200]
            )
        )

    def put_exchange(self, loss: Decimal, reference: str) -> None:
        """Put what the rate did: a loss above zero, a gain below."""
        self.put("fx_loss" if loss > 0 else "fx_gain", loss, reference=reference)

    def correct(self, row: ReceiptLine, units: int, change: Decimal, line: InvoiceLine) -> None:
        """Have units of a receipt line cost so much more; of goods that went back the price variance bears it."""
        if not change:
            return
        kept = row.accepted + row.damaged + row.over - row.returned
        if kept < 1 or not row.receipt.location.owned:
            self.put("price_variance", change, reference=f"{row.receipt.reference}#{row.line}")
            return
        self.corrections.append(
            Correction(
                document=row.receipt.reference, line=row.line, quantity=min(units, kept), value_change=change,
                reference=f"{self.invoice.reference}#{line.line}",
            )
        )  # fmt: skip
        self.corrected.append(row)

    def put_corrections(self, actor: str) -> None:
        """Correct the value of the goods and put what stock and sales bear of it."""
        answers = correct_receipts(
            corrections=self.corrections, document=self.invoice.reference, reason="invoice_price", actor=actor
        )
        for row, answer in zip(self.corrected, answers, strict=True):
            place = row.receipt.location
            account = "in_transit" if place.kind == Location.Kind.TRANSIT else "inventory"
            reference = f"{row.receipt.reference}#{row.line}"
            self.put(account, answer.to_stock, reference=reference, location=place.code, memo="price")
            self.put("cogs", answer.to_sold, reference=reference, location=place.code, memo="price")


def book_round(
    invoice: SupplierInvoice,
    lines: Sequence[InvoiceLine],
    charges: Sequence[InvoiceCharge],
    sums: Sums,
    *,
    actor: str,
    on: date,
) -> None:
    """Post everything of the invoice that may be paid and was not posted, as its next round."""
    book = Round(invoice)
    share_rows(lines, charges)
    allocations = list(
        MatchAllocation.objects.filter(invoice_line__invoice=invoice).order_by("pk").select_for_update(of=("self",))
    )
    receipts = _lock_receipts(allocations)
    lock_pools({row.item_id for row in receipts.values()} | items_bearing(charges))
    book.before = went_before(pk for pk, row in receipts.items() if row.returned)
    book.refused = _refused(lines)
    by_line: dict[int, list[MatchAllocation]] = {}
    for allocation in allocations:
        by_line.setdefault(allocation.invoice_line_id, []).append(allocation)
    for line in lines:
        _book_line(book, line, by_line.get(line.pk, []), receipts)
    landed = _book_charges(book, charges)
    book.put("input_tax", book.home(sums.tax) - book.home(invoice.posted_tax), reference=invoice.reference)
    owed = book.home(sums.total) - book.home(invoice.posted_total)
    book.put_corrections(actor)
    book.put("payable", -owed, reference=invoice.reference)
    rest = -sum((line.amount for line in book.lines), ZERO)
    # Cents by which the paper is off, and those that rounding part by part at a foreign rate leaves.
    book.put("rounding", rest, reference=invoice.reference)
    invoice.posted_tax, invoice.posted_total = sums.tax, sums.total
    invoice.postings += 1
    _write(lines, charges, allocations, receipts)
    post_entries(
        entries=[
            NewEntry(
                key=f"{invoice.reference}:{invoice.postings}",
                kind="supplier_invoice",
                document=invoice.reference,
                date=on,
                text=f"Invoice {invoice.number}",
                lines=book.lines,
                or_first_open=True,
            )
        ],
        actor=actor,
    )
    for charge in landed:
        settle_charge(charge, on=on, actor=actor)


def share_rows(lines: Sequence[InvoiceLine], charges: Sequence[InvoiceCharge]) -> None:
    """Let lines of one order line, and charges of one agreed charge, count on the same row."""
    ordered: dict[int, PurchaseOrderLine] = {}
    agreed: dict[int, PurchaseCharge] = {}
    for line in lines:
        if line.order_line:
            line.order_line = ordered.setdefault(line.order_line.pk, line.order_line)
    for charge in charges:
        if charge.order_charge:
            charge.order_charge = agreed.setdefault(charge.order_charge.pk, charge.order_charge)


def _lock_receipts(allocations: Sequence[MatchAllocation]) -> dict[int, ReceiptLine]:
    ids = {allocation.receipt_line_id for allocation in allocations if allocation.receipt_line_id}
    list(
        Receipt.objects.filter(lines__in=ids)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
        .values_list("pk", flat=True)
    )
    rows = ReceiptLine.objects.filter(pk__in=ids).select_related("receipt__location").order_by("pk")
    return {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True)}


def _book_line(
    book: Round, line: InvoiceLine, allocations: list[MatchAllocation], receipts: dict[int, ReceiptLine]
) -> None:
    units = line.payable_quantity - line.posted_quantity
    amount = line.payable_amount - line.posted_amount
    reference = f"{book.invoice.reference}#{line.line}"
    if line.order_line is None:
        book.put("expense", book.home(line.payable_amount) - book.home(line.posted_amount), reference=reference)
    else:
        fresh = [x for x in allocations if not x.is_posted]
        posted = [x for x in allocations if x.is_posted]
        for allocation in fresh:
            amount -= allocation.amount
        # What units that are posted turn out to cost more, because a price was accepted since.
        _book_later_price(book, line, posted, receipts, amount)
        for allocation in fresh:
            _book_allocation(book, line, allocation, receipts)
            twin = next((x for x in posted if x.receipt_line_id == allocation.receipt_line_id), None)
            if twin:
                _join(twin, allocation)
        line.order_line.invoiced += units
    line.posted_quantity, line.posted_amount = line.payable_quantity, line.payable_amount


def _join(twin: MatchAllocation, allocation: MatchAllocation) -> None:
    """Let one row stand for both; the other is left without units and is deleted."""
    twin.quantity += allocation.quantity
    twin.amount += allocation.amount
    twin.cleared += allocation.cleared
    twin.prepaid_stock += allocation.prepaid_stock
    twin.claimed += allocation.claimed
    allocation.quantity = 0


def _book_allocation(
    book: Round, line: InvoiceLine, allocation: MatchAllocation, receipts: dict[int, ReceiptLine]
) -> None:
    reference = f"{book.invoice.reference}#{line.line}"
    home = book.home(allocation.amount)
    allocation.is_posted = True
    row = receipts.get(allocation.receipt_line_id or 0)
    if row is None:
        refused = min(allocation.quantity, _refused_and_unbilled(book, line))
        claimed = home if refused == allocation.quantity else cents(home * refused / allocation.quantity)
        # Refused goods do not come any more: the supplier owes us what he billed for them.
        book.put("supplier_claims", claimed, reference=reference)
        book.put("ginr", home - claimed, reference=reference)
        allocation.prepaid_stock, allocation.claimed = home - claimed, claimed
        return
    share = _open_share(row, allocation.quantity, book.before.get(row.pk))
    at_receipt = book.at_receipt(allocation.amount, line, row)
    book.put("grni", share, reference=f"{row.receipt.reference}#{row.line}")
    book.correct(row, allocation.quantity, at_receipt - share, line)
    book.put_exchange(home - at_receipt, reference)
    row.cleared += share
    row.invoiced += allocation.quantity
    allocation.cleared = share


def _book_later_price(
    book: Round, line: InvoiceLine, posted: Sequence[MatchAllocation], receipts: dict[int, ReceiptLine], amount: Decimal
) -> None:
    whole = sum(x.quantity for x in posted)
    given = counted = ZERO
    for allocation in posted if amount else ():
        counted += allocation.quantity
        upto = round_total(amount * counted / whole, book.invoice.currency)
        part, given = upto - given, upto
        home = book.home(part)
        allocation.amount += part
        row = receipts.get(allocation.receipt_line_id or 0)
        if row is None:
            claimed = cents(home * allocation.units_claimed / allocation.quantity)
            book.put("supplier_claims", claimed, reference=f"{book.invoice.reference}#{line.line}")
            book.put("ginr", home - claimed, reference=f"{book.invoice.reference}#{line.line}")
            allocation.claimed += claimed
            allocation.prepaid_stock += home - claimed
            continue
        at_receipt = book.at_receipt(part, line, row)
        book.correct(row, allocation.quantity, at_receipt, line)
        book.put_exchange(home - at_receipt, f"{book.invoice.reference}#{line.line}")


def _open_share(row: ReceiptLine, units: int, before: WentBefore | None) -> Decimal:
    """Answer what of a receipt line's open amount so many units clear: their share; the last units take the rest."""
    left = row.amount - row.cleared - row.reduced
    of = max(unbilled_units(row, before), units)
    return left if units == of else cents(left * units / of)


def _refused(lines: Sequence[InvoiceLine]) -> dict[int, int]:
    """Answer how many units were refused of the order lines whose supplier bills what he ships. One query, or none."""
    asked = [x.order_line_id for x in lines if x.order_line and x.order_line.order.supplier.bills_on_shipment]
    if not asked:
        return {}
    found = ReceiptLine.objects.filter(order_line__in=asked, receipt__status="posted").values_list("order_line")
    return dict(found.annotate(units=Sum("refused")).order_by())


def _refused_and_unbilled(book: Round, line: InvoiceLine) -> int:
    """Answer how many units that were refused are billed by this line."""
    ordered = line.order_line
    if ordered is None:
        return 0
    return max(0, book.refused.get(ordered.pk, 0) - max(0, ordered.invoiced - ordered.received))


def _book_charges(book: Round, charges: Sequence[InvoiceCharge]) -> list[InvoiceCharge]:
    """Put the charges, and answer those that goods bear."""
    landed = []
    for charge in charges:
        amount = charge.payable_amount - charge.posted_amount
        if not amount:
            continue
        home = book.home(charge.payable_amount) - book.home(charge.posted_amount)
        charge.posted_amount = charge.payable_amount
        borne = ZERO
        if treatment_of(charge) == PurchaseCharge.Treatment.LANDED:
            borne = part_to_bear(charge, home)
            book.put("landed_accrual", borne, reference=accrual_of_charge(charge))
            charge.posted_landed += borne
            landed.append(charge)
        account = "freight" if charge.code == "freight" else "expense"
        book.put(account, home - borne, reference=f"{book.invoice.reference}:c{charge.line}")
        if charge.order_charge:
            charge.order_charge.invoiced += amount
    return landed


def treatment_of(charge: InvoiceCharge) -> str:
    """Answer whether goods bear the charge: as somebody said, else as agreed with the order, else by its code."""
    if charge.treatment:
        return charge.treatment
    if charge.order_charge:
        return charge.order_charge.treatment
    has_goods = MatchAllocation.objects.filter(invoice_line__invoice=goods_billed_by(charge)).exists()
    landed = charge.code in LANDED_CODES | {"allowance"} and has_goods
    return PurchaseCharge.Treatment.LANDED if landed else PurchaseCharge.Treatment.EXPENSE


def _write(
    lines: Sequence[InvoiceLine],
    charges: Sequence[InvoiceCharge],
    allocations: Sequence[MatchAllocation],
    receipts: dict[int, ReceiptLine],
) -> None:
    MatchAllocation.objects.filter(pk__in=[x.pk for x in allocations if not x.quantity]).delete()
    write_fields(
        [x for x in allocations if x.quantity],
        ["quantity", "amount", "cleared", "prepaid_stock", "claimed", "is_posted"],
    )
    write_fields(lines, ["posted_quantity", "posted_amount"])
    write_fields(charges, ["posted_amount", "posted_landed"])
    write_fields(_ordered(lines), ["invoiced"])
    write_fields([x.order_charge for x in charges if x.order_charge], ["invoiced"])
    write_fields(receipts.values(), ["cleared", "invoiced"])


def _ordered(lines: Sequence[InvoiceLine]) -> list[PurchaseOrderLine]:
    return list({line.order_line.pk: line.order_line for line in lines if line.order_line}.values())
