"""A kit that is put together differently while its orders are under way: they get what they were promised."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from inventory.models import Item, Reservation
from inventory.services.cataloguing import ItemDraft, upsert_items
from orders.models import Order, OrderLinePart
from orders.queries import stock_of_lines
from orders.services.cancelling import cancel_order
from orders.services.flagging import flag_shortages
from orders.services.holding import hold_order, release_order
from orders.services.lines import LineWanted
from orders.services.placing import place_orders
from orders.services.shipping import ship_order
from retailhub.core.models import Attention
from tests.books import assert_books_agree, figures
from tests.factories.inventory import ItemFactory, kit_of, put_on_hand, receive
from tests.factories.orders import new_order, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def kit(lamp: Item, rope: Item, warehouse: Any) -> Item:
    """A lamp and two ropes; five of each are there."""
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, warehouse, 5)
    return kit_of({lamp: 1, rope: 2}, sku="KIT")


def put_together(kit: Item, **parts: int) -> None:
    """Have the kit hold other parts from now on."""
    (result,) = upsert_items(drafts=[ItemDraft(sku=kit.sku, components=parts)], actor="test")
    assert result.outcome == "changed"


def test_parts_are_kept_with_lines_of_kits_and_with_no_others(web: Any, lamp: Item, rope: Item, kit: Item) -> None:
    placed(web, "1", (lamp.sku, 1), (kit.sku, 2), (rope.sku, 1), (kit.sku, 1))

    kept = OrderLinePart.objects.order_by("line", "item").values_list("line", "item", "quantity")
    assert list(kept) == [(2, lamp.pk, 1), (2, rope.pk, 2), (4, lamp.pk, 1), (4, rope.pk, 2)]


def test_an_order_ships_what_was_promised(web: Any, lamp: Item, rope: Item, kit: Item, warehouse: Any) -> None:
    order = placed(web, "1", (kit.sku, 2))
    put_on_hand(ItemFactory.create(sku="MUG"), warehouse, 9)

    put_together(kit, MUG=3)
    ship_order(order_id=order.order_id, location=warehouse, lines=[LineWanted(line=1, quantity=1)], actor="ana")
    assert (figures(lamp, warehouse), figures(rope, warehouse)) == ((4, 1, 0, 0), (3, 2, 0, 0))
    ship_order(order_id=order.order_id, location=warehouse, lines=None, actor="ana")

    assert Order.objects.get().status == "shipped"
    assert (figures(lamp, warehouse), figures(rope, warehouse)) == ((3, 0, 0, 0), (1, 0, 0, 0))


def test_a_cancelled_order_gives_back_what_it_held(web: Any, lamp: Item, rope: Item, kit: Item, warehouse: Any) -> None:
    order = placed(web, "1", (kit.sku, 2))

    put_together(kit, LAMP=4)
    cancel_order(order_id=order.order_id, lines=[LineWanted(line=1, quantity=1)], actor="ana")
    assert (figures(lamp, warehouse)[1], figures(rope, warehouse)[1]) == (1, 2)
    cancel_order(order_id=order.order_id, actor="ana")

    assert not Reservation.objects.open().exists()


def test_it_stands_as_it_stood(web: Any, lamp: Item, rope: Item, kit: Item, warehouse: Any) -> None:
    """Held and let go, raised for what it lacks, described to a channel that tells it again."""
    order = placed(web, "1", (kit.sku, 3))
    assert (order.lines[0].reserved, order.lines[0].short) == (2, 1)

    put_together(kit, LAMP=1)
    hold_order(order_id=order.order_id, reason="?", actor="ana")
    assert release_order(order_id=order.order_id, actor="ana").status == "part_allocated"
    (again,) = place_orders(batch=[new_order(web, "1", (kit.sku, 3))], actor="test")
    assert again.lines == order.lines  # type: ignore[union-attr]
    flag_shortages([order.order_id])
    assert Attention.objects.get(resolved_at__isnull=True).at_risk == 10

    receive(rope, warehouse, 1)
    flag_shortages([order.order_id])
    assert not Attention.objects.filter(resolved_at__isnull=True).exists()
    stock = stock_of_lines([Order.objects.get()])[order.order_id][1]
    assert (stock.reserved, stock.short, {entry["sku"] for entry in stock.allocations}) == (3, 0, {"LAMP", "ROPE"})


def test_the_next_order_gets_the_kit_as_it_is_now(web: Any, lamp: Item, rope: Item, kit: Item, warehouse: Any) -> None:
    placed(web, "1", (kit.sku, 1))

    put_together(kit, LAMP=2)
    placed(web, "2", (kit.sku, 1))

    assert (figures(lamp, warehouse)[1], figures(rope, warehouse)[1]) == (3, 2)


def test_a_part_is_named_once_and_is_something(web: Any, lamp: Item, kit: Item) -> None:
    order = placed(web, "1", (kit.sku, 1))

    for quantity, item in ((1, lamp), (0, ItemFactory.create())):
        with pytest.raises(IntegrityError), transaction.atomic():
            OrderLinePart.objects.create(order_id=order.order_id, line=1, item=item, quantity=quantity)


@pytest.mark.django_db(transaction=True)
def test_lines_from_before_parts_were_kept_get_what_the_catalogue_says(
    web: Any, lamp: Item, rope: Item, kit: Item, warehouse: Any
) -> None:
    def migrate(name: str) -> None:
        MigrationExecutor(connection).migrate([("orders", name)])

    placed(web, "1", (kit.sku, 1), (lamp.sku, 1))
    order = placed(web, "2", (kit.sku, 1))
    kept = set(OrderLinePart.objects.values_list("order", "line", "item", "quantity"))
    try:
        migrate("0002_numbers")
        assert "orders_orderlinepart" not in connection.introspection.table_names()
        migrate("0003_parts_of_lines")
        assert not OrderLinePart.objects.exists()
    finally:
        migrate("0004_fill_parts_of_lines")

    assert set(OrderLinePart.objects.values_list("order", "line", "item", "quantity")) == kept
    assert len(kept) == 4
    ship_order(order_id=order.order_id, location=warehouse, lines=None, actor="ana")
    assert_books_agree()
