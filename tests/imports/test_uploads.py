"""One file through the browser: looked at, columns chosen, previewed, run, and the bad rows given back."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from inventory.models import Item, StockLevel
from retailhub.core.access import Role
from retailhub.core.imports.complaints import BadFile
from retailhub.core.imports.limits import UPLOAD, Limits
from retailhub.core.imports.uploads import guess_columns, look_at
from retailhub.core.imports.workbooks import workbook_to_csv
from retailhub.core.models import ImportRun, Job, Membership, User
from retailhub.home import uploading
from retailhub.home.importing import TARGETS
from retailhub.home.tasks import run_import, sweep_imports
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand
from tests.factories.orders import SalesChannelFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Answer the bells that were rung, instead of ringing them."""
    bells: list[tuple[str, int]] = []
    for module in (
        "retailhub.home.uploading.ring",
        "retailhub.home.tasks.ring",
        "retailhub.home.uploading.ring_on_commit",
    ):
        monkeypatch.setattr(module, lambda task, pk: bells.append((task, pk)))
    return bells


def person(role: str, *places: str) -> User:
    user = User.objects.create_user(f"{role}-{'-'.join(places)}", password="Pass-word-1", is_staff=True)
    Membership.objects.create(user=user, role=role, everywhere=not places, locations=list(places))
    return user


@pytest.fixture
def manager() -> User:
    return person(Role.STORE_MANAGER)


@pytest.fixture
def browser(client: Any, manager: User) -> Any:
    client.force_login(manager)
    return client


def uploaded(browser: Any, kind: str, name: str, raw: bytes) -> Any:
    return browser.post(reverse("imports:start"), {"kind": kind, "file": SimpleUploadedFile(name, raw)})


def workbook(*rows: list[Any]) -> bytes:
    book, raw = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(raw)
    return raw.getvalue()


ITEMS = b"Item number;Title;List price;Note\nA-1;Lamp;19,90;x\nA-2;Chair;;y\nA-3;Table;cheap;z\n;Desk;1,00;\n"


def test_a_file_goes_from_upload_to_report_and_its_bad_rows_come_back(
    browser: Any, rung: list[Any], manager: User
) -> None:
    ItemFactory.create(sku="A-1", name="Lamp", price=Decimal("18.50"), currency="EUR")
    answer = uploaded(browser, "items", "my items.csv", ITEMS)
    assert answer.status_code == 302
    page = browser.get(answer.url)
    assert page.context["form"].initial | {"decimal_comma": False} == {
        "sku": "Item number", "name": "Title", "price": "List price", "decimal_comma": False,
    }  # fmt: skip
    assert page.context["unused"] == ["Note"]

    chosen = {
        "sku": "Item number",
        "name": "Title",
        "price": "List price",
        "all_currency": "EUR",
        "decimal_comma": "on",
    }
    answer = browser.post(answer.url, chosen)
    page = browser.get(answer.url)
    assert page.context["totals"] == {"read": 4, "new": 1, "changed": 1, "same": 0, "refused": 2}
    assert page.context["rows"][0]["changes"] == [("Price", "18.5", "19.9")]
    assert page.context["refusals"] == [
        ["my items.csv", 4, "List price", "cheap", "this is not a number"],
        ["my items.csv", 5, "Item number", "", "it is empty"],
    ]
    assert Item.objects.get(sku="A-1").price == Decimal("18.50")

    first, second = browser.post(answer.url), browser.post(answer.url)
    job = Job.objects.get()
    assert first.url == second.url == reverse("imports:report", args=[job.pk])
    assert rung == [(uploading.TASK, job.pk)]
    assert "0 / 0" in browser.get(first.url).content.decode()

    run_import(job.pk)
    assert dict(Item.objects.values_list("sku", "price")) == {"A-1": Decimal("19.9"), "A-2": None}
    page = browser.get(first.url)
    assert page.context["files"] == ["to-fix.csv", "refused.csv"]
    report = page.context["report"]
    assert [report[name] for name in ("read", "new", "changed", "same", "refused")] == [4, 1, 1, 0, 2]
    told = b"".join(browser.get(reverse("imports:download", args=[job.pk, "to-fix.csv"])).streaming_content)
    assert list(csv.reader(io.StringIO(told.decode("utf-8-sig")))) == [
        ["Item number", "Title", "List price", "Note", "what is wrong"],
        ["A-3", "Table", "cheap", "z", "List price 'cheap': this is not a number"],
        ["", "Desk", "1,00", "", "Item number '': it is empty"],
    ]
    job.refresh_from_db()
    assert (job.state, job.failed, job.result_file.endswith("to-fix.csv")) == (Job.State.DONE, 2, True)
    assert ImportRun.objects.get().actor == f"user:{manager.username}"


def test_the_columns_chosen_last_time_are_offered_again(browser: Any) -> None:
    raw = b"code,what,ean\nA,Lamp,\n"
    answer = uploaded(browser, "items", "a.csv", raw)
    assert browser.get(answer.url).context["form"].initial["sku"] == "code"
    browser.post(answer.url, {"sku": "code", "name": "what"})
    again = browser.get(uploaded(browser, "items", "b.csv", raw).url)
    assert again.context["form"].initial["name"] == "what"


def test_a_workbook_is_read_like_a_file(browser: Any, rung: list[Any]) -> None:
    raw = workbook(["SKU", "Name", "Price", "EAN"], ["A", "Lamp", 19.9, 4006381333931], [], ["B", "Chair", 12, None])
    answer = uploaded(browser, "items", "items.xlsx", raw)
    browser.post(answer.url, {"sku": "SKU", "name": "Name", "price": "Price", "barcodes": "EAN", "all_currency": "EUR"})
    browser.post(reverse("imports:preview", args=[answer.url.split("/")[2]]))
    run_import(Job.objects.get().pk)
    assert list(Item.objects.values_list("sku", "price", "barcodes__code")) == [
        ("A", Decimal("19.9"), "4006381333931"),
        ("B", Decimal("12"), None),
    ]


def test_prices_change_only_items_that_are_there(browser: Any) -> None:
    ItemFactory.create(sku="A", price=Decimal("1"), currency="EUR")
    answer = uploaded(browser, "prices", "p.csv", b"sku,price\na,2.50\nB,3\n")
    page = browser.get(browser.post(answer.url, {"sku": "sku", "price": "price"}).url)
    assert page.context["totals"] == {"read": 2, "new": 0, "changed": 1, "same": 0, "refused": 1}
    assert page.context["refusals"] == [["p.csv", 3, "sku", "B", "no item has this SKU"]]


def test_a_count_is_posted_place_by_place_and_only_where_one_may(client: Any, rung: list[Any]) -> None:
    item = ItemFactory.create(sku="A")
    here, there = LocationFactory.create(code="here"), LocationFactory.create(code="there")
    put_on_hand(item, here, 5)
    put_on_hand(item, there, 5)
    client.force_login(person(Role.STORE_MANAGER, "here"))
    answer = uploaded(client, "stock count", "c.csv", b"sku,location,counted\nA,here,3\nA,there,1\nA,nowhere,1\n")
    form = client.get(answer.url).context["form"]
    assert [code for code, _ in form.fields["all_location"].choices] == ["", "here"]
    answer = client.post(answer.url, {"sku": "sku", "location": "location", "quantity": "counted"})
    page = client.get(answer.url)
    assert page.context["rows"][0]["changes"] == [("Counted", "5", "3")]
    assert [(row, reason) for _, row, _, _, reason in page.context["refusals"]] == [
        (3, "you may not change stock at this place"),
        (4, "no place has this code"),
    ]
    client.post(answer.url)
    run_import(Job.objects.get().pk)
    assert dict(StockLevel.objects.values_list("location__code", "on_hand")) == {"here": 3, "there": 5}


def test_who_lost_the_right_meanwhile_imports_nothing(browser: Any, rung: list[Any], manager: User) -> None:
    answer = uploaded(browser, "items", "a.csv", b"sku,name\nA,Lamp\n")
    browser.post(browser.post(answer.url, {"sku": "sku", "name": "name"}).url)
    manager.memberships.all().delete()
    job = Job.objects.get()
    with pytest.raises(PermissionError):
        run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, Item.objects.count()) == (Job.State.FAILED, 0)


def test_pages_are_for_those_who_may_import_and_reports_for_those_who_did(client: Any, rung: list[Any]) -> None:
    client.force_login(person(Role.WAREHOUSE))
    assert client.get(reverse("imports:start")).status_code == 403
    client.force_login(person(Role.STORE_MANAGER))
    answer = uploaded(client, "items", "a.csv", b"sku,name\nA,Lamp\n")
    client.post(client.post(answer.url, {"sku": "sku", "name": "name"}).url)
    run_import(Job.objects.get().pk)
    client.force_login(person(Role.BUYER))
    pk = Job.objects.get().pk
    for name, args in (("report", [pk]), ("download", [pk, "refused.csv"]), ("again", [pk])):
        assert client.post(reverse(f"imports:{name}", args=args)).status_code in {404, 405}
        assert client.get(reverse(f"imports:{name}", args=args)).status_code in {404, 302}
    assert client.get(answer.url).status_code == 404
    assert uploaded(client, "stock count", "a.csv", b"sku\nA\n").status_code == 422
    client.force_login(person(Role.ADMINISTRATOR))
    assert client.get(reverse("imports:report", args=[pk])).status_code == 200


def test_who_may_not_see_costs_can_neither_bring_nor_see_them(browser: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("retailhub.core.access.Principal.sees_costs", False)
    ItemFactory.create(sku="A", cost=Decimal("3.00"))
    answer = uploaded(browser, "items", "a.csv", b"sku,cost\nA,4\n")
    assert "cost" not in browser.get(answer.url).context["form"].fields
    page = browser.get(browser.post(answer.url, {"sku": "sku", "cost": "cost"}).url)
    assert (page.context["totals"]["changed"], page.context["rows"][0]["changes"]) == (0, [])


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx or CSV"),
        ("broken.xlsx", b"PK\x03\x04 and nothing else", "not a workbook"),
        ("empty.csv", b"\n", "names no columns"),
        ("noise.csv", b"\x81\x8d\x8f\x90", "neither UTF-8"),
    ],
)
def test_files_that_cannot_be_read_are_refused_at_the_door(browser: Any, name: str, raw: bytes, reason: str) -> None:
    answer = uploaded(browser, "items", name, raw)
    assert answer.status_code == 422
    assert re.search(reason, str(answer.context["form"].errors))
    assert not list(uploading.draft_folder("0" * 32).parent.iterdir())


def test_a_required_column_and_a_column_used_twice_are_named(browser: Any) -> None:
    answer = uploaded(browser, "items", "a.csv", b"x,y\n1,2\n")
    page = browser.post(answer.url, {"sku": "", "name": "x", "category": "x"})
    assert page.status_code == 422
    assert page.context["form"].errors == {
        "sku": ["Say which column holds this."],
        "name": ["This column is chosen for two fields."],
        "category": ["This column is chosen for two fields."],
    }


def test_an_import_is_done_in_slices_and_taken_up_again_when_its_worker_dies(
    browser: Any, rung: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"S{number},Thing {number}\n" for number in range(1_200))
    answer = uploaded(browser, "items", "a.csv", f"sku,name\n{rows}".encode())
    browser.post(browser.post(answer.url, {"sku": "sku", "name": "name"}).url)
    job, ticks = Job.objects.get(), iter([0.0, 1.0, 99.0])
    rung.clear()
    clock = SimpleNamespace(monotonic=lambda: next(ticks, 200.0))
    monkeypatch.setattr("retailhub.core.imports.runner.time", clock)
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, Item.objects.count(), rung) == (Job.State.RUNNING, 500, [(uploading.TASK, job.pk)])
    monkeypatch.undo()
    rung.clear()
    assert list(uploading.neglected_jobs()) == []
    Job.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    assert list(uploading.neglected_jobs()) == [job.pk]


def test_a_stopped_import_goes_on_where_it_was(browser: Any, rung: list[Any]) -> None:
    answer = uploaded(browser, "items", "a.csv", b"sku,name\nA,Lamp\n")
    browser.post(browser.post(answer.url, {"sku": "sku", "name": "name"}).url)
    job = Job.objects.get()
    Job.objects.update(cancel_requested=True)
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, Item.objects.count()) == (Job.State.CANCELLED, 0)
    browser.post(reverse("imports:again", args=[job.pk]))
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, Item.objects.count(), ImportRun.objects.count()) == (Job.State.DONE, 1, 1)
    sweep_imports()


def test_the_same_file_brought_again_is_read_again_although_the_first_was_stopped(
    browser: Any, rung: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"S{number},{number}\n" for number in range(600))
    for number in range(600):
        ItemFactory.create(sku=f"S{number}", price=Decimal("7777"), currency="EUR")
    raw = f"sku,price\n{rows}Nobody,1\n".encode()

    def brought() -> Job:
        answer = uploaded(browser, "prices", "a.csv", raw)
        browser.post(browser.post(answer.url, {"sku": "sku", "price": "price"}).url)
        return Job.objects.latest("pk")

    first = brought()
    ticks = iter([0.0, 1.0, 99.0])
    with monkeypatch.context() as slow:
        clock = SimpleNamespace(monotonic=lambda: next(ticks, 200.0))
        slow.setattr("retailhub.core.imports.runner.time", clock)
        run_import(first.pk)
    Job.objects.update(cancel_requested=True)
    run_import(first.pk)
    first.refresh_from_db()
    assert (first.state, first.data["report"]["changed"]) == (Job.State.CANCELLED, 500)
    Item.objects.filter(sku="S1").update(price=Decimal("5"))
    second = brought()
    run_import(second.pk)
    assert Item.objects.get(sku="S1").price == Decimal(1)
    second.refresh_from_db()
    assert [second.data["report"][name] for name in ("changed", "same", "refused")] == [101, 499, 1]
    assert set(ImportRun.objects.values_list("job", flat=True)) == {first.pk, second.pk}
    page = browser.get(reverse("imports:report", args=[second.pk]))
    assert page.context["files"] == ["to-fix.csv", "refused.csv"]


def test_a_character_that_cannot_be_stored_costs_its_row_and_nothing_else(browser: Any, rung: list[Any]) -> None:
    answer = uploaded(browser, "items", "a.csv", b"sku,name\nA\x00B,x\nC,ok\n")
    answer = browser.post(browser.post(answer.url, {"sku": "sku", "name": "name"}).url)
    assert answer.status_code == 302
    run_import(Job.objects.get().pk)
    assert list(Item.objects.values_list("sku", flat=True)) == ["C"]


def test_customers_come_with_their_numbers_on_a_channel(browser: Any, rung: list[Any]) -> None:
    SalesChannelFactory.create(code="web")
    raw = (
        b"Customer number;Name;E-mail;Phone;Street;City;Country;Postcode\n"
        b"7;Ann Lee;ann@example.com;+33 1 23 45 67 89;1 Rue A;Lyon;fr;69001\n8;Bob;bob;;;;;\n"
    )
    answer = uploaded(browser, "customers", "c.csv", raw)
    page = browser.get(answer.url)
    chosen = {name: heading for name, heading in page.context["form"].initial.items() if heading}
    assert set(chosen) == {"external_id", "name", "email", "phone", "line1", "city", "country", "postal_code"}
    assert "decimal_comma" not in page.context["form"].fields
    refused = browser.post(answer.url, chosen)
    assert refused.context["form"].errors == {"channel": ["Say which column holds this, or choose a channel below."]}
    answer = browser.post(answer.url, {**chosen, "all_channel": "web"})
    page = browser.get(answer.url)
    assert page.context["refusals"] == [["c.csv", 3, "E-mail", "bob", "this is no e-mail address"]]
    assert Customer.objects.count() == 0
    browser.post(answer.url)
    run_import(Job.objects.get().pk)
    customer = Customer.objects.get()
    assert (customer.name, customer.email, customer.phone) == ("Ann Lee", "ann@example.com", "+33 1 23 45 67 89")
    assert customer.addresses.get().city == "Lyon"
    assert customer.identities.filter(kind="external", channel="web", value="7").exists()


def test_customers_of_a_channel_that_is_not_there_are_refused(browser: Any) -> None:
    SalesChannelFactory.create(code="web")
    answer = uploaded(browser, "customers", "c.csv", b"number,shop\n1,web\n2,nowhere\n")
    page = browser.get(browser.post(answer.url, {"external_id": "number", "channel": "shop"}).url)
    assert page.context["refusals"] == [["c.csv", 3, "shop", "nowhere", "no sales channel has this code"]]


def test_who_may_not_change_customers_brings_none(client: Any) -> None:
    client.force_login(person(Role.BUYER))
    assert "customers" not in dict(client.get(reverse("imports:start")).context["kinds"])
    assert uploaded(client, "customers", "c.csv", b"number\n1\n").status_code == 422


def test_headings_are_guessed_by_name_however_they_are_written() -> None:
    fields = TARGETS["items"].fields
    assert guess_columns(["PRODUCT_NUMBER", "Item name", "List Price", "EAN-13", "Other"], fields) == {
        "sku": "PRODUCT_NUMBER",
        "name": "Item name",
        "price": "List Price",
        "barcodes": "EAN-13",
    }


def test_formulas_that_we_wrote_come_back_as_what_they_were(tmp_path: Path) -> None:
    (tmp_path / "upload").write_text("sku,name\nA,'=1+1\n")
    assert look_at(tmp_path, "upload", "a.csv").samples == (("A", "'=1+1"),)


def test_a_workbook_that_unpacks_to_too_much_is_refused_by_its_child(tmp_path: Path) -> None:
    raw = workbook(*[["x" * 50] * 50 for _ in range(200)])
    (tmp_path / "a.xlsx").write_bytes(raw)
    with pytest.raises(BadFile, match="unpacks to"):
        workbook_to_csv(tmp_path / "a.xlsx", tmp_path / "rows.csv", Limits(unpacked_bytes=10_000))
    assert UPLOAD.rows == 100_000
    (tmp_path / "b.xlsx").write_bytes(workbook(["a"] * 201, ["b"] * 201))
    with pytest.raises(BadFile, match="more than 200 columns"):
        workbook_to_csv(tmp_path / "b.xlsx", tmp_path / "rows.csv")
