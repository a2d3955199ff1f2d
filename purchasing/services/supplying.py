"""Suppliers made or changed by code, many at once, with the people there and the numbers that name them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Exists, OuterRef
from django.utils import timezone

from purchasing.models import (
    OPEN,
    PriceBreak,
    PurchaseOrder,
    Supplier,
    SupplierContact,
    SupplierIdentifier,
    SupplierItem,
    identifier_key,
)
from purchasing.services.identifying import fault_of
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.money import currencies
from retailhub.core.sql import OneTrip
from retailhub.core.transactions import retried


class DuplicateSupplier(DomainError):
    """A supplier with this code exists already."""

    code = "duplicate_supplier"


class IdentifierTaken(DomainError):
    """A number names another supplier already."""

    code = "identifier_taken"


class CurrencyInUse(DomainError):
    """The supplier's prices and open orders are in his present currency."""

    code = "currency_in_use"


UNSET: Any = object()
"""Marks a field of a draft that is not to be changed."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at the supplier."""

    name: str
    role: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that tells on a paper that it is from this supplier, as it is written."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierDraft:
    """What is to be true of a supplier; fields left UNSET stay as they are (or get their default in a new one)."""

    code: str
    name: str = UNSET
    status: str = UNSET
    currency: str = UNSET
    language: str = UNSET
    payment_days: int = UNSET
    discount_days: int = UNSET
    discount_percent: Decimal = UNSET
    lead_time_days: int = UNSET
    minimum_order: Decimal = UNSET
    tax_rate: Decimal = UNSET
    bills_on_shipment: bool = UNSET
    is_expense: bool = UNSET
    over_percent: Decimal | None = UNSET
    over_units: int | None = UNSET
    close_short_percent: Decimal | None = UNSET
    close_short_days: int | None = UNSET
    order_email: str = UNSET
    address: Mapping[str, str] = UNSET
    note: str = UNSET
    contacts: Sequence[Contact] = UNSET
    identifiers: Sequence[Identifier] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierResult:
    """What became of a draft: `new`, `changed`, `same`, or a refusal that touched nothing of this supplier."""

    code: str
    outcome: str
    supplier_id: int | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    refusal: DomainError | None = None


PLAIN = (
    *("name", "status", "currency", "language", "payment_days", "discount_days", "discount_percent"),
    *("lead_time_days", "minimum_order", "tax_rate", "bills_on_shipment", "is_expense", "over_percent", "over_units"),
    *("close_short_percent", "close_short_days", "order_email", "address", "note"),
)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@retried(on_twin=True)
def upsert_suppliers(
    *, drafts: Sequence[SupplierDraft], actor: str, create_only: bool = False, write: bool = True
) -> list[SupplierResult]:
    """Make or change each supplier by his code; a draft that is refused does not stop the others.

    Contacts and identifiers, where given, replace those that were there; a VAT number, GLN or IBAN with a wrong check
    digit and a number that names another supplier are refused. Naming a code twice in one call refuses the second. A
    new supplier without a currency is paid in the home currency; while prices or open orders are in his currency he
    keeps it. Without `write` it only says what would become of the drafts. A fixed number of statements whatever the
    number of drafts; asking twice answers `same`.
    """
    known = {
        supplier.code.upper(): supplier
        for supplier in Supplier.objects.named(*(draft.code for draft in drafts))
        .annotate(
            keeps_currency=Exists(PriceBreak.objects.filter(supplier_item__supplier=OuterRef("pk")))
            | Exists(SupplierItem.objects.filter(supplier=OuterRef("pk"), last_price__isnull=False))
            | Exists(PurchaseOrder.objects.filter(supplier=OuterRef("pk"), status__in=OPEN))
        )
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    owners = _owners(drafts)
    contacts, identifiers = _contacts_of(known.values()), _identifiers_of(known.values())
    results: list[SupplierResult] = []
    fresh: dict[str, Supplier] = {}
    changed: dict[int, Supplier] = {}
    people: list[tuple[Supplier, Sequence[Contact]]] = []
    numbers: list[tuple[Supplier, Sequence[Identifier]]] = []
    seen: set[str] = set()
    for draft in drafts:
        supplier = known.get(draft.code.upper())
        refusal = _refuse(draft, supplier, twice=draft.code.upper() in seen, create_only=create_only, owners=owners)
        seen.add(draft.code.upper())
        if refusal:
            results.append(SupplierResult(code=draft.code, outcome="refused", refusal=refusal))
            continue
        row = supplier or Supplier(code=draft.code, name=draft.name, currency=settings.HOME_CURRENCY)
        changes = _apply(row, draft)
        if draft.contacts is not UNSET and sorted(map(str, draft.contacts)) != sorted(
            map(str, contacts.get(row.pk, []))
        ):
            changes["contacts"] = (_names(contacts.get(row.pk, [])), _names(draft.contacts))
            people.append((row, draft.contacts))
        if draft.identifiers is not UNSET:
            wanted = {(x.kind, identifier_key(x.value)): x for x in draft.identifiers}
            have = identifiers.get(row.pk, {})
            owners.update(dict.fromkeys(wanted, row.code))
            if wanted != have:
                changes["identifiers"] = (_values(have.values()), _values(wanted.values()))
                numbers.append((row, list(wanted.values())))
        if supplier is None:
            fresh[row.code] = row
        elif changes:
            changed[row.pk] = row
        outcome = "new" if supplier is None else "changed" if changes else "same"
        results.append(SupplierResult(code=row.code, outcome=outcome, supplier_id=row.pk, changes=changes))
    if not write:
        return results
    _save(fresh, changed, people, numbers)
    return [
        SupplierResult(code=r.code, outcome=r.outcome, supplier_id=fresh[r.code].pk, changes=r.changes)
        if r.outcome == "new"
        else r
        for r in results
    ]


def _refuse(
    draft: SupplierDraft,
    supplier: Any,
    *,
    twice: bool,
    create_only: bool,
    owners: Mapping[tuple[str, str], str],
) -> DomainError | None:
    if twice or (supplier is not None and create_only):
        detail = "named twice in one call" if twice else f"this is the code of {supplier.name}"
        return DuplicateSupplier(errors=[Offence(pointer="/code", code="duplicate_supplier", detail=detail)])
    errors = []
    if not _CODE.fullmatch(draft.code):
        detail = "a code has letters, digits, dots and dashes, 32 at most, and begins with a letter or digit"
        errors.append(Offence(pointer="/code", code="invalid", detail=detail))
    if draft.name == "" or (supplier is None and draft.name is UNSET):
        errors.append(Offence(pointer="/name", code="required", detail="a supplier needs a name"))
    if draft.currency is not UNSET and draft.currency not in currencies():
        errors.append(Offence(pointer="/currency", code="invalid", detail=f"{draft.currency} is no currency"))
    if draft.order_email not in (UNSET, "") and not is_address(draft.order_email):
        errors.append(Offence(pointer="/order_email", code="invalid", detail=f"{draft.order_email} is no address"))
    for index, contact in enumerate([] if draft.contacts is UNSET else draft.contacts):
        if contact.email and not is_address(contact.email):
            detail = f"{contact.email} is no address"
            errors.append(Offence(pointer=f"/contacts/{index}/email", code="invalid", detail=detail))
    for index, entry in enumerate([] if draft.identifiers is UNSET else draft.identifiers):
        if fault := fault_of(entry.kind, entry.value):
            errors.append(Offence(pointer=f"/identifiers/{index}/value", code="invalid", detail=fault))
    if errors:
        return Invalid("This is not a complete supplier.", errors=errors)
    own = supplier.code if supplier is not None else draft.code
    taken = [
        Offence(pointer=f"/identifiers/{index}/value", code="identifier_taken", detail=f"{entry.value} names {owner}")
        for index, entry in enumerate([] if draft.identifiers is UNSET else draft.identifiers)
        if (owner := owners.get((entry.kind, identifier_key(entry.value)), own)) != own
    ]
    if taken:
        return IdentifierTaken(errors=taken)
    if supplier is not None and draft.currency not in (UNSET, supplier.currency) and supplier.keeps_currency:
        detail = f"his prices or open orders are in {supplier.currency}"
        return CurrencyInUse(errors=[Offence(pointer="/currency", code="currency_in_use", detail=detail)])
    return None


def is_address(email: str) -> bool:
    """Whether mail can be sent there, as far as the text of it tells."""
    try:
        validate_email(email)
    except ValidationError:
        return False
    return True


def _apply(supplier: Supplier, draft: SupplierDraft) -> dict[str, tuple[Any, Any]]:
    changes: dict[str, tuple[Any, Any]] = {}
    for name in PLAIN:
        value = getattr(draft, name)
        if value is not UNSET and getattr(supplier, name) != value:
            changes[name] = (getattr(supplier, name), value)
            setattr(supplier, name, value)
    return changes


def _owners(drafts: Sequence[SupplierDraft]) -> dict[tuple[str, str], str]:
    """Answer whom the numbers in the drafts name today: {(kind, key): code of the supplier}."""
    keys = {identifier_key(x.value) for draft in drafts if draft.identifiers is not UNSET for x in draft.identifiers}
    if not keys:
        return {}
    found = SupplierIdentifier.objects.filter(value_key__in=keys)
    return {(kind, key): code for kind, key, code in found.values_list("kind", "value_key", "supplier__code")}


def _contacts_of(suppliers: Any) -> dict[int, list[Contact]]:
    found: dict[int, list[Contact]] = {}
    for row in SupplierContact.objects.filter(supplier__in=[s.pk for s in suppliers]):
        found.setdefault(row.supplier_id, []).append(Contact(row.name, row.role, row.email, row.phone))
    return found


def _identifiers_of(suppliers: Any) -> dict[int, dict[tuple[str, str], Identifier]]:
    found: dict[int, dict[tuple[str, str], Identifier]] = {}
    for row in SupplierIdentifier.objects.filter(supplier__in=[s.pk for s in suppliers]):
        found.setdefault(row.supplier_id, {})[row.kind, row.value_key] = Identifier(row.kind, row.value)
    return found


def _names(contacts: Sequence[Contact]) -> list[str]:
    return sorted(contact.name for contact in contacts)


def _values(identifiers: Any) -> list[str]:
    return sorted(entry.value for entry in identifiers)


def _save(
    fresh: Mapping[str, Supplier],
    changed: Mapping[int, Supplier],
    people: Sequence[tuple[Supplier, Sequence[Contact]]],
    numbers: Sequence[tuple[Supplier, Sequence[Identifier]]],
) -> None:
    Supplier.objects.bulk_create(fresh.values())
    trip = OneTrip()
    if changed:
        trip.update(
            Supplier,
            {"id": list(changed)},
            put={
                **{name: [getattr(row, name) for row in changed.values()] for name in PLAIN},
                "updated_at": [timezone.now()] * len(changed),
            },
        )
    trip.run()
    if people or numbers:
        SupplierContact.objects.filter(supplier__in=[row.pk for row, _ in people]).delete()
        SupplierIdentifier.objects.filter(supplier__in=[row.pk for row, _ in numbers]).delete()
        SupplierContact.objects.bulk_create(
            SupplierContact(supplier=row, name=x.name, role=x.role, email=x.email, phone=x.phone)
            for row, entries in people
            for x in entries
        )
        SupplierIdentifier.objects.bulk_create(
            SupplierIdentifier(supplier=row, kind=x.kind, value=x.value, value_key=identifier_key(x.value))
            for row, entries in numbers
            for x in entries
        )
