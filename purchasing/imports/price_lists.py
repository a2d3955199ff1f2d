"""Price lists from files: what a supplier sells, in which packs, and what it costs from which quantity and day on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inventory.models import Item
from purchasing.models import PriceBreak, Supplier, SupplierItem
from purchasing.services.price_listing import ListedPrice, ListEntry, put_price_list
from retailhub.core.errors import DomainError
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Verdict
from retailhub.core.text import sku_key

_UNITS = 1_000_000
_PLAIN = (
    *("supplier_sku", "name", "pack_code", "pack_numerator", "pack_denominator", "minimum_quantity", "multiple"),
    *("lead_time_days", "is_preferred", "last_price", "last_price_on"),
)
_PRICED = ("from_quantity", "source", "discount_percent", "valid_from", "valid_until")


@dataclass(slots=True)
class _Entry:
    """One item of a list: the rows that tell of it, and what of them names a price."""

    verdicts: list[Verdict] = field(default_factory=list)
    priced: list[Verdict] = field(default_factory=list)
    kept: int = 0
    """So many prices of the item were there before and stay, ahead of those of the rows."""


class PriceListImport:
    """Items of suppliers and their prices, a row for each price: several rows of an item are its quantity breaks.

    A price takes the place of the one from the same quantity and day on; the others stay, and so does what the file
    leaves empty. A list says its prices in the supplier's currency.
    """

    label: str = "Price lists of suppliers"
    scopes: Sequence[str] = ("purchasing:write", "costs:read")
    key: Sequence[str] = ("supplier", "sku", "source", "from_quantity", "valid_from")
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        Field(name="supplier", required=True, length=32, headings=("supplier", "supplier code", "vendor")),
        Field(
            name="sku",
            kind="sku",
            label="SKU",
            required=True,
            length=64,
            headings=("sku", "item", "item number", "product number", "our number"),
        ),
        Field(
            name="supplier_sku",
            label="Supplier's SKU",
            length=64,
            headings=("supplier sku", "supplier's number", "vendor part number", "order number"),
        ),
        Field(name="name", label="Supplier's name for it", length=200, headings=("supplier's name", "description")),
        Field(name="price", kind="cost", least=0, headings=("price", "unit price", "net price", "list price")),
        Field(name="currency", kind="currency", headings=("currency",)),
        Field(
            name="from_quantity",
            kind="whole",
            least=1,
            most=_UNITS,
            headings=("from quantity", "break", "quantity break", "from"),
        ),
        Field(name="discount_percent", kind="percent", headings=("discount", "discount percent")),
        Field(name="valid_from", kind="day", headings=("valid from", "from date", "starts")),
        Field(name="valid_until", kind="day", headings=("valid until", "valid to", "until", "ends")),
        Field(name="source", kind="choice", choices=tuple(PriceBreak.Source.values), headings=("source", "kind")),
        Field(name="pack_code", length=20, label="Pack", headings=("pack", "pack code", "unit", "purchase unit")),
        Field(
            name="pack_numerator",
            kind="whole",
            least=1,
            most=_UNITS,
            label="Units in a pack",
            headings=("units per pack", "pack size", "units in a pack"),
        ),
        Field(name="pack_denominator", kind="whole", least=1, most=_UNITS, label="... divided by"),
        Field(
            name="minimum_quantity",
            kind="whole",
            least=1,
            most=_UNITS,
            headings=("minimum quantity", "minimum order quantity", "moq"),
        ),
        Field(name="multiple", kind="whole", least=1, most=_UNITS, headings=("multiple", "order multiple")),
        Field(name="lead_time_days", kind="whole", least=0, most=3_650, headings=("lead time", "lead time days")),
        Field(name="is_preferred", kind="flag", headings=("preferred", "main supplier")),
        Field(name="last_price", kind="cost", least=0, headings=("last price",)),
        Field(name="last_price_on", kind="day", headings=("last price on", "last bought")),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        verdicts = [Verdict(row) for row in rows]
        suppliers = {x.code.upper(): x for x in Supplier.objects.named(*{row.values["supplier"] for row in rows})}
        items = Item.objects.by_sku({row.values["sku"] for row in rows})
        for verdict in verdicts:
            supplier = suppliers.get(verdict.row.values["supplier"].upper())
            item = items.get(verdict.row.values["sku"])
            if supplier is None:
                verdict.refuse("supplier", "no supplier has this code")
            elif verdict.row.get("currency", supplier.currency) != supplier.currency:
                verdict.refuse("currency", f"the prices of {supplier.code} are in {supplier.currency}")
            if item is None:
                verdict.refuse("sku", "no item has this SKU")
            elif item.kind == Item.Kind.KIT:
                verdict.refuse("sku", "this is a kit: its components are bought")
            verdict.plan = supplier
            _refuse_price_without_figure(verdict)
        self._take([verdict for verdict in verdicts if verdict.outcome != Outcome.REFUSED], desk, write=False)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        self._take(verdicts, desk, write=True)

    def _take(self, verdicts: Sequence[Verdict], desk: Desk, *, write: bool) -> None:
        by_supplier: dict[int, list[Verdict]] = {}
        for verdict in verdicts:
            by_supplier.setdefault(verdict.plan.pk, []).append(verdict)
        for _, listed in sorted(by_supplier.items()):
            self._take_list(listed[0].plan, listed, desk, write=write)

    def _take_list(self, supplier: Supplier, verdicts: Sequence[Verdict], desk: Desk, *, write: bool) -> None:
        """Let the service say, or do, what becomes of one supplier's rows; those it refuses stand aside."""
        left = list(verdicts)
        prices = _prices_of(supplier, left)
        while left := [verdict for verdict in left if verdict.outcome != Outcome.REFUSED]:
            entries = _entries(left)
            if any(verdict.outcome == Outcome.REFUSED for verdict in left):
                continue
            drafts = [_draft(key, entry, prices.get(key, [])) for key, entry in entries.items()]
            try:
                outcomes = put_price_list(supplier=supplier, entries=drafts, actor=desk.actor, write=write)
            except DomainError as refusal:
                _refuse(refusal, list(entries.values()))
                continue
            for entry, outcome in zip(entries.values(), outcomes, strict=True):
                for verdict in entry.verdicts:
                    verdict.outcome, verdict.changes = Outcome(outcome.outcome), {}
                if outcome.outcome == Outcome.CHANGED:
                    _tell_apart(entry, prices.get(sku_key(outcome.sku), []), outcome.changes)
            return


def _refuse_price_without_figure(verdict: Verdict) -> None:
    """Refuse a row that says when or from where on a price holds and names none."""
    if verdict.row.values.get("price") is None:
        for name in _PRICED:
            if verdict.row.values.get(name) is not None:
                verdict.refuse("price", f"it is empty, but there is a {name.replace('_', ' ')}")
                return


def _prices_of(supplier: Supplier, verdicts: Sequence[Verdict]) -> dict[str, list[ListedPrice]]:
    """Answer the prices that the supplier's list has for the items of the rows, by the key of their SKU."""
    found: dict[str, list[ListedPrice]] = {}
    keys = {sku_key(verdict.row.values["sku"]) for verdict in verdicts}
    sold = SupplierItem.objects.filter(supplier=supplier, item__sku_key__in=keys).values_list("pk", "item__sku_key")
    owners = dict(sold)
    for row in PriceBreak.objects.filter(supplier_item__in=owners).order_by("pk"):
        found.setdefault(owners[row.supplier_item_id], []).append(
            ListedPrice(
                price=row.price,
                source=row.source,
                minimum_quantity=row.minimum_quantity,
                discount_percent=row.discount_percent,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
        )
    return found


def _entries(verdicts: Sequence[Verdict]) -> dict[str, _Entry]:
    """Gather rows by item. Of two that contradict each other, or name one price twice, the later is refused."""
    entries: dict[str, _Entry] = {}
    for verdict in verdicts:
        row = verdict.row
        entry = entries.setdefault(sku_key(row.values["sku"]), _Entry())
        for name in _PLAIN:
            value = row.values.get(name)
            other = next((v.row for v in entry.verdicts if v.row.values.get(name) not in (None, value)), None)
            if value is not None and other is not None:
                verdict.refuse(name, f"row {other.number} says {other.values[name]}")
        if row.values.get("price") is not None:
            place = _price(row).place
            twin = next((v.row for v in entry.priced if _price(v.row).place == place), None)
            if twin is not None:
                verdict.refuse("price", f"row {twin.number} names a price from this quantity and day on")
            entry.priced.append(verdict)
        entry.verdicts.append(verdict)
    return entries


def _price(row: Row) -> ListedPrice:
    told: dict[str, Any] = {}
    for name, into in (("from_quantity", "minimum_quantity"), *((n, n) for n in _PRICED[1:])):
        if row.values.get(name) is not None:
            told[into] = row.values[name]
    return ListedPrice(price=row.values["price"], **told)


def _draft(key: str, entry: _Entry, before: Sequence[ListedPrice]) -> ListEntry:
    # Whoever lists an item sells it.
    told: dict[str, Any] = {"is_active": True}
    for name in _PLAIN:
        for verdict in entry.verdicts:
            if verdict.row.values.get(name) is not None:
                told[name] = verdict.row.values[name]
    if entry.priced:
        fresh = [_price(verdict.row) for verdict in entry.priced]
        places = {price.place for price in fresh}
        kept = [price for price in before if price.place not in places]
        entry.kept = len(kept)
        told["prices"] = [*kept, *fresh]
    return ListEntry(sku=entry.verdicts[0].row.values["sku"], **told)


def _refuse(refusal: DomainError, entries: Sequence[_Entry]) -> None:
    """Turn the rows that a refusal points at; one that points at nothing refuses them all."""
    if refusal.status >= 500:
        raise refusal
    pointed = False
    for offence in refusal.errors:
        parts = offence.pointer.strip("/").split("/")
        if len(parts) < 2 or parts[0] != "entries" or not parts[1].isdecimal():
            continue
        pointed = True
        entry = entries[int(parts[1])]
        if len(parts) > 3 and parts[2] == "prices" and int(parts[3]) >= entry.kept:
            entry.priced[int(parts[3]) - entry.kept].refuse(parts[-1] if len(parts) > 4 else "price", offence.detail)
            continue
        # What only some of the item's rows say is their fault alone.
        name = parts[-1]
        for verdict in [v for v in entry.verdicts if v.row.values.get(name) is not None] or entry.verdicts:
            verdict.refuse(name, offence.detail)
    if not pointed:
        for entry in entries:
            for verdict in entry.verdicts:
                verdict.refuse("sku", refusal.detail)


def _tell_apart(entry: _Entry, before: Sequence[ListedPrice], changes: Mapping[str, Any]) -> None:
    """Say row by row what changes: of the prices each row tells of its own only."""
    known = {price.place: price for price in before}
    for verdict in entry.verdicts:
        told = {
            name: change
            for name, change in changes.items()
            if name == "is_active" or verdict.row.values.get(name) is not None
        }
        if verdict in entry.priced:
            price = _price(verdict.row)
            old = known.get(price.place)
            if old != price:
                told["price"] = (old.price if old else None, price.price)
        verdict.changes = told
        if not told:
            verdict.outcome = Outcome.SAME
