"""Suppliers and their price lists through the import page: previewed, taken, and the same file again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from inventory.models import Item
from purchasing.models import PriceBreak, Supplier, SupplierItem
from retailhub.core.access import Role
from retailhub.core.models import Job
from retailhub.home.tasks import run_import
from tests.factories.inventory import ItemFactory, kit_of
from tests.factories.purchasing import SupplierFactory, sells
from tests.imports.test_uploads import person, uploaded, workbook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path / "data"
    monkeypatch.setattr("retailhub.home.uploading.ring_on_commit", lambda task, pk: None)


@pytest.fixture
def browser(client: Any) -> Any:
    client.force_login(person(Role.BUYER))
    return client


@pytest.fixture
def lamp(db: Any) -> Item:
    return ItemFactory.create(sku="LAMP")


def previewed(browser: Any, kind: str, name: str, raw: bytes, **constants: str) -> tuple[str, Any]:
    """Upload, take the columns that were guessed, and answer the address and the preview."""
    answer = uploaded(browser, kind, name, raw)
    assert answer.status_code == 302, answer.context["form"].errors
    guessed = browser.get(answer.url).context["form"].initial
    answer = browser.post(answer.url, {**{k: v for k, v in guessed.items() if v}, **constants})
    assert answer.status_code == 302, answer.context["form"].errors
    return answer.url, browser.get(answer.url)


def taken(browser: Any, address: str) -> dict[str, Any]:
    """Have the upload run, and answer its report."""
    browser.post(address)
    job = Job.objects.latest("pk")
    run_import(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.error
    report: dict[str, Any] = job.data["report"]
    return report


SUPPLIERS = (
    "supplier code;company;currency;payment days;Lead time;minimum order;e-mail;Street;Town;postcode;country;"
    "contact person;phone;VAT number\n"
    "SIAM;Siam Textiles;thb;45;21;1.500,50;orders@siam.example;1 Silk Rd;Bangkok;10110;th;Ann Lee;+66 2 123;\n"
    "NORD;Nordlicht GmbH;EUR;14;;;;Hafen 3;Kiel;24103;DE;;;DE 136695976\n"
)  # fmt: skip


def test_suppliers_come_from_a_file_with_a_mark_and_semicolons_and_again_change_nothing(browser: Any) -> None:
    raw = b"\xef\xbb\xbf" + SUPPLIERS.encode()
    address, page = previewed(browser, "suppliers", "suppliers.csv", raw, decimal_comma="on")
    assert page.context["totals"] == {"read": 2, "new": 2, "changed": 0, "same": 0, "refused": 0}
    assert [row["changes"] for row in page.context["rows"]] == [[], []]
    assert not Supplier.objects.exists()
    taken(browser, address)
    siam = Supplier.objects.get(code="SIAM")
    assert (siam.currency, siam.payment_days, siam.lead_time_days) == ("THB", 45, 21)
    assert (siam.minimum_order, siam.order_email) == (Decimal("1500.50"), "orders@siam.example")
    assert siam.address == {"line1": "1 Silk Rd", "city": "Bangkok", "postal_code": "10110", "country": "TH"}
    assert [(x.name, x.phone) for x in siam.contacts.all()] == [("Ann Lee", "+66 2 123")]
    nord = Supplier.objects.get(code="NORD")
    assert (nord.lead_time_days, nord.identifiers.get().value) == (7, "DE 136695976")
    address, page = previewed(browser, "suppliers", "suppliers.csv", raw, decimal_comma="on")
    assert page.context["totals"] == {"read": 2, "new": 0, "changed": 0, "same": 2, "refused": 0}
    assert taken(browser, address)["same"] == 2


def test_what_a_file_says_of_a_known_supplier_is_changed_and_nothing_else(browser: Any) -> None:
    nord = SupplierFactory.create(code="NORD", name="Nord", address={"line1": "Hafen 1", "city": "Kiel"})
    nord.contacts.create(name="Ann Lee", phone="1")
    nord.contacts.create(name="Bo", email="bo@nord.example")
    raw = b"supplier code,payment days,street,contact person,contact title\nNORD,60,Hafen 2,Ann Lee,Orders\n"
    address, page = previewed(browser, "suppliers", "s.csv", raw)
    assert page.context["rows"][0]["changes"] == [
        ("Payment days", "30", "60"),
        ("Address", "Hafen 1, Kiel", "Hafen 2, Kiel"),
        ("Contacts", "Ann Lee, Bo", "Ann Lee, Bo"),
    ]
    taken(browser, address)
    nord.refresh_from_db()
    assert (nord.name, nord.payment_days, nord.address) == ("Nord", 60, {"line1": "Hafen 2", "city": "Kiel"})
    assert set(nord.contacts.values_list("name", "role", "phone", "email")) == {
        ("Ann Lee", "Orders", "1", ""), ("Bo", "", "", "bo@nord.example"),
    }  # fmt: skip


def test_suppliers_that_cannot_be_are_refused_row_by_row(browser: Any, lamp: Item) -> None:
    sells(SupplierFactory.create(code="NORD", currency="EUR"), lamp, "5")
    SupplierFactory.create(code="GAST").identifiers.create(kind="gln", value="4012345000009")
    raw = (
        b"supplier code,company,currency,payment days,gln,vat,country\n"
        b"A B,Bad code,EUR,,,,\n"
        b"NEW,,EUR,,,,\n"
        b"NORD,Nord,USD,,,,\n"
        b"ONE,One,EURO,,,,\n"
        b"TWO,Two,EUR,12.5,,,\n"
        b"SIX,Six,EUR,99999,,,\n"
        b"TRE,Tre,EUR,,4012345000001,,\n"
        b"FUR,Fur,EUR,,4012345000009,,\n"
        b"VAT,Vat,EUR,,,DE123456789,\n"
        b"LND,Land,EUR,,,,Germany\n"
        b"OK,Okay,EUR,,,,\n"
        b"OK,Okay again,EUR,,,,\n"
    )
    address, page = previewed(browser, "suppliers", "s.csv", raw)
    assert {row[1]: row[2] for row in page.context["refusals"]} == {
        2: "supplier code", 3: "company", 4: "currency", 5: "currency", 6: "payment days", 7: "payment days",
        8: "gln", 9: "gln", 10: "vat", 11: "country", 13: "supplier code",
    }  # fmt: skip
    assert "4012345000009 names GAST" in {row[4] for row in page.context["refusals"]}
    assert taken(browser, address)["new"] == 1
    assert set(Supplier.objects.values_list("code", flat=True)) == {"NORD", "GAST", "OK"}


PRICES = [
    ["supplier", "SKU", "supplier's number", "pack", "units per pack", "moq", "price", "from", "valid from"],
    ["NORD", "LAMP", "N-77", "case", 12, 2, 18.5, 1, None],
    ["NORD", "LAMP", None, None, None, None, 17, 10, None],
    ["NORD", "LAMP", None, None, None, None, 16.25, 10, date(2027, 1, 1)],
    ["NORD", "ROPE", None, None, None, None, 0.333333, None, None],
]


def test_a_price_list_comes_as_a_workbook_with_breaks_and_again_changes_nothing(browser: Any, lamp: Item) -> None:
    nord, _ = SupplierFactory.create(code="NORD"), ItemFactory.create(sku="ROPE")
    raw = workbook(*PRICES)
    address, page = previewed(browser, "price lists", "prices.xlsx", raw)
    assert page.context["totals"] == {"read": 4, "new": 4, "changed": 0, "same": 0, "refused": 0}
    assert not SupplierItem.objects.exists()
    taken(browser, address)
    sold = SupplierItem.objects.get(item=lamp)
    assert (sold.supplier_sku, sold.pack_code, sold.pack_numerator, sold.minimum_quantity) == ("N-77", "case", 12, 2)
    assert list(sold.prices.values_list("minimum_quantity", "price", "valid_from")) == [
        (1, Decimal("18.5"), None), (10, Decimal("16.25"), date(2027, 1, 1)), (10, Decimal(17), None),
    ]  # fmt: skip
    assert nord.items.get(item__sku="ROPE").prices.get().price == Decimal("0.333333")
    address, page = previewed(browser, "price lists", "prices.xlsx", raw)
    assert page.context["totals"]["same"] == 4
    before = set(PriceBreak.objects.values_list("pk", flat=True))
    assert taken(browser, address)["same"] == 4
    assert set(PriceBreak.objects.values_list("pk", flat=True)) == before


def test_one_price_changes_and_the_others_of_the_item_stay(browser: Any, lamp: Item) -> None:
    sold = sells(SupplierFactory.create(code="NORD"), lamp, "20", is_active=False)
    PriceBreak.objects.create(supplier_item=sold, price=Decimal(18), minimum_quantity=10)
    raw = b"sku,price,from\nlamp,19,\nLAMP,18,10\n"
    address, page = previewed(browser, "price lists", "p.csv", raw, all_supplier="NORD")
    assert page.context["rows"][0]["changes"] == [("Is active", "False", "True"), ("Price", "20", "19")]
    assert taken(browser, address)["refused"] == 0
    sold.refresh_from_db()
    assert sold.is_active
    assert list(sold.prices.values_list("minimum_quantity", "price")) == [(1, Decimal(19)), (10, Decimal(18))]
    _, page = previewed(browser, "price lists", "p.csv", raw, all_supplier="NORD")
    assert page.context["totals"]["same"] == 2


def test_prices_that_cannot_be_are_refused_row_by_row_and_the_rest_is_taken(browser: Any, lamp: Item) -> None:
    nord, rope = SupplierFactory.create(code="NORD", currency="EUR"), ItemFactory.create(sku="ROPE")
    sells(nord, ItemFactory.create(sku="OLD"), supplier_sku="N-1")
    kit_of({rope: 1}, sku="SET")
    raw = (
        "\ufeffsupplier;sku;price;currency;from;valid from;valid until;units per pack;supplier sku;discount\n"
        "NORD;LAMP;5;EUR;1;;;;;\n"
        "NORD;NONE;5;EUR;;;;;;\n"
        "NOBODY;LAMP;5;EUR;;;;;;\n"
        "NORD;LAMP;5;USD;20;;;;;\n"
        "NORD;LAMP;5;EUR;1;;;;;\n"
        "NORD;LAMP;5;EUR;;;;;;\n"
        "NORD;SET;5;EUR;;;;;;\n"
        "NORD;ROPE;-1;EUR;;;;;;\n"
        "NORD;ROPE;4;EUR;2;2027-02-01;2027-01-01;;;\n"
        "NORD;ROPE;;EUR;5;;;;;\n"
        "NORD;ROPE;4;EUR;3;;;10;;\n"
        "NORD;ROPE;3;EUR;4;;;12;;\n"
        "NORD;ROPE;3;EUR;0;;;;;\n"
        "NORD;ROPE;3;EUR;6;;;;;101\n"
        "NORD;LAMP;3;EUR;7;31.01.2027;;;;\n"
        "NORD;LAMP;3;EUR;8;;;;N-1;\n"
    ).encode()
    address, page = previewed(browser, "price lists", "p.csv", raw)
    said = {row[1]: (row[2], row[4]) for row in page.context["refusals"]}
    assert said == {
        3: ("sku", "no item has this SKU"),
        4: ("supplier", "no supplier has this code"),
        5: ("currency", "the prices of NORD are in EUR"),
        6: ("supplier", "row 2 says this already"),
        7: ("price", "row 2 names a price from this quantity and day on"),
        8: ("sku", "this is a kit: its components are bought"),
        9: ("price", "it is less than 0"),
        10: ("valid until", "it ends before it begins"),
        11: ("price", "it is empty, but there is a from quantity"),
        13: ("units per pack", "row 12 says 10"),
        14: ("from", "a quantity here is at least 1"),
        15: ("discount", "a percentage is 0 to 100"),
        16: ("valid from", "this is not a date as in 2026-11-22"),
        17: ("supplier sku", "N-1 is his number for another item too"),
    }
    assert taken(browser, address)["new"] == 2
    assert set(PriceBreak.objects.values_list("supplier_item__item__sku", "price")) == {
        ("LAMP", Decimal(5)), ("ROPE", Decimal(4)),
    }  # fmt: skip


def test_who_may_not_buy_or_see_costs_brings_no_price_lists(client: Any) -> None:
    client.force_login(person(Role.STORE_MANAGER))
    kinds = dict(client.get(reverse("imports:start")).context["kinds"])
    assert not {"suppliers", "price lists"} & kinds.keys()
    assert uploaded(client, "price lists", "p.csv", b"sku\n1\n").status_code == 422
