"""Purchase orders while they are drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import F

from inventory.models import Item, Location
from inventory.services.finding import find_items
from purchasing.models import (
    OrderStatus,
    PurchaseCharge,
    PurchaseOrder,
    PurchaseOrderLine,
    SpecialOrder,
    Supplier,
)
from purchasing.services.closing import CustomersWait
from purchasing.services.pricing import Offer, offers_of
from purchasing.services.standing import ensure_is, lock_purchase_order, net_total, next_number, note_event
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.money import MOST, round_cost, round_total
from retailhub.core.services.exchanging import rate_on
from retailhub.core.sql import insert_rows, write_fields
from retailhub.core.transactions import retried


class SupplierNotOpen(DomainError):
    """The supplier is on hold or closed."""

    code = "supplier_not_open"


class TooMuch(Invalid):
    """The order comes to more than any amount that is kept."""

    code = "too_much"


class DuplicateOrder(DomainError):
    """This supplier has an order with this reference already."""

    code = "duplicate_order"


class NoPrice(DomainError):
    """A line has no price, and the supplier never named one."""

    code = "no_price"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedLine:
    """What is asked for: base units of a SKU. Without a price, the supplier's own holds; `unit_cost` is per base unit.

    `price` is for one purchase unit as the supplier sells it. Tax and tolerances are the supplier's where not given.
    """

    sku: str
    quantity: int
    unit_cost: Decimal | None = None
    price: Decimal | None = None
    discount_percent: Decimal | None = None
    tax_rate: Decimal | None = None
    expected_on: date | None = None
    over_percent: Decimal | None = None
    over_units: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedCharge:
    """A charge agreed with the order, net, in its currency."""

    code: str
    amount: Decimal
    treatment: str = PurchaseCharge.Treatment.LANDED
    basis: str = PurchaseCharge.Basis.VALUE
    tax_rate: Decimal = Decimal(0)


@retried(on_twin=True)
def draft_purchase_order(
    *,
    supplier: Supplier,
    ship_to: Location,
    lines: Sequence[OrderedLine],
    actor: str,
    on: date,
    charges: Sequence[OrderedCharge] = (),
    currency: str = "",
    expected_on: date | None = None,
    note: str = "",
    external_reference: str = "",
) -> PurchaseOrder:
    """Have a draft with its lines priced: as given, else by the supplier's quote, contract, list or last price.

    A draft commits nobody: nothing is expected yet. Raises SupplierNotOpen, UnknownSku, NotStocked, NoPrice and
    NoExchangeRate, naming every offending line, and DuplicateOrder where the supplier has an order with this reference.
    """
    if supplier.status != Supplier.Status.ACTIVE:
        raise SupplierNotOpen(f"{supplier.name} is {supplier.get_status_display().lower()}.", supplier=supplier.code)
    if not lines:
        raise Invalid(errors=[Offence(pointer="/lines", code="invalid", detail="there are no lines")])
    if external_reference:
        twin = PurchaseOrder.objects.filter(supplier=supplier, external_reference=external_reference).first()
        if twin:
            raise DuplicateOrder(f"{external_reference} is {twin.number}.", number=twin.number)
    currency = currency or supplier.currency
    order = PurchaseOrder(
        number=next_number("PO"),
        supplier=supplier,
        ship_to=ship_to,
        currency=currency,
        rate=rate_on(currency, on),
        payment_days=supplier.payment_days,
        expected_on=expected_on,
        note=note,
        external_reference=external_reference,
        created_by=actor,
    )
    rows = build_lines(order, lines, on=on)
    billed = build_charges(order, charges)
    set_total(order, rows, billed)
    order.save()
    insert_rows(rows)
    insert_rows(billed)
    note_event(order.reference, "drafted", f"{len(rows)} lines", actor=actor)
    return order


@retried()
def change_draft(
    *,
    order_id: int,
    actor: str,
    on: date,
    lines: Sequence[OrderedLine] | None = None,
    charges: Sequence[OrderedCharge] | None = None,
    expected_on: date | None = None,
    note: str | None = None,
    ship_to: Location | None = None,
) -> PurchaseOrder:
    """Have other lines, charges, dates or words in an order that was not sent; an approval is to be asked anew."""
    order = lock_purchase_order(order_id)
    ensure_is(order, (OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED))
    if lines is not None and not lines:
        raise Invalid(errors=[Offence(pointer="/lines", code="invalid", detail="there are no lines")])
    if ship_to is not None:
        order.ship_to = ship_to
    if note is not None:
        order.note = note
    if expected_on is not None:
        order.expected_on = expected_on
    order.rate = rate_on(order.currency, on)
    if lines is not None:
        _replace_lines(order, build_lines(order, lines, on=on))
    if charges is not None:
        order.charges.all().delete()
        insert_rows(build_charges(order, charges))
    set_total(order, list(order.lines.all()), list(order.charges.all()))
    order.status = OrderStatus.DRAFT
    order.submitted_by, order.submitted_at, order.approved_by, order.approved_at = "", None, "", None
    order.save()
    note_event(order.reference, "changed", "The draft was changed", actor=actor)
    return order


def _replace_lines(order: PurchaseOrder, fresh: list[PurchaseOrderLine]) -> None:
    """Write the new lines in place of the old ones; what is linked to a customer's order goes to the item's new line.

    Raises CustomersWait where no new line has room for what a customer waits for.
    """
    old = list(order.lines.all())
    links = list(SpecialOrder.objects.filter(order_line__in=old).select_related("order_line"))
    room = {id(line): line.quantity for line in fresh}
    lost = []
    for link in links:
        asked = link.quantity if link.state == SpecialOrder.State.OPEN else 0
        line = next(
            (x for x in fresh if x.item_id == link.order_line.item_id and room[id(x)] >= asked),
            None,
        )
        if line is None:
            detail = f"{link.quantity} were ordered for {link.document} line {link.line}"
            lost.append(Offence(pointer="/lines", code="customers_wait", detail=detail))
        else:
            room[id(line)] -= asked
            link.order_line = line
    if lost:
        raise CustomersWait(errors=lost)
    # Old rows that customers' lines point at stand aside until these point at the new ones.
    order.lines.filter(pk__in=[x.pk for x in old]).update(line=F("line") + 1_000_000)
    insert_rows(fresh)
    for link in links:
        link.order_line_id = link.order_line.pk
    write_fields(links, ["order_line"])
    order.lines.filter(pk__in=[x.pk for x in old]).delete()


def build_lines(
    order: PurchaseOrder, lines: Sequence[OrderedLine], *, on: date, first: int = 1
) -> list[PurchaseOrderLine]:
    """Answer unsaved, priced lines, numbered from `first`. Raises naming every line that cannot be."""
    items = find_items([line.sku for line in lines])
    units: dict[int, int] = {}
    for item, line in zip(items, lines, strict=True):
        units[item.pk] = units.get(item.pk, 0) + line.quantity
    # The supplier's prices are in his own currency; in another one a price has to be given.
    own = order.currency == order.supplier.currency
    offers = offers_of(supplier=order.supplier, wanted=units, on=on) if own else {}
    built: list[PurchaseOrderLine] = []
    unpriced: list[Offence] = []
    for index, (item, line) in enumerate(zip(items, lines, strict=True)):
        offer = offers.get(item.pk, Offer(item_id=item.pk))
        row = _line(order, item, line, offer, first + index)
        if row is None:
            unpriced.append(
                Offence(
                    pointer=f"/lines/{index}/unit_cost",
                    code="no_price",
                    detail=f"{order.supplier.name} never named a price for {item.sku} in {order.currency}",
                    extra={"sku": item.sku},
                )
            )
        else:
            built.append(row)
    if unpriced:
        raise NoPrice(errors=unpriced)
    return built


def _line(order: PurchaseOrder, item: Item, line: OrderedLine, offer: Offer, number: int) -> PurchaseOrderLine | None:
    sold = offer.supplier_item
    packed = sold is not None and line.unit_cost is None
    price = line.unit_cost if line.unit_cost is not None else line.price if line.price is not None else offer.price
    if price is None:
        return None
    by_hand = line.unit_cost is not None or line.price is not None
    discount = (
        line.discount_percent
        if line.discount_percent is not None
        else Decimal(0)
        if by_hand
        else offer.discount_percent
    )
    return PurchaseOrderLine(
        order=order,
        line=number,
        item=item,
        supplier_sku=sold.supplier_sku if sold else "",
        description=(sold.name if sold else "") or item.name,
        quantity=line.quantity,
        price=round_cost(price),
        discount_percent=discount,
        price_source="hand" if by_hand else offer.source,
        pack_code=sold.pack_code if packed and sold else "",
        pack_numerator=sold.pack_numerator if packed and sold else 1,
        pack_denominator=sold.pack_denominator if packed and sold else 1,
        tax_rate=order.supplier.tax_rate if line.tax_rate is None else line.tax_rate,
        expected_on=line.expected_on or order.expected_on,
        over_percent=line.over_percent,
        over_units=line.over_units,
        note=line.note,
    )


def build_charges(order: PurchaseOrder, charges: Sequence[OrderedCharge]) -> list[PurchaseCharge]:
    """Answer unsaved charges. Raises Invalid naming every code that is given twice."""
    seen: set[str] = set()
    twice = []
    for index, charge in enumerate(charges):
        if charge.code in seen:
            twice.append(
                Offence(pointer=f"/charges/{index}/code", code="invalid", detail=f"{charge.code} is given twice")
            )
        seen.add(charge.code)
    if twice:
        raise Invalid(errors=twice)
    return [
        PurchaseCharge(
            order=order,
            code=charge.code,
            amount=charge.amount,
            treatment=charge.treatment,
            basis=charge.basis,
            tax_rate=charge.tax_rate,
        )
        for charge in charges
    ]


def home_value(order: PurchaseOrder) -> Decimal:
    """Answer the order's net total in home currency, at its own rate."""
    return round_total(order.net_total * order.rate, settings.HOME_CURRENCY)


def set_total(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], charges: Sequence[PurchaseCharge]) -> None:
    """Let the order know what its lines and charges come to. Raises TooMuch for more than is ever kept."""
    order.net_total = net_total(lines, charges, order.currency)
    if max(order.net_total, order.net_total * order.rate) >= MOST:
        raise TooMuch(errors=[Offence(pointer="/lines", code="too_much", detail="the total is 10,000,000,000,000 up")])
