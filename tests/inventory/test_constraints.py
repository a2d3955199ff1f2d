"""What the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from inventory.models import (
    Barcode,
    CostPool,
    IncomingSupply,
    Item,
    KitComponent,
    Location,
    PackUnit,
    Reservation,
    StockLevel,
    StockMovement,
    Transfer,
    TransferLine,
    WaitingDemand,
)
from inventory.services.costing_methods import change_costing_method
from inventory.services.writing_down import write_down
from tests.factories.inventory import ItemFactory, put_on_hand, reserve

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@contextmanager
def refused(name: str, kind: type[DatabaseError] = IntegrityError) -> Iterator[None]:
    with pytest.raises(kind, match=name), transaction.atomic():
        yield


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inventory_stockmovement SET quantity = 1",
        "UPDATE inventory_stockmovement SET note = 'mended'",
        "DELETE FROM inventory_stockmovement",
        "TRUNCATE inventory_stockmovement CASCADE",
        "TRUNCATE inventory_item CASCADE",
    ],
)
def test_the_ledger_is_append_only(lamp: Any, warehouse: Any, statement: str) -> None:
    put_on_hand(lamp, warehouse, 5)

    sql("SET CONSTRAINTS ALL IMMEDIATE")

    with refused("pgtrigger: Cannot", ProgrammingError):
        sql(statement)

    assert StockMovement.objects.get().quantity == 5


def test_a_movement_goes_somewhere_with_goods_that_are_worth_something(lamp: Any, warehouse: Any, shop: Any) -> None:
    def movement(**kwargs: Any) -> None:
        StockMovement.objects.create(
            **{
                "item": lamp,
                "from_location": warehouse,
                "to_location": shop,
                "quantity": 1,
                "value": 1,
                "reason": "transfer",
                "document": "x:1",
                "actor": "x",
                "occurred_at": NOW,
                **kwargs,
            }
        )

    for quantity in (0, -1):
        with refused("movement_quantity_is_positive"):
            movement(quantity=quantity)
    with refused("movement_goes_somewhere"):
        movement(to_location=warehouse)
    with refused("movement_value_is_not_negative"):
        movement(value=Decimal("-0.000001"))
    with transaction.atomic():
        movement(key="k", value=0)
        with refused("key"):
            movement(key="k", value=0)
        with refused("reverses_id"):
            first = StockMovement.objects.get()
            movement(reverses=first)
            movement(reverses=first)
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("reserved = 6", "stock_level_promises_are_covered"),
        ("reserved = -1", "stock_level_promises_are_covered"),
        ("sellable = -1", "stock_level_promises_are_covered"),
        ("sellable = 1, reserved = 2", "stock_level_promises_are_covered"),
        ("damaged = -1", "stock_level_never_negative"),
        ("on_hold = -1", "stock_level_never_negative"),
    ],
)
def test_a_level_is_never_negative_and_covers_its_promises(lamp: Any, warehouse: Any, change: str, name: str) -> None:
    put_on_hand(lamp, warehouse, 5)

    with refused(name):
        sql(f"UPDATE inventory_stocklevel SET {change}")


def test_there_is_one_level_per_item_and_place(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)

    with refused("stock_level_one_per_item_and_location"):
        StockLevel.objects.create(item=lamp, location=warehouse)


def test_a_promise_is_used_at_most_once(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 3}, warehouse)

    for change in ("consumed = 4", "released = 4", "consumed = 2, released = 2", "consumed = -1", "quantity = 0"):
        with refused("reservation_is_used_at_most_once"):
            sql(f"UPDATE inventory_reservation SET {change}")
    with refused("reservation_one_per_line_item_and_location"):
        Reservation.objects.create(document="cart:1", item=lamp, location=warehouse, quantity=1)


def test_waiting_says_where_and_once(lamp: Any, warehouse: Any) -> None:
    reserve("cart:1", {lamp: 3}, warehouse)

    with refused("waiting_demand_is_not_negative"):
        sql("UPDATE inventory_waitingdemand SET quantity = -1")
    with refused("waiting_demand_says_where"):
        WaitingDemand.objects.create(document="cart:2", item=lamp, quantity=1, promised_at=NOW)
    with refused("waiting_demand_one_per_line_and_item"):
        WaitingDemand.objects.create(document="cart:1", item=lamp, location=warehouse, quantity=1, promised_at=NOW)
    with refused("incoming_is_not_negative"):
        IncomingSupply.objects.create(document="po:1", item=lamp, location=warehouse, quantity=-1)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("inventory_item", "price"),
        ("inventory_item", "cost"),
        ("inventory_costpool", "value"),
        ("inventory_costpool", "last_unit_cost"),
        ("inventory_costpool", "booked_value"),
        ("inventory_costpool", "booked_transit"),
    ],
)
def test_nan_is_no_amount(lamp: Any, warehouse: Any, table: str, column: str) -> None:
    put_on_hand(lamp, warehouse, 5)

    with refused("is_a_number|not_negative|never_negative"):
        sql(f"UPDATE {table} SET {column} = 'NaN'")


def test_a_cost_pool_is_never_negative_and_nothing_is_worth_nothing(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)

    for change in ("quantity = -1", "value = -1"):
        with refused("cost_pool_(never_negative|empty)"):
            sql(f"UPDATE inventory_costpool SET {change}")
    with refused("cost_pool_empty_is_worth_nothing"):
        sql("UPDATE inventory_costpool SET quantity = 0")
    with refused("item_id"):
        CostPool.objects.create(item=lamp)


def test_a_layer_is_never_negative_and_comes_from_somewhere(lamp: Any, warehouse: Any) -> None:
    change_costing_method(items=[lamp], method="fifo", actor="x")
    put_on_hand(lamp, warehouse, 5)

    for change in ("quantity = -1", "quantity = 6", "value = -1", "received = 0", "value = 'NaN'"):
        with refused("cost_layer_(never_negative|empty|value_is_a_number)"):
            sql(f"UPDATE inventory_costlayer SET {change}")
    with refused("cost_layer_empty_is_worth_nothing"):
        sql("UPDATE inventory_costlayer SET quantity = 0")
    with refused("cost_layer_came_by_a_movement_or_opened"):
        sql("UPDATE inventory_costlayer SET movement_id = NULL")


@pytest.mark.parametrize("table", ["inventory_valueadjustment", "inventory_costmethodchange"])
def test_what_changed_values_is_append_only(lamp: Any, warehouse: Any, table: str) -> None:
    put_on_hand(lamp, warehouse, 5)
    change_costing_method(items=[lamp], method="fifo", actor="x")
    write_down(item=lamp, amount=Decimal(1), actor="x")
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    for statement in (f"UPDATE {table} SET note = 'mended'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with refused("Cannot", ProgrammingError):
            sql(statement)
    if table == "inventory_valueadjustment":
        with refused("adjustment_corrects_a_receipt_or_writes_down"):
            sql(
                f"INSERT INTO {table} (item_id, document, reference, quantity, to_stock, to_sold, reason, note, actor) "
                f"VALUES ({lamp.pk}, 'x', '', 1, -1, 0, 'fx', '', 'x')"
            )


def test_what_has_a_history_is_not_deleted(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)

    for row in (lamp, warehouse):
        with refused("violates foreign key constraint"):
            type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")
            sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_catalogue_names_each_thing_once(lamp: Any, rope: Any) -> None:
    with refused("item_sku_is_unique"):
        ItemFactory.create(sku=" l a m p")
    with refused("item_price_is_not_negative"):
        Item.objects.update(price=-1)
    Barcode.objects.create(item=lamp, code="036000291452")
    with refused("barcode_names_one_item"):
        Barcode.objects.create(item=rope, code="0036000291452")
    with refused("kit_does_not_hold_itself"):
        KitComponent.objects.create(kit=lamp, component=lamp, quantity=1)
    with refused("kit_component_quantity_is_positive"):
        KitComponent.objects.create(kit=lamp, component=rope, quantity=0)
    with refused("pack_factor_is_positive"):
        PackUnit.objects.create(item=lamp, code="case", numerator=12, denominator=0)


def test_places_and_transfers(lamp: Any, warehouse: Any, shop: Any) -> None:
    for code, kind in (("@mine", "store"), ("mine", "counterparty")):
        with refused("location_counterparties_begin_with_at"):
            Location.objects.create(code=code, name="x", kind=kind)
    with refused("transfer_goes_somewhere"):
        Transfer.objects.create(number="TR-1", origin=shop, destination=shop, actor="x")
    with refused("transfer_on_the_road_was_shipped"):
        Transfer.objects.create(number="TR-1", origin=shop, destination=warehouse, actor="x", status="in_transit")
    transfer = Transfer.objects.create(number="TR-1", origin=shop, destination=warehouse, actor="x")
    with refused("transfer_receives_no_more_than_was_shipped"):
        TransferLine.objects.create(transfer=transfer, line=1, item=lamp, quantity=5, shipped=3, received=2, lost=2)
