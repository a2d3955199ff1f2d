"""Items and prices from files, by SKU."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from inventory.barcodes import gtin14, looks_like_gtin
from inventory.imports.undoing import snapshots, take_items_back, trace_of
from inventory.models import Barcode, Item
from inventory.services.cataloguing import ItemDraft, upsert_items
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Verdict, Written
from retailhub.core.text import sku_key

SKU = Field(
    name="sku",
    kind="sku",
    label="SKU",
    required=True,
    length=64,
    headings=("sku", "item", "item number", "product number", "article", "article number", "code"),
)


class ItemImport:
    """Items by SKU. Columns that a file does not have leave what is there as it is."""

    label: str = "Items"
    scopes: Sequence[str] = ("items:write",)
    key: Sequence[str] = ("sku",)
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        SKU,
        Field(name="name", length=200, headings=("name", "item name", "product name", "title", "description")),
        Field(name="category", length=120, headings=("category", "subcategory", "group")),
        Field(name="parent_category", length=120, headings=("parent category", "main category", "department")),
        Field(name="price", kind="money", least=0, headings=("price", "list price", "retail price", "unit price")),
        Field(name="currency", kind="currency", headings=("currency", "price currency")),
        Field(name="cost", kind="cost", least=0, headings=("cost", "standard cost", "unit cost", "purchase price")),
        Field(
            name="reorder_point", kind="whole", least=0, headings=("reorder point", "reorder level", "minimum stock")
        ),
        Field(
            name="weight_grams", kind="whole", least=0, label="Weight in grams", headings=("weight grams", "weight g")
        ),
        Field(
            name="status",
            kind="choice",
            choices=tuple(Item.Status.values),
            headings=("status", "state"),
        ),
        Field(
            name="barcodes",
            kind="words",
            headings=("barcode", "barcodes", "ean", "gtin", "upc", "ean13", "ean code"),
        ),
    )
    drafted: Sequence[str] = ("name", "price", "currency", "cost", "reorder_point", "weight_grams", "status")
    makes = True

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        keys = [sku_key(row.values["sku"]) for row in rows]
        known = {
            item.sku_key: item for item in Item.objects.filter(sku_key__among=keys).select_related("category__parent")
        }
        codes = _codes_of(known.values()) if any(row.values.get("barcodes") for row in rows) else {}
        owners = _owners(rows)
        verdicts = []
        for row, key in zip(rows, keys, strict=True):
            verdict = Verdict(row)
            item = known.get(key)
            wanted = {name: row.values[name] for name in self.drafted if name in row.columns}
            path = _path(row)
            if item is None and not self.makes:
                verdict.refuse("sku", "no item has this SKU")
            elif item is None and not wanted.get("name"):
                verdict.refuse("name", "a new item needs a name")
            elif item is not None:
                old: dict[str, Any] = {name: getattr(item, name) for name in wanted}
                new = {name: old[name] if _keeps(name, value) else value for name, value in wanted.items()}
                if path is not None:
                    old["category"], new["category"] = _path_of(item), path
                if "barcodes" in row.columns and row.values["barcodes"]:
                    have = codes.get(item.pk, {})
                    told = {barcode_key(code): code for code in row.values["barcodes"]}
                    old["barcodes"] = set(have.values())
                    new["barcodes"] = set({**told, **have}.values())
                verdict.compare(old, new)
            if verdict.outcome != Outcome.REFUSED:
                self._judge_price(verdict, item)
                _judge_barcodes(verdict, key, owners)
            verdicts.append(verdict)
        return verdicts

    def _judge_price(self, verdict: Verdict, item: Item | None) -> None:
        currency = verdict.row.values.get("currency") or (item.currency if item else "")
        if verdict.row.values.get("price") is not None and not currency:
            verdict.refuse("price", "a price needs its currency")

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        if not verdicts:
            return
        before = snapshots(verdicts) if desk.keeps_traces else {}
        results = upsert_items(drafts=[self._draft(verdict) for verdict in verdicts], actor=desk.actor)
        for verdict, result in zip(verdicts, results, strict=True):
            if result.refusal:
                for offence in result.refusal.errors:
                    name = offence.pointer.strip("/").split("/")[0]
                    verdict.refuse(name, offence.detail)
                if not result.refusal.errors:
                    verdict.refuse("sku", result.refusal.detail)
            else:
                verdict.outcome = Outcome(result.outcome)
        if desk.keeps_traces:
            after = snapshots(verdicts)
            for verdict in verdicts:
                key = sku_key(verdict.row.values["sku"])
                if key in after:
                    verdict.trace = trace_of(before.get(key), after[key])

    def take_back(self, written: Sequence[Written], desk: Desk) -> None:
        take_items_back(written, desk)

    def _draft(self, verdict: Verdict) -> ItemDraft:
        row = verdict.row
        given: dict[str, Any] = {
            name: row.values[name]
            for name in self.drafted
            if name in row.columns and not _keeps(name, row.values[name])
        }
        path = _path(row)
        if path is not None:
            given["category"] = path
        if row.values.get("barcodes"):
            given["barcodes"] = sorted(verdict.changes.get("barcodes", ((), row.values["barcodes"]))[1])
            if verdict.outcome == Outcome.CHANGED and "barcodes" not in verdict.changes:
                del given["barcodes"]
        return ItemDraft(sku=row.values["sku"], **given)


def barcode_key(code: str) -> str:
    return gtin14(code) or sku_key(code)


def _codes_of(items: Collection[Item]) -> dict[int, dict[str, str]]:
    """Answer {id of the item: {key: code as printed}}."""
    found: dict[int, dict[str, str]] = {}
    told = Barcode.objects.filter(item__among=[item.pk for item in items]).values_list("item_id", "code_key", "code")
    for item_id, key, code in told:
        found.setdefault(item_id, {})[key] = code
    return found


def _owners(rows: Sequence[Row]) -> dict[str, str]:
    """Answer who has the barcodes that the rows name: {key of the code: key of the SKU}."""
    codes = {barcode_key(code) for row in rows for code in row.values.get("barcodes") or ()}
    if not codes:
        return {}
    return dict(Barcode.objects.filter(code_key__in=codes).values_list("code_key", "item__sku_key"))


def _judge_barcodes(verdict: Verdict, key: str, owners: dict[str, str]) -> None:
    """Refuse a barcode with a wrong check digit, or one that another item (or an earlier row) has."""
    for code in verdict.row.values.get("barcodes") or ():
        if looks_like_gtin(code) and gtin14(code) is None:
            verdict.refuse("barcodes", f"{code} has a wrong check digit")
        elif owners.setdefault(barcode_key(code), key) != key:
            verdict.refuse("barcodes", f"{code} belongs to {owners[barcode_key(code)]}")


class PriceImport(ItemImport):
    """Prices (and costs) of items that are there."""

    label: str = "Prices"
    fields: Sequence[Field] = tuple(
        field for field in ItemImport.fields if field.name in {"sku", "price", "currency", "cost"}
    )
    drafted: Sequence[str] = ("price", "currency", "cost")
    makes = False


# Fields that cannot be empty: an empty cell leaves them as they are.
_NEVER_EMPTY = frozenset({"name", "currency", "reorder_point", "status"})


def _keeps(name: str, value: Any) -> bool:
    return value is None and name in _NEVER_EMPTY


def _path(row: Row) -> tuple[str, ...] | None:
    """Answer the category's names from the top, or None if the file says nothing about it."""
    if not row.values.get("category"):
        return None
    return tuple(name for name in (row.values.get("parent_category"), row.values["category"]) if name)


def _path_of(item: Item) -> tuple[str, ...]:
    category = item.category
    if category is None:
        return ()
    return (category.parent.name, category.name) if category.parent else (category.name,)
