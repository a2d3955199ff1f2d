"""Deliveries while they are counted: what a code means, where it counts, and that it counts once."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest

from inventory.models import Barcode, Item, Location, PackUnit
from purchasing.models import BuyingEvent, Claim, Receipt, ReceiptScan, Sending, Supplier
from purchasing.services.counting import cancel_receipt, finish_receipt, start_receipt
from purchasing.services.picturing import NotAPicture, TooLarge, add_photo
from purchasing.services.reading_codes import UnknownCode, expiry_of, gs1_elements
from purchasing.services.receiving import OtherPlace
from purchasing.services.scanning import NotOnOrder, WhichLine, scan_goods, set_count, undo_scan
from purchasing.services.special_orders import link_special_order
from purchasing.services.standing import WrongState
from tests.books import figures
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import issued, sells, wanted

pytestmark = pytest.mark.django_db
GTIN = "4006381333931"


@pytest.fixture
def coded(lamp: Item) -> Item:
    pack = PackUnit.objects.create(item=lamp, code="case", numerator=6)
    Barcode(item=lamp, code=GTIN).save()
    Barcode(item=lamp, code="CASE-OF-LAMPS", pack=pack).save()
    return lamp


def scan(receipt: Receipt, code: str, key: str, **more: object) -> ReceiptScan:
    scanned = scan_goods(receipt_id=receipt.pk, code=code, key=key, actor="user:wim", **more)  # type: ignore[arg-type]
    return scanned.scans[0]


@pytest.mark.parametrize(
    ("code", "units"),
    [
        (GTIN, 1),
        ("CASE-OF-LAMPS", 6),
        ("lamp", 1),
        ("st-77", 1),
        (f"(01)0{GTIN}(10)L-5(17)271231", 1),
        (f"]C1010{GTIN}17271231\x1d10L-5\x1d", 1),
        (f"]d2010{GTIN}10L-5\x1d374", 4),
    ],
)
def test_what_a_code_counts(siam: Supplier, coded: Item, warehouse: Location, code: str, units: int) -> None:
    sells(siam, coded, "1", supplier_sku="ST-77")
    receipt = start_receipt(location=warehouse, orders=[issued(siam, warehouse, [(coded, 10, "1")])], actor="user:wim")

    counted = scan(receipt, code, "k1")

    assert (counted.item, counted.quantity) == (coded, units)
    assert ("lot L-5" in counted.note) == ("L-5" in code)


def test_gs1_codes_are_read_to_the_letter() -> None:
    assert gs1_elements(f"010{GTIN}1001\x1d2199") == {"01": f"0{GTIN}", "10": "01", "21": "99"}
    assert gs1_elements("0104006381333932") == {}, "a wrong check digit is no GS1 code"
    assert gs1_elements(GTIN) == {}
    assert expiry_of("280200") == date(2028, 2, 29)
    assert expiry_of("281301") is None


@pytest.mark.django_db(transaction=True)
def test_a_code_that_names_nothing_counts_nothing(siam: Supplier, coded: Item, warehouse: Location) -> None:
    receipt = start_receipt(location=warehouse, orders=[issued(siam, warehouse, [(coded, 10, "1")])], actor="user:wim")

    for code in ("4006381333932", "NOTHING", "\x00\x01", ""):
        with pytest.raises(UnknownCode):
            scan(receipt, code, "k")

    assert not receipt.scans.exists()


def test_the_line_that_is_due_first_fills_first_and_the_next_takes_the_rest(
    siam: Supplier, coded: Item, warehouse: Location
) -> None:
    late = issued(siam, warehouse, [(coded, 4, "1")], expected_on=date(2026, 12, 20))
    soon = issued(siam, warehouse, [(coded, 4, "1")], expected_on=date(2026, 12, 1))
    receipt = start_receipt(location=warehouse, orders=[late, soon], actor="user:wim")

    for key in ("k1", "k2", "k2"):
        scan(receipt, "CASE-OF-LAMPS", key)
    finish_receipt(receipt_id=receipt.pk, actor="user:wim")

    lines = {order.pk: order.lines.get() for order in (late, soon)}
    assert (lines[soon.pk].received, lines[late.pk].received) == (4, 4)
    assert figures(coded, warehouse) == (8, 0, 0, 4)


def test_goods_on_no_order_of_the_delivery_are_offered_another(
    siam: Supplier, coded: Item, rope: Item, warehouse: Location
) -> None:
    receipt = start_receipt(location=warehouse, orders=[issued(siam, warehouse, [(rope, 1, "1")])], actor="user:wim")
    other = issued(siam, warehouse, [(coded, 4, "1")])

    with pytest.raises(NotOnOrder) as refusal:
        scan(receipt, GTIN, "k1")
    surplus = scan(receipt, GTIN, "k1", as_surplus=True)

    assert refusal.value.details["offers"] == [other.number]
    assert (surplus.order_line, surplus.condition) == (None, "surplus")


def test_a_scan_undone_counts_no_more_and_a_typed_count_counts_once(
    siam: Supplier, coded: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(coded, 10, "1")])
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    scan(receipt, "CASE-OF-LAMPS", "k1")
    scan(receipt, GTIN, "k2", condition="damaged")

    for _ in range(2):
        undo_scan(receipt_id=receipt.pk, key="k1", actor="user:wim")
        set_count(
            receipt_id=receipt.pk,
            item_id=coded.pk,
            order_line_id=order.lines.get().pk,
            counts={"good": 7, "refused": 1},
            key="k3",
            actor="user:eva",
        )
    finish_receipt(receipt_id=receipt.pk, actor="user:wim", announced={order.lines.get().pk: 10})
    finish_receipt(receipt_id=receipt.pk, actor="user:wim")

    assert figures(coded, warehouse) == (7, 0, 1, 0)
    assert set(Claim.objects.values_list("kind", "quantity")) == {("damaged", 1), ("short", 1)}


def test_two_people_count_one_delivery(siam: Supplier, coded: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(coded, 10, "1")])

    first = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    second = start_receipt(location=warehouse, orders=[order], actor="user:eva")

    assert first == second


def test_lines_that_did_not_come_can_be_closed_short(siam: Supplier, coded: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(coded, 10, "1")])
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    scan(receipt, "CASE-OF-LAMPS", "k1")

    finish_receipt(receipt_id=receipt.pk, actor="user:wim", close_lines=[order.lines.get().pk])

    order.refresh_from_db()
    assert (order.status, order.lines.get().cancelled) == ("closed_short", 4)


@pytest.mark.django_db(transaction=True)
def test_a_count_that_was_given_up_brings_nothing(siam: Supplier, coded: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(coded, 10, "1")])
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    scan(receipt, GTIN, "k1")

    cancel_receipt(receipt_id=receipt.pk, actor="user:wim")

    for late in (lambda: scan(receipt, GTIN, "k2"), lambda: finish_receipt(receipt_id=receipt.pk, actor="user:wim")):
        with pytest.raises(WrongState):
            late()
    with pytest.raises(OtherPlace):
        start_receipt(location=LocationFactory.create(code="shop"), orders=[order], actor="user:wim")
    assert figures(coded, warehouse) == (0, 0, 0, 0)


def test_photos_are_pictures(siam: Supplier, warehouse: Location, settings: object, tmp_path: object) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    receipt = start_receipt(location=warehouse, supplier=siam, actor="user:wim")
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 64

    photo = add_photo(receipt_id=receipt.pk, file=BytesIO(png), actor="user:wim")
    with pytest.raises(NotAPicture):
        add_photo(receipt_id=receipt.pk, file=BytesIO(b"<svg onload=alert(1)>"), actor="user:wim")
    with pytest.raises(TooLarge):
        add_photo(receipt_id=receipt.pk, file=BytesIO(png * 200_000), actor="user:wim")

    assert photo.file.name.endswith(".png")
    assert receipt.photos.count() == 1


def test_wrong_goods_are_instead_of_the_only_line_that_lacks_some(
    siam: Supplier, coded: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(coded, 1, "1"), (rope, 2, "1")])
    other = ItemFactory.create(sku="BELL")
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    ropes = order.lines.get(item=rope)

    with pytest.raises(WhichLine) as refusal:
        scan(receipt, "BELL", "k1", condition="wrong")
    assert [line["line"] for line in refusal.value.details["lines"]] == [1, 2]
    assert not receipt.scans.exists()
    scan(receipt, "LAMP", "k2")
    counted = scan(receipt, "BELL", "k3", condition="wrong")

    assert (counted.order_line, counted.item) == (ropes, other)
    finish_receipt(receipt_id=receipt.pk, actor="user:wim")
    assert receipt.lines.get(item=other).over == 1


def test_a_line_that_customers_wait_for_stays_open_and_the_rest_is_posted(
    siam: Supplier, coded: Item, rope: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(coded, 4, "1"), (rope, 4, "1")])
    lamps, ropes = order.lines.order_by("line")
    wanted("sale:OR-7", coded, 2, warehouse)
    link_special_order(order_line_id=lamps.pk, document="sale:OR-7", line=1, actor="user:bea")
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    scan(receipt, "ROPE", "k1")

    finish_receipt(receipt_id=receipt.pk, actor="user:wim", close_lines=[lamps.pk, ropes.pk])

    receipt.refresh_from_db()
    lamps.refresh_from_db()
    ropes.refresh_from_db()
    assert (receipt.status, lamps.cancelled, ropes.cancelled) == ("posted", 0, 3)
    told = BuyingEvent.objects.get(document=receipt.reference, kind="kept_open").text
    assert f"{order.number} line 1 stays open" in told
    assert "sale:OR-7" in told


def test_the_supplier_is_told_what_is_claimed_when_the_count_ends(
    siam: Supplier, coded: Item, warehouse: Location
) -> None:
    order = issued(siam, warehouse, [(coded, 2, "1")])
    receipt = start_receipt(location=warehouse, orders=[order], actor="user:wim")
    scan(receipt, GTIN, "k1", condition="damaged")
    scan(receipt, GTIN, "k2")

    finish_receipt(receipt_id=receipt.pk, actor="user:wim", tell_supplier=True)
    finish_receipt(receipt_id=receipt.pk, actor="user:wim", tell_supplier=True)

    assert Sending.objects.get(document=receipt.reference).kind == "claim"


def test_a_clean_count_tells_the_supplier_nothing(siam: Supplier, coded: Item, warehouse: Location) -> None:
    receipt = start_receipt(location=warehouse, orders=[issued(siam, warehouse, [(coded, 1, "1")])], actor="user:wim")
    scan(receipt, GTIN, "k1")

    finish_receipt(receipt_id=receipt.pk, actor="user:wim", tell_supplier=True)

    assert not Sending.objects.filter(kind="claim").exists()
