"""The three-way match: every invoice held against its orders and what came of them, in sets.

What may be paid is decided per part: a hold blocks its own part only. Matches are made anew whenever something changes
(a delivery, a revision, a return, a credit note): holds that are not true any more fall away by themselves, those a
person released stay released unless it got worse. A fixed number of statements, whatever the number of invoices.
Locks: the invoices by id, then their orders by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from purchasing.events import InvoicesMatched
from purchasing.models import (
    BuyingEvent,
    Hold,
    HoldCode,
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    MatchAllocation,
    SupplierInvoice,
)
from purchasing.services.checking import (
    ZERO,
    BilledLine,
    Breach,
    OrderedLine,
    check_charge,
    check_dates,
    check_line,
    check_prepayment,
    check_totals,
)
from purchasing.services.crediting_checks import check_credit
from purchasing.services.flagging_invoices import flag_invoices
from purchasing.services.match_reading import Book, read_book
from retailhub.core.money import round_total
from retailhub.core.sql import OneTrip
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish

FINISHED = frozenset({InvoiceStatus.REJECTED, InvoiceStatus.CREDITED})
Place = tuple[int | None, int | None, str]
"""Where a hold stands: line, charge, code."""


@dataclass(slots=True)
class _Verdict:
    """What a run finds about one invoice."""

    breaches: dict[Place, Breach] = field(default_factory=dict)
    open: set[Place] = field(default_factory=set)
    fell: list[Hold] = field(default_factory=list)


@retried()
def match_invoices(*, invoice_ids: Iterable[int], actor: str, at: datetime | None = None) -> list[SupplierInvoice]:
    """Hold these invoices against orders and receipts, and say of each part whether it may be paid.

    Each is matched or on hold after this; what was posted of it stays. Invoices of nobody known yet, and finished ones,
    are left as they are. Answers the invoices that were matched, by id.
    """
    at = at or timezone.now()
    book = read_book(invoice_ids)
    if not book.invoices:
        return []
    run = _Run(book, actor, at)
    for invoice in book.invoices:
        run.judge(invoice)
    run.write()
    flag_invoices([invoice.pk for invoice in book.invoices])
    publish(InvoicesMatched(invoice_ids=[invoice.pk for invoice in book.invoices]))
    return book.invoices


class _Run:
    def __init__(self, book: Book, actor: str, at: datetime) -> None:
        self.book, self.actor, self.at = book, actor, at
        self.lines: list[InvoiceLine] = []
        self.charges: list[InvoiceCharge] = []
        self.allocations: list[tuple[int, int, int | None, int, Decimal]] = []
        self.fresh: list[tuple[int, Place, Breach]] = []
        self.changed: list[tuple[int, Breach]] = []
        self.fell: list[Hold] = []
        self.notes: list[tuple[str, str, str]] = []

    # --- one invoice
    def judge(self, invoice: SupplierInvoice) -> None:
        verdict = _Verdict()
        lines, charges = self.book.lines.get(invoice.pk, []), self.book.charges.get(invoice.pk, [])
        self._look(invoice, lines, charges, verdict)
        self._settle(invoice, verdict)
        blocked = self._blocks_all(verdict)
        for line in lines:
            self._pay_line(invoice, line, verdict, blocked)
        for charge in charges:
            held = (None, charge.pk, HoldCode.CHG) in verdict.open
            expected = self.book.expected_charges.get(charge.pk, ZERO)
            charge.payable_amount = charge.amount if not held else max(ZERO, min(charge.amount, expected))
            if blocked:
                charge.payable_amount = charge.posted_amount
            elif charge.amount >= 0:
                charge.payable_amount = max(charge.payable_amount, charge.posted_amount)
            self.charges.append(charge)
        self._move_on(invoice, verdict)

    def _look(
        self,
        invoice: SupplierInvoice,
        lines: Sequence[InvoiceLine],
        charges: Sequence[InvoiceCharge],
        verdict: _Verdict,
    ) -> None:
        book, policies = self.book, self.book.policies
        supplier = invoice.supplier
        assert supplier is not None  # noqa: S101  the reading leaves others out
        found = verdict.breaches
        twin = book.twins.get(invoice.pk)
        if twin and (policy := policies.get(HoldCode.DUP, supplier.pk)) and not invoice.is_distinct:
            found[None, None, HoldCode.DUP] = Breach(
                HoldCode.DUP, "a new invoice", f"like {twin[1]}", invoice.net_total, whole=True,
                is_warning=policy.action == "warn", evidence={"invoice": twin[0], "number": twin[1]},
            )  # fmt: skip
        odd = [x["code"] for x in invoice.findings if x.get("code") in ("no_demand", "test_document")]
        if odd:
            found[None, None, HoldCode.DOC] = Breach(
                HoldCode.DOC, "an invoice", odd[0].replace("_", " "), invoice.net_total, whole=True
            )
        for line in lines:
            billed = book.billed(line)
            ordered = book.ordered.get(line.order_line_id or 0)
            if invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE:
                breaches = check_credit(line, book, supplier.pk)
            else:
                check = check_prepayment if invoice.kind == SupplierInvoice.Kind.PREPAYMENT else check_line
                breaches = check(
                    billed, ordered, supplier_id=supplier.pk, is_expense=supplier.is_expense, policies=policies,
                )  # fmt: skip
            for breach in breaches:
                found[line.pk, None, breach.code] = breach
        if invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE:
            left = dict(book.charged[invoice.pk])
            for charge in charges:
                book.expected_charges[charge.pk] = room = max(ZERO, left.get(charge.code, ZERO))
                left[charge.code] = room - charge.amount
                if charge.amount > room:
                    found[None, charge.pk, HoldCode.CHG] = Breach(
                        HoldCode.CHG, f"at most {room:.2f}", f"{charge.amount:.2f}", charge.amount - room
                    )
        else:
            self._look_at_charges(invoice, charges, found, is_expense=supplier.is_expense)
            mine = [book.ordered[x.order_line_id] for x in lines if x.order_line_id in book.ordered]
            for breach in check_dates(
                mine, invoice_date=invoice.invoice_date, due_date=invoice.due_date, supplier_id=supplier.pk,
                policies=policies,
            ):  # fmt: skip
                found[None, None, breach.code] = breach
        nets: dict[Decimal, Decimal] = {}
        for line in lines:
            nets[line.tax_rate] = nets.get(line.tax_rate, ZERO) + line.net_amount
        for charge in charges:
            nets[charge.tax_rate] = nets.get(charge.tax_rate, ZERO) + charge.amount
        for breach in check_totals(
            nets=nets, lines=len(lines) + len(charges), currency=invoice.currency, net_total=invoice.net_total,
            tax_total=invoice.tax_total, total=invoice.total, supplier_id=supplier.pk, policies=policies,
        ):  # fmt: skip
            found[None, None, breach.code] = breach

    def _look_at_charges(
        self,
        invoice: SupplierInvoice,
        charges: Sequence[InvoiceCharge],
        found: dict[Place, Breach],
        *,
        is_expense: bool,
    ) -> None:
        for charge in charges:
            expected = self.book.charge_left(charge)
            self.book.expected_charges[charge.pk] = expected
            if is_expense:
                continue
            for breach in check_charge(
                charge.code, charge.amount - charge.posted_amount, expected, supplier_id=invoice.supplier_id or 0,
                policies=self.book.policies,
            ):  # fmt: skip
                found[None, charge.pk, breach.code] = breach

    def _settle(self, invoice: SupplierInvoice, verdict: _Verdict) -> None:
        """Set what was found against the holds there are."""
        standing = {(x.line_id, x.charge_id, x.code): x for x in self.book.holds.get(invoice.pk, [])}
        released = self.book.released.get(invoice.pk, {})
        for place, breach in verdict.breaches.items():
            before = standing.pop(place, None)
            if before is None and _was_released(released.get(place), breach):
                continue
            if not breach.is_warning:
                verdict.open.add(place)
            if before is None:
                self.fresh.append((invoice.pk, place, breach))
            elif (before.expected, before.invoiced, before.blocked_quantity) != (
                breach.expected, breach.invoiced, breach.units,
            ) or before.amount_at_risk != breach.at_risk:  # fmt: skip
                self.changed.append((before.pk, breach))
        verdict.fell = list(standing.values())
        self.fell += verdict.fell
        for hold in verdict.fell:
            self.notes.append((invoice.reference, "released", f"{hold.code} fell away by itself"))

    def _blocks_all(self, verdict: _Verdict) -> bool:
        return any(
            line is None and charge is None and verdict.breaches[line, charge, code].whole
            for line, charge, code in verdict.open
        )

    def _pay_line(self, invoice: SupplierInvoice, line: InvoiceLine, verdict: _Verdict, blocked: bool) -> None:
        billed = self.book.billed(line)
        ordered = self.book.ordered.get(line.order_line_id or 0)
        held = {code: verdict.breaches[line.pk, None, code] for pk, _, code in verdict.open if pk == line.pk}
        units, net = billed.units, billed.net
        over = min(billed.units - billed.posted_units, max((x.units for x in held.values()), default=0))
        if blocked or line.decision == InvoiceLine.Decision.DISPUTE or any(x.whole for x in held.values()):
            units, net = billed.posted_units, billed.posted_net
        else:
            units -= over
            if HoldCode.PRICE in held and ordered:
                net = min(net, billed.in_own_currency(ordered, ordered.worth(units)))
            elif units != billed.units:
                net = round_total(billed.net * units / billed.units, invoice.currency) if billed.units else ZERO
            if HoldCode.EXT in held and ordered:
                left = max(ZERO, ordered.worth(ordered.ordered) - ordered.billed)
                net = min(net, billed.in_own_currency(ordered, left))
        line.payable_quantity = max(units, billed.posted_units)
        line.payable_amount = max(net, billed.posted_net) if line.net_amount >= 0 else net
        # What looks like a twin takes nothing from those that come after it.
        if ordered and not blocked and invoice.kind == SupplierInvoice.Kind.INVOICE:
            self._allocate(invoice, line, billed, ordered)
        self.lines.append(line)

    def _allocate(self, invoice: SupplierInvoice, line: InvoiceLine, billed: BilledLine, ordered: OrderedLine) -> None:
        """Set what may be paid against what came, oldest delivery first; the rest against what is to come."""
        left = asked = line.payable_quantity - billed.posted_units
        total = line.payable_amount - _share_of_posted(line, billed, invoice.currency)
        given = ZERO
        counted = 0
        parts: list[tuple[int | None, int]] = []
        for lot in self.book.lots.get(ordered.pk, ()):
            units = min(left, lot.free)
            if units > 0:
                lot.free -= units
                left -= units
                parts.append((lot.pk, units))
        if left > 0:
            parts.append((None, left))
        for receipt_line, units in parts:
            counted += units
            upto = round_total(total * counted / asked, invoice.currency)
            self.allocations.append((line.pk, ordered.pk, receipt_line, units, upto - given))
            given = upto
        ordered.granted += asked
        ordered.pending += billed.units - billed.posted_units
        ordered.billed += billed.in_currency_of(ordered, billed.net)

    def _move_on(self, invoice: SupplierInvoice, verdict: _Verdict) -> None:
        before = invoice.status
        if before in (InvoiceStatus.POSTED, InvoiceStatus.PAID):
            if before == InvoiceStatus.POSTED and self._is_settled(invoice):
                invoice.status = InvoiceStatus.PAID
                self.notes.append((invoice.reference, str(invoice.status), "Nothing of it is open any more"))
            return
        known = {(x.line_id, x.charge_id, x.code) for x in self.book.holds.get(invoice.pk, [])}
        if not verdict.open:
            if before != InvoiceStatus.APPROVED:
                invoice.status = InvoiceStatus.MATCHED
        # Approved or disputed with these holds, it stays so unless there is a new one.
        elif before not in (InvoiceStatus.APPROVED, InvoiceStatus.DISPUTED) or not verdict.open <= known:
            invoice.status = InvoiceStatus.ON_HOLD
        if invoice.status != before:
            codes = sorted({code for _, _, code in verdict.open})
            text = "Everything is within tolerance" if not codes else f"Held: {', '.join(codes)}"
            self.notes.append((invoice.reference, str(invoice.status), text))

    def _is_settled(self, invoice: SupplierInvoice) -> bool:
        """Whether all that is billed and was not taken back is posted and paid: also when the credit came last."""
        if invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE or not 0 < invoice.posted_total == invoice.paid_total:
            return False
        billed = [self.book.billed(line) for line in self.book.lines.get(invoice.pk, [])]
        charges = self.book.charges.get(invoice.pk, [])
        return not (
            sum((x.net - x.posted_net for x in billed), ZERO) + sum((x.amount - x.posted_amount for x in charges), ZERO)
        )

    # --- writing
    def write(self) -> None:
        invoices = [invoice.pk for invoice in self.book.invoices]
        MatchAllocation.objects.filter(invoice_line__invoice__in=invoices, is_posted=False).delete()
        trip = OneTrip()
        if self.allocations:
            line, order_line, receipt_line, units, amount = zip(*self.allocations, strict=True)
            nothing = [ZERO] * len(line)
            trip.insert(
                MatchAllocation,
                {
                    "invoice_line": line, "order_line": order_line, "receipt_line": receipt_line, "quantity": units,
                    "amount": amount,
                    "cleared": nothing,
                    "prepaid_stock": nothing,
                    "claimed": nothing,
                    "is_posted": [False] * len(line),
                },
            )  # fmt: skip
        trip.update(
            InvoiceLine,
            {"id": [x.pk for x in self.lines]} if self.lines else {"id": []},
            put={
                "payable_quantity": [x.payable_quantity for x in self.lines],
                "payable_amount": [x.payable_amount for x in self.lines],
            },
        )
        trip.update(
            InvoiceCharge,
            {"id": [x.pk for x in self.charges]},
            put={"payable_amount": [x.payable_amount for x in self.charges]},
        )
        trip.update(
            SupplierInvoice,
            {"id": invoices},
            put={"status": [str(invoice.status) for invoice in self.book.invoices]},
        )
        if self.fresh:
            trip.insert(Hold, _columns(self.fresh))
        trip.update(
            Hold,
            {"id": [pk for pk, _ in self.changed]},
            put={
                "expected": [x.expected[:80] for _, x in self.changed],
                "invoiced": [x.invoiced[:80] for _, x in self.changed],
                "amount_at_risk": [x.at_risk for _, x in self.changed],
                "blocked_quantity": [x.units for _, x in self.changed],
                "evidence": [x.evidence for _, x in self.changed],
            },
        )
        trip.update(
            Hold,
            {"id": [x.pk for x in self.fell]},
            put={
                "released_at": [self.at] * len(self.fell),
                "release_reason": ["It is not true any more"] * len(self.fell),
            },
        )
        trip.insert(
            BuyingEvent,
            {
                "document": [document for document, _, _ in self.notes],
                "kind": [kind for _, kind, _ in self.notes],
                "text": [text for _, _, text in self.notes],
                "data": [{} for _ in self.notes],
                "actor": [self.actor] * len(self.notes),
            },
        )
        trip.run()


def _share_of_posted(line: InvoiceLine, billed: BilledLine, currency: str) -> Decimal:
    """Answer what of the payable amount belongs to units that are posted: their share, were they paid in full."""
    if not billed.posted_units or not line.payable_quantity:
        return billed.posted_net if line.payable_quantity == billed.posted_units else ZERO
    share: Decimal = line.payable_amount * billed.posted_units / line.payable_quantity
    return max(billed.posted_net, round_total(share, currency))


def _was_released(hold: Hold | None, breach: Breach) -> bool:
    """Whether a person let this pass before, and it did not get worse since."""
    return (
        hold is not None
        and breach.at_risk <= hold.amount_at_risk
        and breach.units <= hold.blocked_quantity
        and (breach.units > 0 or breach.at_risk > 0 or breach.invoiced == hold.invoiced)
    )


def _columns(fresh: Sequence[tuple[int, Place, Breach]]) -> dict[str, list[object]]:
    return {
        "invoice": [invoice for invoice, _, _ in fresh],
        "line": [line for _, (line, _, _), _ in fresh],
        "charge": [charge for _, (_, charge, _), _ in fresh],
        "code": [str(breach.code) for _, _, breach in fresh],
        "is_warning": [breach.is_warning for _, _, breach in fresh],
        "expected": [breach.expected[:80] for _, _, breach in fresh],
        "invoiced": [breach.invoiced[:80] for _, _, breach in fresh],
        "amount_at_risk": [breach.at_risk for _, _, breach in fresh],
        "blocked_quantity": [breach.units for _, _, breach in fresh],
        "evidence": [breach.evidence for _, _, breach in fresh],
        "release_reason": ["" for _ in fresh],
        "released_by": ["" for _ in fresh],
    }
