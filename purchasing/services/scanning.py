"""Scans of a delivery that is being counted: each counts once, can be undone, and finds the line it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Sum
from django.utils import timezone

from inventory.models import Item
from purchasing.models import PurchaseOrder, PurchaseOrderLine, Receipt, ReceiptScan
from purchasing.services.counting import lines_of, lock_draft
from purchasing.services.reading_codes import Code, read_code
from purchasing.services.standing import open_units
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.quantities import MOST
from retailhub.core.sql import insert_rows
from retailhub.core.text import storable
from retailhub.core.transactions import retried

Condition = ReceiptScan.Condition


class NotOnOrder(DomainError):
    """The goods are on none of the orders that are counted; `offers` names open orders that want them."""

    code = "not_on_order"


class BelowNothing(DomainError):
    """Fewer than none cannot be counted."""

    code = "below_nothing"


class WhichLine(DomainError):
    """Wrong goods came instead of something: say of which line."""

    code = "which_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan counted: the item, base units, the order line, and what the code said besides."""

    item: Item
    quantity: int
    order_line_id: int | None
    note: str = ""
    again: bool = False
    scans: Sequence[ReceiptScan] = field(default_factory=tuple)


@retried()
def scan_goods(
    *,
    receipt_id: int,
    code: str,
    key: str,
    actor: str,
    condition: str = Condition.GOOD,
    times: int = 1,
    as_surplus: bool = False,
    instead_of: int | None = None,
) -> Scanned:
    """Have what a code names counted: one base unit, or what the pack holds that bears it, `times` over.

    The line that is due first gets it; what it has no room for goes to the next one, what no line has room for stays on
    the last. The same `key` counts once, however often it comes. Goods on no order of the receipt are refused with
    NotOnOrder, which names the supplier's open orders that want them, unless they are taken `as_surplus` or as wrong
    goods `instead_of` an order line. Wrong goods are instead of the only other line that still lacks some; where there
    are several, WhichLine names them. Raises UnknownCode and WrongState; then nothing is counted.
    """
    receipt = lock_draft(receipt_id)
    _refuse_key(key)
    known = list(receipt.scans.filter(key__in=[key, f"{key}/2"]).select_related("item").order_by("pk"))
    if known:
        return _told(known, note=known[0].note, again=True)
    found = read_code(code, supplier_id=receipt.supplier_id)
    units = found.units * times
    if not 0 < units <= MOST:
        raise Invalid(errors=[Offence(pointer="/times", code="invalid", detail="that is no number of units")])
    scans = [
        ReceiptScan(
            receipt=receipt,
            key=key if number == 1 else f"{key}/{number}",
            code=storable(code)[:120],
            item=found.item,
            order_line_id=line_id,
            quantity=share,
            condition=Condition.SURPLUS if as_surplus and condition == Condition.GOOD else condition,
            note=found.note[:200],
            actor=actor,
        )
        for number, (line_id, share) in enumerate(_places(receipt, found, units, condition, as_surplus, instead_of), 1)
    ]
    insert_rows(scans)
    return _told(scans, note=found.note)


@retried()
def undo_scan(*, receipt_id: int, key: str, actor: str) -> Receipt:
    """Let one scan count no more. Undoing twice changes nothing; a scan that never came is NotFound."""
    receipt = lock_draft(receipt_id)
    scans = receipt.scans.filter(key__in=[key, *(f"{key}/{n}" for n in range(2, 50))])
    if not scans.exists():
        raise NotFound
    scans.filter(undone_at=None).update(undone_at=timezone.now())
    _refuse_negative(receipt)
    return receipt


@retried()
def set_count(
    *, receipt_id: int, item_id: int, order_line_id: int | None, counts: Mapping[str, int], key: str, actor: str
) -> Receipt:
    """Have exactly so many units counted of a line, by condition; conditions not named stay as they are.

    The difference is one more entry of the count, under `key`; the same key counts once.
    """
    receipt = lock_draft(receipt_id)
    _refuse_key(key)
    odd = [name for name, units in counts.items() if name not in Condition.values or not 0 <= units <= MOST]
    if odd:
        raise Invalid(
            errors=[Offence(pointer=f"/{name}", code="invalid", detail="that is no number of units") for name in odd]
        )
    if (
        order_line_id is not None
        and not PurchaseOrderLine.objects.filter(
            pk=order_line_id, item=item_id, order__in=receipt.orders.all()
        ).exists()
    ):
        raise NotFound
    keys = {name: f"{key}:{name}"[:64] for name in counts}
    if receipt.scans.filter(key__in=keys.values()).exists():
        return receipt
    now = {
        row["condition"]: row["units"]
        for row in receipt.scans.filter(item=item_id, order_line=order_line_id, undone_at=None)
        .values("condition")
        .annotate(units=Sum("quantity"))
        .order_by()
    }
    insert_rows(
        ReceiptScan(
            receipt=receipt,
            key=keys[name],
            item_id=item_id,
            order_line_id=order_line_id,
            quantity=units - now.get(name, 0),
            condition=name,
            actor=actor,
        )
        for name, units in counts.items()
        if units != now.get(name, 0)
    )
    return receipt


# --- the parts -------------------------------------------------------------------------------------------------------
def _refuse_key(key: str) -> None:
    if not 0 < len(key) <= 50:
        raise Invalid(errors=[Offence(pointer="/key", code="invalid", detail="a scan has a key of its own")])


def _refuse_negative(receipt: Receipt) -> None:
    """A correction says what is there; the scan it corrected cannot be undone below it."""
    below = (
        receipt.scans.filter(undone_at=None)
        .values("order_line", "item", "condition")
        .annotate(units=Sum("quantity"))
        .filter(units__lt=0)
        .order_by()
    )
    if below.exists():
        raise BelowNothing


def _places(
    receipt: Receipt, found: Code, units: int, condition: str, as_surplus: bool, instead_of: int | None
) -> list[tuple[int | None, int]]:
    """Say for which order line the units count: (line, units), in the order in which they fill up."""
    lines = lines_of(receipt)
    if instead_of is None and condition == Condition.WRONG and not as_surplus:
        instead_of = _instead_of(receipt, found, lines)
    if instead_of is not None:
        if condition != Condition.WRONG or not any(x.pk == instead_of and x.item_id != found.item.pk for x in lines):
            raise Invalid(
                errors=[
                    Offence(pointer="/instead_of", code="invalid", detail="wrong goods come instead of another line")
                ]
            )
        return [(instead_of, units)]
    own = [line for line in lines if line.item_id == found.item.pk]
    if not own:
        if as_surplus or not lines:
            return [(None, units)]
        raise _not_on_order(receipt, found)
    if as_surplus:
        return [(own[0].pk, units)]
    counted = dict(
        receipt.scans.filter(undone_at=None, order_line__in=own)
        .exclude(condition__in=[Condition.WRONG, Condition.SURPLUS])
        .values_list("order_line")
        .annotate(units=Sum("quantity"))
        .order_by()
    )
    shares: list[tuple[int | None, int]] = []
    left = units
    for line in own:
        room = max(0, open_units(line) - counted.get(line.pk, 0))
        share = left if line is own[-1] else min(left, room)
        if share:
            shares.append((line.pk, share))
            left -= share
    return shares


def _instead_of(receipt: Receipt, found: Code, lines: Sequence[PurchaseOrderLine]) -> int:
    """Answer the line that lacks goods and is about others. Raises WhichLine naming all, and NotOnOrder for none."""
    counted = dict(
        receipt.scans.filter(undone_at=None, order_line__in=lines)
        .exclude(condition=Condition.SURPLUS)
        .values_list("order_line")
        .annotate(units=Sum("quantity"))
        .order_by()
    )
    others = [line for line in lines if line.item_id != found.item.pk]
    lacking = [line for line in others if open_units(line) > counted.get(line.pk, 0)] or others
    if not lacking:
        raise _not_on_order(receipt, found)
    if len(lacking) > 1:
        raise WhichLine(
            f"{found.item.name} came instead of what?",
            lines=[
                {"id": line.pk, "order": line.order.number, "line": line.line, "name": line.item.name}
                for line in lacking
            ],
        )
    return lacking[0].pk


def _not_on_order(receipt: Receipt, found: Code) -> NotOnOrder:
    offers = list(
        PurchaseOrder.objects.open()
        .filter(
            supplier=receipt.supplier_id,
            ship_to=receipt.location_id,
            lines__item=found.item,
            lines__open_quantity__gt=0,
        )
        .order_by("expected_on", "pk")
        .values_list("number", flat=True)
        .distinct()[:3]
    )
    return NotOnOrder(
        f"{found.item.name} is on no order of this delivery.",
        sku=found.item.sku,
        offers=offers,
    )


def _told(scans: Sequence[ReceiptScan], *, note: str, again: bool = False) -> Scanned:
    return Scanned(
        item=scans[0].item,
        quantity=sum(scan.quantity for scan in scans),
        order_line_id=scans[0].order_line_id,
        note=note,
        again=again,
        scans=tuple(scans),
    )
