"""What files may bring into the customer record: people and firms by their number on a channel, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.utils import timezone

from customers.models import Address, Customer, Identity
from customers.services.finding import Person, Place, add_addresses, find_or_make
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Target, Verdict
from retailhub.core.sql import OneTrip

_NUMBER = Field(
    name="external_id", label="Customer number", required=True, length=254, headings=("customer number", "customer id")
)
_CHANNEL = Field(name="channel", required=True, length=32, headings=("channel", "sales channel"))


def customers_by_number(rows: Iterable[Row]) -> dict[tuple[str, str], Customer]:
    """Answer the customers whom the rows name by (channel, number). One query."""
    keys = {(row.values["channel"], row.values["external_id"]) for row in rows}
    found = Identity.objects.filter(
        kind=Identity.Kind.EXTERNAL, channel__in={c for c, _ in keys}, value__in={v for _, v in keys}
    ).select_related("customer")
    # One object per person, however many numbers he has.
    people: dict[int, Customer] = {}
    return {(i.channel, i.value): people.setdefault(i.customer_id, i.customer) for i in found}


_PLACE: tuple[Field, ...] = (
    Field(name="line1", label="Street", length=200, headings=("address", "street", "line 1", "address line 1")),
    Field(name="line2", label="Street, second line", length=200, headings=("line 2", "address line 2")),
    Field(name="city", length=120, headings=("city", "town")),
    Field(name="region", length=120, headings=("region", "state", "province")),
    Field(name="postal_code", length=20, headings=("postal code", "postcode", "zip", "zip code")),
    Field(name="country", kind="country", headings=("country", "country code")),
)
_NATURAL = tuple(field.name for field in _PLACE)
_NEEDED = ("line1", "city", "country")
"""Without these an address leads nowhere."""


def _unknown_channel(verdict: Verdict, desk: Desk) -> bool:
    """Refuse a channel that the options of the step do not name; without such options any code will do."""
    channels = desk.options.get("channels")
    if channels is not None and verdict.row.values["channel"] not in channels:
        verdict.refuse("channel", "no sales channel has this code")
        return True
    return False


def _addresses_of(customers: Iterable[Customer]) -> set[tuple[object, ...]]:
    """Answer the addresses that the customers have: (customer, *natural key). One query."""
    found = Address.objects.filter(customer__in={customer.pk for customer in customers})
    return set(found.values_list("customer_id", *_NATURAL))


def _natural(customer_id: int, row: Row) -> tuple[object, ...]:
    return (customer_id, *(row.get(name, "") for name in _NATURAL))


def _place(row: Row, name: str) -> Place:
    return Place(name=name, **{part: row.get(part, "") for part in _NATURAL})


class CustomerImport:
    """Customers by their number on a channel, each with an address if the file has one.

    What the file leaves empty stays as it is.
    """

    label: str = "Customers"
    scopes: Sequence[str] = ("customers:write",)
    key: Sequence[str] = ("channel", "external_id")
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        _NUMBER,
        _CHANNEL,
        Field(name="name", length=200, headings=("name", "customer name", "company")),
        Field(name="email", kind="email", label="E-mail", length=254, headings=("email", "e-mail", "mail")),
        Field(name="phone", length=40, headings=("phone", "telephone", "mobile")),
        Field(name="note", kind="note", headings=("note", "remark", "comment")),
        *_PLACE,
    )
    told: Sequence[str] = ("name", "email", "phone", "note")

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        known = customers_by_number(rows)
        have = _addresses_of(known.values())
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            customer = known.get((row.values["channel"], row.values["external_id"]))
            if customer is not None:
                wanted = {name: row.values[name] for name in self.told if row.values.get(name)}
                old = {name: getattr(customer, name) for name in wanted}
                if _brings_address(row):
                    there = _natural(customer.pk, row) in have
                    wanted["line1"] = row.values["line1"]
                    old["line1"] = row.values["line1"] if there else None
                verdict.compare(old, wanted)
            verdict.plan = customer
            if not _unknown_channel(verdict, desk):
                _judge_address(verdict)
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        ids = find_or_make(people=[self._person(verdict.row) for verdict in verdicts])
        changed = {verdict.plan.pk: verdict.plan for verdict in verdicts if verdict.plan is not None}
        for verdict in verdicts:
            for name, (_, new) in verdict.changes.items() if verdict.plan is not None else ():
                if name in self.told:
                    setattr(verdict.plan, name, new)
        whose = {pk: verdict.row for pk, verdict in zip(ids, verdicts, strict=True) if verdict.plan is None and pk}
        noted = {pk: row.values["note"] for pk, row in whose.items() if row.values.get("note")}
        for customer in Customer.objects.filter(pk__in=noted):
            customer.note = noted[customer.pk]
            changed[customer.pk] = customer
        _put(list(changed.values()), self.told)
        add_addresses(
            addresses=[
                (pk, _place(verdict.row, verdict.row.get("name", verdict.plan.name if verdict.plan else "")))
                for pk, verdict in zip(ids, verdicts, strict=True)
                if pk and _brings_address(verdict.row)
            ]
        )

    @staticmethod
    def _person(row: Row) -> Person:
        return Person(
            name=row.get("name", ""),
            email=row.get("email", ""),
            phone=row.get("phone", ""),
            external_id=row.values["external_id"],
            channel=row.values["channel"],
        )


def _brings_address(row: Row) -> bool:
    return all(row.values.get(name) for name in _NEEDED)


def _judge_address(verdict: Verdict) -> None:
    """Refuse half an address: a row has street, town and country, or nothing of one."""
    row = verdict.row
    if any(row.values.get(name) for name in _NATURAL):
        for name in _NEEDED:
            if not row.values.get(name):
                verdict.refuse(name, "it is empty, but there is something of an address")


def _put(customers: Sequence[Customer], names: Sequence[str]) -> None:
    """Write the fields of many customers in one statement."""
    if not customers:
        return
    now, trip = timezone.now(), OneTrip()
    put = {name: [getattr(customer, name) for customer in customers] for name in names}
    trip.update(Customer, {"id": [c.pk for c in customers]}, put={**put, "updated_at": [now] * len(customers)})
    trip.run()


class AddressImport:
    """Addresses of customers; one that is there already is the same, in whichever row it stands."""

    label: str = "Addresses"
    scopes: Sequence[str] = ("customers:write",)
    key: Sequence[str] = ()
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        _NUMBER,
        _CHANNEL,
        Field(name="name", length=200),
        *(replace(field, required=field.name in _NEEDED) for field in _PLACE),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        known = customers_by_number(rows)
        have = _addresses_of(known.values())
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            customer = known.get((row.values["channel"], row.values["external_id"]))
            if _unknown_channel(verdict, desk):
                pass
            elif customer is None:
                verdict.refuse("external_id", f"no customer of {row.values['channel']} has this number")
            else:
                natural = _natural(customer.pk, row)
                verdict.plan = customer
                if natural in have:
                    verdict.outcome = Outcome.SAME
                have.add(natural)
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        add_addresses(
            addresses=[
                (verdict.plan.pk, _place(verdict.row, verdict.row.get("name", verdict.plan.name)))
                for verdict in verdicts
            ]
        )


TARGETS: dict[str, Target] = {"customers": CustomerImport(), "addresses": AddressImport()}
