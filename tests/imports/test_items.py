"""Items and prices from files: what is judged before anything is written."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory.models import Barcode, Item
from retailhub.core.access import SYSTEM
from retailhub.core.imports.profiles import read_profile
from retailhub.core.imports.report import Report
from retailhub.core.imports.runner import Import, carry_on, open_run, preview
from retailhub.core.services.working import Progress
from retailhub.home.importing import TARGETS
from tests.factories.inventory import ItemFactory
from tests.imports.helpers import one_file

pytestmark = pytest.mark.django_db


def items_in(folder: Path, text: str, into: str = "items") -> Import:
    """Answer an import of a file whose headings are the fields' own names."""
    (folder / "items.csv").write_text(text, encoding="utf-8")
    names = text.split("\n", 1)[0].split(",")
    document: dict[str, Any] = one_file({"name": "items.csv"}, dict(zip(names, names, strict=True)), into=into)
    profile = read_profile("test", document, digest="test")
    return Import(profile=profile, folder=folder, targets=TARGETS, principal=SYSTEM, source="test")


def imported(work: Import, folder: Path) -> Report:
    report = carry_on(open_run(work, job=None, output=folder / "out"), work, Progress(None))
    assert report is not None
    return report


def reasons(work: Import) -> list[tuple[int, str]]:
    return [(entry[1], entry[4]) for entry in preview(work).refusals]


def test_columns_that_are_not_there_and_cells_that_must_not_be_empty_change_nothing(tmp_path: Path) -> None:
    ItemFactory.create(sku="A", name="Lamp", price=Decimal("5"), reorder_point=4, cost=Decimal("2"))
    report = imported(items_in(tmp_path, "sku,name,price,reorder_point\nA,,6,\n"), tmp_path)
    assert report.total("changed") == 1
    item = Item.objects.get()
    assert (item.name, item.price, item.reorder_point, item.cost) == ("Lamp", Decimal(6), 4, Decimal(2))


def test_an_empty_price_takes_the_price_away(tmp_path: Path) -> None:
    ItemFactory.create(sku="A", price=Decimal("5"))
    imported(items_in(tmp_path, "sku,price\nA,\n"), tmp_path)
    assert Item.objects.get().price is None


def test_a_price_needs_its_currency(tmp_path: Path) -> None:
    ItemFactory.create(sku="A", price=None, currency="")
    work = items_in(tmp_path, "sku,name,price,currency\nA,Lamp,5,\nB,Chair,5,EUR\nC,Table,5,\nD,Desk,,\n")
    assert reasons(work) == [(2, "a price needs its currency"), (4, "a price needs its currency")]


def test_a_new_item_needs_a_name_and_an_unknown_one_has_no_price_to_change(tmp_path: Path) -> None:
    assert reasons(items_in(tmp_path, "sku,name\nA,\n")) == [(2, "a new item needs a name")]
    assert reasons(items_in(tmp_path, "sku,cost\nA,1\n", "prices")) == [(2, "no item has this SKU")]


def test_barcodes_are_added_and_belong_to_one_item(tmp_path: Path) -> None:
    item = ItemFactory.create(sku="A")
    Barcode.objects.create(item=item, code="4006381333931")
    text = "sku,name,barcodes\nA,Lamp,04006381333931\nB,Chair,4006381333931\nC,Table,4006381333932\n"
    work = items_in(tmp_path, text + "D,Desk,in-1\nE,Sofa,IN-1\n")
    assert reasons(work) == [
        (3, "4006381333931 belongs to a"),
        (4, "4006381333932 has a wrong check digit"),
        (6, "IN-1 belongs to d"),
    ]
    imported(work, tmp_path)
    imported(items_in(tmp_path, "sku,barcodes\nA,in-2\n"), tmp_path)
    assert set(Barcode.objects.values_list("item__sku", "code")) == {
        ("A", "4006381333931"), ("A", "in-2"), ("D", "in-1"),
    }  # fmt: skip


def test_two_spellings_of_one_sku_are_one_item(tmp_path: Path) -> None:
    work = items_in(tmp_path, "sku,name\nab-1,Lamp\n\uff21\uff22-1,Lamp again\n")
    assert reasons(work) == [(3, "row 2 says this already")]
    assert imported(work, tmp_path).total("new") == 1
    assert imported(items_in(tmp_path, "sku,name\nAB-1,Lamp\n"), tmp_path).total("same") == 1


def test_categories_are_made_where_they_are_missing(tmp_path: Path) -> None:
    text = "sku,name,category,parent_category\nA,Lamp,Lights,Home\nB,Chair,Home,\nC,Thing,,\n"
    imported(items_in(tmp_path, text), tmp_path)
    paths = {
        item.sku: item.category and (item.category.parent and item.category.parent.name, item.category.name)
        for item in Item.objects.select_related("category__parent")
    }
    assert paths == {"A": ("Home", "Lights"), "B": (None, "Home"), "C": None}
    assert imported(items_in(tmp_path, text), tmp_path).total("same") == 3
