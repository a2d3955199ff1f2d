"""Customers and addresses from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from customers.models import Address, Customer, Identity
from customers.services.finding import Person, find_or_make
from retailhub.core.access import SYSTEM
from retailhub.core.imports.profiles import read_profile
from retailhub.core.imports.report import Report
from retailhub.core.imports.runner import Import, carry_on, open_run
from retailhub.core.services.working import Progress
from retailhub.home.importing import TARGETS
from tests.imports.helpers import one_file

pytestmark = pytest.mark.django_db


def imported(folder: Path, text: str, into: str) -> Report:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    names = text.split("\n", 1)[0].split(",")
    document: dict[str, Any] = one_file({"name": "a.csv"}, dict(zip(names, names, strict=True)), into=into)
    profile = read_profile("test", document, digest="test")
    work = Import(profile=profile, folder=folder, targets=TARGETS, principal=SYSTEM, source="test")
    report = carry_on(open_run(work, job=None, output=folder / "out"), work, Progress(None))
    assert report is not None
    return report


def test_customers_are_found_by_their_number_and_only_what_is_told_changes(tmp_path: Path) -> None:
    find_or_make(people=[Person(external_id="1", channel="web", name="Ann", phone="+33 1 23 45 67 89")])
    text = "external_id,channel,name,note\n1,web,Ann Lee,\n2,web,Bob,likes lamps\n1,reseller,Shop,\n"
    report = imported(tmp_path, text, "customers")
    assert (report.total("new"), report.total("changed")) == (2, 1)
    assert {
        (i.channel, i.value): (i.customer.name, i.customer.phone, i.customer.note)
        for i in Identity.objects.filter(kind="external")
    } == {
        ("web", "1"): ("Ann Lee", "+33 1 23 45 67 89", ""),
        ("web", "2"): ("Bob", "", "likes lamps"),
        ("reseller", "1"): ("Shop", "", ""),
    }
    assert imported(tmp_path, text + "\n", "customers").total("same") == 3


def test_two_customers_with_one_mail_are_one_person(tmp_path: Path) -> None:
    text = "external_id,channel,name,email\n1,web,Ann,ann@example.com\n2,web,Ann Lee,ANN@example.com\n"
    imported(tmp_path, text, "customers")
    assert Customer.objects.count() == 1
    assert Identity.objects.filter(kind="external").count() == 2


def test_a_customer_comes_with_an_address_and_half_of_one_is_refused(tmp_path: Path) -> None:
    find_or_make(people=[Person(external_id="1", channel="web", name="Ann")])
    text = (
        "external_id,channel,name,line1,city,country,postal_code\n1,web,Ann,1 Rue A,Lyon,FR,69001\n"
        "2,web,Bob,2 Rue B,Lyon,FR,\n3,web,Cid,3 Rue C,,,\n4,web,Dan,,,,69001\n5,web,Eve,,,,\n"
    )
    report = imported(tmp_path, text, "customers")
    assert [report.total(name) for name in ("new", "changed", "same", "refused")] == [2, 1, 0, 2]
    assert set(Address.objects.values_list("customer__name", "name", "line1", "postal_code")) == {
        ("Ann", "Ann", "1 Rue A", "69001"),
        ("Bob", "Bob", "2 Rue B", ""),
    }
    assert imported(tmp_path, text + "\n", "customers").total("same") == 3
    assert Address.objects.count() == 2


def test_a_new_mail_of_a_known_customer_finds_him_from_then_on(tmp_path: Path) -> None:
    (ann,) = find_or_make(people=[Person(external_id="1", channel="web", name="Ann")])
    imported(tmp_path, "external_id,channel,email\n1,web,Ann@Example.com\n", "customers")
    assert find_or_make(people=[Person(email="ann@example.com")]) == [ann]
    assert Customer.objects.get().email == "Ann@Example.com"


def test_what_is_no_mail_is_refused(tmp_path: Path) -> None:
    text = "external_id,channel,email\n1,web,ann\n2,web,a@b@c\n3,web,a b@c\n4,web,a@b.example\n"
    assert imported(tmp_path, text, "customers").total("refused") == 3


def test_an_address_is_there_once_and_needs_its_customer(tmp_path: Path) -> None:
    find_or_make(people=[Person(external_id="1", channel="web", name="Ann")])
    text = (
        "external_id,channel,line1,city,country\n1,web,1 Rue A,Lyon,fr\n1,web,1 Rue A,Lyon,FR\n"
        "9,web,2 Rue B,Lyon,FR\n1,web,3 Rue C,,FR\n1,web,4 Rue D,Lyon,France\n"
    )
    report = imported(tmp_path, text, "addresses")
    assert (report.total("new"), report.total("same"), report.total("refused")) == (1, 1, 3)
    assert list(Address.objects.values_list("name", "line1", "country")) == [("Ann", "1 Rue A", "FR")]
