"""A supplier's price list: what he sells, in which packs, and what it costs from which quantity and day on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from inventory.services.finding import find_items
from purchasing.models import PriceBreak, Supplier, SupplierItem
from purchasing.services.supplying import UNSET
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.money import round_cost
from retailhub.core.sql import OneTrip
from retailhub.core.text import sku_key
from retailhub.core.transactions import retried


class SupplierSkuTaken(DomainError):
    """One number of the supplier would name two of our items."""

    code = "supplier_sku_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """What one purchase unit costs, net, in the supplier's currency, from a number of purchase units and a day on."""

    price: Decimal
    source: str = PriceBreak.Source.LIST
    minimum_quantity: int = 1
    discount_percent: Decimal = Decimal(0)
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def place(self) -> tuple[str, int, date | None]:
        """What two prices of one item may not have in common."""
        return self.source, self.minimum_quantity, self.valid_from


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """What is to be true of one item in the list; fields left UNSET stay as they are. `prices` replace all he had."""

    sku: str
    supplier_sku: str = UNSET
    name: str = UNSET
    pack_code: str = UNSET
    pack_numerator: int = UNSET
    pack_denominator: int = UNSET
    minimum_quantity: int = UNSET
    multiple: int = UNSET
    lead_time_days: int | None = UNSET
    over_percent: Decimal | None = UNSET
    over_units: int | None = UNSET
    is_preferred: bool = UNSET
    is_active: bool = UNSET
    last_price: Decimal | None = UNSET
    last_price_on: date | None = UNSET
    prices: Sequence[ListedPrice] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOutcome:
    """What became of an entry: `new`, `changed` or `same`, and what changed."""

    sku: str
    outcome: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


_LONGEST_KEY = 96
_PLAIN = (
    *("supplier_sku", "name", "pack_code", "pack_numerator", "pack_denominator", "minimum_quantity", "multiple"),
    *("lead_time_days", "over_percent", "over_units", "is_preferred", "is_active", "last_price", "last_price_on"),
)


@retried(on_twin=True)
def put_price_list(
    *, supplier: Supplier, entries: Sequence[ListEntry], actor: str, replace: bool = False, write: bool = True
) -> list[ListOutcome]:
    """Have these items in the supplier's list, with their prices; all of them or none.

    With `replace` items that are not named are no longer bought from him (they stay on record, inactive). A preferred
    entry makes him the one preferred supplier of its item. An item whose packs change loses the last price, which was
    for another pack. Without `write` it only says what would become of them. Raises UnknownSku, NotStocked,
    SupplierSkuTaken and Invalid, naming every offending entry. A fixed number of statements whatever the number of
    entries; asking twice changes nothing.
    """
    # The supplier first: two lists of one supplier wait for each other.
    if not Supplier.objects.filter(pk=supplier.pk).select_for_update(no_key=True).exists():
        raise NotFound
    items = find_items([entry.sku for entry in entries], pointer="/entries/{}/sku")
    _refuse_twins(entries, [item.pk for item in items])
    have = {
        row.item_id: row
        for row in SupplierItem.objects.filter(supplier=supplier).order_by("pk").select_for_update(no_key=True)
    }
    prices = _prices_of([have[item.pk].pk for item in items if item.pk in have])
    outcomes: list[ListOutcome] = []
    fresh: list[SupplierItem] = []
    changed: dict[int, SupplierItem] = {}
    priced: list[tuple[SupplierItem, Sequence[ListedPrice]]] = []
    preferred: list[int] = []
    renumbered: list[int] = []
    for entry, item in zip(entries, items, strict=True):
        row = have.get(item.pk)
        is_new = row is None
        row = row or SupplierItem(supplier=supplier, item=item)
        changes = _apply(row, entry)
        if entry.is_preferred is True and "is_preferred" in changes:
            preferred.append(item.pk)
        if entry.prices is not UNSET:
            before = prices.get(row.pk, []) if not is_new else []
            if sorted(map(_figures, before)) != sorted(map(_figures, entry.prices)):
                changes["prices"] = ([str(x.price) for x in before], [str(x.price) for x in entry.prices])
                priced.append((row, entry.prices))
        if is_new:
            fresh.append(row)
        elif changes:
            changed[row.pk] = row
            if "supplier_sku" in changes:
                renumbered.append(row.pk)
        outcomes.append(
            ListOutcome(sku=item.sku, outcome="new" if is_new else "changed" if changes else "same", changes=changes)
        )
    if replace:
        named = {item.pk for item in items}
        for item_id, row in have.items():
            if item_id not in named and (row.is_active or row.is_preferred):
                row.is_active = row.is_preferred = False
                changed[row.pk] = row
    _refuse_taken_numbers(entries, items, {**have, **{row.item_id: row for row in fresh}})
    if write:
        _save(supplier, fresh, changed, priced, preferred, renumbered)
    return outcomes


def _refuse_twins(entries: Sequence[ListEntry], item_ids: Sequence[int]) -> None:
    """Raise Invalid naming each item that is listed twice and each of its prices that cannot be."""
    errors = []
    seen: dict[int, int] = {}
    for index, (entry, item_id) in enumerate(zip(entries, item_ids, strict=True)):
        where = f"/entries/{index}"
        if (first := seen.setdefault(item_id, index)) != index:
            detail = f"{entry.sku} is listed already in entry {first + 1}"
            errors.append(Offence(pointer=f"{where}/sku", code="invalid", detail=detail, extra={"sku": entry.sku}))
        if entry.supplier_sku is not UNSET and len(sku_key(entry.supplier_sku)) > _LONGEST_KEY:
            errors.append(Offence(pointer=f"{where}/supplier_sku", code="max_length", detail="this is too long"))
        for name in ("pack_numerator", "pack_denominator", "minimum_quantity", "multiple"):
            value = getattr(entry, name)
            if value is not UNSET and value < 1:
                errors.append(Offence(pointer=f"{where}/{name}", code="invalid", detail="this is 1 or more"))
        places: set[tuple[str, int, date | None]] = set()
        for number, price in enumerate([] if entry.prices is UNSET else entry.prices):
            at = f"{where}/prices/{number}"
            if price.place in places:
                detail = "there is another price from this quantity and day on"
                errors.append(Offence(pointer=at, code="invalid", detail=detail))
            places.add(price.place)
            if price.price < 0:
                errors.append(Offence(pointer=f"{at}/price", code="invalid", detail="a price is not negative"))
            if not 0 <= price.discount_percent <= 100:
                errors.append(Offence(pointer=f"{at}/discount_percent", code="invalid", detail="this is 0 to 100"))
            if price.minimum_quantity < 1:
                errors.append(Offence(pointer=f"{at}/minimum_quantity", code="invalid", detail="this is 1 or more"))
            if price.valid_from and price.valid_until and price.valid_until < price.valid_from:
                errors.append(Offence(pointer=f"{at}/valid_until", code="invalid", detail="it ends before it begins"))
    if errors:
        raise Invalid("The price list cannot be kept like this.", errors=errors)


def _refuse_taken_numbers(entries: Sequence[ListEntry], items: Sequence[Any], rows: Mapping[int, SupplierItem]) -> None:
    owners: dict[str, list[int]] = {}
    for item_id, row in rows.items():
        if row.supplier_sku_key:
            owners.setdefault(row.supplier_sku_key, []).append(item_id)
    errors = [
        Offence(
            pointer=f"/entries/{index}/supplier_sku",
            code="supplier_sku_taken",
            detail=f"{rows[item.pk].supplier_sku} is his number for another item too",
            extra={"sku": entry.sku},
        )
        for index, (entry, item) in enumerate(zip(entries, items, strict=True))
        if len(owners.get(rows[item.pk].supplier_sku_key, [])) > 1
    ]
    if errors:
        raise SupplierSkuTaken(errors=errors)


def _apply(row: SupplierItem, entry: ListEntry) -> dict[str, tuple[Any, Any]]:
    changes: dict[str, tuple[Any, Any]] = {}
    pack = row.pack_numerator, row.pack_denominator
    for name in _PLAIN:
        value = getattr(entry, name)
        if value is UNSET:
            continue
        if name == "last_price" and value is not None:
            value = round_cost(value)
        if getattr(row, name) != value:
            changes[name] = (getattr(row, name), value)
            setattr(row, name, value)
    if (row.pack_numerator, row.pack_denominator) != pack and entry.last_price is UNSET:
        row.last_price = row.last_price_on = None
    if not row.is_active:
        row.is_preferred = False
    row.supplier_sku_key = sku_key(row.supplier_sku) if row.supplier_sku else ""
    return changes


def _prices_of(supplier_item_ids: Sequence[int]) -> dict[int, list[PriceBreak]]:
    found: dict[int, list[PriceBreak]] = {}
    for row in PriceBreak.objects.filter(supplier_item__in=supplier_item_ids):
        found.setdefault(row.supplier_item_id, []).append(row)
    return found


def _figures(price: ListedPrice | PriceBreak) -> tuple[Any, ...]:
    return (
        str(price.source),
        price.minimum_quantity,
        price.valid_from or date.min,
        price.valid_until or date.max,
        round_cost(price.price),
        price.discount_percent,
    )


def _save(
    supplier: Supplier,
    fresh: Sequence[SupplierItem],
    changed: Mapping[int, SupplierItem],
    priced: Sequence[tuple[SupplierItem, Sequence[ListedPrice]]],
    preferred: Iterable[int],
    renumbered: Sequence[int],
) -> None:
    if taken := list(preferred):
        # One preferred supplier per item: whoever was it gives way.
        SupplierItem.objects.filter(item__in=taken, is_preferred=True).exclude(supplier=supplier).update(
            is_preferred=False
        )
    if changed:
        # His numbers may change places among the rows; the key that tells them apart is checked row by row.
        SupplierItem.objects.filter(pk__in=renumbered).update(supplier_sku_key="")
        trip = OneTrip()
        columns = (*_PLAIN, "supplier_sku_key")
        trip.update(
            SupplierItem,
            {"id": list(changed)},
            put={name: [getattr(row, name) for row in changed.values()] for name in columns},
        )
        trip.run()
    SupplierItem.objects.bulk_create(fresh)
    if priced:
        PriceBreak.objects.filter(supplier_item__in=[row.pk for row, _ in priced]).delete()
        PriceBreak.objects.bulk_create(
            PriceBreak(
                supplier_item=row,
                source=price.source,
                minimum_quantity=price.minimum_quantity,
                price=round_cost(price.price),
                discount_percent=price.discount_percent,
                valid_from=price.valid_from,
                valid_until=price.valid_until,
            )
            for row, listed in priced
            for price in listed
        )
