"""What to buy: items below their reorder point, at whom, how many, and why; and drafts made of that.

need = reorder point - (available + on its way within the lead time + in drafts - waited for). Goods that come after the
lead time hide nothing: a new order would be quicker. The reorder point is the one on the item, which is for all places
together; where it has none, and for a single place, it is the demand of the lead time and a safety for its variation.
The need is rounded up once to what the supplier sells: his minimum and his multiples, in his purchase units.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from math import ceil, sqrt
from typing import Any

from django.db import transaction

from inventory.models import Location
from purchasing.models import BuyingEvent, OrderStatus, PurchaseOrder, Supplier, SupplierItem
from purchasing.services.demand import DEMAND, demand_values
from purchasing.services.drafting import OrderedLine, draft_purchase_order
from purchasing.services.pricing import Offer, offer_of, orderable
from purchasing.services.standing import note_event
from retailhub.core.errors import DomainError
from retailhub.core.models import Attention
from retailhub.core.money import round_total
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.services.exchanging import NoExchangeRate, rates_on
from retailhub.core.sql import rows
from retailhub.core.text import sku_key
from retailhub.core.transactions import retried

SAFETY = 1.645
"""Standard deviations kept as safety: 95 of 100 lead times end without running out, if days were normal."""
LEAD_DAYS = 7
"""For items that nobody sells us yet."""
LOW_STOCK = "low_stock"
REORDERED = "reordered"
NOBODY = "supplier:"
STEP = "/buying/reorder/"
WRITE = "/buying/orders/new/"
UNSENT = (OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One item below its point, with every figure that led to the suggestion; all units are base units."""

    item_id: int
    sku: str
    name: str
    available: int
    incoming: int
    later: int
    drafted: int
    waiting: int
    per_day: float
    is_intermittent: bool
    lead_days: int
    point: int
    point_given: bool
    safety: int
    need: int
    suggested: int = 0
    supplier_item: SupplierItem | None = None
    price: Decimal | None = None
    price_source: str = ""
    amount: Decimal | None = None
    skipped: str = ""

    def why(self) -> list[str]:
        """Answer in sentences where each number comes from."""
        if self.point_given:
            said = [f"Reorder point {self.point}, as set on the item."]
        else:
            kind = "intermittent, " if self.is_intermittent else ""
            said = [
                f"Reorder point {self.point}: {self.per_day:.2f} a day ({kind}days without stock not counted) "
                f"for {self.lead_days} days, and {self.safety} for safety."
            ]
        said.append(
            f"Available {self.available}, coming within {self.lead_days} days {self.incoming}, "
            f"in drafts {self.drafted}, waited for {self.waiting}: {self.need} short."
        )
        if self.later:
            said.append(f"Another {self.later} come later than a new order would; they do not count.")
        sold = self.supplier_item
        if sold is not None and self.suggested != self.need:
            unit = sold.pack_code or "unit"
            said.append(
                f"Rounded up from {self.need} to {self.suggested}: at least {sold.minimum_quantity} {unit}, in steps "
                f"of {sold.multiple}, {sold.pack_numerator}/{sold.pack_denominator} units each."
            )
        return said


@dataclass(slots=True, kw_only=True)
class SupplierNeeds:
    """What to order from one supplier; `total` is net in his currency."""

    supplier: Supplier
    needs: list[Need] = field(default_factory=list)
    total: Decimal = Decimal(0)

    @property
    def below_minimum(self) -> Decimal:
        """What is missing to the least value of an order; 0: nothing."""
        least: Decimal = self.supplier.minimum_order
        return max(least - self.total, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """Proposals by supplier, and the items that cannot be proposed, each with what is missing."""

    groups: list[SupplierNeeds]
    skipped: list[Need]


# Every item that may be short whichever supplier is chosen: the point by the longest lead time, what is on its way by
# the shortest. The exact figures are worked out afterwards for those few. Nothing but our own text is put together.
_SHORT = f"""
WITH {DEMAND},
leads AS (
    SELECT si.item_id, MIN(COALESCE(si.lead_time_days, s.lead_time_days)) AS least,
        MAX(COALESCE(si.lead_time_days, s.lead_time_days)) AS most
    FROM purchasing_supplieritem si JOIN purchasing_supplier s ON s.id = si.supplier_id
    WHERE si.is_active AND s.status = 'active' GROUP BY 1
),
coming AS (
    SELECT i.item_id,
        SUM(i.quantity) FILTER (WHERE i.due IS NULL OR (i.due AT TIME ZONE %(zone)s)::date
            <= %(today)s::date + COALESCE(least, %(lead)s)) AS soon,
        ARRAY_AGG(ARRAY[(i.due AT TIME ZONE %(zone)s)::date - %(today)s::date, i.quantity]) AS listed
    FROM inventory_incomingsupply i LEFT JOIN leads ON leads.item_id = i.item_id
    WHERE i.location_id = ANY(%(places)s) AND i.quantity > 0 GROUP BY 1
),
drafts AS (
    SELECT l.item_id, SUM(l.quantity - l.cancelled) AS units
    FROM purchasing_purchaseorderline l JOIN purchasing_purchaseorder o ON o.id = l.order_id
    WHERE o.status = ANY(%(unsent)s) AND o.ship_to_id = ANY(%(places)s) GROUP BY 1
),
waiting AS (
    SELECT w.item_id, SUM(w.quantity) AS units
    FROM inventory_waitingdemand w
    WHERE w.quantity > 0 AND (w.location_id = ANY(%(places)s) OR (w.location_id IS NULL AND EXISTS (
        SELECT FROM inventory_stockpoollocation e
        WHERE e.pool_id = w.pool_id AND e.location_id = ANY(%(places)s))))
    GROUP BY 1
),
figures AS (
    SELECT i.id, i.sku, i.name, COALESCE(stock.available, 0) AS available, COALESCE(drafts.units, 0) AS drafted,
        COALESCE(waiting.units, 0) AS waiting, COALESCE(coming.soon, 0) AS soon, coming.listed,
        COALESCE(demand.per_day, 0) AS per_day, COALESCE(demand.deviation, 0) AS deviation,
        COALESCE(demand.is_intermittent, FALSE) AS is_intermittent,
        CASE WHEN %(given)s THEN i.reorder_point ELSE 0 END AS given, COALESCE(leads.most, %(lead)s) AS most
    FROM inventory_item i
    LEFT JOIN stock ON stock.item_id = i.id
    LEFT JOIN demand ON demand.item_id = i.id
    LEFT JOIN leads ON leads.item_id = i.id
    LEFT JOIN coming ON coming.item_id = i.id
    LEFT JOIN drafts ON drafts.item_id = i.id
    LEFT JOIN waiting ON waiting.item_id = i.id
    WHERE i.status = 'active' AND i.kind = 'stocked'
        AND ((%(given)s AND i.reorder_point > 0) OR demand.item_id IS NOT NULL OR waiting.item_id IS NOT NULL)
)
SELECT id, sku, name, available, drafted, waiting, listed, per_day, deviation, is_intermittent, given FROM figures
WHERE CASE WHEN given > 0 THEN given ELSE CEIL(per_day * most + %(safety)s::float8 * deviation * SQRT(most)) END
    > available + soon + drafted - waiting
ORDER BY sku
"""  # noqa: S608


def find_needs(*, today: date, location: Location | None = None) -> Reorder:
    """Answer what is below its reorder point, at one place or at all of ours together, grouped by supplier.

    The preferred supplier is proposed, else the cheapest active one at the quantity needed, in home currency. Items
    without a supplier or a price are answered apart, with what is missing. A fixed number of statements, whatever the
    number of items.
    """
    place_ids = (
        [location.pk]
        if location
        else list(
            Location.objects.places()
            .filter(owned=True, is_active=True)
            .exclude(kind=Location.Kind.SUPPLIER)
            .values_list("pk", flat=True)
        )
    )
    found = rows(
        _SHORT,
        demand_values(place_ids=place_ids, today=today)
        | {"unsent": list(UNSENT), "lead": LEAD_DAYS, "safety": SAFETY, "given": location is None},
    )
    offers = _offers([row[0] for row in found])
    rates = _rates(offers, today)
    needs = [
        need
        for row in found
        if (need := _worked_out(row, offers.get(row[0], []), rates, today)) is not None and need.need > 0
    ]
    groups: dict[int, SupplierNeeds] = {}
    for need in needs:
        if need.skipped or need.supplier_item is None:
            continue
        supplier = need.supplier_item.supplier
        group = groups.setdefault(supplier.pk, SupplierNeeds(supplier=supplier))
        group.needs.append(need)
        group.total += need.amount or Decimal(0)
    return Reorder(
        groups=sorted(groups.values(), key=lambda group: group.supplier.code),
        skipped=[need for need in needs if need.skipped],
    )


def _offers(item_ids: Sequence[int]) -> dict[int, list[SupplierItem]]:
    found: dict[int, list[SupplierItem]] = {}
    for row in (
        SupplierItem.objects.filter(item__in=item_ids, is_active=True, supplier__status=Supplier.Status.ACTIVE)
        .select_related("supplier")
        .prefetch_related("prices")
        .order_by("-is_preferred", "pk")
    ):
        found.setdefault(row.item_id, []).append(row)
    return found


def _rates(offers: Mapping[int, Sequence[SupplierItem]], today: date) -> dict[str, Decimal]:
    """Answer the rates of the day. A currency without one is left out: who sells in it is taken last."""
    wanted = {row.supplier.currency for listed in offers.values() for row in listed}
    try:
        return dict(rates_on(wanted, today))
    except NoExchangeRate as refusal:
        missing = {offence.extra["currency"] for offence in refusal.errors}
        return dict(rates_on(wanted - missing, today))


def _worked_out(
    row: Sequence[Any], offers: Sequence[SupplierItem], rates: Mapping[str, Decimal], today: date
) -> Need | None:
    """Answer the need with the best supplier; without any, with what is missing."""
    if not offers:
        return _figured(row, LEAD_DAYS, skipped="nobody sells it to us: put it into a supplier's price list")
    tried = []
    for sold in offers:
        lead = sold.supplier.lead_time_days if sold.lead_time_days is None else sold.lead_time_days
        need = _figured(row, lead)
        units = orderable(sold, need.need)
        offer = offer_of(item_id=sold.item_id, units=units, sold=sold, on=today)
        tried.append((_rank(sold, offer, rates), need, sold, offer, units))
    _, need, sold, offer, units = min(tried, key=lambda entry: entry[0])
    if need.need <= 0:
        return None
    given: dict[str, Any] = {
        name: getattr(need, name) for name in Need.__dataclass_fields__ if name not in ("skipped", "amount")
    }
    given |= {"supplier_item": sold, "suggested": units, "price": offer.price, "price_source": offer.source}
    if offer.price is None:
        return Need(**given, skipped=f"{sold.supplier.name} never named a price")
    return Need(**given, amount=offer.amount_of(units))


def _rank(sold: SupplierItem, offer: Offer, rates: Mapping[str, Decimal]) -> tuple[Any, ...]:
    """Order suppliers: with a price first, of those the preferred one, else the cheapest in home currency."""
    rate = rates.get(sold.supplier.currency)
    if offer.price is None:
        return (True, not sold.is_preferred, Decimal(0), sold.pk)
    cost = offer.amount_of(1) * rate if rate else Decimal("Infinity")
    return (False, not sold.is_preferred, cost, sold.pk)


def _figured(row: Sequence[Any], lead: int, *, skipped: str = "") -> Need:
    pk, sku, name, available, drafted, waiting, listed, per_day, deviation, intermittent, given = row
    incoming = sum(units for days, units in listed or () if days is None or days <= lead)
    safety = SAFETY * deviation * sqrt(lead)
    # What is added up in floats is rounded before it is rounded up: 3.0000000001 units are three.
    point = given or ceil(round(per_day * lead + safety, 6))
    return Need(
        item_id=pk,
        sku=sku,
        name=name,
        available=int(available),
        incoming=incoming,
        later=sum(units for _, units in listed or ()) - incoming,
        drafted=int(drafted),
        waiting=int(waiting),
        per_day=per_day,
        is_intermittent=intermittent,
        lead_days=lead,
        point=point,
        point_given=bool(given),
        safety=0 if given else ceil(round(safety, 6)),
        need=max(0, point - (int(available) + incoming + int(drafted) - int(waiting))),
        skipped=skipped,
    )


class OtherProposal(DomainError):
    """Something else was ordered with this form already: send it again if that is meant."""

    code = "key_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be ordered from one supplier: base units by SKU."""

    supplier: Supplier
    units: Mapping[str, int]


@retried(on_twin=True)
def create_orders(
    *, wanted: Sequence[Wanted], ship_to: Location, actor: str, on: date, key: str
) -> list[PurchaseOrder]:
    """Have one draft per supplier, priced by his list; all of them or none.

    Asking again with the same key answers the drafts that were made then, and raises OtherProposal when it says
    something else. Raises as `draft_purchase_order` does, with the place in `wanted` as /orders/0 and so on.
    """
    reference = f"reorder:{key}"
    asked = [
        (place, one.supplier, units)
        for place, one in sorted(enumerate(wanted), key=lambda entry: entry[1].supplier.pk)
        if (units := {sku: count for sku, count in one.units.items() if count > 0})
    ]
    fingerprint = _fingerprint(asked, ship_to)
    # Two calls under one key may name different suppliers, so no row of theirs could make one wait for the other.
    rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [reference])
    made = list(
        PurchaseOrder.objects.filter(external_reference=reference)
        .select_related("supplier", "ship_to")
        .order_by("supplier")
    )
    if made:
        told = BuyingEvent.objects.filter(document__in=[order.reference for order in made], kind=REORDERED)
        if set(told.values_list("data__asked", flat=True)) - {fingerprint}:
            raise OtherProposal(numbers=[order.number for order in made])
        return made
    orders = []
    for place, supplier, units in asked:
        try:
            order = draft_purchase_order(
                supplier=supplier,
                ship_to=ship_to,
                lines=[OrderedLine(sku=sku, quantity=count) for sku, count in units.items()],
                actor=actor,
                on=on,
                external_reference=reference,
            )
        except DomainError as refusal:
            raise refusal.moved(f"/orders/{place}") from refusal
        note_event(order.reference, REORDERED, "From a proposal", actor=actor, data={"asked": fingerprint})
        orders.append(order)
    settle_attention(kind=LOW_STOCK, documents=[order.supplier.party for order in orders], by=actor)
    return orders


def _fingerprint(asked: Sequence[tuple[int, Supplier, Mapping[str, int]]], ship_to: Location) -> str:
    told = [
        [supplier.pk, sorted((sku_key(sku), count) for sku, count in units.items())] for _, supplier, units in asked
    ]
    return sha256(json.dumps([ship_to.pk, told]).encode()).hexdigest()


def raise_low_stock(*, today: date) -> int:
    """Have one row in "my work" per supplier of whom something is to be ordered, and one for what nobody can order.

    Rows of suppliers of whom nothing is short any more are settled. Answers how many items are short.
    """
    reorder = find_needs(today=today)
    raised = [
        Attention(
            kind=LOW_STOCK,
            document=group.supplier.party,
            subject=group.supplier.name,
            reason=f"{_count(group.needs)} below {'its' if len(group.needs) == 1 else 'their'} reorder point: "
            f"{_some(group.needs)}",
            scope="purchasing:write",
            at_risk=round_total(group.total, group.supplier.currency),
            currency=group.supplier.currency,
            step_label="Create PO",
            step_url=f"{WRITE}?supplier={group.supplier.code}&proposed=1",
        )
        for group in reorder.groups
    ]
    if reorder.skipped:
        raised.append(
            Attention(
                kind=LOW_STOCK,
                document=NOBODY,
                subject="Items nobody can order",
                reason=f"{_count(reorder.skipped)} short without a supplier or price: {_some(reorder.skipped)}",
                scope="purchasing:write",
                step_label="Look",
                step_url=STEP,
            )
        )
    with transaction.atomic():
        raise_attention(raised)
        rest = Attention.objects.filter(kind=LOW_STOCK, resolved_at__isnull=True).exclude(
            document__in=[row.document for row in raised]
        )
        settle_attention(kind=LOW_STOCK, documents=list(rest.values_list("document", flat=True)), by="system")
    return sum(len(group.needs) for group in reorder.groups) + len(reorder.skipped)


def settle_low_stock(*, order_ids: Sequence[int]) -> None:
    """Take the rows of these orders' suppliers off the list, those that were there when the orders were sent.

    What is still short comes back with the next look at stock.
    """
    sent: dict[str, datetime] = {}
    for order in PurchaseOrder.objects.filter(pk__in=order_ids, issued_at__isnull=False).select_related("supplier"):
        party, at = order.supplier.party, order.issued_at
        if at is not None:
            sent[party] = max(at, sent.get(party, at))
    rows_there = Attention.objects.filter(kind=LOW_STOCK, document__in=sent, resolved_at__isnull=True)
    answered = [
        party for party, raised_at in rows_there.values_list("document", "raised_at") if raised_at < sent[party]
    ]
    settle_attention(kind=LOW_STOCK, documents=answered, by="system")


def _count(needs: Sequence[Need]) -> str:
    return "1 item is" if len(needs) == 1 else f"{len(needs)} items are"


def _some(needs: Sequence[Need]) -> str:
    """Name the first few."""
    named = ", ".join(need.sku for need in needs[:5])
    return named if len(needs) <= 5 else f"{named}, ..."
