"""What an item costs on its page, and the dialogs that change what the books say of it."""

from __future__ import annotations

from decimal import Decimal

from django.urls import reverse

from inventory.models import CostLayer, CostMethodChange, CostPool, ValueAdjustment
from inventory.services.consuming import Leaving, consume_stock
from inventory.services.costing_methods import change_costing_method
from retailhub.accounting.models import JournalEntry
from retailhub.core.access import Role
from tests.factories.inventory import receive
from tests.pages.conftest import Browse, Shop

HTMX = {"HX-Request": "true"}


def test_the_layers_are_shown_in_the_order_in_which_they_leave(shop: Shop, browse: Browse) -> None:
    change_costing_method(items=[shop.mug], method="fifo", actor="ana", note="as our auditor asked")
    receive(shop.mug, shop.lyon, 4, "7.5", document="receipt:GR-1")
    leaving = [Leaving(line=1, item_id=shop.mug.pk, quantity=5)]
    consume_stock(document="cart:1", location=shop.lyon, leaving=leaving, actor="x")

    text = browse.as_role(Role.BUYER).get(f"/items/{shop.mug.sku}/-/costs/", headers=HTMX).content.decode()

    assert "24 worth €90.00, €3.75 each" in text  # 20 of 25 at 3.00 and 4 at 7.50
    assert text.index("Opening, when the method changed") < text.index("GR-1")
    assert "as our auditor asked" in text
    assert "write-down" not in text, "a buyer does not change the books"


def test_goods_are_written_down_with_a_reason(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.ACCOUNTANT)
    address = f"/items/{shop.mug.sku}/-/write-down/"
    assert "25 units are worth €75.00 together" in client.get(address, headers=HTMX).content.decode()

    silent = client.post(address, {"amount": "25", "note": "", "once": "a"}, headers=HTMX)
    too_much = client.post(address, {"amount": "75.01", "note": "out of fashion", "once": "b"}, headers=HTMX)
    broken = client.post(address, {"amount": "0.001", "note": "out of fashion", "once": "c"}, headers=HTMX)
    done = client.post(address, {"amount": "25", "note": "out of fashion", "once": "d"}, headers=HTMX)

    assert [a.status_code for a in (silent, too_much, broken, done)] == [422, 409, 409, 204]
    assert "25 of MUG/BLUE are worth 75.00 together" in too_much.content.decode()
    assert CostPool.objects.get(item=shop.mug).value == 50
    assert ValueAdjustment.objects.get().note == "out of fashion"
    assert JournalEntry.objects.get().kind == "write_down"
    assert "out of fashion" in client.get(f"/items/{shop.mug.sku}/-/costs/").content.decode()


def test_the_method_is_changed_from_now_on(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.ACCOUNTANT)
    address = f"/items/{shop.mug.sku}/-/costing-method/"

    wrong = client.post(address, {"method": "lifo"}, headers=HTMX)
    done = client.post(address, {"method": "fifo", "once": "a"}, headers=HTMX)
    same = client.post(address, {"method": "fifo", "once": "b"}, headers=HTMX)

    assert [a.status_code for a in (wrong, done, same)] == [422, 204, 204]
    assert CostMethodChange.objects.get().actor.startswith("user:")
    assert CostLayer.objects.get().value == Decimal(75)
    assert "First in, first out" in client.get(f"/items/{shop.mug.sku}/").content.decode()


def test_values_are_changed_by_who_keeps_the_books_of_every_place(shop: Shop, browse: Browse) -> None:
    here_only = browse.as_role(Role.ACCOUNTANT, ["lyon"])

    assert here_only.get(f"/items/{shop.mug.sku}/-/write-down/").status_code == 403
    assert here_only.post(f"/items/{shop.mug.sku}/-/costing-method/", {"method": "fifo"}).status_code == 403
    assert "write-down" not in here_only.get(f"/items/{shop.mug.sku}/-/costs/").content.decode()
    assert browse.admin.get(f"/items/{shop.kit.sku}/-/write-down/").status_code == 404
    assert not CostMethodChange.objects.exists()


def test_lists_of_costs_find_by_item_and_document(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.ACCOUNTANT)
    client.post(f"/items/{shop.mug.sku}/-/write-down/", {"amount": "1", "note": "dust", "once": "a"})
    document = ValueAdjustment.objects.get().document

    for name, words in (("costpool", "mug"), ("valueadjustment", document), ("valueadjustment", "mug")):
        text = client.get(reverse(f"admin:inventory_{name}_changelist"), {"q": words}).content.decode()
        assert "Enamel mug" in text, (name, words)
    assert browse.as_role(Role.WAREHOUSE).get(reverse("admin:inventory_valueadjustment_changelist")).status_code == 403
