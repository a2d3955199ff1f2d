"""Suppliers from files, by their code: terms, address, a person there, and the numbers that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from purchasing.models import Supplier, SupplierContact, SupplierIdentifier
from purchasing.services.supplying import Contact, Identifier, SupplierDraft, upsert_suppliers
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Verdict

_DAYS = 3_650
_PLACE: tuple[Field, ...] = (
    Field(name="line1", label="Street", length=200, headings=("address", "street", "line 1", "address line 1")),
    Field(name="line2", label="Street, second line", length=200, headings=("line 2", "address line 2")),
    Field(name="city", length=120, headings=("city", "town")),
    Field(name="region", length=120, headings=("region", "state", "province")),
    Field(name="postal_code", length=20, headings=("postal code", "postcode", "zip", "zip code")),
    Field(name="country", kind="country", headings=("country", "country code")),
)
_CONTACT: tuple[Field, ...] = (
    Field(name="contact_name", length=200, headings=("contact", "contact name", "contact person")),
    Field(name="contact_role", length=80, headings=("contact title", "contact role")),
    Field(name="contact_email", kind="email", label="Contact e-mail", length=254, headings=("contact email",)),
    Field(name="contact_phone", length=40, headings=("phone", "telephone", "contact phone")),
)
_NUMBERS: Mapping[str, str] = {
    "vat": SupplierIdentifier.Kind.VAT,
    "gln": SupplierIdentifier.Kind.GLN,
    "iban": SupplierIdentifier.Kind.IBAN,
    "own_number": SupplierIdentifier.Kind.OWN,
}


class SupplierImport:
    """Suppliers by their code. Cells that are empty, and columns that are not there, change nothing.

    The person a row names joins those who are known, or is changed if the name is; a number takes the place of those of
    its kind.
    """

    label: str = "Suppliers"
    scopes: Sequence[str] = ("purchasing:write",)
    key: Sequence[str] = ("code",)
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        Field(
            name="code",
            label="Supplier code",
            required=True,
            length=32,
            headings=("supplier", "supplier code", "supplier number", "vendor", "vendor number", "account number"),
        ),
        Field(name="name", length=200, headings=("name", "company", "company name", "supplier name", "vendor name")),
        Field(name="status", kind="choice", choices=tuple(Supplier.Status.values), headings=("status", "state")),
        Field(name="currency", kind="currency", headings=("currency",)),
        Field(name="language", length=10, headings=("language",)),
        Field(name="payment_days", kind="whole", least=0, most=_DAYS, headings=("payment days", "payment terms")),
        Field(
            name="discount_days", kind="whole", least=0, most=_DAYS, headings=("discount days", "cash discount days")
        ),
        Field(name="discount_percent", kind="percent", headings=("discount percent", "cash discount")),
        Field(name="lead_time_days", kind="whole", least=0, most=_DAYS, headings=("lead time", "lead time days")),
        Field(name="minimum_order", kind="money", least=0, headings=("minimum order", "minimum order value")),
        Field(
            name="tax_rate", kind="cost", least=0, most=1, label="Tax rate (0.2 is 20 %)", headings=("tax rate", "tax")
        ),
        Field(
            name="order_email",
            kind="email",
            label="E-mail for orders",
            length=254,
            headings=("order email", "email", "e-mail"),
        ),
        *_PLACE,
        *_CONTACT,
        Field(name="vat", label="VAT number", length=80, headings=("vat", "vat id", "vat number", "tax number")),
        Field(name="gln", label="GLN", length=80, headings=("gln", "ean location number")),
        Field(name="iban", label="IBAN", length=80, headings=("iban", "bank account")),
        Field(name="own_number", label="Number in another system", length=80, headings=("own number", "old number")),
        Field(name="note", kind="note", headings=("note", "remark", "comment")),
    )
    told: Sequence[str] = (
        *("name", "status", "currency", "language", "payment_days", "discount_days", "discount_percent"),
        *("lead_time_days", "minimum_order", "tax_rate", "order_email", "note"),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        codes = [row.values["code"] for row in rows]
        known = {x.code.upper(): x for x in Supplier.objects.named(*codes)}
        people: dict[int, list[Contact]] = {}
        for pk, *contact in SupplierContact.objects.filter(supplier__in=known.values()).values_list(
            "supplier", "name", "role", "email", "phone"
        ):
            people.setdefault(pk, []).append(Contact(*contact))
        numbers: dict[int, list[Identifier]] = {}
        for pk, kind, value in SupplierIdentifier.objects.filter(supplier__in=known.values()).values_list(
            "supplier", "kind", "value"
        ):
            numbers.setdefault(pk, []).append(Identifier(kind, value))
        verdicts = [Verdict(row) for row in rows]
        for verdict, code in zip(verdicts, codes, strict=True):
            supplier = known.get(code.upper())
            pk = supplier.pk if supplier else 0
            address = supplier.address if supplier else {}
            verdict.plan = self._draft(verdict.row, address, people.get(pk, []), numbers.get(pk, []))
        self._take(verdicts, desk, write=False)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        self._take(verdicts, desk, write=True)

    def _take(self, verdicts: Sequence[Verdict], desk: Desk, *, write: bool) -> None:
        """Let the service say, or do, what becomes of the drafts."""
        results = upsert_suppliers(drafts=[verdict.plan for verdict in verdicts], actor=desk.actor, write=write)
        for verdict, result in zip(verdicts, results, strict=True):
            if result.refusal is None:
                verdict.outcome = Outcome(result.outcome)
                verdict.changes = dict(result.changes) if verdict.outcome == Outcome.CHANGED else {}
                if "address" in verdict.changes:
                    before, after = verdict.changes["address"]
                    verdict.changes["address"] = _written(before), _written(after)
                continue
            for offence in result.refusal.errors:
                parts = offence.pointer.strip("/").split("/")
                name = parts[0]
                if name == "identifiers":
                    name = _column_of(verdict.plan.identifiers[int(parts[1])].kind)
                verdict.refuse(name, offence.detail)
            if not result.refusal.errors:
                verdict.refuse("code", result.refusal.detail)

    def _draft(
        self, row: Row, address: Mapping[str, str], people: Sequence[Contact], numbers: Sequence[Identifier]
    ) -> SupplierDraft:
        given: dict[str, Any] = {name: row.values[name] for name in self.told if row.values.get(name) is not None}
        place = {field.name: row.values[field.name] for field in _PLACE if row.values.get(field.name)}
        if place:
            given["address"] = {**address, **place}
        if contact := _contact(row, people):
            given["contacts"] = [*(x for x in people if x.name != contact.name), contact]
        named = [Identifier(str(kind), row.values[name]) for name, kind in _NUMBERS.items() if row.values.get(name)]
        if named:
            kinds = {entry.kind for entry in named}
            given["identifiers"] = [*(x for x in numbers if x.kind not in kinds), *named]
        return SupplierDraft(code=row.values["code"], **given)


def _contact(row: Row, people: Sequence[Contact]) -> Contact | None:
    """Answer the person the row names, with what is known of him where the row is silent."""
    name = row.values.get("contact_name") or row.values.get("contact_email") or row.values.get("contact_phone")
    if not name:
        return None
    known = next((x for x in people if x.name == name), Contact(name))
    return Contact(
        name,
        row.get("contact_role", known.role),
        row.get("contact_email", known.email),
        row.get("contact_phone", known.phone),
    )


def _written(address: Mapping[str, str]) -> str:
    return ", ".join(str(address[field.name]) for field in _PLACE if address.get(field.name))


def _column_of(kind: str) -> str:
    return next((name for name, entry in _NUMBERS.items() if entry == kind), "own_number")
