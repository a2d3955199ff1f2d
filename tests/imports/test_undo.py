"""Imports from the page undone within a day: what was there before comes back where nobody touched it since."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from inventory.models import Barcode, Item, StockLevel
from retailhub.core.access import Role
from retailhub.core.imports.undoing import forget_traces
from retailhub.core.models import ImportChunk, ImportRun, Job
from retailhub.home import uploading
from retailhub.home.tasks import run_import
from tests.books import books_agree_afterwards  # noqa: F401
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand
from tests.imports.test_uploads import _own_folder, browser, manager, person, rung, uploaded  # noqa: F401

pytestmark = pytest.mark.django_db


def brought(browser: Any, kind: str, text: str, **more: str) -> Job:  # noqa: F811
    """Import a file whose headings are the fields' own names, and answer its job."""
    names = text.split("\n", 1)[0].split(",")
    answer = uploaded(browser, kind, "a.csv", text.encode())
    browser.post(browser.post(answer.url, {**dict(zip(names, names, strict=True)), **more}).url)
    job = Job.objects.latest("pk")
    run_import(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.message
    return job


def undo(browser: Any, job: Job) -> Job:  # noqa: F811
    """Undo it from the page, and answer the job that did."""
    answer = browser.post(reverse("imports:undo", args=[job.pk]))
    assert answer.status_code == 302, answer.context["form"].errors
    found = Job.objects.latest("pk")
    assert (found.kind, answer.url) == (uploading.UNDO, reverse("imports:report", args=[found.pk]))
    run_import(found.pk)
    found.refresh_from_db()
    return found


def facts(sku: str) -> Mapping[str, Any]:
    names = ("name", "price", "currency", "cost", "reorder_point", "status", "category__name", "category__parent__name")
    found: Mapping[str, Any] = Item.objects.values(*names).get(sku=sku)
    return found


def stays(browser: Any, job: Job) -> list[list[str]]:  # noqa: F811
    answer = browser.get(reverse("imports:download", args=[job.pk, "not-undone.csv"]))
    told = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(told)))[1:]


def test_items_are_as_they_were_and_new_ones_are_gone(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    item = ItemFactory.create(sku="A", name="Lamp", price=Decimal("5.5"), currency="EUR", cost=None, reorder_point=3)
    Barcode.objects.create(item=item, code="4006381333931")
    ItemFactory.create(sku="S", name="Same", price=None, cost=None)
    before = facts("A")
    text = (
        "sku,name,price,currency,cost,category,parent_category,barcodes,status\n"
        "a,Lamp 2,6,USD,2,Lights,Home,in-1,draft\nB,Chair,7,EUR,,,,in-2,\nS,Same,,,,,,,\n"
    )
    job = brought(browser, "items", text)
    assert facts("A") != before
    undone = undo(browser, job)
    assert (facts("A"), set(Item.objects.values_list("sku", flat=True))) == (before, {"A", "S"})
    assert list(Barcode.objects.values_list("code", flat=True)) == ["4006381333931"]
    assert (undone.state, undone.total, undone.done, undone.failed) == (Job.State.DONE, 2, 2, 0)
    page = browser.get(reverse("imports:report", args=[undone.pk]))
    assert (page.context["undone"], page.context["files"]) == (2, [])


def test_what_somebody_changed_since_stays_and_is_named(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    for sku in ("A", "B", "C"):
        ItemFactory.create(sku=sku, name=sku, price=Decimal(1), currency="EUR")
    job = brought(browser, "prices", "sku,price\nA,2\nB,2\nC,2\n")
    Item.objects.filter(sku="B").update(price=Decimal(3))
    Item.objects.filter(sku="C").update(name="Sea")
    undone = undo(browser, job)
    assert dict(Item.objects.values_list("sku", "price")) == {"A": Decimal(1), "B": Decimal(3), "C": Decimal(1)}
    assert Item.objects.get(sku="C").name == "Sea"
    assert stays(browser, undone) == [["a.csv", "3", "price", "3.0000", "this was changed since"]]
    assert (undone.data["undone"], undone.failed) == (2, 1)


def test_a_new_item_that_was_touched_or_is_in_use_stays(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    job = brought(browser, "items", "sku,name\nA,Lamp\nB,Chair\nC,Table\nD,Desk\n")
    Item.objects.filter(sku="A").update(name="Lantern")
    put_on_hand(Item.objects.get(sku="B"), LocationFactory.create(), 1)
    Item.objects.filter(sku="D").delete()
    undone = undo(browser, job)
    assert set(Item.objects.values_list("sku", flat=True)) == {"A", "B"}
    assert [(row[1], row[4].split(":")[0]) for row in stays(browser, undone)] == [
        ("2", "this was changed since"),
        ("3", "the item is in use"),
        ("5", "there is no such item any more"),
    ]


def test_a_barcode_that_another_item_took_since_keeps_its_row(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    first, second = ItemFactory.create(sku="A", name="A"), ItemFactory.create(sku="B", name="B")
    Barcode.objects.create(item=first, code="in-1")
    job = brought(browser, "items", "sku,name\nA,Anna\n")
    run = ImportRun.objects.get()
    chunk = run.chunks.get()
    chunk.written[0][2]["was"]["barcodes"], chunk.written[0][2]["now"]["barcodes"] = ["in-1", "in-2"], ["in-1"]
    chunk.save()
    Barcode.objects.create(item=second, code="in-2")
    assert [row[4] for row in stays(browser, undo(browser, job))] == ["in-2 belongs to b"]
    assert Item.objects.get(sku="A").name == "Anna"


def test_counts_are_reversed_where_the_goods_did_not_move(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    place = LocationFactory.create(code="here")
    items = {sku: ItemFactory.create(sku=sku) for sku in ("A", "B", "C")}
    for item in items.values():
        put_on_hand(item, place, 5)
    job = brought(browser, "stock count", "sku,quantity\nA,3\nB,9\nC,5\n", all_location="here")
    put_on_hand(items["B"], place, 1)
    undone = undo(browser, job)
    assert dict(StockLevel.objects.values_list("item__sku", "sellable")) == {"A": 5, "B": 10, "C": 5}
    ((_, row, column, value, reason),) = stays(browser, undone)
    assert (row, column, value) == ("3", "sku", "B")
    assert reason.startswith("the goods moved since: ")


def test_asked_twice_it_is_undone_once(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    ItemFactory.create(sku="A", price=Decimal(1), currency="EUR")
    job = brought(browser, "prices", "sku,price\nA,2\n")
    undone = undo(browser, job)
    Item.objects.update(price=Decimal(2))
    again = browser.post(reverse("imports:undo", args=[job.pk]))
    assert again.url == reverse("imports:report", args=[undone.pk])
    run_import(undone.pk)
    assert (Item.objects.get().price, Job.objects.filter(kind=uploading.UNDO).count()) == (Decimal(2), 1)
    page = browser.get(reverse("imports:report", args=[job.pk]))
    assert (page.context["undo_job"], page.context["may_undo"]) == (undone, False)


def test_a_stopped_undo_goes_on_where_it_was_and_its_import_does_not(
    browser: Any,  # noqa: F811
    rung: list[Any],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = "".join(f"S{number},Thing\n" for number in range(1_200))
    job = brought(browser, "items", f"sku,name\n{rows}")
    browser.post(reverse("imports:undo", args=[job.pk]))
    undone, ticks = Job.objects.latest("pk"), iter([0.0, 1.0, 99.0])
    rung.clear()
    with monkeypatch.context() as slow:
        clock = SimpleNamespace(monotonic=lambda: next(ticks, 200.0))
        slow.setattr("retailhub.core.imports.undoing.time", clock)
        run_import(undone.pk)
    assert (Item.objects.count(), rung) == (1_000, [(uploading.TASK, undone.pk)])
    Job.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    assert list(uploading.neglected_jobs()) == [undone.pk]
    Job.objects.filter(pk=undone.pk).update(cancel_requested=True)
    run_import(undone.pk)
    undone.refresh_from_db()
    assert (undone.state, Item.objects.count()) == (Job.State.CANCELLED, 1_000)
    Job.objects.filter(pk=job.pk).update(state=Job.State.CANCELLED)
    browser.post(reverse("imports:again", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    browser.post(reverse("imports:again", args=[undone.pk]))
    run_import(undone.pk)
    undone.refresh_from_db()
    assert (undone.state, undone.done, Item.objects.count()) == (Job.State.DONE, 1_200, 0)


@pytest.mark.parametrize("case", ["late", "same", "running", "folder"])
def test_what_cannot_be_undone_says_why_and_shows_no_button(browser: Any, rung: list[Any], case: str) -> None:  # noqa: F811
    ItemFactory.create(sku="A", price=Decimal(1), currency="EUR")
    job = brought(browser, "prices", f"sku,price\nA,{1 if case == 'same' else 2}\n")
    if case == "late":
        Job.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    elif case == "running":
        Job.objects.update(state=Job.State.RUNNING)
    elif case == "folder":
        Job.objects.update(kind="import_folder")
    assert not browser.get(reverse("imports:report", args=[job.pk])).context["may_undo"]
    answer = browser.post(reverse("imports:undo", args=[job.pk]))
    assert answer.status_code == 409
    said = {"late": "older than 24 hours", "same": "it changed nothing", "running": "over", "folder": "from the page"}
    assert said[case] in str(answer.context["form"].errors)
    assert not Job.objects.filter(kind=uploading.UNDO).exists()
    assert Item.objects.get().price == (1 if case == "same" else 2)


def test_opening_the_dialog_changes_nothing_and_others_do_not_see_it(
    client: Any,
    browser: Any,  # noqa: F811
    rung: list[Any],  # noqa: F811
) -> None:
    job = brought(browser, "items", "sku,name\nA,Lamp\n")
    address = reverse("imports:undo", args=[job.pk])
    assert "Undo this import" in browser.get(reverse("imports:report", args=[job.pk])).content.decode()
    assert browser.get(address).status_code == 200
    assert not Job.objects.filter(kind=uploading.UNDO).exists()
    client.force_login(person(Role.BUYER))
    assert [client.get(address).status_code, client.post(address).status_code] == [404, 404]
    assert Item.objects.count() == 1


def test_who_lost_the_right_meanwhile_undoes_nothing(browser: Any, rung: list[Any], manager: Any) -> None:  # noqa: F811
    job = brought(browser, "items", "sku,name\nA,Lamp\n")
    browser.post(reverse("imports:undo", args=[job.pk]))
    manager.memberships.all().delete()
    with pytest.raises(PermissionError):
        run_import(Job.objects.latest("pk").pk)
    assert Item.objects.count() == 1


def test_what_rows_wrote_is_forgotten_when_nobody_can_ask_for_it(browser: Any, rung: list[Any]) -> None:  # noqa: F811
    brought(browser, "items", "sku,name\nA,Lamp\n")
    assert forget_traces() == 0
    ImportChunk.objects.update(done_at=timezone.now() - timedelta(hours=49))
    assert forget_traces() == 1
    assert ImportChunk.objects.get().written == []
