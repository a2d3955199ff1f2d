"""Purchase orders of the past and rates of exchange from files."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from purchasing.imports import orders as importing
from purchasing.models import PurchaseOrder, PurchaseOrderLine, Receipt, Supplier
from purchasing.services.scoring import Share, scorecards
from retailhub.core.access import SYSTEM
from retailhub.core.imports.profiles import read_profile
from retailhub.core.imports.report import Report
from retailhub.core.imports.runner import Import, carry_on, open_run
from retailhub.core.models import ExchangeRate, ImportRun
from retailhub.core.services.working import Progress
from retailhub.home.importing import TARGETS
from tests.books import assert_books_agree
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory
from tests.imports.helpers import one_file

pytestmark = pytest.mark.django_db

HEADINGS = "supplier,reference,ship_to,ordered_on,shipped_on,currency,freight,tax_total,subtotal,total"
LINES = "reference,sku,quantity,price,due_on,received,rejected"


@pytest.fixture
def siam(db: Any) -> Supplier:
    LocationFactory.create(code="warehouse")
    ItemFactory.create(sku="LAMP")
    ItemFactory.create(sku="ROPE")
    return SupplierFactory.create(code="SIAM")


def document(batch: int = 2) -> dict[str, Any]:
    head, line = HEADINGS.split(","), LINES.split(",")[1:]
    return {
        "files": {"head": {"name": "orders.csv"}, "line": {"name": "lines.csv"}},
        "steps": [
            {
                "name": "orders",
                "into": "purchase orders",
                "file": "head",
                "batch": batch,
                "columns": {name: name for name in head},
                "parts": {
                    "name": "lines",
                    "file": "line",
                    "key": "reference",
                    "columns": {name: name for name in line},
                },
            }
        ],
    }


def work_on(folder: Path, profile: dict[str, Any]) -> Import:
    read = read_profile("test", profile, digest="test")
    return Import(profile=read, folder=folder, targets=TARGETS, principal=SYSTEM, source="test")


def run(folder: Path, profile: dict[str, Any]) -> Report:
    work = work_on(folder, profile)
    report = carry_on(open_run(work, job=None, output=folder / "out"), work, Progress(None))
    assert report is not None
    return report


def refused(folder: Path) -> list[tuple[str, str, str, str]]:
    path = Path(ImportRun.objects.latest("pk").output) / "refused.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["file"], row["row"], row["column"], row["reason"]) for row in csv.DictReader(file)]


def written(folder: Path, orders: list[str], lines: list[str]) -> None:
    (folder / "orders.csv").write_text("\n".join([HEADINGS, *orders]), encoding="utf-8")
    (folder / "lines.csv").write_text("\n".join([LINES, *lines]), encoding="utf-8")


def test_orders_come_with_what_was_received_and_again_change_nothing(siam: Supplier, tmp_path: Path) -> None:
    written(
        tmp_path,
        ["SIAM,1,warehouse,2022-04-15,2022-04-24,EUR,0.50,1.60,20.00,22.10"],
        ["1,LAMP,8,2.00,2022-04-20,6,1", "1,ROPE,4,1.00,2022-04-29 00:00:00,4.00,"],
    )
    assert run(tmp_path, document()).total("new") == 3
    order = PurchaseOrder.objects.get()
    assert (order.external_reference, order.status) == ("1", "closed_short")
    assert list(order.lines.values_list("received", "rejected", "cancelled", "tax_rate")) == [
        (5, 1, 2, Decimal("0.080000")), (4, 0, 0, Decimal("0.080000")),
    ]  # fmt: skip
    # Due on the 20th, but sent on the 24th only.
    days = Receipt.objects.order_by("pk").values_list("received_on", flat=True)
    assert list(days) == [date(2022, 4, 24), date(2022, 4, 29)]
    assert order.charges.get().amount == Decimal("0.50")
    april = {"since": date(2022, 4, 1), "until": date(2022, 4, 30), "today": date(2022, 5, 1)}
    told = scorecards(**april, supplier_ids=[siam.pk])[siam.pk].whole
    # Two of the lamps were given up, and one was refused.
    assert (told.fill, told.units_refused) == (Share(9, 12), 1)
    again = run(tmp_path, document(batch=1))
    assert (again.total("same"), again.total("new"), Receipt.objects.count()) == (3, 0, 2)
    assert_books_agree()


def test_what_does_not_hold_together_is_refused_with_its_place_and_the_rest_is_taken(
    siam: Supplier, tmp_path: Path
) -> None:
    head = "warehouse,2022-04-15,2022-04-24,EUR,,"
    written(
        tmp_path,
        [
            f"SIAM,1,{head},4.00,4.00",
            f"NOBODY,2,{head},4.00,4.00",
            "SIAM,3,nowhere,2022-04-15,2022-04-24,EUR,,,4.00,4.00",
            f"SIAM,4,{head},4.00,4.00",
            f"SIAM,5,{head},5.00,5.00",
            f"SIAM,6,{head},4.00,4.50",
            f"SIAM,7,{head},4.00,4.00",
            "SIAM,8,warehouse,2022-04-15,2022-04-24,USD,,,4.00,4.00",
            f"SIAM,9,{head},0,0",
            "SIAM,10,warehouse,15/04/2022,,EUR,,,4.00,4.00",
            "SIAM,11,warehouse,9999-12-31,,EUR,,,,",
            "SIAM,12,warehouse,2022-04-15,,EUR,,,,",
        ],
        [
            *(f"{number},LAMP,2,2.00,,2,0" for number in (1, 2, 3, 5, 6, 8, 10)),
            "4,NONE,2,2.00,,2,0",
            "7,LAMP,2,2.00,,1,2",
            "11,LAMP,2,2.00,,0,0",
            "12,LAMP,2,2.00,9999-12-31,1,0",
        ],
    )
    report = run(tmp_path, document(batch=20))
    assert (report.total("new"), report.total("refused")) == (2, 21)
    said = [entry for entry in refused(tmp_path) if not entry[3].startswith("refused together")]
    assert said == [
        ("orders.csv", "11", "ordered_on", "this is not a date as in 2026-11-22"),
        ("orders.csv", "3", "supplier", "no supplier has this code"),
        ("orders.csv", "4", "ship_to", "no place has this code"),
        ("lines.csv", "9", "sku", "no item has this SKU"),
        ("orders.csv", "6", "subtotal", "the lines come to 4"),
        ("orders.csv", "7", "total", "its parts come to 4"),
        ("lines.csv", "10", "rejected", "more than the 1 that came"),
        ("orders.csv", "9", "currency", "there is no rate of USD on or before 2022-04-15"),
        ("orders.csv", "10", "reference", "the order has no lines"),
        ("orders.csv", "12", "ordered_on", "this day is still to come"),
        ("lines.csv", "12", "received", "it is to come on 9999-12-31 only"),
    ]
    assert PurchaseOrder.objects.get().external_reference == "1"


def test_a_supplier_is_known_by_his_code_in_any_case(siam: Supplier, tmp_path: Path) -> None:
    lines = ["1,LAMP,2,2.00,,2,0"]
    written(tmp_path, ["Siam,1,warehouse,2022-04-15,2022-04-24,EUR,,,,"], lines)
    assert run(tmp_path, document()).total("new") == 2
    written(tmp_path, ["siam,1,warehouse,2022-04-15,2022-04-24,EUR,,,,"], lines)
    assert run(tmp_path, document()).total("same") == 2
    assert PurchaseOrder.objects.get().supplier == siam


def test_an_order_with_other_lines_under_a_known_number_is_refused(siam: Supplier, tmp_path: Path) -> None:
    order = "SIAM,1,warehouse,2022-04-15,2022-04-24,EUR,,,,"
    written(tmp_path, [order], ["1,LAMP,2,2.00,,2,0"])
    run(tmp_path, document())
    written(tmp_path, [order], ["1,LAMP,2,2.00,,2,1"])
    assert run(tmp_path, document()).total("refused") == 2
    number = PurchaseOrder.objects.get().number
    assert refused(tmp_path)[0][3] == f"{number} is another order of this supplier with this number"
    assert PurchaseOrderLine.objects.get().rejected == 0


def test_a_run_that_broke_in_the_middle_goes_on_where_it_was(
    siam: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(
        tmp_path,
        [f"SIAM,{number},warehouse,2022-04-15,2022-04-24,EUR,,,," for number in range(1, 7)],
        [f"{number},LAMP,2,2.00,,2,0" for number in range(1, 7)],
    )
    work, real = work_on(tmp_path, document()), importing.remember_orders
    calls: list[int] = []

    def breaks(**kwargs: Any) -> Any:
        calls.append(len(kwargs["orders"]))
        done = real(**kwargs)
        if len(calls) == 2:
            raise RuntimeError("the power went")
        return done

    monkeypatch.setattr(importing, "remember_orders", breaks)
    with pytest.raises(RuntimeError):
        carry_on(open_run(work, job=None, output=tmp_path / "out"), work, Progress(None))
    assert (PurchaseOrder.objects.count(), Receipt.objects.count()) == (2, 2)
    report = run(tmp_path, document())
    assert (report.total("new"), report.total("refused")) == (12, 0)
    assert (PurchaseOrder.objects.count(), Receipt.objects.count(), calls) == (6, 6, [2, 2, 2, 2])
    assert_books_agree()


def test_rates_come_either_way_round(tmp_path: Path) -> None:
    text = (
        "currency,on,home,rate,per_home\nUSD,2022-05-30,EUR,,1.25\nTHB,2022-05-30,,0.026,\nEUR,2022-05-30,EUR,,1\n"
        "USD,2022-05-31,USD,,1.25\nGBP,2022-05-30,,,\nJPY,2022-05-30,,0,\nCHF,2022-05-30,,,1e12\n"
    )
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    names = text.split("\n", 1)[0].split(",")
    profile = one_file({"name": "a.csv"}, dict(zip(names, names, strict=True)), into="rates")
    report = run(tmp_path, profile)
    assert [report.total(name) for name in ("new", "same", "refused")] == [2, 1, 4]
    assert [(row[1], row[3]) for row in refused(tmp_path)] == [
        ("5", "the books are kept in EUR"),
        ("6", "one rate is to be told, either way round"),
        ("7", "a rate is above zero"),
        ("8", "this is no rate that can be kept"),
    ]
    assert dict(ExchangeRate.objects.values_list("currency", "rate")) == {
        "USD": Decimal("0.800000000"), "THB": Decimal("0.026000000"),
    }  # fmt: skip
    (tmp_path / "a.csv").write_text(text.replace("1.25", "2"), encoding="utf-8")
    assert run(tmp_path, profile).total("changed") == 1
