"""The Northwind files, imported whole and compared with a plain reading of them."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Count, Sum
from django.test import override_settings

from customers.models import Address, Customer
from inventory.models import Item, Reservation, StockLevel, StockMovement, WaitingDemand
from orders.models import Order, OrderLine
from purchasing.models import Supplier, SupplierItem
from retailhub.core.models import ImportRun
from tests.books import assert_books_agree
from tests.shared_data import shared_data

pytestmark = pytest.mark.django_db

CODES = {
    "USA": "US", "Germany": "DE", "Brazil": "BR", "France": "FR", "UK": "GB", "Venezuela": "VE", "Austria": "AT",
    "Sweden": "SE", "Canada": "CA", "Italy": "IT", "Mexico": "MX", "Spain": "ES", "Finland": "FI", "Denmark": "DK",
    "Belgium": "BE", "Switzerland": "CH", "Ireland": "IE", "Argentina": "AR", "Portugal": "PT", "Norway": "NO",
    "Poland": "PL", "Japan": "JP", "Australia": "AU", "Singapore": "SG", "Netherlands": "NL",
}  # fmt: skip


def plain(name: str) -> list[dict[str, str]]:
    with shared_data("northwind", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def one_space(text: str) -> str:
    return " ".join(text.split())


def imported(output: Path) -> ImportRun:
    with override_settings(HOME_CURRENCY="USD"):
        call_command(
            "import_folder", shared_data("northwind"), profile="northwind", output=output, stdout=io.StringIO()
        )
    run = ImportRun.objects.latest("pk")
    assert (Path(run.output) / "refused.csv").read_text(encoding="utf-8-sig").count("\n") == 1
    for line in run.report["lines"]:
        assert line["read"] == line["new"] + line["changed"] + line["same"] + line["refused"], line
    return run


def test_northwind_comes_whole_and_a_second_time_nothing_changes(tmp_path: Path) -> None:
    run = imported(tmp_path)
    assert run.report["warnings"] == []
    items_are_those_of_the_file()
    suppliers_are_those_of_the_file()
    customers_are_those_of_the_file()
    orders_are_those_of_the_file()
    assert_books_agree()
    tables = (Item, StockMovement, Supplier, SupplierItem, Customer, Address, Order, OrderLine, Reservation)
    before = [model._default_manager.count() for model in tables]
    again = imported(tmp_path).report
    assert (again["new"], again["changed"], again["refused"]) == (0, 0, 0)
    assert [model._default_manager.count() for model in tables] == before


def items_are_those_of_the_file() -> None:
    products, categories = plain("Products.csv"), {x["CategoryID"]: x["CategoryName"] for x in plain("Categories.csv")}
    items = {item.sku: item for item in Item.objects.select_related("category")}
    levels = dict(StockLevel.objects.values_list("item__sku", "on_hand"))
    assert len(items) == len(products) == 77
    assert sum(levels.values()) == 3_119
    for row in products:
        item = items[f"NW-{row['ProductID']}"]
        assert (item.name, item.category and item.category.name) == (row["ProductName"], categories[row["CategoryID"]])
        assert (item.price, item.currency, item.cost) == (Decimal(row["UnitPrice"]), "USD", None)
        assert (item.reorder_point, levels.get(item.sku, 0)) == (int(row["ReorderLevel"]), int(row["UnitsInStock"]))
        assert item.status == ("discontinued" if row["Discontinued"] == "1" else "active")


def suppliers_are_those_of_the_file() -> None:
    rows = plain("Suppliers.csv")
    suppliers = {supplier.code: supplier for supplier in Supplier.objects.all()}
    assert len(suppliers) == len(rows) == 29
    for row in rows:
        supplier = suppliers[f"NW-{row['SupplierID']}"]
        contact = supplier.contacts.get()
        assert (supplier.name, supplier.currency) == (one_space(row["CompanyName"]), "USD")
        assert (contact.name, contact.role, contact.phone) == (row["ContactName"], row["ContactTitle"], row["Phone"])
        assert supplier.address["city"] == row["City"]
        assert supplier.address["country"] == CODES[row["Country"]]
    sold: dict[str, set[str]] = defaultdict(set)
    for product in plain("Products.csv"):
        sold[f"NW-{product['SupplierID']}"].add(f"NW-{product['ProductID']}")
    listed: dict[str, set[str]] = defaultdict(set)
    for code, sku in SupplierItem.objects.values_list("supplier__code", "item__sku"):
        listed[code].add(sku)
    assert listed == sold


def customers_are_those_of_the_file() -> None:
    rows = {row["CustomerID"]: row for row in plain("Customers.csv")}
    found = Customer.objects.filter(identities__kind="external").values_list("identities__value", "name", "phone")
    assert {number: (name, phone) for number, name, phone in found} == {
        number: (one_space(row["CompanyName"]), row["Phone"]) for number, row in rows.items()
    }
    homes = Address.objects.values_list("customer__identities__value", "line1", "city", "country")
    wanted = {(n, one_space(x["Address"]), x["City"], CODES[x["Country"]]) for n, x in rows.items()}
    assert {home for home in homes if home[0] in rows} >= wanted
    assert len(rows) == Customer.objects.count() == 91


def orders_are_those_of_the_file() -> None:
    rows, lines = plain("Orders.csv"), plain("OrderDetails.csv")
    net: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        gross = int(line["Quantity"]) * Decimal(line["UnitPrice"])
        net[line["OrderID"]] += cents(gross - gross * Decimal(line["Discount"]))
    by_customer: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for row in rows:
        count, total = by_customer[row["CustomerID"]]
        by_customer[row["CustomerID"]] = (count + 1, total + net[row["OrderID"]] + Decimal(row["Freight"]))
    booked = (
        Order.objects.values_list("customer__identities__value").annotate(Count("pk"), Sum("total")).order_by()
    )  # fmt: skip
    assert {number: (count, total) for number, count, total in booked if number in by_customer} == by_customer
    assert (Order.objects.count(), OrderLine.objects.count()) == (len(rows), len(lines)) == (830, 2_155)
    units = OrderLine.objects.aggregate(units=Sum("quantity"))["units"]
    assert units == sum(int(line["Quantity"]) for line in lines) == 51_317
    orders = {order.external_reference: order for order in Order.objects.all()}
    for row in rows:
        order = orders[row["OrderID"]]
        assert order.placed_at.date() == datetime.strptime(row["OrderDate"], "%m/%d/%Y").date()  # noqa: DTZ007
        assert order.shipping_address["country"] == CODES[row["ShipCountry"]]
    reserved = Reservation.objects.aggregate(units=Sum("open_quantity"))["units"]
    waiting = WaitingDemand.objects.aggregate(units=Sum("quantity"))["units"]
    assert reserved + waiting == units
    assert reserved <= 3_119
