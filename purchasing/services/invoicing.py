"""What every verb about a supplier invoice shares: its lock, its state, and what of it may be paid."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from purchasing.models import (
    INVOICE_MOVES,
    ApprovalBand,
    Hold,
    HoldCode,
    InvoiceCharge,
    InvoiceLine,
    PurchaseOrder,
    SupplierInvoice,
)
from purchasing.services.approving import NeedsAnother
from purchasing.services.capturing import computed_tax
from purchasing.services.standing import WrongState
from retailhub.core.errors import NotFound
from retailhub.core.money import round_total

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What may be paid of an invoice in all, in its currency: net, tax, and the cents by which the paper is off."""

    net: Decimal
    tax: Decimal
    rounding: Decimal
    is_complete: bool

    @property
    def total(self) -> Decimal:
        return self.net + self.tax + self.rounding


def lock_invoice(invoice_id: int) -> SupplierInvoice:
    """Answer the invoice with its supplier, held until the transaction ends: the first lock of every verb about it."""
    return lock_invoices([invoice_id])[invoice_id]


def lock_invoices(invoice_ids: Iterable[int]) -> dict[int, SupplierInvoice]:
    """Answer the invoices by id, held in the order of their ids. Raises NotFound when one is missing."""
    wanted = sorted(set(invoice_ids))
    found = {
        invoice.pk: invoice
        for invoice in SupplierInvoice.objects.filter(pk__in=wanted)
        .select_related("supplier")
        .defer("read")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    if len(found) != len(wanted):
        raise NotFound
    return found


def ensure_can(invoice: SupplierInvoice, to: str) -> None:
    """Raise WrongState unless the invoice may move to that state."""
    if to not in INVOICE_MOVES.get(invoice.status, set()):
        raise WrongState(
            f"{invoice.number} is {invoice.get_status_display().lower()}.", status=invoice.status, wanted=str(to)
        )


def open_codes(invoice: SupplierInvoice) -> set[str]:
    """Answer the codes that hold the paper as a whole, not one of its parts."""
    return set(
        Hold.objects.filter(invoice=invoice, line=None, charge=None, released_at=None, is_warning=False).values_list(
            "code", flat=True
        )
    )


def payable_of(
    invoice: SupplierInvoice,
    lines: Sequence[InvoiceLine],
    charges: Sequence[InvoiceCharge],
    codes: Collection[str],
) -> Sums:
    """Answer what may be paid of the invoice in all, posted parts included.

    Paid in full, it is what the paper says, to the cent; of a part, the tax that follows from the part, never more than
    the paper asks.
    """
    net = sum((x.payable_amount for x in lines), ZERO) + sum((x.payable_amount for x in charges), ZERO)
    is_complete = all(x.payable_amount == x.net_amount for x in lines) and all(
        x.payable_amount == x.amount for x in charges
    )
    due = computed_tax(lines, charges, invoice.currency)
    stated = invoice.tax_total if HoldCode.TAX not in codes else min(invoice.tax_total, due)
    if is_complete:
        whole = stated == invoice.tax_total and HoldCode.TOT not in codes
        rounding = invoice.total - net - stated if whole else ZERO
        return Sums(net=net, tax=stated, rounding=rounding, is_complete=whole)
    tax = min(stated, computed_tax(lines, charges, invoice.currency, payable=True))
    return Sums(net=net, tax=max(ZERO, tax), rounding=ZERO, is_complete=False)


def payable_now(invoice: SupplierInvoice) -> Decimal:
    """Answer what of the invoice, tax included, may be posted and paid and was not posted yet."""
    sums = payable_of(invoice, list(invoice.lines.all()), list(invoice.charges.all()), open_codes(invoice))
    return max(ZERO, round_total(sums.total - invoice.posted_total, invoice.currency))


def first_limit() -> Decimal:
    """Answer up to which value in home currency one person may do both of two duties: the first approval band."""
    band = (
        ApprovalBand.objects.filter(category=None, buyer="", by_another=False, up_to__isnull=False)
        .order_by("up_to")
        .first()
    )
    return band.up_to if band and band.up_to is not None else ZERO


def buyers_of(invoice: SupplierInvoice) -> set[str]:
    """Answer who wrote the orders that the invoice bills."""
    orders = PurchaseOrder.objects.filter(lines__invoice_lines__invoice=invoice)
    return set(orders.values_list("created_by", flat=True))


def refuse_same_hands(invoice: SupplierInvoice, actor: str, amount: Decimal, *, from_zero: bool, what: str) -> None:
    """Raise NeedsAnother where one person would do two duties.

    `from_zero`: who entered the invoice never does this for any amount; else, and for who wrote the order, above the
    first approval limit.
    """
    above = amount * invoice.rate > first_limit()
    if actor == invoice.entered_by and ((from_zero and amount > 0) or above):
        raise NeedsAnother(f"You entered this invoice; somebody else {what}.", duty="entered")
    if above and actor in buyers_of(invoice):
        raise NeedsAnother(f"You wrote the order; above the limit somebody else {what}.", duty="ordered")
