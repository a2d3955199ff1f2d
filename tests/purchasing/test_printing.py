"""Papers for suppliers, read back: names in every script, sums, long tables, and nothing typed that is executed."""

from __future__ import annotations

import io
import time
from decimal import Decimal

import pytest
from pypdf import PdfReader

from inventory.models import Item, Location
from purchasing.models import PurchaseRevision, Supplier
from purchasing.services.printing import KINDS, Paper, order_paper, print_paper
from tests.factories.inventory import ItemFactory
from tests.factories.purchasing import drafted, issued, sells

pytestmark = pytest.mark.django_db


def words_of(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", " ")


def test_names_in_thai_chinese_and_french_stand_on_the_order(siam: Supplier, warehouse: Location) -> None:
    names = ["ผ้าไหมไทย", "青花瓷茶杯", "Théière émaillée", 'Rope "5 mm" #let x = 1 \\ $a$']
    items = [ItemFactory.create(sku=f"T-{n}", name=name) for n, name in enumerate(names)]
    order = issued(siam, warehouse, [(item, 1234, "0.50") for item in items])

    pdf = order_paper(order)

    text = words_of(pdf)
    for name in ("青花瓷茶杯", "Théière émaillée", "#let x = 1"):
        assert name in text
    assert "ไหม" in text.replace(" ", "")
    assert "2,468.00" in text
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in PdfReader(io.BytesIO(pdf)).pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert any("Thai" in name for name in fonts)
    assert any("CJK" in name for name in fonts)


@pytest.mark.parametrize(
    ("language", "title"),
    [("fr", "Bon de commande"), ("zh-Hans", "采购订单"), ("th", "ขาย"), ("xx", "Purchase order")],
)
def test_a_supplier_reads_his_own_language(
    siam: Supplier, lamp: Item, warehouse: Location, language: str, title: str
) -> None:
    siam.language = language
    siam.save()

    text = words_of(order_paper(drafted(siam, warehouse, [(lamp, 1, "1")])))

    assert title in text


def test_packs_discounts_and_cancelled_units_are_told(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    from purchasing.services.closing import close_short
    from purchasing.services.drafting import OrderedLine, draft_purchase_order
    from purchasing.services.issuing import send_purchase_order
    from tests.factories.purchasing import TODAY

    sells(siam, lamp, "48.00", pack_code="case", pack_numerator=96, supplier_sku="S-77")
    draft = draft_purchase_order(
        supplier=siam,
        ship_to=warehouse,
        lines=[OrderedLine(sku="LAMP", quantity=192, discount_percent=Decimal("2.5"))],
        actor="user:bea",
        on=TODAY,
    )

    text = words_of(order_paper(send_purchase_order(order_id=draft.pk, actor="user:bea")))
    order = close_short(order_id=draft.pk, reason="sold out", actor="user:bea")
    order.refresh_from_db()

    assert "2 case (192)" in text
    assert "S-77" in text
    assert "2.5 %" in text
    assert "sold out" in words_of(order_paper(order, kind="cancellation"))


def test_a_revision_marks_what_stood_there_before(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1")])
    PurchaseRevision.objects.create(
        order=order, number=2, snapshot={}, changes=[["/lines/0/quantity", 12, 10]], actor="user:bea"
    )
    order.revision = 2

    assert "before: 12" in words_of(order_paper(order, kind="revision"))


def test_three_hundred_lines_take_a_moment_and_number_their_pages(siam: Supplier, warehouse: Location) -> None:
    items = [ItemFactory.create(name=f"Article {n} 茶杯") for n in range(300)]
    order = drafted(siam, warehouse, [(item, 1, "1.00") for item in items])

    began = time.monotonic()
    pdf = order_paper(order)

    pages = len(PdfReader(io.BytesIO(pdf)).pages)
    assert time.monotonic() - began < 10
    assert pages > 5
    assert f"Page 2 / {pages}" in words_of(pdf)


@pytest.mark.parametrize("kind", KINDS)
def test_a_paper_without_anything_is_a_paper(kind: str) -> None:
    assert print_paper(Paper(kind=kind, number="PO-1", title="x"), language="en").startswith(b"%PDF")
