"""Flow 3: an invoice with two bad lines is decided and paid in two presses and one per bad line."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from purchasing.models import Dispute, Supplier, SupplierInvoice
from retailhub.accounting.queries import balance
from tests.browser.conftest import Visitor
from tests.factories.core import person
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, billed, issued, received

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def bad_invoice() -> SupplierInvoice:
    siam: Supplier = SupplierFactory.create(code="SIAM", name="Siam Textiles")
    place = LocationFactory.create(code="warehouse")
    goods = [ItemFactory.create(sku=sku, name=sku.title()) for sku in ("LAMP", "ROPE", "BELL")]
    order = issued(siam, place, [(item, 10, "5.00") for item in goods])
    received(order, [8, 10, 10])
    return billed(order, [(goods[0], 10, "5.00"), (goods[1], 10, "6.00"), (goods[2], 10, "5.00")])


@pytest.mark.parametrize(("width", "mode"), [(1360, "light"), (390, "dark")])
def test_flow_3_takes_two_presses_and_one_per_bad_line(
    visit: Callable[..., Visitor], bad_invoice: SupplierInvoice, width: int, mode: str
) -> None:
    visitor = visit(person("accountant"), width=width, mode=mode)
    page, presses = visitor.page, 0
    visitor.go("/buying/invoices/")

    def press(locator: Any) -> None:
        nonlocal presses
        presses += 1
        with page.expect_navigation():
            locator.click()

    press(page.get_by_role("link", name=bad_invoice.number))
    assert visitor.overflow() == 0
    assert visitor.pale_words() == []
    press(page.get_by_role("button", name="Pay received").nth(0))
    if width > 500:
        with page.expect_navigation():
            page.keyboard.press("d")
        presses += 1
    else:
        press(page.get_by_role("button", name="Dispute", exact=True).nth(1))
    press(page.get_by_role("button", name="Approve €90.00 & send dispute"))

    assert presses == 2 + 2
    bad_invoice.refresh_from_db()
    assert (bad_invoice.status, bad_invoice.posted_total) == ("posted", Decimal(90))
    assert Dispute.objects.get().amount == Decimal(70)
    assert balance("payable") == Decimal(-90)
    for path in ("/buying/payables/", "/buying/grni/"):
        visitor.go(path)
        assert visitor.overflow() == 0
        assert visitor.pale_words() == []
    assert visitor.trouble == []


def test_a_scanner_burst_presses_nothing(visit: Callable[..., Visitor], bad_invoice: SupplierInvoice) -> None:
    visitor = visit(person("accountant"))
    visitor.go(f"/buying/invoices/{bad_invoice.pk}/")

    assert visitor.page.get_by_role("button", name="Dispute", exact=True).count() == 2
    visitor.page.keyboard.type("pad4006381", delay=5)
    visitor.page.wait_for_timeout(200)

    assert not bad_invoice.lines.exclude(decision="").exists()
