"""Record lists read a fixed number of statements, however many rows they show, and find what people type."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Barcode, Location
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from orders.models import Order
from retailhub.core import paging
from tests.factories.inventory import ItemFactory
from tests.pages.conftest import Browse, Shop

LISTS = ["inventory_item", "inventory_stocklevel", "inventory_stockmovement", "orders_order", "channels_listing"]


def more(shop: Shop, count: int) -> None:
    items = ItemFactory.create_batch(count)
    adjust_stock(
        location=shop.lyon,
        reason="opening",
        lines=[AdjustmentLine(sku=item.sku, change=1) for item in items],
        actor="test",
    )
    Order.objects.bulk_create(
        Order(
            number=f"X{n}", channel=shop.order.channel, external_reference=f"X{n}", status="open", currency="EUR",
            placed_at=shop.order.placed_at, fingerprint="x", actor="test",
        )
        for n in range(count)
    )  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_reads_as_many_statements_for_many_rows_as_for_few(name: str, shop: Shop, browse: Browse) -> None:
    client, address = browse.admin, reverse(f"admin:{name}_changelist")
    client.get(address)

    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    more(shop, 30)
    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few), [query["sql"][:120] for query in many]
    assert len(many) <= 12


@pytest.mark.parametrize("path", ["/", "/channels/", "/items/MUG/BLUE/", "/items/MUG/BLUE/-/history/"])
def test_pages_stay_within_a_small_number_of_statements(path: str, shop: Shop, browse: Browse) -> None:
    client = browse.admin
    client.get(path)

    with CaptureQueriesContext(connection) as queries:
        client.get(path)

    assert len(queries) <= 25, [query["sql"][:120] for query in queries]


@pytest.mark.parametrize("words", ["mug/blue", "MUG", "enamel blue", "4006381333931"])
def test_the_catalogue_finds_by_sku_word_and_barcode(words: str, shop: Shop, browse: Browse) -> None:
    Barcode(item=shop.mug, code="4006381333931").save()

    text = browse.admin.get(reverse("admin:inventory_item_changelist"), {"q": words}).content.decode()

    assert "Enamel mug, blue" in text
    assert "Tent for two" not in text


def test_a_scan_goes_straight_to_its_page(shop: Shop, browse: Browse) -> None:
    Barcode(item=shop.mug, code="4006381333931").save()
    client = browse.admin

    def goes_to(code: str) -> str:
        answer = client.get("/find/", {"q": code, "go": "1"})
        return answer["Location"] if answer.status_code == 302 else ""

    assert goes_to("4006381333931") == "/items/MUG/BLUE/"
    assert goes_to("mug/blue") == "/items/MUG/BLUE/"
    assert goes_to(shop.order.number) == f"/orders/{shop.order.number}/"
    assert goes_to("W-1") == f"/orders/{shop.order.number}/"
    assert goes_to(shop.transfer.number) == f"/transfers/{shop.transfer.number}/"
    assert goes_to("web") == "/channels/web/"
    assert goes_to("no such thing") == ""


def test_history_carries_the_running_balance_over_pages(shop: Shop, browse: Browse) -> None:
    for _round in range(30):
        adjust_stock(
            location=shop.lyon, reason="found", lines=[AdjustmentLine(sku=shop.mug.sku, change=1)], actor="test"
        )
    client, address = browse.admin, "/items/MUG/BLUE/-/history/"

    first = client.get(address).context["history"]
    second = client.get(address, {"cursor": first.older}).context["history"]

    steps = [*first.steps, *second.steps]
    assert [step.balance for step in steps] == [*range(55, 25, -1), 25, 5]
    assert [step.change for step in steps] == [*[1] * 30, 20, 5]
    assert not second.older


def test_a_forged_cursor_begins_at_the_top(shop: Shop, browse: Browse) -> None:
    history = browse.admin.get("/items/MUG/BLUE/-/history/", {"cursor": "WzEsMl0:forged"}).context["history"]

    assert history.steps[0].balance == 25


def test_counterparties_are_offered_nowhere(shop: Shop, browse: Browse) -> None:
    client = browse.admin

    for name in ("inventory_location", "inventory_stocklevel"):
        assert "@supplier" not in client.get(reverse(f"admin:{name}_changelist")).content.decode()
    assert Location.objects.filter(code__startswith="@").exists()


def test_no_admin_object_keeps_a_request(shop: Shop, browse: Browse) -> None:
    """All threads share these objects: what one request leaves there another would read."""
    client = browse.admin
    for name in LISTS:
        client.get(reverse(f"admin:{name}_changelist"))
    client.get(reverse("admin:inventory_item_change", args=[shop.mug.pk]))

    for model_admin in admin.site._registry.values():
        assert not hasattr(model_admin, "request"), model_admin
        assert "request" not in vars(model_admin)


def test_no_list_counts_further_than_it_must(shop: Shop, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST", 60)
    more(shop, 80)

    text = browse.admin.get(reverse("admin:inventory_item_changelist"), {"status__exact": "active"}).content.decode()

    assert "60+" in text


def test_times_in_lists_are_written_for_the_readers_own_zone_and_still_sort(shop: Shop, browse: Browse) -> None:
    client, address = browse.admin, reverse("admin:inventory_stockmovement_changelist")

    page = client.get(address, {"o": "1"})

    moved = page.context["cl"].result_list[0].occurred_at
    text = page.content.decode()
    assert f'<time class="rh-time" datetime="{moved.isoformat()}">' in text
    assert "column-occurred_at" in text
    assert page.context["cl"].get_ordering_field_columns() == {1: "asc"}
    assert f"/admin/inventory/stockmovement/{page.context['cl'].result_list[0].pk}/change/" in text


def test_documents_in_lists_are_called_by_their_number(shop: Shop, browse: Browse) -> None:
    text = browse.admin.get(reverse("admin:inventory_reservation_changelist")).content.decode()

    assert f'<a href="/orders/{shop.order.number}/">{shop.order.number}</a>' in text


def test_no_link_stands_inside_another(shop: Shop, browse: Browse) -> None:
    client = browse.admin
    for name in ("orders_orderline", "orders_payment", "orders_orderevent", "orders_shipment"):
        text = client.get(reverse(f"admin:{name}_changelist")).content.decode()
        for link in text.partition('id="result_list"')[2].split("<a ")[1:]:
            assert "</a>" in link, name
