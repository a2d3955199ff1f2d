"""What goods that came in do to the books before, or after, they were billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from inventory.models import Location
from inventory.services.costing import cents
from purchasing.models import MatchAllocation, Receipt, ReceiptLine
from purchasing.services.replacing import joined, settle_replaced
from purchasing.services.valuing import Prepaid, Worth
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.money import round_total
from retailhub.core.sql import insert_rows, write_fields


def settle_billed(rows: Sequence[ReceiptLine]) -> dict[int, Prepaid]:
    """Set accepted units against units that are billed already: those that went back, then those that did not come.

    Answers by receipt line number what was billed for them; the invoices now stand for the units of the receipt line.
    The caller holds the orders, and every posting of an invoice does: nobody else settles these units.
    """
    replaced, fresh = settle_replaced(rows)
    prepaid = _settle_prepaid(rows, replaced, fresh)
    insert_rows(_once_each(fresh))
    return joined(replaced, prepaid)


def _once_each(allocations: Sequence[MatchAllocation]) -> list[MatchAllocation]:
    """Let one row stand for all units of an invoice line that come with one receipt line."""
    kept: dict[tuple[int, int], MatchAllocation] = {}
    for row in allocations:
        first = kept.setdefault((row.invoice_line_id, row.receipt_line_id or 0), row)
        if first is not row:
            first.quantity += row.quantity
            first.amount += row.amount
            first.cleared += row.cleared
    return list(kept.values())


def _settle_prepaid(
    rows: Sequence[ReceiptLine], replaced: Mapping[int, Prepaid], fresh: list[MatchAllocation]
) -> dict[int, Prepaid]:
    """Set what is left of accepted units against units that were billed before they came, oldest invoice first."""
    waiting: dict[int, list[MatchAllocation]] = {}
    for allocation in (
        MatchAllocation.objects.filter(
            order_line__among={row.order_line_id for row in rows if row.order_line_id},
            receipt_line=None,
            is_posted=True,
            invoice_line__invoice__kind="invoice",
        )
        .select_related("invoice_line__invoice")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    ):
        waiting.setdefault(allocation.order_line_id, []).append(allocation)
    answers: dict[int, Prepaid] = {}
    changed: list[MatchAllocation] = []
    for row in rows:
        came = left = row.accepted - (replaced[row.line].units if row.line in replaced else 0)
        amount, references = Decimal(0), dict[str, Decimal]()
        for allocation in waiting.get(row.order_line_id or 0, ()):
            to_come = allocation.units_to_come
            units = min(left, to_come)
            if not units:
                continue
            line = allocation.invoice_line
            share, billed = allocation.prepaid_stock, allocation.amount
            if units < to_come:
                share = cents(share * units / to_come)
            if units < allocation.quantity:
                billed = round_total(billed * units / allocation.quantity, line.invoice.currency)
            reference = f"{line.invoice.reference}#{line.line}"
            references[reference] = references.get(reference, Decimal(0)) + share
            amount += share
            left -= units
            fresh.append(
                MatchAllocation(
                    invoice_line=line,
                    order_line_id=allocation.order_line_id,
                    receipt_line=row,
                    quantity=units,
                    amount=billed,
                    cleared=share,
                    is_posted=True,
                )
            )
            allocation.quantity -= units
            allocation.amount -= billed
            allocation.prepaid_stock -= share
            changed.append(allocation)
        if references:
            answers[row.line] = Prepaid(units=came - left, amount=amount, references=references)
    gone = [allocation.pk for allocation in changed if not allocation.quantity]
    MatchAllocation.objects.filter(pk__in=gone).delete()
    write_fields([allocation for allocation in changed if allocation.quantity], ["quantity", "amount", "prepaid_stock"])
    return answers


def book_receipt(
    receipt: Receipt,
    rows: Sequence[ReceiptLine],
    worth: Mapping[int, Worth],
    prepaid: Mapping[int, Prepaid],
    booked: Mapping[int, Decimal],
    *,
    on: date,
    actor: str,
) -> None:
    """Post what came in: stock against goods received, not invoiced, or against goods that were billed before.

    `booked` is what the stock value rises by, line by line; it differs from what the goods cost by a cent where a pool
    rounds. Each line keeps what it put into goods received, not invoiced. Stock rises in one line of the entry: its
    parts stand in the ledger.
    """
    account = "in_transit" if receipt.location.kind == Location.Kind.TRANSIT else "inventory"
    party = receipt.supplier.party if receipt.supplier else ""
    lines: list[EntryLine] = []
    risen = rounded = Decimal(0)
    for row in rows:
        rise = booked.get(row.line, Decimal(0))
        amount = worth[row.line].amount
        row.amount = rise if amount is None else amount
        reference = f"{receipt.reference}#{row.line}"
        if not receipt.location.owned:
            row.amount = Decimal(0)
            continue
        risen += rise
        rounded += row.amount - rise
        before = prepaid.get(row.line)
        if before:
            row.cleared, row.invoiced = before.amount, before.units
            lines += [
                EntryLine(account="ginr", amount=-share, party=party, reference=billed)
                for billed, share in before.references.items()
            ]
            lines += [
                EntryLine(account="supplier_claims", amount=-share, party=party, reference=back)
                for back, share in before.claims.items()
            ]
        lines.append(EntryLine(account="grni", amount=row.cleared - row.amount, party=party, reference=reference))
    whole = receipt.reference
    place = receipt.location.code
    lines = [
        EntryLine(account=account, amount=risen, location=place, party=party, reference=whole),
        EntryLine(account="rounding", amount=rounded, reference=whole),
        *lines,
    ]
    post_entries(
        entries=[
            NewEntry(
                key=receipt.reference,
                kind="receipt",
                document=receipt.reference,
                date=on,
                text=f"Receipt {receipt.number}",
                lines=lines,
                or_first_open=True,
            )
        ],
        actor=actor,
    )
