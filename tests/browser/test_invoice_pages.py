"""An invoice in a real browser: its paper beside the lines, its dialogs sound at a desk and on a phone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from purchasing.models import PurchaseOrder, SupplierInvoice
from purchasing.services.deciding import open_dispute
from purchasing.services.letters import dispute_letter
from tests.browser.conftest import Visitor
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, billed, issued, received

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def held(tmp_path: Path, settings: Any) -> SupplierInvoice:
    """An invoice with a short line, a dear one and one on no order, disputed, with a paper beside it."""
    settings.MEDIA_ROOT = tmp_path
    siam = SupplierFactory.create(code="SIAM", name="Siam Textiles")
    place = LocationFactory.create(code="warehouse")
    goods = [ItemFactory.create(sku=sku, name=f"{sku.title()} of many colours") for sku in ("LAMP", "ROPE", "BELL")]
    order = issued(siam, place, [(item, 10, "5.00") for item in goods[:2]])
    received(order, [8, 10])
    invoice = billed(order, [(goods[0], 10, "5.00"), (goods[1], 10, "6.00"), (goods[2], 4, "2.50")])
    invoice.file.save("paper.pdf", ContentFile(dispute_letter(open_dispute(invoice_id=invoice.pk, actor="user:ada"))))
    return invoice


def look(visitor: Visitor, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("PICTURES"):
        visitor.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_the_page_and_its_dialogs_are_sound(
    visit: Callable[..., Visitor], held: SupplierInvoice, width: int, mode: str
) -> None:
    visitor = visit(person("accountant"), width=width, mode=mode)
    one = f"/buying/invoices/{held.pk}/"
    hold = held.holds.first()
    assert hold is not None
    found: dict[str, Any] = {}
    for name, address in {
        "match": one,
        "release": f"{one}holds/{hold.pk}/release/",
        "attach": f"{one}lines/3/attach/",
        "dispute": f"{one}dispute/",
        "end": f"{one}end-dispute/",
        "resend": f"{one}resend/",
        "reject": f"{one}reject/",
        "pay": f"{one}pay/",
        "list": "/buying/invoices/",
    }.items():
        status = visitor.go(address)
        visitor.page.wait_for_timeout(300)
        look(visitor, f"invoice-{name}-{width}-{mode}")
        trouble = list(visitor.trouble)
        visitor.trouble.clear()
        pale = visitor.pale_words()
        if status != 200 or trouble or pale or visitor.overflow() > 0:
            found[address] = (status, trouble, pale, visitor.overflow())
    assert not found


def test_the_paper_is_drawn_in_the_frame(visit: Callable[..., Visitor], held: SupplierInvoice) -> None:
    visitor = visit(person("accountant"))
    answers: dict[str, Any] = {}
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.on("response", lambda answer: answers.setdefault(answer.url, answer))
    visitor.go(f"/buying/invoices/{held.pk}/")

    frame = visitor.page.locator("iframe.rh-paper")
    frame.scroll_into_view_if_needed()
    visitor.page.wait_for_timeout(1500)
    look(visitor, "frame")

    answer = answers[f"{visitor.base}/buying/invoices/{held.pk}/file/"]
    assert answer.status == 200
    assert any(url.startswith("chrome-extension:") for url in asked), "the browser's own viewer drew it"
    assert visitor.trouble == []


@pytest.fixture
def to_type(tmp_path: Path, settings: Any) -> PurchaseOrder:
    settings.MEDIA_ROOT = tmp_path
    siam = SupplierFactory.create(code="THAI", name="Thai Silk", tax_rate=Decimal("0.19"))
    place = LocationFactory.create(code="depot")
    goods = [ItemFactory.create(sku=sku, name=f"{sku.title()} of many colours") for sku in ("SILK", "VELVET")]
    order = issued(siam, place, [(item, 10, "5.00") for item in goods])
    received(order, [8, 10])
    return order


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_an_invoice_is_typed_beside_its_paper(
    visit: Callable[..., Visitor], to_type: PurchaseOrder, held: SupplierInvoice, width: int, mode: str
) -> None:
    """Open, choose the paper and the supplier, take the order's lines over, save: five presses, and what is typed."""
    visitor = visit(person("accountant"), width=width, mode=mode)
    page, presses = visitor.page, 0
    visitor.go("/buying/invoices/")
    with held.file.open("rb") as file:
        paper = file.read()

    def press(locator: Any) -> None:
        nonlocal presses
        presses += 1
        locator.click()

    press(page.get_by_role("link", name="Type an invoice"))
    page.wait_for_url("**/invoices/new/")
    presses += 1
    page.set_input_files("#rh-paper-file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": paper})
    page.locator("#rh-paper input[name=paper]").wait_for(state="attached")
    presses += 1
    page.select_option("[name=supplier]", to_type.supplier.code)
    press(page.get_by_role("button", name=to_type.number))
    page.wait_for_function("document.querySelectorAll('[data-rh-bill]').length === 2")
    page.fill("[name=number]", "RE-8")
    page.fill("[name=date]", "2026-11-24")
    page.fill("[name=total]", "100.00")
    page.locator("#rh-sums", has_text="€7.10 less").wait_for()
    look(visitor, f"typing-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert visitor.pale_words() == []
    visitor.expected_statuses = {422}
    page.get_by_role("button", name="Save & match").click()
    page.get_by_text("The paper really says so").wait_for()
    look(visitor, f"typing-refused-{width}-{mode}")
    assert visitor.overflow() <= 0
    assert visitor.pale_words() == []
    assert page.locator("#rh-paper iframe").count() == 1
    page.fill("[name=total]", "107.10")
    page.locator("#rh-sums", has_text="That is what the paper says").wait_for()
    press(page.get_by_role("button", name="Save & match"))
    page.wait_for_url(re.compile(r"/invoices/\d+/$"))

    assert presses <= 5
    invoice = SupplierInvoice.objects.get(number="RE-8")
    assert (invoice.status, invoice.total) == ("matched", Decimal("107.10"))
    assert invoice.file
    assert not visitor.trouble


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_the_upload_page_is_sound(visit: Callable[..., Visitor], to_type: PurchaseOrder, width: int, mode: str) -> None:
    visitor = visit(person("accountant"), width=width, mode=mode)
    visitor.expected_statuses = {422}
    visitor.go("/buying/invoices/upload/")
    look(visitor, f"upload-{width}-{mode}")
    visitor.page.set_input_files("#file", {"name": "b.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 none"})
    visitor.page.get_by_role("button", name="Upload").click()
    visitor.page.get_by_role("link", name="Type it beside the PDF").wait_for()
    look(visitor, f"upload-refused-{width}-{mode}")

    assert visitor.overflow() <= 0
    assert visitor.pale_words() == []
    assert not visitor.trouble
