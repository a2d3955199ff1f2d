"""Goods that go back to the supplier: a receipt undone as if it had never been, or goods returned later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Bucket, Location, Reason
from inventory.services.costing import cents
from inventory.services.holders import holders_of, named
from inventory.services.ledger import Move, Place, Posting, counterparty, lock_levels
from inventory.services.receipts import ExceedsReceived, Receipt, UnknownReceipt, receipts_of
from retailhub.core.errors import DomainError, Offence
from retailhub.core.transactions import retried


class AlreadyReversed(DomainError):
    """This receipt was reversed already, or its goods were returned."""

    code = "already_reversed"


class GoodsGone(DomainError):
    """The goods are not there any more, or are promised to others."""

    code = "goods_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class WentBack:
    """What one line that went back is worth, in whole cents: by its receipt, and by what the stock value lost.

    The difference is what others paid for these units meanwhile, or did not: a price variance.
    """

    line: int
    item_id: int
    location: str
    quantity: int
    receipt_cost: Decimal
    stock_value: Decimal

    @property
    def difference(self) -> Decimal:
        return self.receipt_cost - self.stock_value


@retried(on_twin=True)
def reverse_receipt(
    *, document: str, actor: str, lines: Sequence[int] | None = None, occurred_at: datetime | None = None
) -> list[WentBack]:
    """Undo the receipt, or these lines of it: reversing movements at its own cost, corrections included.

    Only while the goods lie where they were received, in the same state and free: otherwise GoodsGone names the
    documents that hold them. What the receipt did to incoming supply is for the caller to say anew. A receipt that
    posted itself is reversed by movements that do: the caller posts what is answered. Raises UnknownReceipt, and
    AlreadyReversed for lines that were; then nothing happens.
    """
    found = [x for x in receipts_of([document]) if lines is None or x.line in lines]
    _refuse_unknown(document, found, lines)
    posting = Posting(
        levels=lock_levels(Place(x.item_id, x.location_id) for x in found),
        actor=actor,
        occurred_at=occurred_at or timezone.now(),
    )
    # Asked after locking: whoever waited here for the same receipt now sees that it is reversed.
    found = [x for x in receipts_of([document]) if lines is None or x.line in lines]
    done = [x for x in found if x.reversed]
    if lines is not None or len(done) == len(found):
        _refuse_reversed(done)
    found = [x for x in found if not x.reversed]
    _refuse_reversed([x for x in found if x.returned])
    _refuse_gone(posting, [(x.line, x.sku, Place(x.item_id, x.location_id), x.bucket, x.quantity) for x in found])
    places = Location.objects.in_bulk({x.location_id for x in found})
    supplier = counterparty("@supplier")
    for receipt in found:
        posting.move(
            Move(
                item_id=receipt.item_id,
                quantity=receipt.quantity,
                from_location=places[receipt.location_id],
                from_bucket=receipt.bucket,
                to_location=supplier,
                reason=Reason.REVERSAL,
                document=document,
                line=receipt.line,
                value=receipt.cost,
                reverses_id=receipt.pk,
                self_posted=receipt.self_posted,
            )
        )
    posting.write()
    return [
        WentBack(
            line=receipt.line,
            item_id=receipt.item_id,
            location=places[receipt.location_id].code,
            quantity=receipt.quantity,
            receipt_cost=cents(receipt.cost),
            stock_value=-booked,
        )
        for receipt, booked in zip(found, posting.booked, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """Units in a bucket that go back, and the receipt line that brought them."""

    item_id: int
    quantity: int
    receipt: str
    receipt_line: int
    bucket: str = Bucket.SELLABLE
    line: int = 1
    key: str | None = None


@retried()
def return_to_supplier(
    *,
    location: Location,
    lines: Sequence[ReturnLine],
    document: str,
    actor: str,
    occurred_at: datetime | None = None,
    note: str = "",
) -> list[WentBack]:
    """Let the goods leave for the supplier, all lines or none, and answer what each line is worth.

    The supplier owes what the receipt line cost; the stock loses what the pool says (its own layer first where layers
    are kept). The movements post themselves: the caller writes both sides and the difference to the journal in this
    transaction. What leaves the sellable bucket must be free (GoodsGone names who holds it). Raises UnknownReceipt for
    a receipt line that brought none of the item, and ExceedsReceived for more than it brought.
    """
    posting = Posting(
        levels=lock_levels(Place(line.item_id, location.pk) for line in lines),
        actor=actor,
        occurred_at=occurred_at or timezone.now(),
    )
    receipts: dict[tuple[str, int, int], list[Receipt]] = {}
    for receipt in receipts_of(sorted({line.receipt for line in lines})):
        if not receipt.reversed:
            receipts.setdefault((receipt.document, receipt.line, receipt.item_id), []).append(receipt)
    _refuse_wrong(lines, receipts)
    sku = {x.item_id: x.sku for known in receipts.values() for x in known}
    _refuse_gone(
        posting, [(x.line, sku[x.item_id], Place(x.item_id, location.pk), x.bucket, x.quantity) for x in lines]
    )
    supplier = counterparty("@supplier")
    costs = []
    for line in lines:
        known = receipts[(line.receipt, line.receipt_line, line.item_id)]
        costs.append(cents(sum((x.cost for x in known), Decimal(0)) * line.quantity / sum(x.quantity for x in known)))
        posting.move(
            Move(
                item_id=line.item_id,
                quantity=line.quantity,
                from_location=location,
                from_bucket=line.bucket,
                to_location=supplier,
                reason=Reason.RETURN,
                document=document,
                line=line.line,
                returns_id=max(known, key=lambda x, bucket=line.bucket: x.bucket == bucket).pk,  # type: ignore[misc]
                key=line.key,
                note=note,
                self_posted=True,
            )
        )
    posting.write()
    return [
        WentBack(
            line=line.line,
            item_id=line.item_id,
            location=location.code,
            quantity=line.quantity,
            receipt_cost=cost,
            stock_value=-booked,
        )
        for line, cost, booked in zip(lines, costs, posting.booked, strict=True)
    ]


def _refuse_unknown(document: str, found: Sequence[Receipt], lines: Sequence[int] | None) -> None:
    unknown = sorted(set(lines or ()) - {x.line for x in found})
    if unknown or not found:
        raise UnknownReceipt(
            None if unknown else f"Nothing was received by {document}.",
            errors=[
                Offence(
                    pointer=f"/lines/{(lines or ()).index(line)}",
                    code="unknown_receipt",
                    detail=f"line {line} of {document} brought nothing",
                    extra={"line": line},
                )
                for line in unknown
            ],
        )


def _refuse_reversed(done: Sequence[Receipt]) -> None:
    if done:
        raise AlreadyReversed(
            errors=[
                Offence(
                    pointer=f"/lines/{x.line - 1}",
                    code="already_reversed" if x.reversed else "already_returned",
                    detail=f"line {x.line} of {x.document} was reversed already"
                    if x.reversed
                    else f"{x.returned} of line {x.line} of {x.document} went back to the supplier",
                    extra={"line": x.line},
                )
                for x in done
            ]
        )


def _refuse_wrong(lines: Sequence[ReturnLine], receipts: dict[tuple[str, int, int], list[Receipt]]) -> None:
    unknown, exceeding = [], []
    wanted: dict[tuple[str, int, int], int] = {}
    for index, line in enumerate(lines):
        key = (line.receipt, line.receipt_line, line.item_id)
        brought = sum(x.kept for x in receipts.get(key, ()))
        wanted[key] = wanted.get(key, 0) + line.quantity
        if key not in receipts:
            unknown.append(
                Offence(
                    pointer=f"/lines/{index}/receipt",
                    code="unknown_receipt",
                    detail=f"line {line.receipt_line} of {line.receipt} brought none of this item",
                    extra={"line": line.line},
                )
            )
        elif wanted[key] > brought:
            exceeding.append(
                Offence(
                    pointer=f"/lines/{index}/quantity",
                    code="exceeds_received",
                    detail=f"line {line.receipt_line} of {line.receipt} brought {brought} that did not go back",
                    extra={"line": line.line, "received": brought},
                )
            )
    if unknown:
        raise UnknownReceipt(errors=unknown)
    if exceeding:
        raise ExceedsReceived(errors=exceeding)


def _refuse_gone(posting: Posting, wanted: Sequence[tuple[int, str, Place, str, int]]) -> None:
    """Refuse lines (number, SKU, place, bucket, units) for which the place has too little that is free."""
    short = []
    taken: dict[tuple[Place, str], int] = {}
    for number, sku, place, bucket, units in wanted:
        level = posting.levels[place]
        have = level.available if bucket == Bucket.SELLABLE else getattr(level, bucket)
        taken[(place, bucket)] = taken.get((place, bucket), 0) + units
        if taken[(place, bucket)] > have:
            short.append((number, sku, place, bucket, units, have))
    if not short:
        return
    held = holders_of([place for _, _, place, bucket, _, _ in short if bucket == Bucket.SELLABLE])
    errors = []
    for number, sku, place, bucket, units, have in short:
        documents = held.get(place, []) if bucket == Bucket.SELLABLE else []
        errors.append(
            Offence(
                pointer=f"/lines/{number - 1}/quantity",
                code="goods_gone",
                detail=f"{units} of {sku} are to go back, {have} {Bucket(bucket).label.lower()} are free"
                + (f"; {named(documents)} hold the rest" if documents else ""),
                extra={"line": number, "sku": sku, "available": have, "documents": documents},
            )
        )
    raise GoodsGone(errors=errors)
