"""One person, one record, whichever channel the order came from."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from customers.models import Address, Customer, Identity
from customers.services.finding import Person, Place, add_addresses, decide, find_or_make, phone_key

pytestmark = pytest.mark.django_db

ANA = Person(name="Ana", email="Ana@Example.org", phone="+33 6 12 34 56 78", external_id="c1", channel="web")


def test_a_person_is_made_once() -> None:
    (first,) = find_or_make(people=[ANA])
    (again,) = find_or_make(people=[ANA])

    assert first == again
    assert Customer.objects.get().name == "Ana"
    assert Identity.objects.count() == 3


def test_any_of_his_keys_finds_him_and_new_ones_are_added() -> None:
    (ana,) = find_or_make(people=[ANA])

    found = find_or_make(
        people=[
            Person(email=" ana@example.org "),
            Person(phone="0033612345678", email="ana@work.example"),
            Person(email="ANA@work.example", external_id="77", channel="market"),
            Person(external_id="77", channel="market"),
        ]
    )

    assert found == [ana] * 4
    assert Identity.objects.count() == 5


def test_two_who_share_a_key_in_one_batch_are_one() -> None:
    first, second, third = find_or_make(
        people=[Person(email="a@example.org"), Person(phone="+4912345678"), Person(email="A@example.org")]
    )

    assert first == third != second
    assert Customer.objects.count() == 2


def test_the_strongest_key_decides_and_takes_nobody_elses() -> None:
    (ana, bob) = find_or_make(people=[ANA, Person(name="Bob", email="bob@example.org")])

    (found,) = find_or_make(people=[Person(external_id="c1", channel="web", email="bob@example.org")])

    assert found == ana
    assert Identity.objects.get(value="bob@example.org").customer_id == bob


def test_a_channels_own_id_means_nothing_on_another_channel() -> None:
    first, second = find_or_make(
        people=[Person(external_id="1", channel="web"), Person(external_id="1", channel="market")]
    )

    assert first != second


def test_an_address_nobody_vouches_for_identifies_nobody() -> None:
    (ana,) = find_or_make(people=[ANA])

    (other,) = find_or_make(people=[Person(email="ana@example.org", email_is_verified=False)])

    assert other != ana


def test_nobody_is_nobody() -> None:
    assert find_or_make(people=[Person()]) == [None]
    assert find_or_make(people=[]) == []
    assert not Customer.objects.exists()
    first, second = find_or_make(people=[Person(name="Walk-in"), Person(name="Walk-in")])
    assert first != second, "a name identifies nobody"


def test_decide_needs_no_database() -> None:
    decision = decide([ANA, None, ANA], {}, count(7))

    assert decision.customer_ids == [7, None, 7]
    assert set(decision.identities.values()) == {7}


@pytest.mark.parametrize(
    ("phone", "key"),
    [
        ("+33 6 12-34.56 78", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("0612345678", ""),
        ("+33", ""),
        ("", ""),
        ("+1234567890123456", ""),
        ("call me", ""),
    ],
)
def test_only_international_numbers_identify(phone: str, key: str) -> None:
    assert phone_key(phone) == key


def test_an_address_stands_on_its_customer_once() -> None:
    ana, bob = find_or_make(people=[ANA, Person(name="Bob")])
    home = Place(line1="1 Rue A", city="Paris", country="fr")

    assert add_addresses(addresses=[(ana, home), (ana, home), (bob, home)]) == 2
    assert add_addresses(addresses=[(ana, home), (ana, Place(line1="2 Rue B", city="Paris", country="FR"))]) == 1
    assert add_addresses(addresses=[]) == 0
    assert set(Address.objects.values_list("country", flat=True)) == {"FR"}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"value": ""}, "identity_is_not_empty"),
        ({"kind": "email", "channel": "web"}, "identity_channel_for_external_ids"),
        ({}, "identity_belongs_to_one_customer"),
    ],
)
def test_identities_are_kept_apart_by_the_database(change: Any, name: str) -> None:
    find_or_make(people=[Person(external_id="1", channel="web")])
    bob = Customer.objects.create(name="Bob")
    row = {"kind": "external", "channel": "web", "value": "1", **change}

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Identity.objects.create(customer=bob, **row)
