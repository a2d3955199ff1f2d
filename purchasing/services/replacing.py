"""Goods that come in place of billed ones that went back: nobody bills them again, and nobody owes for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F

from inventory.services.costing import cents
from purchasing.models import MatchAllocation, ReceiptLine, SupplierReturnLine
from purchasing.services.valuing import NOTHING_PREPAID, Prepaid
from retailhub.core.money import round_total
from retailhub.core.sql import rows, write_fields

ZERO = Decimal(0)


@dataclass(slots=True)
class Owed:
    """Billed units of a receipt line that went back, and what the supplier owes for them: home currency."""

    units: int = 0
    amount: Decimal = ZERO


_OWED = """
SELECT id, sum(units)::int, sum(amount) FROM (
    SELECT receipt_line_id AS id, quantity - uninvoiced - replaced AS units,
           amount - from_open - replaced_amount AS amount
    FROM purchasing_supplierreturnline WHERE receipt_line_id = ANY(%(lines)s)
    UNION ALL
    SELECT a.receipt_line_id, -a.quantity, -a.claimed FROM purchasing_matchallocation a
    JOIN purchasing_invoiceline l ON l.id = a.invoice_line_id
    JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id
    WHERE a.is_posted AND i.kind = 'credit_note' AND a.receipt_line_id = ANY(%(lines)s)
) x GROUP BY 1
"""


def owed_for_returns(line_ids: Iterable[int]) -> dict[int, Owed]:
    """Answer by receipt line what went back, was billed, and neither credited nor replaced. One statement."""
    found = rows(_OWED, {"lines": sorted(set(line_ids))})
    return {pk: Owed(max(0, units), max(ZERO, amount)) for pk, units, amount in found}


def settle_replaced(received: Sequence[ReceiptLine]) -> tuple[dict[int, Prepaid], list[MatchAllocation]]:
    """Set accepted units against billed ones that went back and are to be replaced, oldest return first.

    Answers by receipt line number what they are worth, which is what was owed for the others, and the allocations that
    the caller keeps once: the invoices now stand for these units. The caller holds the orders, as everybody does who
    returns, credits or posts an invoice.
    """
    waiting: dict[int, list[SupplierReturnLine]] = {}
    for back in (
        SupplierReturnLine.objects.filter(
            receipt_line__order_line__in={row.order_line_id for row in received if row.order_line_id},
            to_replace__gt=F("replaced"),
        )
        .select_related("receipt_line", "supplier_return")
        .order_by("pk")
    ):
        waiting.setdefault(back.receipt_line.order_line_id or 0, []).append(back)
    if not waiting:
        return {}, []
    run = _Replacing([back for found in waiting.values() for back in found])
    answers: dict[int, Prepaid] = {}
    for row in received:
        left, claims = row.accepted, dict[str, Decimal]()
        for back in waiting.get(row.order_line_id or 0, ()):
            units, amount = run.replace(back, row, left)
            left -= units
            if units:
                claims[f"{back.supplier_return.reference}#{back.line}"] = amount
        if left < row.accepted:
            answers[row.line] = Prepaid(
                units=row.accepted - left, amount=sum(claims.values(), ZERO), references={}, claims=claims
            )
    run.write()
    return answers, run.fresh


class _Replacing:
    """What is owed for returns and what invoices stand for, while units come in their place."""

    def __init__(self, returns: Sequence[SupplierReturnLine]) -> None:
        self.returns = returns
        # One object per receipt line, however many returns there are of it.
        self.lines = {back.receipt_line_id: back.receipt_line for back in returns}
        self.owed = owed_for_returns(self.lines)
        self.posted: dict[int, list[MatchAllocation]] = {}
        for allocation in (
            MatchAllocation.objects.filter(
                receipt_line__in=self.lines, is_posted=True, invoice_line__invoice__kind="invoice"
            )
            .select_related("invoice_line__invoice")
            .order_by("-pk")
            .select_for_update(of=("self",), no_key=True)
        ):
            self.posted.setdefault(allocation.receipt_line_id or 0, []).append(allocation)
        self.fresh: list[MatchAllocation] = []

    def replace(self, back: SupplierReturnLine, row: ReceiptLine, most: int) -> tuple[int, Decimal]:
        """Let up to so many units of the row come for what went back; answer the units, and what was owed for them."""
        owed = self.owed.get(back.receipt_line_id, Owed())
        billed = sum(x.quantity for x in self.posted.get(back.receipt_line_id, ()))
        units = min(most, back.to_replace - back.replaced, owed.units, billed)
        if units <= 0:
            return 0, ZERO
        own = back.amount - back.from_open - back.replaced_amount
        of = back.quantity - back.uninvoiced - back.replaced
        amount = min(own if units == of else cents(own * units / of), owed.amount)
        back.replaced += units
        back.replaced_amount += amount
        owed.units -= units
        owed.amount -= amount
        self._move(self.lines[back.receipt_line_id], row, units, amount)
        return units, amount

    def _move(self, old: ReceiptLine, row: ReceiptLine, units: int, amount: Decimal) -> None:
        left, rest = units, amount
        for allocation in self.posted[old.pk]:
            part = min(left, allocation.quantity)
            if not part:
                continue
            whole = part == allocation.quantity
            line = allocation.invoice_line
            billed = (
                allocation.amount
                if whole
                else round_total(allocation.amount * part / allocation.quantity, line.invoice.currency)
            )
            cleared = allocation.cleared if whole else cents(allocation.cleared * part / allocation.quantity)
            worth = rest if part == left else cents(rest * part / left)
            self.fresh.append(
                MatchAllocation(
                    invoice_line=line, order_line_id=allocation.order_line_id, receipt_line=row, quantity=part,
                    amount=billed, cleared=worth, is_posted=True,
                )
            )  # fmt: skip
            allocation.quantity -= part
            allocation.amount -= billed
            allocation.cleared -= cleared
            old.invoiced -= part
            old.cleared -= cleared
            old.reduced += cleared
            left -= part
            rest -= worth

    def write(self) -> None:
        moved = [x for found in self.posted.values() for x in found]
        MatchAllocation.objects.filter(pk__in=[x.pk for x in moved if not x.quantity]).delete()
        write_fields([x for x in moved if x.quantity], ["quantity", "amount", "cleared"])
        write_fields(self.lines.values(), ["invoiced", "cleared", "reduced"])
        write_fields(self.returns, ["replaced", "replaced_amount"])


def joined(first: Mapping[int, Prepaid], second: Mapping[int, Prepaid]) -> dict[int, Prepaid]:
    """Answer what was settled of each receipt line by both."""
    answers = dict(first)
    for number, more in second.items():
        known = answers.get(number, NOTHING_PREPAID)
        answers[number] = Prepaid(
            units=known.units + more.units,
            amount=known.amount + more.amount,
            references={**known.references, **more.references},
            claims={**known.claims, **more.claims},
        )
    return answers


def expect_for_returned(receipt_line_id: int, units: int) -> None:
    """Have goods wanted, not a credit, for so many billed units of the line that went back, oldest return first."""
    changed = []
    for back in SupplierReturnLine.objects.filter(receipt_line=receipt_line_id).order_by("pk"):
        more = min(units, back.quantity - back.uninvoiced - back.to_replace)
        if more > 0:
            back.to_replace += more
            units -= more
            changed.append(back)
    write_fields(changed, ["to_replace"])


def give_up_replacements(order_line_ids: Iterable[int]) -> None:
    """Have nothing more come for what went back of these lines: the supplier owes a credit again."""
    SupplierReturnLine.objects.filter(
        receipt_line__order_line__in=list(order_line_ids), to_replace__gt=F("replaced")
    ).update(to_replace=F("replaced"))
