"""The AdventureWorks files, imported whole and compared with a plain reading of them."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Count, F, Sum
from django.test import override_settings

from customers.models import Address, Customer, Identity
from inventory.models import (
    CostPool,
    Item,
    Location,
    Reservation,
    StockDocument,
    StockLevel,
    StockMovement,
    WaitingDemand,
)
from orders.models import Order, OrderLine, SalesChannel
from purchasing.models import (
    PriceBreak,
    PurchaseCharge,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    Sending,
    Supplier,
    SupplierItem,
)
from retailhub.accounting.models import JournalLine
from retailhub.core.models import Attention, ExchangeRate, ImportRun
from retailhub.outbox.models import OutboxEvent
from tests.books import assert_books_agree
from tests.imports.plain_purchasing import Purchasing, plain_rows
from tests.shared_data import shared_data

pytestmark = pytest.mark.django_db
CENT = Decimal("0.01")


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


# --- the plain reading: no line of the engine is used ---
def plain_oltp(name: str) -> list[list[str]]:
    text = shared_data("adventureworks-oltp", name).read_bytes().decode()
    return [line.split("\t") for line in text.split("\n") if line]


def plain_sales(name: str) -> list[dict[str, str]]:
    with shared_data("adventureworks-sales-sample", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Sales:
    """The orders of the sales sample and their lines, as they stand in the files."""

    def __init__(self) -> None:
        self.headers = plain_sales("salesorderheader.csv")
        self.lines: dict[str, list[dict[str, str]]] = defaultdict(list)
        for line in plain_sales("salesorderdetail.csv"):
            self.lines[line["salesorderid"]].append(line)

    def of(self, channel: str) -> list[dict[str, str]]:
        flag = {"web": "t", "reseller": "f"}[channel]
        return [header for header in self.headers if header["onlineorderflag"] == flag]

    def exact(self, header: dict[str, str]) -> Decimal:
        return Decimal(header["subtotal"]) + Decimal(header["taxamt"]) + Decimal(header["freight"])

    def in_cents(self, header: dict[str, str]) -> Decimal:
        """Answer the order's total as an invoice shows it: each line and the tax in cents, then the sum in cents."""
        amounts = []
        for line in self.lines[header["salesorderid"]]:
            gross = int(line["orderqty"]) * Decimal(line["unitprice"])
            off = (gross * Decimal(line["unitpricediscount"])).quantize(Decimal("0.0001"), ROUND_HALF_UP)
            amounts.append(cents(gross - off))
        return cents(sum(amounts, cents(Decimal(header["taxamt"]))) + Decimal(header["freight"]))


@pytest.fixture(scope="module")
def imported(django_db_setup: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Import both folders once, in a transaction that all tests of this file see and none keeps."""
    output = tmp_path_factory.mktemp("imports")
    with django_db_blocker.unblock(), transaction.atomic(), override_settings(HOME_CURRENCY="USD"):
        import_both(output)
        # What the database checks at the end is checked once, and not again after each test.
        connection.check_constraints()
        yield output
        transaction.set_rollback(True)


def last_paid() -> dict[str, Decimal]:
    """Answer what one unit of each product cost on the last line of which some was kept."""
    files, paid = Purchasing(), dict[str, Decimal]()
    for number in sorted(files.orders, key=int):
        shipped = files.orders[number].shipped
        for line in sorted(files.lines_of[number], key=lambda line: max(line.due, shipped)):
            if line.stocked:
                paid[line.product] = (cents(line.stocked * line.price) / line.stocked).quantize(
                    Decimal("0.000001"), ROUND_HALF_UP
                )
    return paid


def import_both(output: Path) -> None:
    for folder, profile in (
        ("adventureworks-oltp", "adventureworks"),
        ("adventureworks-sales-sample", "adventureworks-sales"),
    ):
        call_command("import_folder", shared_data(folder), profile=profile, output=output, stdout=io.StringIO())


def report_of(profile: str) -> dict[str, Any]:
    found: dict[str, Any] = ImportRun.objects.filter(profile=profile).latest("pk").report
    return found


def line_of(report: dict[str, Any], step: str, file: str) -> dict[str, Any]:
    return next(line for line in report["lines"] if (line["step"], line["file"]) == (step, file))


def refused_of(profile: str) -> list[dict[str, str]]:
    run = ImportRun.objects.filter(profile=profile).latest("pk")
    with (Path(run.output) / "refused.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# --- the same figures on both sides ---
def test_items_have_the_files_prices_costs_and_categories(imported: Path) -> None:
    plain = plain_oltp("Product.csv")
    names = {row[0]: row[2] for row in plain_oltp("ProductSubcategory.csv")}
    tops = {row[0]: row[1] for row in plain_oltp("ProductCategory.csv")}
    above = {row[0]: tops[row[1]] for row in plain_oltp("ProductSubcategory.csv")}
    items = {item.sku: item for item in Item.objects.select_related("category__parent")}
    assert len(items) == len(plain) == 504
    assert sum(item.price or 0 for item in items.values()) == sum(Decimal(row[9]) for row in plain)
    assert sum(item.cost or 0 for item in items.values()) == sum(Decimal(row[8]) for row in plain)
    assert sum(item.reorder_point for item in items.values()) == sum(int(row[7]) for row in plain)
    for row in plain:
        item = items[row[2]]
        assert (item.name, item.currency) == (row[1], "USD")
        if row[18]:
            assert item.category is not None
            assert item.category.parent is not None
            assert (item.category.parent.name, item.category.name) == (above[row[18]], names[row[18]])
        else:
            assert item.category is None
        factor = {"LB": Decimal("453.59237"), "G": Decimal(1)}.get(row[12].strip())
        grams = int((Decimal(row[13]) * factor).quantize(Decimal(1), ROUND_HALF_UP)) if factor else None
        assert item.weight_grams == grams
        assert item.status == ("discontinued" if row[21] or row[22] else "active")


def test_places_hold_the_files_units_and_their_cost(imported: Path) -> None:
    plain = plain_oltp("ProductInventory.csv")
    cost = {row[0]: Decimal(row[8]) for row in plain_oltp("Product.csv")}
    sku = {row[0]: row[2] for row in plain_oltp("Product.csv")}
    assert Location.objects.filter(code__startswith="AW-").count() == len(plain_oltp("Location.csv")) == 14
    levels = {
        (level.item.sku, level.location.code): level for level in StockLevel.objects.select_related("item", "location")
    }
    assert {(sku[row[0]], f"AW-{row[1]}"): int(row[4]) for row in plain} == {
        key: level.on_hand for key, level in levels.items() if key in {(sku[r[0]], f"AW-{r[1]}") for r in plain}
    }
    assert StockLevel.objects.aggregate(units=Sum("on_hand"))["units"] == sum(int(row[4]) for row in plain) == 335_974
    paid = last_paid()
    worth = {number: amount or paid.get(number, Decimal(0)) for number, amount in cost.items()}
    value = sum(int(row[4]) * worth[row[0]] for row in plain)
    assert CostPool.objects.aggregate(value=Sum("value"))["value"] == value == Decimal("28533163.158961")
    assert StockDocument.objects.count() == 14
    assert StockMovement.objects.filter(from_location__code="@opening").count() == sum(int(r[4]) > 0 for r in plain)


def test_orders_have_the_files_units_and_totals_per_channel(imported: Path) -> None:
    sales = Sales()
    assert Order.objects.count() == len(sales.headers) == 1_566
    for channel in ("web", "reseller"):
        plain = sales.of(channel)
        booked = {order.external_reference: order for order in Order.objects.filter(channel__code=channel)}
        assert booked.keys() == {header["salesorderid"] for header in plain}
        lines = [line for header in plain for line in sales.lines[header["salesorderid"]]]
        mine = OrderLine.objects.filter(order__channel__code=channel)
        assert mine.count() == len(lines)
        assert mine.aggregate(units=Sum("quantity"))["units"] == sum(int(line["orderqty"]) for line in lines)
        for header in plain:
            order = booked[header["salesorderid"]]
            # Invoices are in cents, the files have four decimals: half a cent for each line, the tax and the total.
            allowed = CENT / 2 * (len(sales.lines[header["salesorderid"]]) + 2)
            assert abs(order.total - Decimal(header["totaldue"])) <= allowed
            assert order.total == sales.in_cents(header)
            assert order.tax_total == cents(Decimal(header["taxamt"]))
            assert order.shipping_price == Decimal(header["freight"])
            assert order.placed_at.isoformat() == header["orderdate"].replace(" ", "T") + "+00:00"
        total = sum(order.total for order in booked.values())
        assert total == sum(sales.in_cents(header) for header in plain)
        assert abs(total - sum(sales.exact(header) for header in plain)) < Decimal(2)
        assert sum(sales.exact(header) for header in plain) == sum(Decimal(header["totaldue"]) for header in plain)


def test_units_are_reserved_or_short_and_nothing_else(imported: Path) -> None:
    sales = Sales()
    units = sum(int(line["orderqty"]) for header in sales.headers for line in sales.lines[header["salesorderid"]])
    reserved = Reservation.objects.aggregate(units=Sum("open_quantity"))["units"]
    short = WaitingDemand.objects.aggregate(units=Sum("quantity"))["units"]
    assert reserved + short == units == 12_847
    assert StockLevel.objects.aggregate(units=Sum("reserved"))["units"] == reserved
    tally = report_of("adventureworks-sales")["tally"]
    assert sum(tally[f"{channel}: units reserved"] for channel in ("web", "reseller")) == reserved
    assert sum(tally[f"{channel}: units short"] for channel in ("web", "reseller")) == short


def test_customers_are_people_and_stores_with_their_addresses(imported: Path) -> None:
    plain, people = plain_sales("customer.csv"), {p["businessentityid"]: p for p in plain_sales("person.csv")}
    stores = {store["businessentityid"]: " ".join(store["storename"].split()) for store in plain_sales("store.csv")}
    assert Customer.objects.count() == Identity.objects.count() == len(plain) == 19_820
    assert Identity.objects.filter(channel="reseller").count() == sum(bool(row["storeid"]) for row in plain)
    named = {identity.value: identity.customer for identity in Identity.objects.select_related("customer")}
    assert all(named[row["customerid"]].name == stores[row["storeid"]] for row in plain if row["storeid"])
    last = {number: person["lastname"] for number, person in people.items() if person["lastname"].isascii()}
    persons = [row for row in plain if not row["storeid"] and row["personid"] in last]
    assert len(persons) > 1_000
    assert all(" ".join(last[row["personid"]].split()) in named[row["customerid"]].name for row in persons)
    assert not Customer.objects.filter(name__contains="Ã").exists()
    assert Customer.objects.filter(name__contains="ç").exists() or Customer.objects.filter(note__contains="ç").exists()
    known = {address["addressid"]: address for address in plain_sales("address.csv")}
    wanted = {
        (header["customerid"], " ".join(known[number]["addressline1"].split()))
        for header in plain_sales("salesorderheader.csv")
        for number in (header["shiptoaddressid"], header["billtoaddressid"])
        if number in known
    }
    have = {(number, line1) for number, line1 in Address.objects.values_list("customer__identities__value", "line1")}
    assert have == wanted
    states = {state["stateprovinceid"]: state["countryregioncode"] for state in plain_sales("stateprovince.csv")}
    used = {
        h[f"{kind}toaddressid"] for h in plain_sales("salesorderheader.csv") for kind in ("ship", "bill")
    } & known.keys()
    countries = {states[known[number]["stateprovinceid"]] for number in used}
    assert set(Address.objects.values_list("country", flat=True)) == countries == {"US", "CA", "GB", "DE", "AU"}


def test_no_row_disappears_without_a_word(imported: Path) -> None:
    for profile in ("adventureworks", "adventureworks-sales"):
        report = report_of(profile)
        for line in report["lines"]:
            assert line["read"] == line["new"] + line["changed"] + line["same"] + line["refused"], line
    for name, step in (
        ("Product.csv", "items"),
        ("Location.csv", "locations"),
        ("ProductInventory.csv", "opening stock"),
        ("Vendor.csv", "suppliers"),
        ("ProductVendor.csv", "price lists"),
        ("PurchaseOrderHeader.csv", "purchase orders"),
        ("PurchaseOrderDetail.csv", "purchase orders"),
    ):
        assert line_of(report_of("adventureworks"), step, name)["read"] == len(plain_oltp(name))
    report = report_of("adventureworks-sales")
    for name, step in (
        ("product.csv", "items"),
        ("customer.csv", "customers"),
        ("salesorderheader.csv", "orders"),
        ("salesorderdetail.csv", "orders"),
    ):
        assert line_of(report, step, name)["read"] == len(plain_sales(name))
    for name in ("person.csv", "store.csv", "address.csv", "stateprovince.csv"):
        assert report["looked_up"][name]["rows"] == len(plain_sales(name))


def test_flaws_of_the_files_are_refused_row_by_row(imported: Path) -> None:
    assert refused_of("adventureworks") == []
    said = Counter((entry["file"], entry["column"]) for entry in refused_of("adventureworks-sales"))
    assert said == {
        ("salesorderdetail.csv", "salesorderid"): 41,
        ("salesorderheader.csv", "shiptoaddressid"): 69,
        ("salesorderheader.csv", "billtoaddressid"): 69,
    }
    first = next(e for e in refused_of("adventureworks-sales") if e["file"] == "salesorderdetail.csv")
    assert first == {
        "file": "salesorderdetail.csv",
        "row": "5677",
        "column": "salesorderid",
        "value": "45225",
        "reason": "45225 names no row of salesorderheader.csv",
    }
    report = report_of("adventureworks-sales")
    assert report["tally"]["cells repaired: UTF-8 that was read as Windows-1252"] == 6
    # 17,719 customers whose person is not in the sample, and 69 orders whose address is not.
    assert report["remarks"] == 17_719 + 69
    assert Order.objects.filter(shipping_address={}).count() == 69


def test_suppliers_sell_what_the_files_say(imported: Path) -> None:
    files = Purchasing()
    account = {number: vendor["account"] for number, vendor in files.vendors.items()}
    suppliers = {supplier.identifiers.get().value: supplier for supplier in Supplier.objects.all()}
    assert suppliers.keys() == set(account.values())
    for vendor in files.vendors.values():
        supplier = suppliers[vendor["account"]]
        assert (supplier.name, supplier.currency) == (" ".join(vendor["name"].split()), "USD")
        assert supplier.status == ("active" if vendor["active"] == "1" else "closed")
        assert supplier.address["country"] == "US"
    assert suppliers["G&KBI0001"].code == "G-KBI0001"
    addresses = {row["id"]: row for row in plain_rows("Address", *("id", "line1", "line2", "city", *"abcde"))}
    links = shared_data("adventureworks-oltp", "BusinessEntityAddress.csv").read_bytes().decode()
    lives = dict(row.split("+|")[:2] for row in links.split("&|\n") if row)
    assert all(
        suppliers[account[number]].address["city"] == " ".join(addresses[lives[number]]["city"].split())
        for number in files.vendors
    )
    sku = {row[0]: row[2] for row in plain_oltp("Product.csv")}
    sold = {(row.item.sku, row.supplier_id): row for row in SupplierItem.objects.select_related("item", "supplier")}
    assert len(sold) == PriceBreak.objects.count() == len(files.links) == 460
    for (product, vendor), link in files.links.items():
        row = sold[sku[product], suppliers[account[vendor]].pk]
        assert (row.lead_time_days, row.minimum_quantity, row.pack_code) == (link.lead_days, link.least, link.unit)
        assert (row.pack_numerator, row.pack_denominator) == (1, 1)
        assert (row.last_price, row.last_price_on) == (link.last_cost, link.last_receipt)
        assert row.prices.get().price == link.price


def test_totals_of_every_supplier_are_those_of_a_plain_reading(imported: Path) -> None:
    files = Purchasing()
    vendor = {entry["account"]: number for number, entry in files.vendors.items()}
    owner = {supplier.pk: vendor[supplier.identifiers.get().value] for supplier in Supplier.objects.all()}
    orders = dict(PurchaseOrder.objects.values_list("supplier").annotate(Count("pk")).order_by())
    booked = {
        owner[pk]: (orders[pk], ordered, kept + rejected, rejected, kept, value)
        for pk, ordered, kept, rejected, value in PurchaseOrderLine.objects.values_list("order__supplier")
        .annotate(Sum("quantity"), Sum("received"), Sum("rejected"), value=Sum(F("quantity") * F("price")))
        .order_by()
    }
    assert booked == {number: figures[:6] for number, figures in files.per_vendor().items()}
    came = {
        owner[pk]: figures
        for pk, *figures in ReceiptLine.objects.values_list("receipt__supplier")
        .annotate(Sum("accepted"), Sum("refused"), Sum("amount"))
        .order_by()
    }
    worth: dict[str, list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
    for line in files.lines:
        told = worth[files.orders[line.order].vendor]
        told[0] += line.stocked
        told[1] += line.rejected
        told[2] += cents(line.stocked * line.price)
    assert came == worth
    assert sum(figures[2] for figures in came.values()) == Decimal("61211701.66")
    for role, sign in (("grni", -1), ("opening", 1)):
        posted = JournalLine.objects.filter(account__role=role, entry__kind="receipt").aggregate(sum=Sum("amount"))
        assert posted["sum"] == sign * sum(figures[2] for figures in worth.values())
    freight = PurchaseCharge.objects.aggregate(sum=Sum("amount"))["sum"]
    assert freight == sum(order.freight for order in files.orders.values())
    assert_books_agree()


def test_orders_of_the_past_are_over_and_disturb_nobody(imported: Path) -> None:
    files = Purchasing()
    short = {line.order for line in files.lines if line.received < line.ordered}
    found = PurchaseOrder.objects.values_list("external_reference", "status", "issued_at__date")
    assert {reference: (status, day) for reference, status, day in found} == {
        number: ("closed_short" if number in short else "received", order.ordered)
        for number, order in files.orders.items()
    }
    assert PurchaseOrderLine.objects.filter(open_quantity__gt=0).count() == 0
    days = Receipt.objects.values_list("orders__external_reference", "received_on")
    assert set(days) == {(line.order, max(line.due, files.orders[line.order].shipped)) for line in files.lines}
    assert not Sending.objects.exists()
    assert not Attention.objects.exists()
    assert not OutboxEvent.objects.filter(name__startswith="purchasing.").exists()


def test_rates_are_home_currency_for_one_unit(imported: Path) -> None:
    plain = plain_rows("CurrencyRate", "id", "on", "home", "currency", "average", "close", "modified")
    nano = Decimal("0.000000001")
    assert {(rate.currency, str(rate.on)): rate.rate for rate in ExchangeRate.objects.all()} == {
        (row["currency"], row["on"][:10]): (1 / Decimal(row["close"])).quantize(nano)
        for row in plain
        if row["currency"] != "USD"
    }


def test_a_second_run_changes_nothing(imported: Path) -> None:
    def counted() -> list[int]:
        tables = (Item, Location, StockLevel, StockMovement, StockDocument, Customer, Identity, Address, SalesChannel)
        bought = (Supplier, SupplierItem, PriceBreak, PurchaseOrder, PurchaseOrderLine, Receipt, ReceiptLine)
        sold = (Order, OrderLine, Reservation, WaitingDemand)
        return [model.objects.count() for model in (*tables, *bought, *sold, JournalLine, ExchangeRate)]

    before = counted()
    stock = StockLevel.objects.aggregate(Sum("on_hand"), Sum("reserved"))
    import_both(imported)
    assert counted() == before
    assert StockLevel.objects.aggregate(Sum("on_hand"), Sum("reserved")) == stock
    for profile in ("adventureworks", "adventureworks-sales"):
        report = report_of(profile)
        assert (report["new"], report["changed"]) == (0, 0)
        assert report["same"] == report["read"] - report["refused"]


@pytest.mark.parametrize("flaw", ["a product that is not there", "a line that is missing", "a wrong total"])
def test_an_order_that_does_not_hold_together_is_refused_whole(flaw: str, imported: Path, tmp_path: Path) -> None:
    order = "45072"
    customer = next(
        header["customerid"] for header in plain_sales("salesorderheader.csv") if header["salesorderid"] == order
    )
    keep = {"salesorderheader.csv": order, "salesorderdetail.csv": order, "customer.csv": customer}
    for path in shared_data("adventureworks-sales-sample").iterdir():
        heading, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        rows = [row for row in rows if path.name not in keep or row.startswith(f"{keep[path.name]},")]
        (tmp_path / path.name).write_text("".join([heading, *rows]), encoding="utf-8")
    headers, lines = (tmp_path / "salesorderheader.csv"), (tmp_path / "salesorderdetail.csv")
    mine = [line for line in lines.read_text().splitlines(keepends=True) if line.startswith(f"{order},")]
    if flaw == "a product that is not there":
        fields = mine[0].split(",")
        lines.write_text(lines.read_text().replace(mine[0], ",".join([*fields[:7], "99999", *fields[8:]])))
        reason = "99999 names no row of product.csv"
    elif flaw == "a line that is missing":
        lines.write_text(lines.read_text().replace(mine[0], ""))
        reason = "the order has no lines" if len(mine) == 1 else "the lines come to"
    else:
        row = next(line for line in headers.read_text().splitlines() if line.startswith(f"{order},"))
        total = next(h for h in plain_sales("salesorderheader.csv") if h["salesorderid"] == order)["totaldue"]
        headers.write_text(headers.read_text().replace(row, row.replace(total, "1.0000")))
        reason = "its parts come to"
    Order.objects.filter(external_reference=order).delete()
    call_command(
        "import_folder", tmp_path, profile="adventureworks-sales", output=tmp_path / "out", stdout=io.StringIO()
    )
    assert not Order.objects.filter(external_reference=order).exists()
    assert [e for e in refused_of("adventureworks-sales") if e["reason"].startswith(reason)]
    assert line_of(report_of("adventureworks-sales"), "orders", "salesorderheader.csv")["refused"] == 1
