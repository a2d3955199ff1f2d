"""Freight, duty and the like as part of what goods cost: estimated when they come, corrected when it is billed.

A charge agreed with an order is borne by what was received of it, net of what went back. As long as nobody billed it
the estimate counts, afterwards what was billed. Every voucher brings what the goods bear to that point; the account of
accrued landed costs keeps the rest. What was sold meanwhile bears its part as cost of sales, today. Where all of it
went back and nothing more is to come, what no goods bear yet is an expense.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

from django.db.models import Q, Sum, prefetch_related_objects
from django.utils import timezone

from inventory.models import Location
from inventory.services.costing import cents
from inventory.services.revaluing import Corrected, Correction, correct_receipts, preview_corrections
from purchasing.models import (
    OPEN,
    InvoiceCharge,
    LandedCost,
    LandedCostShare,
    PurchaseCharge,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
)
from purchasing.services.standing import WrongState, lock_purchase_orders, next_number, note_event
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import NotFound
from retailhub.core.sql import insert_rows
from retailhub.core.transactions import retried

ZERO = Decimal(0)
CENT = Decimal("0.01")
Basis = PurchaseCharge.Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearing:
    """A receipt line that bears a cost: units that are still ours, and their weights by each basis."""

    line: ReceiptLine
    units: int
    value: Decimal
    grams: int | None

    def weight(self, basis: str) -> Decimal:
        if basis == Basis.EQUAL:
            return Decimal(1)
        if basis == Basis.QUANTITY:
            return Decimal(self.units)
        if basis == Basis.WEIGHT and self.grams is not None:
            return Decimal(self.units * self.grams)
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a cost is spread: by which basis in the end, why by that one, and what each line bears."""

    basis: str
    note: str
    shares: list[tuple[Bearing, Decimal]]


def spread(amount: Decimal, bearings: Sequence[Bearing], basis: str) -> Spread:
    """Share an amount of whole cents by the basis; the cents left over go to the line that bears most.

    Where a weight is missing (and volumes are not kept at all) the value serves, and the note says so.
    """
    bearings = [x for x in bearings if x.units > 0]
    note = ""
    if basis == Basis.VOLUME or (basis == Basis.WEIGHT and any(x.grams is None for x in bearings)):
        missing = ", ".join(sorted({x.line.item.sku for x in bearings if x.grams is None})[:5])
        note = f"by value: no {basis} of {missing}" if basis == Basis.WEIGHT else "by value: volumes are not kept"
        basis = Basis.VALUE
    weights = [x.weight(basis) for x in bearings]
    whole = sum(weights, ZERO)
    if bearings and not whole:
        basis, weights, note = Basis.EQUAL, [Decimal(1)] * len(bearings), note or "equally: there is nothing to go by"
        whole = Decimal(len(bearings))
    shares = [(amount * weight / whole).quantize(CENT, ROUND_DOWN) for weight in weights]
    if shares:
        largest = max(range(len(shares)), key=lambda index: (weights[index], -index))
        shares[largest] += amount - sum(shares, ZERO)
    return Spread(basis=str(basis), note=note[:200], shares=[x for x in zip(bearings, shares, strict=True) if x[1]])


def bearings_of(rows: Iterable[ReceiptLine]) -> list[Bearing]:
    """Answer the lines with what is still ours of them."""
    answers = []
    for row in rows:
        came = row.accepted + row.damaged + row.over
        units = max(0, came - row.returned)
        answers.append(
            Bearing(
                line=row,
                units=units,
                value=row.amount * units / came if came else ZERO,
                grams=row.item.weight_grams,
            )
        )
    return answers


# --- estimates, when goods come --------------------------------------------------------------------------------------
def accrue_landed(receipt: Receipt, rows: Sequence[ReceiptLine], *, on: date, actor: str) -> list[LandedCost]:
    """Let goods that just came bear their part of what their orders' charges will cost. The caller holds the orders.

    Whoever received them posts this with the receipt: stock is worth it from the start.
    """
    if not receipt.location.owned:
        return []
    orders = {row.order_line.order_id for row in rows if row.order_line}
    charges = list(
        PurchaseCharge.objects.filter(order__in=orders, treatment=PurchaseCharge.Treatment.LANDED)
        .select_related("order")
        .order_by("order_id", "code")
    )
    if charges:
        prefetch_related_objects(list(rows), "item")
    made = []
    if charges:
        prefetch_related_objects(rows, "item")
    for charge in charges:
        mine = [row for row in rows if row.order_line and row.order_line.order_id == charge.order_id]
        voucher = _bring_up(charge, bearings_of(mine), LandedCost.Kind.ESTIMATE, on=on, actor=actor)
        if voucher:
            made.append(voucher)
    return made


def take_back_landed(receipt: Receipt, rows: Sequence[ReceiptLine], *, on: date, actor: str) -> list[LandedCost]:
    """Let goods whose receipt is reversed bear nothing any more: what they bore waits for others, or for its invoice.

    The caller holds the orders, the receipt, and the levels of its goods.
    """
    borne: dict[tuple[int | None, int | None], dict[int, Decimal]] = {}
    for agreed_id, billed_id, line_id, amount in (
        LandedCostShare.objects.filter(receipt_line__in=rows)
        .values_list("landed_cost__order_charge", "landed_cost__invoice_charge", "receipt_line")
        .annotate(total=Sum("amount"))
        .order_by("landed_cost__order_charge", "landed_cost__invoice_charge", "receipt_line")
    ):
        # What was billed of an agreed charge stands under the same reference as the estimate.
        lines = borne.setdefault((agreed_id, None if agreed_id else billed_id), {})
        lines[line_id] = lines.get(line_id, ZERO) + amount
    agreed = PurchaseCharge.objects.select_related("order").in_bulk([a for a, _ in borne if a])
    billed = InvoiceCharge.objects.select_related("order_charge__order").in_bulk([b for _, b in borne if b])
    by_line = {x.line.pk: x for x in bearings_of(rows)}
    made = []
    for (agreed_id, billed_id), lines in borne.items():
        charge: PurchaseCharge | InvoiceCharge = agreed[agreed_id] if agreed_id else billed[billed_id or 0]
        voucher = _make(
            -sum(lines.values(), ZERO),
            [],
            charge.basis if isinstance(charge, PurchaseCharge) else Basis.VALUE,
            LandedCost.Kind.ESTIMATE if agreed_id else LandedCost.Kind.ACTUAL,
            code=charge.code,
            on=on,
            actor=actor,
            agreed=agreed.get(agreed_id or 0),
            billed=billed.get(billed_id or 0),
            shared=[(by_line[pk], -amount) for pk, amount in lines.items() if amount],
        )
        if voucher:
            note_event(receipt.reference, "landed_back", f"{voucher.number}: it bears nothing any more", actor=actor)
            made.append(voucher)
    return made


def settle_charge(charge: InvoiceCharge, *, on: date, actor: str) -> LandedCost | None:
    """Let received goods bear what was billed instead of what was estimated. The caller holds invoice and orders."""
    if charge.order_charge_id:
        agreed = PurchaseCharge.objects.select_related("order").get(pk=charge.order_charge_id)
        rows = _received(order_line__order=agreed.order_id)
        return _bring_up(agreed, bearings_of(rows), LandedCost.Kind.ACTUAL, on=on, actor=actor, billed=charge)
    before = charge.landed_costs.aggregate(total=Sum("amount"))["total"] or ZERO
    rows = _received(allocations__invoice_line__invoice=goods_billed_by(charge))
    return _make(
        charge.posted_landed - before, bearings_of(rows), Basis.VALUE, LandedCost.Kind.ACTUAL, code=charge.code, on=on,
        actor=actor, billed=charge,
    )  # fmt: skip


def part_to_bear(charge: InvoiceCharge, home: Decimal) -> Decimal:
    """Answer how much of what is posted of a charge goods bear: all of it, unless none are left and none are to come.

    Then it is what they bore while they were here and nobody has billed yet.
    """
    if charge.order_charge:
        order = charge.order_charge.order
        rows, is_open = _received(order_line__order=order.pk), order.status in OPEN
    else:
        rows, is_open = _received(allocations__invoice_line__invoice=goods_billed_by(charge)), False
    if is_open or not rows or any(x.units for x in bearings_of(rows)):
        return home
    if not charge.order_charge:
        return ZERO
    billed = InvoiceCharge.objects.filter(order_charge=charge.order_charge).aggregate(total=Sum("posted_landed"))
    unbilled: Decimal = _borne(charge.order_charge) - (billed["total"] or ZERO)
    return max(ZERO, min(home, unbilled))


def goods_billed_by(charge: InvoiceCharge) -> int:
    """Answer the invoice with the goods of a charge: its own, or of a credit note the one that is corrected."""
    return charge.invoice.corrects_id or charge.invoice_id


def items_bearing(charges: Iterable[InvoiceCharge]) -> set[int]:
    """Answer the items whose value may change when these charges are settled, for one lock of their cost pools."""
    orders = {x.order_charge.order_id for x in charges if x.order_charge}
    invoices = {goods_billed_by(x) for x in charges if not x.order_charge}
    if not orders and not invoices:
        return set()
    rows = ReceiptLine.objects.filter(
        Q(order_line__order__in=orders) | Q(allocations__invoice_line__invoice__in=invoices),
        receipt__location__owned=True,
    )
    return set(rows.values_list("item", flat=True))


def _received(**which: object) -> list[ReceiptLine]:
    rows = ReceiptLine.objects.filter(**which, receipt__status=ReceiptStatus.POSTED, receipt__location__owned=True)
    return list(rows.select_related("item", "receipt__location", "receipt__supplier").distinct().order_by("pk"))


def _bring_up(
    charge: PurchaseCharge,
    bearings: Sequence[Bearing],
    kind: str,
    *,
    on: date,
    actor: str,
    billed: InvoiceCharge | None = None,
) -> LandedCost | None:
    """Bring what the order's goods bear of a charge to its part for what came of the order so far."""
    actual = InvoiceCharge.objects.filter(order_charge=charge).aggregate(total=Sum("posted_landed"))["total"] or ZERO
    # A part that was billed says nothing yet of the whole: the dearer of both is expected, until all of it is billed.
    whole = actual if charge.invoiced >= charge.amount else max(actual, cents(charge.amount * charge.order.rate))
    came, ordered = _weights(charge)
    target = cents(whole * min(came, ordered) / ordered) if ordered else ZERO
    borne = _borne(charge)
    return _make(
        target - borne, bearings, charge.basis, kind, code=charge.code, on=on, actor=actor, agreed=charge, billed=billed
    )


def _borne(charge: PurchaseCharge) -> Decimal:
    """Answer what vouchers of this charge, those that were reversed included, come to."""
    vouchers = LandedCost.objects.filter(order_charge=charge)
    return vouchers.aggregate(total=Sum("amount"))["total"] or ZERO


def _weights(charge: PurchaseCharge) -> tuple[Decimal, Decimal]:
    """Answer how much of the order came and how much was ordered, by value of the order.

    What went back took with it what it bore: those that stay do not bear less for it.
    """
    came = ordered = ZERO
    for line in PurchaseOrderLine.objects.filter(order=charge.order_id).prefetch_related("receipt_lines__receipt"):
        ordered += line.net_amount(line.quantity - line.cancelled)
        units = sum(
            x.accepted + x.damaged + x.over
            for x in line.receipt_lines.all()
            if x.receipt.status == ReceiptStatus.POSTED
        )
        came += line.net_amount(max(0, units))
    return came, ordered


# --- vouchers --------------------------------------------------------------------------------------------------------
def _make(
    amount: Decimal,
    bearings: Sequence[Bearing],
    basis: str,
    kind: str,
    *,
    code: str,
    on: date,
    actor: str,
    agreed: PurchaseCharge | None = None,
    billed: InvoiceCharge | None = None,
    reverses: LandedCost | None = None,
    shared: Sequence[tuple[Bearing, Decimal]] | None = None,
) -> LandedCost | None:
    how = spread(amount, bearings, basis) if shared is None else Spread(basis=basis, note="", shares=list(shared))
    if not how.shares:
        return None
    voucher = LandedCost.objects.create(
        number=next_number("LC"),
        kind=kind,
        code=code,
        basis=how.basis,
        amount=amount,
        order_charge=agreed,
        invoice_charge=billed,
        note=how.note,
        actor=actor,
        reverses=reverses,
    )
    parts = _correct(voucher, how.shares, actor)
    insert_rows(
        LandedCostShare(
            landed_cost=voucher, receipt_line=bearing.line, quantity=bearing.units, amount=share,
            to_stock=part.to_stock, to_sold=part.to_sold,
        )
        for (bearing, share), part in zip(how.shares, parts, strict=True)
    )  # fmt: skip
    _book(voucher, how.shares, parts, on=on, actor=actor)
    return voucher


def _corrections(shares: Sequence[tuple[Bearing, Decimal]], reference: str) -> list[Correction]:
    return [
        Correction(
            document=bearing.line.receipt.reference,
            line=bearing.line.line,
            quantity=bearing.units,
            value_change=share,
            reference=reference,
        )
        for bearing, share in shares
        if bearing.units
    ]


def _correct(voucher: LandedCost, shares: Sequence[tuple[Bearing, Decimal]], actor: str) -> list[Corrected]:
    answers = iter(
        correct_receipts(
            corrections=_corrections(shares, voucher.reference), document=voucher.reference, reason="landed_cost",
            actor=actor,
        )
    )  # fmt: skip
    return [
        # Of goods that all went back nothing is left to be worth more.
        next(answers)
        if bearing.units
        else Corrected(to_stock=ZERO, to_sold=share, item_id=bearing.line.item_id, location="")
        for bearing, share in shares
    ]


def _book(
    voucher: LandedCost, shares: Sequence[tuple[Bearing, Decimal]], parts: Sequence[Corrected], *, on: date, actor: str
) -> None:
    lines = []
    for (bearing, _), part in zip(shares, parts, strict=True):
        place = bearing.line.receipt.location
        account = "in_transit" if place.kind == Location.Kind.TRANSIT else "inventory"
        reference = f"{bearing.line.receipt.reference}#{bearing.line.line}"
        lines += [
            EntryLine(account=account, amount=part.to_stock, location=place.code, reference=reference),
            EntryLine(account="cogs", amount=part.to_sold, location=place.code, reference=reference),
        ]
    lines.append(EntryLine(account="landed_accrual", amount=-voucher.amount, reference=accrual_of(voucher)))
    entry = NewEntry(
        key=voucher.reference,
        kind="landed_cost",
        document=voucher.reference,
        date=on,
        text=f"{voucher.get_kind_display()}: {voucher.code}",
        lines=lines,
        or_first_open=True,
    )
    post_entries(entries=[entry], actor=actor)


def accrual_of(voucher: LandedCost) -> str:
    """Answer the reference under which the accrual of a voucher stands."""
    if voucher.order_charge:
        return f"po:{voucher.order_charge.order.number}:{voucher.order_charge.code}"
    charge = voucher.invoice_charge
    return accrual_of_charge(charge) if charge else voucher.reference


def accrual_of_charge(charge: InvoiceCharge) -> str:
    """Answer the reference under which a billed charge waits to be borne by goods."""
    if charge.order_charge:
        return f"po:{charge.order_charge.order.number}:{charge.order_charge.code}"
    return f"supplier_invoice:{charge.invoice_id}:c{charge.line}"


def preview_landed(*, charge: PurchaseCharge, amount: Decimal, basis: str = "") -> tuple[Spread, list[Corrected]]:
    """Answer how an amount of the charge would be borne, and what of it by stock and by sales; writes nothing."""
    how = spread(amount, bearings_of(_received(order_line__order=charge.order_id)), basis or charge.basis)
    return how, preview_corrections(corrections=_corrections(how.shares, "preview"))


@retried()
def reverse_landed_cost(*, number: str, actor: str, on: date | None = None) -> LandedCost:
    """Take one voucher back, line by line, from today on; others of the same goods stay. Twice changes nothing."""
    known = LandedCost.objects.filter(number=number).values_list("order_charge__order", flat=True).first()
    lock_purchase_orders([known] if known else [])
    voucher = (
        LandedCost.objects.select_for_update(of=("self",), no_key=True)
        .select_related("order_charge__order", "invoice_charge")
        .filter(number=number)
        .first()
    )
    if voucher is None:
        raise NotFound
    if voucher.reverses_id:
        raise WrongState(f"{number} is itself a reversal.")
    done = LandedCost.objects.filter(reverses=voucher).first()
    if done:
        return done
    shares = list(voucher.shares.select_related("receipt_line__item", "receipt_line__receipt__location").order_by("pk"))
    bearings = bearings_of([share.receipt_line for share in shares])
    reversal = _make(
        -voucher.amount, [], voucher.basis, voucher.kind, code=voucher.code, on=on or timezone.localdate(),
        actor=actor, agreed=voucher.order_charge, billed=voucher.invoice_charge, reverses=voucher,
        shared=[(bearing, -share.amount) for bearing, share in zip(bearings, shares, strict=True)],
    )  # fmt: skip
    assert reversal is not None  # noqa: S101  a voucher has shares
    note_event(voucher.reference, "reversed", f"Taken back by {reversal.number}", actor=actor)
    return reversal
