"""One person, one record: found by a channel's own id, a verified e-mail or a phone number, else made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from customers.models import Address, Customer, Identity
from retailhub.core.sql import OneTrip, rows
from retailhub.core.text import clean_line
from retailhub.core.transactions import retried

IdentityKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who ordered, as a channel tells it. An e-mail counts as identity only while the channel vouches for it."""

    name: str = ""
    email: str = ""
    phone: str = ""
    external_id: str = ""
    channel: str = ""
    email_is_verified: bool = True

    def __bool__(self) -> bool:
        return bool(self.name or self.email or self.phone or self.external_id)

    def identities(self) -> list[IdentityKey]:
        """Answer the keys by which this person is known, strongest first."""
        keys: list[IdentityKey] = []
        if self.external_id:
            keys.append((Identity.Kind.EXTERNAL.value, self.channel, self.external_id[:254]))
        if self.email and self.email_is_verified and "@" in self.email:
            keys.append((Identity.Kind.EMAIL.value, "", clean_line(self.email).casefold()[:254]))
        if phone := phone_key(self.phone):
            keys.append((Identity.Kind.PHONE.value, "", phone))
        return keys


def phone_key(phone: str) -> str:
    """Answer an international number as +digits; a number without country code identifies nobody: empty."""
    digits = "".join(c for c in phone if c.isdigit() and c.isascii())
    plain = phone.strip()
    if plain.startswith("00"):
        digits, plain = digits[2:], "+"
    return f"+{digits}" if plain.startswith("+") and 7 <= len(digits) <= 15 else ""


@dataclass(slots=True)
class Decision:
    """Who each person is, and what has to be written for it."""

    customer_ids: list[int | None] = field(default_factory=list)
    made: dict[int, Person] = field(default_factory=dict)
    identities: dict[IdentityKey, int] = field(default_factory=dict)


def decide(people: Sequence[Person | None], known: Mapping[IdentityKey, int], new_ids: Iterator[int]) -> Decision:
    """Say for each person which record is his; two persons of one batch who share an identity are one.

    The strongest identity decides; weaker ones that belong to somebody else stay with him, those nobody has are added.
    """
    decision = Decision()
    seen = dict(known)
    for person in people:
        if not person:
            decision.customer_ids.append(None)
            continue
        keys = person.identities()
        customer_id = next((seen[key] for key in keys if key in seen), None)
        if customer_id is None:
            customer_id = next(new_ids)
            decision.made[customer_id] = person
        for key in keys:
            if key not in seen:
                seen[key] = decision.identities[key] = customer_id
        decision.customer_ids.append(customer_id)
    return decision


def write_decision(decision: Decision, trip: OneTrip) -> None:
    """Add the new customers and identities to a statement. A twin who was quicker makes the transaction run again."""
    made = decision.made
    trip.insert(
        Customer,
        {
            "id": list(made),
            "name": [person.name[:200] for person in made.values()],
            "email": [person.email[:254] for person in made.values()],
            "phone": [person.phone[:40] for person in made.values()],
            "note": [""] * len(made),
        },
        ending="",
    )
    # In order, so that two batches with the same new people wait for each other instead of deadlocking.
    keys = sorted(decision.identities)
    trip.insert(
        Identity,
        {
            "customer": [decision.identities[key] for key in keys],
            "kind": [key[0] for key in keys],
            "channel": [key[1] for key in keys],
            "value": [key[2] for key in keys],
        },
    )


@retried(on_twin=True)
def find_or_make(*, people: Sequence[Person]) -> list[int | None]:
    """Answer the customer id of each person, made where nobody fits; None for a person about whom nothing is known.

    Two statements, whatever their number. Asking twice makes nobody twice.
    """
    keys = [key for person in people for key in person.identities()]
    known = {
        (kind, channel, value): customer_id
        for kind, channel, value, customer_id in rows(
            """SELECT i.kind, i.channel, i.value, i.customer_id FROM customers_identity i
               JOIN unnest(%s::varchar[], %s::varchar[], %s::varchar[]) AS k(kind, channel, value)
                 ON i.kind = k.kind AND i.channel = k.channel AND i.value = k.value""",
            [[key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]],
        )
    }
    ((new_ids,),) = rows(
        "SELECT array(SELECT nextval('customers_customer_id_seq') FROM generate_series(1, %s))", [len(people)]
    )
    decision = decide(people, known, iter(new_ids))
    trip = OneTrip()
    write_decision(decision, trip)
    trip.run()
    return decision.customer_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address as a channel or file tells it."""

    line1: str
    city: str
    country: str
    line2: str = ""
    region: str = ""
    postal_code: str = ""
    name: str = ""


@retried(on_twin=True)
def add_addresses(*, addresses: Sequence[tuple[int, Place]]) -> int:
    """Have each address on its customer once; answers how many were new. One statement."""
    wanted = [
        Address(
            customer_id=customer_id,
            name=place.name[:200],
            line1=place.line1[:200],
            line2=place.line2[:200],
            city=place.city[:120],
            region=place.region[:120],
            postal_code=place.postal_code[:20],
            country=place.country[:2].upper(),
        )
        for customer_id, place in dict.fromkeys(addresses)
    ]
    if not wanted:
        return 0
    made = rows(
        """INSERT INTO customers_address (customer_id, name, line1, line2, city, region, postal_code, country)
           SELECT * FROM unnest(%s::bigint[], %s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[],
                                %s::varchar[], %s::varchar[])
           ON CONFLICT DO NOTHING RETURNING id""",
        [
            [getattr(row, name) for row in wanted]
            for name in ("customer_id", "name", "line1", "line2", "city", "region", "postal_code", "country")
        ],
    )
    return len(made)
