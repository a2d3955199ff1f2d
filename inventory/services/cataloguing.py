"""Items made or changed by SKU, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from inventory.barcodes import gtin14, looks_like_gtin
from inventory.events import KitsChanged
from inventory.models import Barcode, Category, Item, KitComponent, StockLevel
from inventory.services.finding import UnknownSku
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.sql import OneTrip, insert_rows
from retailhub.core.text import sku_key
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class BarcodeTaken(DomainError):
    """A barcode belongs to another item."""

    code = "barcode_taken"


class DuplicateSku(DomainError):
    """An item with this SKU exists already, perhaps in another spelling."""

    code = "duplicate_sku"


SETTLED = Q(Exists(StockLevel.objects.filter(item=OuterRef("pk")))) | Q(
    Exists(KitComponent.objects.filter(component=OuterRef("pk")))
)
"""Items that are kept in stock or in kits, and so cannot become kits themselves."""

UNSET: Any = object()
"""Marks a field of a draft that is not to be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """What is to be true of an item; fields left UNSET stay as they are (or get their default in a new item)."""

    sku: str
    name: str = UNSET
    status: str = UNSET
    kind: str = UNSET
    base_unit: str = UNSET
    category: Sequence[str] = UNSET
    price: Decimal | None = UNSET
    currency: str = UNSET
    cost: Decimal | None = UNSET
    reorder_point: int = UNSET
    weight_grams: int | None = UNSET
    barcodes: Sequence[str] = UNSET
    components: Mapping[str, int] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """What became of a draft: `new`, `changed`, `same`, or a refusal that touched nothing of this item."""

    sku: str
    outcome: str
    item_id: int | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    refusal: DomainError | None = None


_PLAIN = ("name", "status", "kind", "base_unit", "price", "currency", "cost", "reorder_point", "weight_grams")


@retried(on_twin=True)
def upsert_items(*, drafts: Sequence[ItemDraft], actor: str, create_only: bool = False) -> list[ItemResult]:
    """Make or change each item by its SKU; a draft that is refused does not stop the others.

    Naming a SKU twice in one call refuses the second. Barcodes and components, where given, replace what was there; a
    barcode that stays keeps its pack. A price that is given without a currency is in the home currency. Whoever shows
    how many kits there are hears of kits that changed. A fixed number of statements whatever the number of drafts.
    Asking twice answers `same`.
    """
    known = {
        item.sku_key: item
        for item in Item.objects.filter(sku_key__among=[sku_key(d.sku) for d in drafts])
        .select_related("category", "category__parent")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    categories = _categories([d.category for d in drafts if d.category is not UNSET and d.category])
    codes = _barcode_owners(drafts)
    components = Item.objects.by_sku({sku for d in drafts if d.components is not UNSET for sku in d.components})
    have_codes = _codes_of(known.values())
    have_parts = _parts_of(known.values())
    kept = _kept_in_stock(known, drafts)
    results: list[ItemResult] = []
    fresh: dict[str, Item] = {}
    changed: dict[int, Item] = {}
    new_codes: list[tuple[Item, list[Barcode]]] = []
    old_codes: list[int] = []
    new_parts: list[tuple[Item, Mapping[int, int]]] = []
    seen: set[str] = set()
    for draft in drafts:
        key = sku_key(draft.sku)
        item = known.get(key)
        refusal = _refuse(draft, item, key in seen, codes, components, kept, create_only)
        seen.add(key)
        if refusal:
            results.append(ItemResult(sku=draft.sku, outcome="refused", refusal=refusal))
            continue
        is_new = item is None
        item = item or Item(sku=draft.sku, sku_key=key, name=draft.sku)
        changes = _apply(item, draft, categories)
        if draft.barcodes is not UNSET:
            wanted = {_code_key(code): code for code in draft.barcodes}
            have = have_codes.get(item.pk, {})
            if set(wanted) != set(have):
                changes["barcodes"] = (sorted(code for _, code in have.values()), sorted(wanted.values()))
                new_codes.append((item, [_barcode(code) for name, code in wanted.items() if name not in have]))
                old_codes += [pk for name, (pk, _) in have.items() if name not in wanted]
                codes.update(dict.fromkeys(wanted, key))
        if draft.components is not UNSET:
            now: dict[int, int] = {}
            for sku, units in draft.components.items():  # one item may be named in two spellings
                now[components[sku].pk] = now.get(components[sku].pk, 0) + units
            if now != have_parts.get(item.pk, {}):
                changes["components"] = (have_parts.get(item.pk, {}), now)
                new_parts.append((item, now))
        if is_new:
            fresh[key] = item
        elif changes:
            changed[item.pk] = item
        outcome = "new" if is_new else "changed" if changes else "same"
        results.append(ItemResult(sku=item.sku, outcome=outcome, item_id=item.pk, changes=changes))
    _save(fresh, changed, old_codes, new_codes, new_parts)
    return [
        ItemResult(sku=r.sku, outcome=r.outcome, item_id=r.item_id or fresh[sku_key(r.sku)].pk, changes=r.changes)
        if r.outcome == "new"
        else r
        for r in results
    ]


def tell_kit_changed(*, item_id: int) -> None:
    """Have it known that the item is made of other parts: how many there are of it may have changed."""
    publish(KitsChanged(item_ids=[item_id]))


def _apply(item: Item, draft: ItemDraft, categories: Mapping[tuple[str, ...], Category]) -> dict[str, tuple[Any, Any]]:
    changes: dict[str, tuple[Any, Any]] = {}
    for name in _PLAIN:
        value = getattr(draft, name)
        if value is not UNSET and getattr(item, name) != value:
            changes[name] = (getattr(item, name), value)
            setattr(item, name, value)
    if draft.price is not UNSET and item.price is not None and not item.currency:
        changes["currency"] = ("", settings.HOME_CURRENCY)
        item.currency = settings.HOME_CURRENCY
    if draft.category is not UNSET:
        category = categories[tuple(draft.category)] if draft.category else None
        if item.category_id != (category.pk if category else None):
            changes["category"] = (str(item.category or ""), " / ".join(draft.category))
            item.category = category
    return changes


def _refuse(
    draft: ItemDraft,
    item: Item | None,
    twice: bool,
    codes: Mapping[str, str],
    components: Mapping[str, Item],
    kept: frozenset[int],
    create_only: bool,
) -> DomainError | None:
    key = sku_key(draft.sku)
    if not key:
        return Invalid(errors=[Offence(pointer="/sku", code="required", detail="an item needs a SKU")])
    if twice:
        return DuplicateSku(errors=[Offence(pointer="/sku", code="duplicate_sku", detail="named twice in one call")])
    if item is not None and create_only:
        return DuplicateSku(
            errors=[Offence(pointer="/sku", code="duplicate_sku", detail=f"this is the SKU of {item.sku} {item.name}")]
        )
    errors = []
    if item is None and (draft.name is UNSET or not draft.name):
        errors.append(Offence(pointer="/name", code="required", detail="a new item needs a name"))
    for index, code in enumerate([] if draft.barcodes is UNSET else draft.barcodes):
        if looks_like_gtin(code) and gtin14(code) is None:
            errors.append(
                Offence(pointer=f"/barcodes/{index}", code="bad_check_digit", detail=f"{code} has a wrong check digit")
            )
        owner = codes.get(_code_key(code))
        if owner is not None and owner != key:
            return BarcodeTaken(
                errors=[
                    Offence(pointer=f"/barcodes/{index}", code="barcode_taken", detail=f"{code} belongs to {owner}")
                ]
            )
    if draft.components is not UNSET:
        missing = [
            Offence(pointer=f"/components/{index}/sku", code="unknown_sku", detail=f"no item has the SKU {sku}")
            for index, sku in enumerate(draft.components)
            if sku not in components
        ]
        if missing:
            return UnknownSku(errors=missing)
        errors += [
            Offence(pointer=f"/components/{index}/sku", code="invalid", detail="a kit is made of stocked items")
            for index, sku in enumerate(draft.components)
            if components[sku].kind == Item.Kind.KIT or components[sku].sku_key == key
        ]
    kind = draft.kind if draft.kind is not UNSET else item.kind if item else Item.Kind.STOCKED
    was_kit = item is not None and item.kind == Item.Kind.KIT
    names_parts = was_kit if draft.components is UNSET else bool(draft.components)
    if kind == Item.Kind.KIT and not names_parts:
        errors.append(Offence(pointer="/components", code="required", detail="a kit names its components"))
    if kind != Item.Kind.KIT and names_parts and draft.components is not UNSET:
        errors.append(Offence(pointer="/components", code="invalid", detail="only a kit has components"))
    if item is not None and kind != item.kind and (was_kit or item.pk in kept):
        # Orders that are under way hold the item itself, or the parts of the kit.
        detail = "a kit stays a kit" if was_kit else "this item is kept in stock or in kits: it cannot become a kit"
        errors.append(Offence(pointer="/kind", code="invalid", detail=detail))
    return Invalid("This is not a complete item.", errors=errors) if errors else None


def _categories(paths: Sequence[Sequence[str]]) -> dict[tuple[str, ...], Category]:
    """Answer the category of each path of one or two names, made where missing."""
    wanted = {tuple(path) for path in paths}
    if not wanted:
        return {}
    names = {name for path in wanted for name in path}
    known: dict[tuple[str, ...], Category] = {}
    for category in Category.objects.filter(name__in=names).select_related("parent"):
        known[(category.parent.name, category.name) if category.parent else (category.name,)] = category
    for depth in (1, 2):
        for path in sorted({path[:depth] for path in wanted if len(path) >= depth}):
            if path not in known:
                known[path] = Category.objects.create(name=path[-1], parent=known[path[:-1]] if depth == 2 else None)
    return known


def _code_key(code: str) -> str:
    return gtin14(code) or sku_key(code)


def _barcode(code: str) -> Barcode:
    gtin = gtin14(code)
    return Barcode(code=code, code_key=gtin or sku_key(code), kind=Barcode.Kind.GTIN if gtin else Barcode.Kind.INTERNAL)


def _barcode_owners(drafts: Sequence[ItemDraft]) -> dict[str, str]:
    keys = {_code_key(code) for d in drafts if d.barcodes is not UNSET for code in d.barcodes}
    if not keys:
        return {}
    return dict(Barcode.objects.filter(code_key__in=keys).values_list("code_key", "item__sku_key"))


def _codes_of(items: Any) -> dict[int, dict[str, tuple[int, str]]]:
    """Answer {item id: {key: (barcode id, the code as printed)}}."""
    found: dict[int, dict[str, tuple[int, str]]] = {}
    for pk, item_id, key, code in Barcode.objects.filter(item__among=[i.pk for i in items]).values_list(
        "pk", "item_id", "code_key", "code"
    ):
        found.setdefault(item_id, {})[key] = (pk, code)
    return found


def _kept_in_stock(known: Mapping[str, Item], drafts: Sequence[ItemDraft]) -> frozenset[int]:
    """Answer which items that are to become kits have a level (goods came, were promised or are waited for), or are
    parts of kits."""
    kits = [
        known[key].pk
        for draft in drafts
        if draft.kind == Item.Kind.KIT and (key := sku_key(draft.sku)) in known and known[key].kind != draft.kind
    ]
    if not kits:
        return frozenset()
    return frozenset(Item.objects.filter(SETTLED, pk__in=kits).values_list("pk", flat=True))


def _parts_of(items: Any) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for kit_id, component_id, quantity in KitComponent.objects.filter(kit__among=[i.pk for i in items]).values_list(
        "kit_id", "component_id", "quantity"
    ):
        found.setdefault(kit_id, {})[component_id] = quantity
    return found


def _save(
    fresh: Mapping[str, Item],
    changed: Mapping[int, Item],
    old_codes: Sequence[int],
    new_codes: Sequence[tuple[Item, list[Barcode]]],
    new_parts: Sequence[tuple[Item, Mapping[int, int]]],
) -> None:
    insert_rows(fresh.values())
    trip = OneTrip()
    trip.update(
        Item,
        {"id": list(changed)},
        put={
            **{name: [getattr(item, name) for item in changed.values()] for name in _PLAIN},
            "category": [item.category_id for item in changed.values()],
            "updated_at": [timezone.now()] * len(changed),
        },
    )
    new = {item.pk for item in fresh.values()}
    if kits := sorted(item.pk for item, _ in new_parts if item.pk not in new):
        publish(KitsChanged(item_ids=kits), trip=trip)
    trip.run()
    if old_codes:
        Barcode.objects.filter(pk__in=old_codes).delete()
    if new_codes:
        for item, codes in new_codes:
            for code in codes:
                code.item_id = item.pk
        Barcode.objects.bulk_create(code for _, codes in new_codes for code in codes)
    if new_parts:
        KitComponent.objects.filter(kit__in=[item.pk for item, _ in new_parts]).delete()
        KitComponent.objects.bulk_create(
            KitComponent(kit_id=item.pk, component_id=component_id, quantity=units)
            for item, parts in new_parts
            for component_id, units in parts.items()
        )
