"""What the lines of a credit note go against: unposted parts of the invoice, claims, goods to come, or their value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from inventory.services.costing import cents
from purchasing.models import Claim, InvoiceLine, MatchAllocation, ReceiptLine
from purchasing.services.invoice_booking import Round
from purchasing.services.invoicing import ZERO
from purchasing.services.replacing import Owed, owed_for_returns
from retailhub.core.money import round_total
from retailhub.core.sql import insert_rows, write_fields


@dataclass(frozen=True, slots=True)
class Part:
    """What of a credit line takes back unposted parts, and what posted ones."""

    absorbed_units: int
    absorbed: Decimal
    units: int
    amount: Decimal


class Crediting:
    """The lines of one round of a credit note, with what they can go against: read once, written once.

    The caller holds the note, what it corrects, their orders, and the cost pools of the goods.
    """

    def __init__(self, book: Round, lines: Sequence[InvoiceLine]) -> None:
        self._round, self._currency = book, book.invoice.currency
        targets = {x.corrects_id for x in lines if x.corrects_id}
        self._absorbed = {
            pk: (units or 0, amount or ZERO)
            for pk, units, amount in InvoiceLine.objects.filter(corrects__in=targets)
            .values_list("corrects")
            .annotate(units=Sum("credited_quantity"), amount=Sum("credited_amount"))
            .order_by()
        }
        self._posted: dict[int, list[MatchAllocation]] = {}
        for allocation in (
            MatchAllocation.objects.filter(invoice_line__in=targets, is_posted=True)
            .select_related("receipt_line__receipt__location")
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True)
        ):
            self._posted.setdefault(allocation.invoice_line_id, []).append(allocation)
        allocations = [x for found in self._posted.values() for x in found]
        self._owed = owed_for_returns(x.receipt_line_id for x in allocations if x.receipt_line_id)
        given_back = {
            pk: Owed(units or 0, amount or ZERO)
            for pk, units, amount in MatchAllocation.objects.filter(
                receipt_line=None, is_posted=True, invoice_line__corrects__in=targets,
                invoice_line__invoice__kind="credit_note",
            )
            .values_list("invoice_line__corrects")
            .annotate(units=Sum("quantity"), amount=Sum("claimed"))
            .order_by()
        }  # fmt: skip
        self._refused: dict[int, Owed] = {}
        for allocation in allocations:
            if allocation.receipt_line_id is None:
                given = given_back.get(allocation.invoice_line_id, Owed())
                self._refused[allocation.invoice_line_id] = Owed(
                    max(0, allocation.units_claimed - given.units), max(ZERO, allocation.claimed - given.amount)
                )
        self._claims: dict[int, list[Claim]] = {}
        for claim in (
            Claim.objects.filter(
                order_line__in={x.order_line_id for x in lines if x.order_line_id}, state=Claim.State.OPEN
            )
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True)
        ):
            self._claims.setdefault(claim.order_line_id or 0, []).append(claim)
        self._made: list[MatchAllocation] = []

    def split(self, line: InvoiceLine, target: InvoiceLine) -> Part:
        """Answer what of the line goes against parts of its target that were never posted: those first."""
        units_before, amount_before = self._absorbed.get(target.pk, (0, ZERO))
        open_amount = max(ZERO, target.net_amount - target.posted_amount - amount_before)
        if line.credit_kind == InvoiceLine.CreditKind.GOODS:
            units = min(line.quantity, max(0, target.quantity - target.posted_quantity - units_before))
            share = line.net_amount
            if units < line.quantity:
                share = round_total(line.net_amount * units / line.quantity, self._currency) if units else ZERO
            absorbed = min(open_amount, share)
            part = Part(units, absorbed, line.quantity - units, line.net_amount - absorbed)
        else:
            absorbed = min(line.net_amount, open_amount)
            part = Part(0, absorbed, 0, line.net_amount - absorbed)
        self._absorbed[target.pk] = (units_before + part.absorbed_units, amount_before + part.absorbed)
        return part

    def book(self, line: InvoiceLine, target: InvoiceLine, part: Part) -> None:
        """Put what goes against posted parts."""
        reference = f"supplier_invoice:{target.invoice_id}#{target.line}"
        if not part.amount:
            return
        if line.order_line is None:
            self._round.put("expense", -self._round.home(part.amount), reference=reference)
            return
        posted = [x for x in self._posted.get(target.pk, ()) if x.quantity]
        if line.credit_kind == InvoiceLine.CreditKind.GOODS and part.units:
            self._book_goods(line, part, posted, reference)
        else:
            self._book_price(line, part, posted, reference)

    def _book_goods(self, line: InvoiceLine, part: Part, posted: Sequence[MatchAllocation], reference: str) -> None:
        """Goods that did not come come off what was billed ahead; those that went back off what stands in claims."""
        book = self._round
        left, home = part.units, book.home(part.amount)
        for allocation in posted:
            if allocation.receipt_line_id is None and allocation.prepaid_stock and left:
                to_come = allocation.units_to_come
                units = min(left, to_come)
                share = allocation.prepaid_stock
                if units < to_come:
                    share = cents(share * units / to_come)
                book.put("ginr", -share, reference=reference)
                home -= share
                left -= units
                # They do not come any more: nothing that comes later is set against them.
                self._shorten(allocation, units, share)
        for allocation in posted:
            known = self._refused if allocation.receipt_line_id is None else self._owed
            owed = known.get(allocation.receipt_line_id or allocation.invoice_line_id)
            if owed is None or not (taken := min(left, owed.units)):
                continue
            share = owed.amount if taken == owed.units else cents(owed.amount * taken / owed.units)
            book.put("supplier_claims", -share, reference=reference)
            home -= share
            left -= taken
            owed.units -= taken
            owed.amount -= share
            self._made.append(
                MatchAllocation(
                    invoice_line=line, order_line_id=allocation.order_line_id, receipt_line=allocation.receipt_line,
                    quantity=taken, amount=round_total(part.amount * taken / part.units, self._currency),
                    claimed=share, is_posted=True,
                )
            )  # fmt: skip
        book.put("price_variance", -home, reference=reference)

    def _shorten(self, allocation: MatchAllocation, units: int, share: Decimal) -> None:
        rest = allocation.quantity - units
        allocation.amount = round_total(allocation.amount * rest / allocation.quantity, self._currency)
        allocation.quantity = rest
        allocation.prepaid_stock -= share

    def _book_price(self, line: InvoiceLine, part: Part, posted: Sequence[MatchAllocation], reference: str) -> None:
        """A lower price makes the goods cheaper, whether they are here or sold."""
        book = self._round
        home, whole = book.home(part.amount), sum(x.quantity for x in posted)
        given, counted = ZERO, 0
        for allocation in posted:
            counted += allocation.quantity
            upto = cents(home * counted / whole)
            share, given = upto - given, upto
            row: ReceiptLine | None = allocation.receipt_line
            if row is not None:
                book.correct(row, allocation.quantity, -share, line)
                continue
            claimed = min(cents(share * allocation.units_claimed / allocation.quantity), allocation.claimed)
            off = min(share - claimed, allocation.prepaid_stock)
            book.put("supplier_claims", -claimed, reference=reference)
            book.put("ginr", -off, reference=reference)
            allocation.claimed -= claimed
            allocation.prepaid_stock -= off
            book.put("price_variance", claimed + off - share, reference=reference)
        if not posted:
            book.put("price_variance", -home, reference=reference)

    def settle_claims(self, line: InvoiceLine, amount: Decimal, at: datetime) -> None:
        """Take a credit off the open claims about the same order line, oldest first; the rest of them stays open."""
        for claim in self._claims.get(line.order_line_id or 0, ()):
            part = min(amount, claim.amount - claim.settled)
            if part <= 0:
                continue
            claim.settled += part
            amount -= part
            if claim.settled >= claim.amount:
                claim.state, claim.settled_at = Claim.State.CREDITED, at

    def write(self) -> None:
        posted = [x for found in self._posted.values() for x in found]
        MatchAllocation.objects.filter(pk__in=[x.pk for x in posted if not x.quantity]).delete()
        write_fields([x for x in posted if x.quantity], ["quantity", "amount", "prepaid_stock", "claimed"])
        insert_rows(self._made)
        write_fields([x for found in self._claims.values() for x in found], ["settled", "state", "settled_at"])
