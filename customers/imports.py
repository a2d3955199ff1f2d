"""What files may bring into the customer record: people and firms by their number on a channel, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


class CustomerImport:
    """Customers by their number on a channel; what the file leaves empty stays as it is."""

    label: str = "Customers"
    scopes: Sequence[str] = ("customers:write",)
    key: Sequence[str] = ("channel", "external_id")
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        _NUMBER,
        _CHANNEL,
        Field(name="name", length=200, headings=("name", "customer name", "company")),
        Field(name="email", length=254, headings=("email", "e-mail", "mail")),
        Field(name="phone", length=40, headings=("phone", "telephone", "mobile")),
        Field(name="note", kind="note", headings=("note", "remark", "comment")),
    )
    told: Sequence[str] = ("name", "email", "phone", "note")

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        known = customers_by_number(rows)
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            customer = known.get((row.values["channel"], row.values["external_id"]))
            if customer is not None:
                wanted = {name: row.values[name] for name in self.told if row.values.get(name)}
                verdict.compare({name: getattr(customer, name) for name in wanted}, wanted)
            verdict.plan = customer
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        fresh = [verdict.row for verdict in verdicts if verdict.plan is None]
        ids = find_or_make(
            people=[
                Person(
                    name=row.get("name", ""),
                    email=row.get("email", ""),
                    phone=row.get("phone", ""),
                    external_id=row.values["external_id"],
                    channel=row.values["channel"],
                )
                for row in fresh
            ]
        )
        changed = {verdict.plan.pk: verdict.plan for verdict in verdicts if verdict.plan is not None}
        for verdict in verdicts:
            for name, (_, new) in verdict.changes.items() if verdict.plan is not None else ():
                setattr(verdict.plan, name, new)
        noted = {pk: row.values["note"] for pk, row in zip(ids, fresh, strict=True) if row.values.get("note") and pk}
        for customer in Customer.objects.filter(pk__in=noted):
            customer.note = noted[customer.pk]
            changed[customer.pk] = customer
        _put(list(changed.values()), self.told)


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
        Field(name="line1", required=True, length=200, headings=("address", "street", "line 1")),
        Field(name="line2", length=200, headings=("line 2",)),
        Field(name="city", required=True, length=120, headings=("city", "town")),
        Field(name="region", length=120, headings=("region", "state", "province")),
        Field(name="postal_code", length=20, headings=("postal code", "postcode", "zip")),
        Field(name="country", kind="country", required=True, headings=("country", "country code")),
    )
    natural: Sequence[str] = ("line1", "line2", "city", "region", "postal_code", "country")

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        known = customers_by_number(rows)
        have = {
            (owner, *rest)
            for owner, *rest in Address.objects.filter(customer__in={c.pk for c in known.values()}).values_list(
                "customer_id", *self.natural
            )
        }
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            customer = known.get((row.values["channel"], row.values["external_id"]))
            if customer is None:
                verdict.refuse("external_id", f"no customer of {row.values['channel']} has this number")
            else:
                natural = (customer.pk, *(row.get(name, "") for name in self.natural))
                verdict.plan = customer
                if natural in have:
                    verdict.outcome = Outcome.SAME
                have.add(natural)
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        add_addresses(
            addresses=[
                (
                    verdict.plan.pk,
                    Place(
                        name=verdict.row.get("name", verdict.plan.name),
                        **{name: verdict.row.get(name, "") for name in self.natural},
                    ),
                )
                for verdict in verdicts
            ]
        )


TARGETS: dict[str, Target] = {"customers": CustomerImport(), "addresses": AddressImport()}
