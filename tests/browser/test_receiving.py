"""Receiving by scanner, on a phone and at a desk: flows 2 and 2b, with every click counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventory.models import Barcode, Item, Location
from purchasing.models import Claim, PurchaseOrder, Receipt, ReceiptScan, Sending
from purchasing.services.receiving import Counted, receive_delivery
from purchasing.services.special_orders import link_special_order
from purchasing.services.telling import tell_of_claims
from retailhub.core.access import Role
from tests.books import figures
from tests.browser.conftest import Visitor
from tests.browser.test_working import scan
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, issued, wanted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MUG, ROPE = "4006381333931", "5901234123457"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


class Clicks:
    """Counts every click and tap of a person."""

    def __init__(self, page: Any) -> None:
        self.page, self.count = page, 0

    def on(self, selector: str, **options: Any) -> None:
        self.count += 1
        self.page.locator(selector, **options).first.click()


@pytest.fixture
def order(db: None, tmp_path: Path, settings: Any) -> PurchaseOrder:
    settings.MEDIA_ROOT = tmp_path
    lyon = LocationFactory.create(code="lyon", name="Lyon store", kind=Location.Kind.STORE)
    mug = ItemFactory.create(sku="MUG", name="Enamel mug, blue")
    rope = ItemFactory.create(sku="ROPE", name="Climbing rope, 60 m")
    Barcode(item=mug, code=MUG).save()
    Barcode(item=rope, code=ROPE).save()
    wanted("sale:OR-77", mug, 1, lyon)
    return issued(
        SupplierFactory.create(name="Siam Textiles", order_email="claims@siam.example"),
        lyon,
        [(mug, 2, "3"), (rope, 2, "20")],
    )


def scanned(visitor: Visitor, code: str, words: str) -> None:
    scan(visitor, code)
    visitor.page.locator("[data-rh-scan-status]", has_text=words).wait_for()


def look(visitor: Visitor, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("PICTURES"):
        visitor.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "mode"), [(390, "light"), (1360, "dark")])
def test_a_clean_delivery_takes_one_click(
    order: PurchaseOrder, visit: Callable[..., Visitor], width: int, mode: str
) -> None:
    visitor = visit(person(Role.WAREHOUSE), width=width, mode=mode)
    clicks = Clicks(visitor.page)
    visitor.go("/jobs/")

    scan(visitor, order.number)
    visitor.page.wait_for_url(f"**/buying/receive/{order.number}/")
    visitor.page.locator("[data-rh-board]", has_text="OR-77 waits for 1").wait_for()
    for code, total in ((MUG, "1 of 4"), (MUG, "2 of 4"), (ROPE, "3 of 4"), (ROPE, "4 of 4")):
        scan(visitor, code)
        visitor.page.locator(".rh-count-total", has_text=total).wait_for()
    assert visitor.overflow() <= 0
    assert not visitor.pale_words()
    look(visitor, f"clean-{width}-{mode}")
    clicks.on("[data-rh-finish] button")
    visitor.page.wait_for_url("**/buying/receipts/**")

    assert clicks.count <= 1
    assert visitor.page.locator("text=Set aside for customers").is_visible()
    look(visitor, f"done-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert not visitor.pale_words()
    order.refresh_from_db()
    assert order.status == "received"
    assert not visitor.trouble


@pytest.mark.parametrize(("width", "mode"), [(390, "dark"), (1360, "light")])
def test_a_delivery_that_differs_stays_in_its_budget(
    order: PurchaseOrder, visit: Callable[..., Visitor], width: int, mode: str
) -> None:
    """Two clicks, one more for what is over, two for what is damaged; nothing for what is short."""
    visitor = visit(person(Role.WAREHOUSE), width=width, mode=mode)
    clicks = Clicks(visitor.page)
    visitor.go(f"/buying/receive/{order.number}/")

    for _ in range(3):
        scanned(visitor, MUG, "1 of Enamel mug")
        visitor.page.wait_for_timeout(50)
    visitor.page.locator(".rh-count-total", has_text="3 of 4").wait_for()
    clicks.on(".rh-count-over button", has_text="Keep")
    visitor.page.locator("[data-rh-board]", has_text="1 kept apart").wait_for()
    clicks.on("[data-rh-condition=damaged]")
    scan(visitor, ROPE)
    visitor.page.locator("[data-rh-board]", has_text="1 damaged").wait_for()
    clicks.count += 1  # the tap that opens the camera
    visitor.page.set_input_files("[data-rh-photo]", {"name": "torn.png", "mimeType": "image/png", "buffer": PNG})
    visitor.page.locator("[data-rh-board]", has_text="1 photo").wait_for()
    look(visitor, f"differs-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert not visitor.pale_words()
    clicks.on("[data-rh-finish] button")
    visitor.page.locator("text=What differs").wait_for()
    look(visitor, f"sheet-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert not visitor.pale_words()
    clicks.on("button", has_text="Confirm")
    visitor.page.wait_for_url("**/buying/receipts/**")
    look(visitor, f"differed-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert not visitor.pale_words()

    assert clicks.count <= 2 + 1 + 2
    mug, rope = Item.objects.get(sku="MUG"), Item.objects.get(sku="ROPE")
    assert (figures(mug, order.ship_to), figures(rope, order.ship_to)) == ((2, 1, 0, 1), (0, 0, 1, 0))
    assert Claim.objects.get().kind == "damaged"
    assert Sending.objects.get(kind="claim").address == "claims@siam.example"
    assert Receipt.objects.get().photos.count() == 1
    assert not visitor.trouble


def test_scans_wait_while_the_line_is_down_and_count_once(order: PurchaseOrder, visit: Callable[..., Visitor]) -> None:
    visitor = visit(person(Role.WAREHOUSE), width=390)
    visitor.go(f"/buying/receive/{order.number}/")

    visitor.page.route("**/scan/", lambda route: route.abort())
    for _ in range(2):
        scan(visitor, MUG)
    visitor.page.locator("[data-rh-scan-waiting]", has_text="2 scans").wait_for()
    assert not ReceiptScan.objects.exists()
    visitor.page.unroute("**/scan/")
    visitor.page.locator(".rh-count-total", has_text="2 of 4").wait_for()

    assert ReceiptScan.objects.count() == 2


def test_an_unknown_code_is_said_and_a_scan_can_be_undone(order: PurchaseOrder, visit: Callable[..., Visitor]) -> None:
    visitor = visit(person(Role.WAREHOUSE), width=390)
    visitor.expected_statuses = {422}
    visitor.go(f"/buying/receive/{order.number}/")

    scanned(visitor, "NOTHING-WE-KNOW", "names nothing we know")
    scanned(visitor, MUG, "1 of Enamel mug")
    visitor.page.locator("button", has_text="Undo").first.click()
    visitor.page.locator(".rh-count-total", has_text="0 of 4").wait_for()

    assert ReceiptScan.objects.get().undone_at is not None


@pytest.mark.parametrize(("width", "mode"), [(390, "light"), (1360, "dark")])
def test_wrong_goods_take_two_clicks_and_a_third_where_it_is_not_clear_instead_of_what(
    order: PurchaseOrder, visit: Callable[..., Visitor], width: int, mode: str
) -> None:
    bell = ItemFactory.create(sku="BELL-LARGE", name="Ship's bell")
    visitor = visit(person(Role.WAREHOUSE), width=width, mode=mode)
    visitor.expected_statuses = {409}
    clicks = Clicks(visitor.page)
    visitor.go(f"/buying/receive/{order.number}/")

    clicks.on("[data-rh-condition=wrong]")
    scan(visitor, bell.sku)
    visitor.page.locator("[data-rh-unplaced]", has_text="came instead of what").wait_for()
    look(visitor, f"wrong-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert not visitor.pale_words()
    clicks.on("[data-rh-instead]", has_text="Climbing rope")
    visitor.page.locator("[data-rh-board]", has_text="1 BELL-LARGE").wait_for()

    counted = ReceiptScan.objects.get()
    assert (counted.condition, counted.item, clicks.count) == ("wrong", bell, 2)
    assert counted.order_line == order.lines.get(line=2)
    assert not visitor.trouble


CAMERA = """
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 64;
canvas.getContext("2d").fillRect(0, 0, 64, 64);
Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: async () => canvas.captureStream(5) } });
window.seen = [];
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["ean_13", "qr_code"]; }
  async detect() { return window.seen.map((rawValue) => ({ rawValue })); }
};
"""


def test_the_camera_scans_where_the_browser_reads_barcodes(order: PurchaseOrder, visit: Callable[..., Visitor]) -> None:
    visitor = visit(person(Role.WAREHOUSE), width=390)
    page = visitor.page
    page.add_init_script(CAMERA)
    visitor.go(f"/buying/receive/{order.number}/")

    page.locator("[data-rh-camera]").click()
    page.locator("[data-rh-camera-view]").wait_for()
    page.evaluate(f"window.seen = ['{MUG}']")
    page.locator(".rh-count-total", has_text="1 of 4").wait_for()
    page.wait_for_timeout(1_200)
    assert ReceiptScan.objects.count() == 1, "what stays in sight counts once"
    page.evaluate("window.seen = []")
    page.wait_for_timeout(1_000)
    page.evaluate(f"window.seen = ['{MUG}']")
    page.locator(".rh-count-total", has_text="2 of 4").wait_for()
    look(visitor, "camera-390")
    assert visitor.overflow() <= 0
    page.locator("[data-rh-camera-stop]").click()
    assert not page.locator("[data-rh-camera-view]").is_visible()
    assert not visitor.trouble


def test_without_a_reader_in_the_browser_the_camera_is_not_offered(
    order: PurchaseOrder, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(person(Role.WAREHOUSE), width=390)
    visitor.page.add_init_script("delete window.BarcodeDetector")
    visitor.go(f"/buying/receive/{order.number}/")

    visitor.page.locator("[data-rh-camera-hint]").wait_for()
    assert not visitor.page.locator("[data-rh-camera]").is_visible()


def test_a_line_that_was_ordered_for_a_customer_cannot_be_closed_and_says_why(
    order: PurchaseOrder, visit: Callable[..., Visitor]
) -> None:
    link_special_order(order_line_id=order.lines.get(line=1).pk, document="sale:OR-77", line=1, actor="user:bea")
    visitor = visit(person(Role.WAREHOUSE), width=390, mode="dark")
    visitor.go(f"/buying/receive/{order.number}/")
    scanned(visitor, ROPE, "1 of Climbing rope")

    visitor.page.locator("[data-rh-finish] button").click()
    visitor.page.locator("text=What differs").wait_for()
    look(visitor, "finish-promised-390-dark")

    assert visitor.page.locator("text=Stays open: ordered for OR-77").is_visible()
    assert visitor.page.locator("input[name=close]").count() == 1
    assert not visitor.pale_words()


@pytest.mark.parametrize(("width", "mode"), [(390, "light"), (1360, "dark")])
def test_what_is_decided_about_a_delivery_is_sound(
    order: PurchaseOrder, visit: Callable[..., Visitor], width: int, mode: str
) -> None:
    mug, rope = order.lines.order_by("line")
    receipt = receive_delivery(
        location=order.ship_to,
        counted=[
            Counted(item_id=mug.item_id, order_line_id=mug.pk, accepted=4),
            Counted(item_id=rope.item_id, order_line_id=rope.pk, damaged=1, announced=2),
        ],
        actor="user:wim",
    )
    tell_of_claims(receipt_id=receipt.pk, actor="user:bea")
    visitor = visit(person(Role.ADMINISTRATOR), width=width, mode=mode)
    one = f"/buying/receipts/{receipt.number}/"
    found: dict[str, Any] = {}
    for name, address in {
        "page": one,
        "tell": f"{one}tell/",
        "return": f"{one}lines/2/return/",
        "keep": f"{one}lines/1/keep/",
    }.items():
        status = visitor.go(address)
        visitor.page.wait_for_timeout(300)
        look(visitor, f"receipt-{name}-{width}-{mode}")
        trouble = list(visitor.trouble)
        visitor.trouble.clear()
        pale = visitor.pale_words()
        if status != 200 or trouble or pale or visitor.overflow() > 0:
            found[address] = (status, trouble, pale, visitor.overflow())
    assert not found
