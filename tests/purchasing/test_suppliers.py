"""Suppliers and their price lists, made and changed many at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from inventory.models import Item, Location
from inventory.services.finding import UnknownSku
from purchasing.models import PriceBreak, Supplier, SupplierItem
from purchasing.services.price_listing import ListedPrice, ListEntry, SupplierSkuTaken, put_price_list
from purchasing.services.pricing import offers_of, orderable
from purchasing.services.supplying import Contact, Identifier, SupplierDraft, upsert_suppliers
from retailhub.core.errors import Invalid
from tests.factories.purchasing import SupplierFactory, issued, sells

pytestmark = pytest.mark.django_db


def upserted(*drafts: SupplierDraft, **kwargs: Any) -> list[Any]:
    return upsert_suppliers(drafts=drafts, actor="user:bea", **kwargs)


def test_a_supplier_is_made_changed_and_then_the_same() -> None:
    draft = SupplierDraft(
        code="SIAM",
        name="Siam Textiles",
        currency="THB",
        contacts=[Contact("Nok", "Orders", "nok@siam.example")],
        identifiers=[Identifier("gln", "4006381333931"), Identifier("vat", "DE 136 695 976")],
    )
    assert [r.outcome for r in upserted(draft)] == ["new"]
    assert [r.outcome for r in upserted(draft)] == ["same"]

    (result,) = upserted(SupplierDraft(code="SIAM", lead_time_days=21))

    assert (result.outcome, result.changes) == ("changed", {"lead_time_days": (7, 21)})
    supplier = Supplier.objects.get(code="SIAM")
    assert (supplier.name, supplier.currency, supplier.lead_time_days) == ("Siam Textiles", "THB", 21)
    assert supplier.contacts.get().email == "nok@siam.example"
    assert set(supplier.identifiers.values_list("kind", "value_key")) == {
        ("gln", "4006381333931"),
        ("vat", "DE136695976"),
    }


def test_a_refused_draft_names_every_place_and_stops_no_other() -> None:
    bad = SupplierDraft(
        code="B AD",
        name="",
        currency="XXY",
        identifiers=[
            Identifier("vat", "DE136695970"),
            Identifier("gln", "4006381333932"),
            Identifier("iban", "GB82WEST12345698765431"),
            Identifier("duns", "12"),
            Identifier("vat", "136695976"),
        ],
    )

    refused, good = upserted(bad, SupplierDraft(code="GOOD", name="Good"))

    assert refused.outcome == "refused"
    assert [e.pointer for e in refused.refusal.errors] == [
        "/code",
        "/name",
        "/currency",
        *(f"/identifiers/{n}/value" for n in range(5)),
    ]
    assert good.outcome == "new"
    assert list(Supplier.objects.values_list("code", flat=True)) == ["GOOD"]


def test_a_number_names_one_supplier_only() -> None:
    number = [Identifier("gln", "4006381333931")]
    first, second = upserted(
        SupplierDraft(code="A", name="A", identifiers=number), SupplierDraft(code="B", name="B", identifiers=number)
    )
    assert (first.outcome, second.refusal.code) == ("new", "identifier_taken")
    assert upserted(SupplierDraft(code="B", name="B", identifiers=number))[0].refusal.errors[0].detail.endswith("A")


def test_a_code_named_twice_or_taken_is_refused() -> None:
    twin = SupplierDraft(code="A", name="A")
    assert [r.outcome for r in upserted(twin, twin)] == ["new", "refused"]
    assert upserted(twin, create_only=True)[0].refusal.code == "duplicate_supplier"


def test_a_code_is_kept_as_it_was_given_and_found_in_any_case() -> None:
    upserted(SupplierDraft(code="Siam-1", name="Siam"))

    (again,) = upserted(SupplierDraft(code="SIAM-1", lead_time_days=3))
    (taken,) = upserted(SupplierDraft(code="siam-1", name="Other"), create_only=True)
    twice = upserted(SupplierDraft(code="A", name="A"), SupplierDraft(code="a", name="A"))

    assert (again.outcome, again.code, taken.refusal.code) == ("changed", "Siam-1", "duplicate_supplier")
    assert [r.outcome for r in twice] == ["new", "refused"]
    assert Supplier.objects.named("sIAM-1").get().code == "Siam-1"
    assert not Supplier.objects.named("\u017fiam-1").exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        SupplierFactory.create(code="SIAM-1")


def test_his_own_numbers_do_not_name_another_when_his_code_is_written_otherwise() -> None:
    number = [Identifier("gln", "4006381333931")]
    upserted(SupplierDraft(code="Siam", name="Siam", identifiers=number))
    assert [r.outcome for r in upserted(SupplierDraft(code="SIAM", identifiers=number))] == ["same"]


def test_prices_keep_their_currency(siam: Supplier, lamp: Item) -> None:
    sells(siam, lamp, "4.00")
    (result,) = upserted(SupplierDraft(code="SIAM", currency="USD"))
    assert result.refusal.code == "currency_in_use"
    siam.refresh_from_db()
    assert siam.currency == "EUR"


def test_many_suppliers_take_no_more_statements_than_one(django_assert_max_num_queries: Any) -> None:
    drafts = [
        SupplierDraft(code=f"S{n}", name=f"S{n}", contacts=[Contact("N")], identifiers=[Identifier("own", f"N{n}")])
        for n in range(200)
    ]
    with django_assert_max_num_queries(14):
        upserted(*drafts)
    with django_assert_max_num_queries(14):
        assert {r.outcome for r in upserted(*drafts)} == {"same"}


def put(supplier: Supplier, *entries: ListEntry, **kwargs: Any) -> list[str]:
    return [r.outcome for r in put_price_list(supplier=supplier, entries=entries, actor="user:bea", **kwargs)]


def case_of_12(**kwargs: Any) -> ListEntry:
    given: dict[str, Any] = {
        "sku": "LAMP",
        "supplier_sku": "ST-1",
        "pack_code": "case",
        "pack_numerator": 12,
        "minimum_quantity": 2,
        "multiple": 2,
        "prices": [
            ListedPrice(price=Decimal(48)),
            ListedPrice(price=Decimal(45), minimum_quantity=10),
            ListedPrice(price=Decimal(40), source="contract", valid_from=date(2026, 12, 1)),
        ],
    }
    return ListEntry(**{**given, **kwargs})


def test_a_price_list_prices_orders_by_quantity_and_day(siam: Supplier, lamp: Item) -> None:
    assert put(siam, case_of_12()) == ["new"]
    assert put(siam, case_of_12()) == ["same"]

    def price(units: int, on: date) -> Any:
        return offers_of(supplier=siam, wanted={lamp.pk: units}, on=on)[lamp.pk].price

    assert price(24, date(2026, 11, 1)) == 48
    assert price(120, date(2026, 11, 1)) == 45
    assert price(120, date(2026, 12, 1)) == 40
    assert orderable(SupplierItem.objects.get(), 25) == 48  # three cases are not a multiple of two


def test_an_entry_changes_what_it_names_only(siam: Supplier, lamp: Item) -> None:
    put(siam, case_of_12())
    assert put(siam, ListEntry(sku="lamp", lead_time_days=3)) == ["changed"]
    row = SupplierItem.objects.get()
    assert (row.lead_time_days, row.pack_numerator, row.prices.count()) == (3, 12, 3)


def test_replacing_the_list_leaves_out_what_is_not_named(siam: Supplier, lamp: Item, rope: Item) -> None:
    put(siam, case_of_12(is_preferred=True), ListEntry(sku="ROPE"))
    put(siam, ListEntry(sku="ROPE"), replace=True)
    assert not SupplierItem.objects.get(item=lamp).is_active
    assert not SupplierItem.objects.get(item=lamp).is_preferred
    assert PriceBreak.objects.count() == 3
    assert SupplierItem.objects.get(item=rope).is_active


def test_an_item_has_one_preferred_supplier(siam: Supplier, lamp: Item) -> None:
    other = SupplierFactory.create(code="OTHER")
    put(siam, case_of_12(is_preferred=True))
    put(other, ListEntry(sku="LAMP", is_preferred=True))
    assert SupplierItem.objects.get(is_preferred=True).supplier == other


def test_every_unknown_sku_and_twin_is_named_and_nothing_is_kept(siam: Supplier, lamp: Item) -> None:
    with pytest.raises(UnknownSku) as unknown:
        put(siam, case_of_12(), ListEntry(sku="NO"), ListEntry(sku="NEITHER"))
    assert [e.pointer for e in unknown.value.errors] == ["/entries/1/sku", "/entries/2/sku"]
    with pytest.raises(Invalid) as twins:
        put(
            siam,
            ListEntry(sku="LAMP", pack_numerator=0),
            ListEntry(
                sku="lamp",
                prices=[
                    ListedPrice(price=Decimal(-1)),
                    ListedPrice(price=Decimal(1), valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 1)),
                    ListedPrice(price=Decimal(2), discount_percent=Decimal(101)),
                ],
            ),
        )
    assert [e.pointer for e in twins.value.errors] == [
        "/entries/0/pack_numerator",
        "/entries/1/sku",
        "/entries/1/prices/0/price",
        "/entries/1/prices/1/valid_until",
        "/entries/1/prices/2",
        "/entries/1/prices/2/discount_percent",
    ]
    assert not SupplierItem.objects.exists()


def test_one_number_of_his_cannot_name_two_items(siam: Supplier, lamp: Item, rope: Item) -> None:
    put(siam, case_of_12())
    with pytest.raises(SupplierSkuTaken) as taken:
        put(siam, ListEntry(sku="ROPE", supplier_sku="st-1"))
    assert taken.value.errors[0].pointer == "/entries/0/supplier_sku"
    assert put(siam, case_of_12(supplier_sku="ST-2"), ListEntry(sku="ROPE", supplier_sku="ST-1")) == ["changed", "new"]
    swapped = put(siam, ListEntry(sku="LAMP", supplier_sku="ST-1"), ListEntry(sku="ROPE", supplier_sku="ST-2"))
    assert swapped == ["changed", "changed"]


def test_another_pack_forgets_the_last_price(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    sells(siam, lamp, "4.00")
    issued(siam, warehouse, [(lamp, 5, "4.00")])
    assert SupplierItem.objects.get().last_price == 4
    put(siam, ListEntry(sku="LAMP", pack_numerator=12))
    assert SupplierItem.objects.get().last_price is None
