"""Letters to suppliers: what is wrong with an invoice, what was wrong with a delivery, what goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from purchasing.models import Claim, Dispute, Receipt, ReceiptLine, Supplier, SupplierReturn
from purchasing.papers.words import words_in
from purchasing.services.printing import (
    Column,
    Paper,
    Row,
    address_lines,
    day,
    locale_of,
    money,
    number,
    print_paper,
)

_CODES = frozenset({"DUP", "NOPO", "SUPP", "CUR", "QREC", "QORD", "PRICE", "EXT", "CHG", "TAX", "TOT", "LATE", "DOC"})


def dispute_letter(dispute: Dispute) -> bytes:
    """Answer the letter about an invoice: part by part what was billed, what we expect instead, and until when."""
    invoice = dispute.invoice
    supplier = _known(invoice.supplier)
    words, locale = words_in(supplier.language), locale_of(supplier.language)
    rows = []
    priced = {part.get("line") for part in dispute.lines if part["code"] == "PRICE"}
    for part in dispute.lines:
        if part["code"] == "EXT" and part.get("line") in priced:
            continue
        code = part["code"] if part["code"] in _CODES else ""
        amount = part.get("difference", part["amount"])
        rows.append(
            Row(
                cells=[
                    str(part.get("line") or "\N{EN DASH}"),
                    part.get("description") or part.get("charge") or words["whole"],
                    words[f"hold_{code}"] if code else part["why"],
                    part["invoiced"],
                    part["expected"],
                    money(Decimal(amount), invoice.currency, locale) if amount else "",
                ]
            )
        )
    return print_paper(
        Paper(
            kind="dispute",
            number=invoice.number,
            title=f"{words['dispute']} {invoice.number}",
            supplier=[supplier.name, *address_lines(supplier.address)],
            facts=[
                (words["invoice"], invoice.number),
                (words["invoice_date"], day(invoice.invoice_date, locale)),
                (words["total_billed"], f"{money(invoice.total, invoice.currency, locale)} {invoice.currency}"),
                (words["reply_by"], day(dispute.reply_by, locale)),
            ],
            intro=words["please_correct"],
            columns=[
                Column(title=words["line"]),
                Column(title=words["item"], width="rest"),
                Column(title=words["reason"]),
                Column(title=words["invoiced"], number=True),
                Column(title=words["wanted"], number=True),
                Column(title=words["at_risk"], number=True),
            ],
            rows=rows,
            totals=[(f"{words['at_risk']} {invoice.currency}", money(dispute.amount, invoice.currency, locale))],
            note=dispute.note,
            labels={"from": words["sender"]},
        ),
        language=supplier.language,
    )


def claim_letter(receipt: Receipt) -> bytes | None:
    """Answer the letter about a delivery: every open claim of it, and what it is worth. None where nothing is open."""
    supplier = _known(receipt.supplier)
    words, locale = words_in(supplier.language), locale_of(supplier.language)
    claims = list(
        Claim.objects.filter(receipt_line__receipt=receipt, state=Claim.State.OPEN)
        .select_related("receipt_line__item", "order_line__order")
        .order_by("receipt_line__line", "pk")
    )
    if not claims:
        return None
    orders = sorted({claim.order_line.order.number for claim in claims if claim.order_line})
    return print_paper(
        Paper(
            kind="claim",
            number=receipt.number,
            title=f"{words['claim']} {receipt.number}",
            supplier=[supplier.name, *address_lines(supplier.address)],
            ship_to=[receipt.location.name, *address_lines(receipt.location.address)],
            facts=[
                (words["number"], receipt.number),
                (words["received_on"], day(receipt.received_on, locale)),
                (words["delivery_note"], receipt.delivery_note or "\N{EN DASH}"),
                (words["order"], ", ".join(orders) or "\N{EN DASH}"),
            ],
            intro=words["please_settle"],
            columns=[
                Column(title=words["claim"]),
                Column(title=words["your_number"]),
                Column(title=words["item"], width="rest"),
                Column(title=words["reason"]),
                Column(title=words["quantity"], number=True),
                Column(title=words["amount"], number=True),
            ],
            rows=[_claimed(claim, words, locale) for claim in claims],
            totals=_totals([(claim.amount, claim.currency) for claim in claims], words, locale),
            labels={"from": words["sender"], "ship_to": words["delivered_to"]},
        ),
        language=supplier.language,
    )


def return_letter(paper: SupplierReturn) -> bytes:
    """Answer the letter that goes with goods on their way back, and what we ask for them."""
    supplier = paper.supplier
    words, locale = words_in(supplier.language), locale_of(supplier.language)
    rows, worth = [], []
    for line in paper.lines.select_related("receipt_line__receipt", "receipt_line__order_line__order", "item"):
        ordered = line.receipt_line.order_line
        amount = ""
        if ordered is not None:
            net = ordered.net_amount(line.quantity)
            worth.append((net, ordered.order.currency))
            amount = money(net, ordered.order.currency, locale)
        rows.append(
            Row(
                cells=[
                    str(line.line),
                    ordered.supplier_sku if ordered else "",
                    line.item.name,
                    number(Decimal(line.quantity), locale),
                    amount,
                ],
                note=_note(line.item.sku, ordered.order.number if ordered else "", line.receipt_line.receipt.number),
                described=2,
            )
        )
    return print_paper(
        Paper(
            kind="claim",
            number=paper.number,
            title=f"{words['return']} {paper.number}",
            supplier=[supplier.name, *address_lines(supplier.address)],
            ship_to=[paper.location.name, *address_lines(paper.location.address)],
            facts=[
                (words["number"], paper.number),
                (words["date"], day(paper.returned_on, locale)),
                (words["carrier"], paper.carrier or "\N{EN DASH}"),
                (words["tracking"], paper.tracking_number or "\N{EN DASH}"),
            ],
            intro=words["please_replace" if paper.wants_replacement else "please_credit"],
            columns=[
                Column(title=words["line"]),
                Column(title=words["your_number"]),
                Column(title=words["item"], width="rest"),
                Column(title=words["quantity"], number=True),
                Column(title=words["amount"], number=True),
            ],
            rows=rows,
            totals=[] if paper.wants_replacement else _totals(worth, words, locale),
            note=paper.reason,
            labels={"from": words["sender"], "ship_to": words["sent_from"], "note": words["reason"]},
        ),
        language=supplier.language,
    )


def _claimed(claim: Claim, words: Mapping[str, str], locale: str) -> Row:
    row = claim.receipt_line
    ordered = claim.order_line
    item = row.item if row else None
    return Row(
        cells=[
            claim.number,
            ordered.supplier_sku if ordered else "",
            (ordered.description if ordered and ordered.description else item.name if item else ""),
            words[f"claim_{claim.kind}"],
            number(Decimal(claim.quantity), locale),
            money(claim.amount, claim.currency, locale),
        ],
        note=_note(item.sku if item else "", ordered.order.number if ordered else "", _counted(claim, row, words)),
        described=2,
    )


def _counted(claim: Claim, row: ReceiptLine | None, words: Mapping[str, str]) -> str:
    if row is None or claim.kind != Claim.Kind.SHORT:
        return claim.note
    return words["announced"].format(row.announced or 0, (row.announced or 0) - claim.quantity)


def _totals(worth: Sequence[tuple[Decimal, str]], words: Mapping[str, str], locale: str) -> list[tuple[str, str]]:
    sums: dict[str, Decimal] = {}
    for amount, currency in worth:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return [(f"{words['total']} {currency}", money(amount, currency, locale)) for currency, amount in sums.items()]


def _note(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _known(supplier: Supplier | None) -> Supplier:
    assert supplier is not None  # noqa: S101  a dispute or claim is against somebody
    return supplier
