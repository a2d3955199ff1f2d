"""Dialogs: one service call, refusals in place with what was typed, and a double tap that counts once."""

from __future__ import annotations

from typing import Any

from channels.models import Account
from inventory.models import StockLevel, StockMovement, Transfer
from orders.models import Order
from retailhub.core.access import Role
from tests.pages.conftest import Browse, Shop

HTMX = {"HX-Request": "true"}


def adjusted(shop: Shop) -> int:
    return StockLevel.objects.get(item=shop.mug, location=shop.lyon).sellable


def test_an_adjustment_is_posted_and_the_page_comes_back(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)
    form = {"location": "lyon", "change": "-2", "bucket": "sellable", "reason": "loss", "once": "a"}

    answer = client.post(f"/items/{shop.mug.sku}/-/adjust/", form, headers=HTMX)

    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/items/{shop.mug.sku}/")
    assert adjusted(shop) == 3
    assert StockMovement.objects.latest("pk").actor.startswith("user:")


def test_the_same_form_twice_counts_once(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)
    form = {"location": "lyon", "change": "-2", "bucket": "sellable", "reason": "loss", "once": "same"}

    client.post(f"/items/{shop.mug.sku}/-/adjust/", form)
    again = client.post(f"/items/{shop.mug.sku}/-/adjust/", form)

    assert again.status_code == 302
    assert adjusted(shop) == 3


def test_a_refusal_is_shown_in_place_and_keeps_what_was_typed(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)
    form = {"location": "lyon", "change": "-50", "bucket": "sellable", "reason": "loss", "note": "after the flood"}

    answer = client.post(f"/items/{shop.mug.sku}/-/adjust/", form, headers=HTMX)

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "only 5 of MUG/BLUE are sellable here" in text
    assert 'value="-50"' in text
    assert "after the flood" in text
    assert adjusted(shop) == 5


def test_stock_moves_only_where_the_person_may_move_it(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.WAREHOUSE, ["depot"])
    form = {"location": "lyon", "counted": "0", "bucket": "sellable"}

    answer = client.post(f"/items/{shop.mug.sku}/-/count/", form)

    assert answer.status_code == 422
    assert adjusted(shop) == 5


def test_a_transfer_goes_all_the_way(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)
    drafted = client.post(
        "/transfers/new/", {"origin": "depot", "destination": "lyon", "sku": [shop.mug.sku], "quantity": ["4"]}
    )
    address = drafted["Location"]

    for verb in ("ready", "ship"):
        assert client.post(f"{address}{verb}/", {}).status_code == 302
    wrong = client.post(f"{address}receive/", {"received-1": "5"})
    right = client.post(f"{address}receive/", {"received-1": "3", "damaged-1": "1"})

    assert (wrong.status_code, right.status_code) == (409, 302)
    assert "5 would arrive, 4 are on the road" in wrong.content.decode()
    level = StockLevel.objects.get(item=shop.mug, location=shop.lyon)
    assert (level.sellable, level.damaged) == (8, 1)
    assert Transfer.objects.latest("pk").status == "received"


def test_a_transfer_row_finds_a_scanned_code(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)

    known = client.get("/transfers/new/row/?code=mug/blue&origin=depot", headers=HTMX).content.decode()
    unknown = client.get("/transfers/new/row/?code=nonsense", headers=HTMX).content.decode()

    assert 'value="MUG/BLUE"' in known
    assert "18 available there" in known  # 20, of which 2 are promised
    assert "No item has this SKU or barcode" in unknown


def test_an_order_is_shipped_from_its_page(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)
    dialog = client.get(f"/orders/{shop.order.number}/ship/")
    form: dict[str, Any] = {"location": "depot", "line_1": "2", "carrier": "DHL", "tracking_number": "JD1"}

    too_many = client.post(f"/orders/{shop.order.number}/ship/", {**form, "line_1": "3"})
    answer = client.post(f"/orders/{shop.order.number}/ship/", form)

    assert dialog.context["form"].initial["location"] == "depot"
    assert too_many.status_code == 422
    assert answer.status_code == 302
    shop.order.refresh_from_db()
    assert shop.order.status == "shipped"
    page = client.get(f"/orders/{shop.order.number}/").content.decode()
    assert "JD1" in page


def test_shipping_what_is_not_there_is_refused_at_its_line(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)

    answer = client.post(f"/orders/{shop.short.number}/ship/", {"location": "depot", "line_1": "1"}, headers=HTMX)

    assert answer.status_code == 409
    assert Order.objects.get(pk=shop.short.pk).status == "open"


def test_part_of_an_order_is_cancelled_and_the_rest_held(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)

    client.post(f"/orders/{shop.order.number}/cancel/", {"line_1": "1", "reason": "one is enough"})
    client.post(f"/orders/{shop.order.number}/hold/", {"reason": "call first"})

    page = client.get(f"/orders/{shop.order.number}/").content.decode()
    assert "one is enough" in page
    assert "call first" in page
    assert Order.objects.get(pk=shop.order.pk).status == "held"


def test_a_channel_goes_live_and_is_paused_with_a_reason(shop: Shop, browse: Browse) -> None:
    client = browse.admin

    client.post("/channels/web/resume/", {})
    live = Account.objects.get(pk=shop.account.pk).state
    client.post("/channels/web/pause/", {"reason": "price list is wrong"})

    paused = Account.objects.get(pk=shop.account.pk)
    assert (live, paused.state) == ("live", "paused")
    assert "price list is wrong" in client.get("/channels/web/").content.decode()
