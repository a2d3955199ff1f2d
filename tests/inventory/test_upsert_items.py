"""Items made or changed by SKU, their codes and their parts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inventory.barcodes import gtin14
from inventory.models import Barcode, Category, Item, KitComponent, PackUnit
from inventory.services.cataloguing import BarcodeTaken, DuplicateSku, ItemDraft, ItemResult, upsert_items
from inventory.services.finding import UnknownSku
from retailhub.core.errors import Invalid
from tests.books import last_event, published
from tests.factories.inventory import ItemFactory, kit_of, put_on_hand

pytestmark = pytest.mark.django_db

EAN13, UPC_A, EAN8 = "4006381333931", "036000291452", "96385074"


def upsert(*drafts: ItemDraft, **kwargs: Any) -> list[ItemResult]:
    return upsert_items(drafts=drafts, actor="ana", **kwargs)


def test_new_changed_and_same(lamp: Any) -> None:
    drafts = [
        ItemDraft(sku="NEW-1", name="New", price=Decimal("2.50"), currency="EUR", category=["Light", "Desk"]),
        ItemDraft(sku="lamp", name="Desk lamp", reorder_point=3),
        ItemDraft(sku="NEW-2", name="Other", barcodes=[EAN13]),
    ]

    first = upsert(*drafts)
    again = upsert(*drafts)

    assert [r.outcome for r in first] == ["new", "changed", "new"]
    assert first[1].changes == {"name": (lamp.name, "Desk lamp"), "reorder_point": (0, 3)}
    assert [r.outcome for r in again] == ["same"] * 3
    assert [r.item_id for r in first] == [r.item_id for r in again]
    assert str(Item.objects.get(sku="NEW-1").category.parent) == "Light"
    lamp.refresh_from_db()
    assert (lamp.sku, lamp.price) == ("LAMP", 10), "what a draft does not name stays"


def test_a_refused_draft_stops_no_other_and_changes_nothing(lamp: Any) -> None:
    results = upsert(
        ItemDraft(sku="", name="x"),
        ItemDraft(sku="NEW"),
        ItemDraft(sku="LAMP", name="Renamed", barcodes=["4006381333932"]),
        ItemDraft(sku="GOOD", name="Good"),
        ItemDraft(sku="good ", name="Twin"),
    )

    assert [r.outcome for r in results] == ["refused", "refused", "refused", "new", "refused"]
    assert [[e.code for e in r.refusal.errors] for r in results if r.refusal] == [
        ["required"],
        ["required"],
        ["bad_check_digit"],
        ["duplicate_sku"],
    ]
    lamp.refresh_from_db()
    assert lamp.name != "Renamed"
    assert not Barcode.objects.exists()


def test_one_sku_in_two_spellings_is_one_item() -> None:
    upsert(ItemDraft(sku="Ab-\uff11", name="One"))

    (result,) = upsert(ItemDraft(sku="AB-1", name="Two"))

    assert (result.outcome, Item.objects.count(), Item.objects.get().sku) == ("changed", 1, "Ab-\uff11")


def test_create_only_refuses_what_is_there(lamp: Any) -> None:
    (result,) = upsert(ItemDraft(sku="lamp", name="x"), create_only=True)

    assert isinstance(result.refusal, DuplicateSku)


# --- codes on the goods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (EAN13, "04006381333931"),
        (UPC_A, "00036000291452"),
        ("0" + UPC_A, "00036000291452"),
        ("400 6381-333931", "04006381333931"),
        (EAN8, "00000096385074"),
        ("10036000291459", "10036000291459"),
        ("4006381333932", None),
        ("036000291453", None),
        ("12345", None),
        ("ABC", None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", None),
    ],
)
def test_gtins_of_all_lengths_are_one_key(code: str, key: str | None) -> None:
    assert gtin14(code) == key


def test_a_upc_and_its_ean_twin_are_one_code(lamp: Any, rope: Any) -> None:
    upsert(ItemDraft(sku="LAMP", barcodes=[UPC_A]))

    (same,) = upsert(ItemDraft(sku="LAMP", barcodes=["0" + UPC_A]))
    (taken,) = upsert(ItemDraft(sku="ROPE", barcodes=["0" + UPC_A]))

    assert same.outcome == "same"
    assert isinstance(taken.refusal, BarcodeTaken)
    assert Barcode.objects.get().code == UPC_A


def test_a_code_on_two_drafts_of_one_call_goes_to_the_first(lamp: Any, rope: Any) -> None:
    first, second = upsert(ItemDraft(sku="LAMP", barcodes=["SHELF-7"]), ItemDraft(sku="ROPE", barcodes=["shelf-7"]))

    assert (first.outcome, second.outcome) == ("changed", "refused")
    assert Barcode.objects.get().kind == "internal"


def test_codes_given_replace_those_there_were(lamp: Any) -> None:
    upsert(ItemDraft(sku="LAMP", barcodes=[EAN13, UPC_A]))
    upsert(ItemDraft(sku="LAMP", name="Renamed"))
    assert Barcode.objects.count() == 2

    upsert(ItemDraft(sku="LAMP", barcodes=[EAN8, EAN8]))
    assert Barcode.objects.get().code == EAN8

    upsert(ItemDraft(sku="LAMP", barcodes=[]))
    assert not Barcode.objects.exists()


# --- kits ------------------------------------------------------------------------------------------------------------


def parts(sku: str) -> dict[str, int]:
    return dict(KitComponent.objects.filter(kit__sku=sku).values_list("component__sku", "quantity"))


def test_a_kit_is_made_of_stocked_items(lamp: Any, rope: Any) -> None:
    draft = ItemDraft(sku="KIT", name="Kit", kind="kit", components={"lamp": 1, "ROPE": 2})
    assert [r.outcome for r in (*upsert(draft), *upsert(draft))] == ["new", "same"]
    assert parts("KIT") == {"LAMP": 1, "ROPE": 2}

    (changed,) = upsert(ItemDraft(sku="KIT", components={"ROPE": 3}))
    assert (changed.outcome, parts("KIT")) == ("changed", {"ROPE": 3})


@pytest.mark.parametrize(
    ("draft", "refusal"),
    [
        ({"kind": "kit"}, Invalid),
        ({"kind": "kit", "components": {}}, Invalid),
        ({"kind": "kit", "components": {"NO-SUCH": 1}}, UnknownSku),
        ({"kind": "kit", "components": {"KIT": 1}}, Invalid),
        ({"kind": "kit", "components": {"NEW": 1}}, UnknownSku),
        ({"components": {"LAMP": 1}}, Invalid),
    ],
)
def test_a_kit_without_right_parts_is_refused(lamp: Any, draft: Any, refusal: Any) -> None:
    upsert(ItemDraft(sku="KIT", name="Kit", kind="kit", components={"LAMP": 1}))

    (result,) = upsert(ItemDraft(sku="NEW", name="New", **draft))

    assert isinstance(result.refusal, refusal)
    assert not Item.objects.filter(sku="NEW").exists()


def test_what_an_item_is_does_not_change_under_its_orders(lamp: Any, rope: Any, warehouse: Any) -> None:
    """Orders hold the item itself or the parts of the kit: turning one into the other would lose their goods."""
    put_on_hand(lamp, warehouse, 1)
    free = ItemFactory.create(sku="FREE")
    upsert(ItemDraft(sku="KIT", name="Kit", kind="kit", components={"ROPE": 1}))

    results = upsert(
        ItemDraft(sku="LAMP", kind="kit", components={"ROPE": 1}),
        ItemDraft(sku="ROPE", components={"LAMP": 1}),
        ItemDraft(sku="KIT", kind="stocked"),
        ItemDraft(sku="FREE", kind="kit"),
    )
    (allowed,) = upsert(ItemDraft(sku="FREE", kind="kit", components={"ROPE": 1}))

    assert [r.outcome for r in results] == ["refused"] * 4
    assert allowed.outcome == "changed"
    free.refresh_from_db()
    assert free.kind == "kit"


# --- headings --------------------------------------------------------------------------------------------------------


def test_categories_are_made_once_and_may_be_taken_away(lamp: Any, rope: Any) -> None:
    upsert(ItemDraft(sku="LAMP", category=["Light", "Desk"]), ItemDraft(sku="ROPE", category=["Light"]))
    upsert(ItemDraft(sku="ROPE", category=["Garden", "Desk"]))

    assert Category.objects.count() == 4
    (result,) = upsert(ItemDraft(sku="LAMP", category=[]))
    assert result.outcome == "changed"
    lamp.refresh_from_db()
    assert lamp.category is None


def test_a_code_that_stays_keeps_its_pack(lamp: Any) -> None:
    case = PackUnit.objects.create(item=lamp, code="case", numerator=6)
    kept = Barcode.objects.create(item=lamp, code=EAN13, pack=case)
    Barcode.objects.create(item=lamp, code="OLD")

    (result,) = upsert(ItemDraft(sku="LAMP", barcodes=[EAN13, "NEW"]))

    assert result.changes == {"barcodes": ([EAN13, "OLD"], [EAN13, "NEW"])}
    kept.refresh_from_db()
    assert kept.pack == case
    assert set(Barcode.objects.values_list("code", flat=True)) == {EAN13, "NEW"}


def test_one_part_in_two_spellings_is_one_part(lamp: Any) -> None:
    (result,) = upsert(ItemDraft(sku="KIT", name="Kit", kind="kit", components={"LAMP": 1, "lamp": 2}))

    assert result.outcome == "new"
    assert KitComponent.objects.get().quantity == 3


def test_whoever_shows_kits_hears_that_they_hold_other_parts(lamp: Any, rope: Any) -> None:
    (kit,) = upsert(ItemDraft(sku="KIT", name="Kit", kind="kit", components={"LAMP": 1}))
    event = last_event()

    upsert(ItemDraft(sku="KIT", name="Renamed", components={"LAMP": 1}))
    assert last_event() == event
    upsert(ItemDraft(sku="KIT", components={"ROPE": 2}))

    assert published("inventory.kits_changed", after=event) == [{"item_ids": [kit.item_id]}]


def test_a_part_of_a_kit_cannot_become_a_kit(lamp: Any, rope: Any) -> None:
    kit_of({lamp: 1})

    (result,) = upsert(ItemDraft(sku="LAMP", kind="kit", components={"ROPE": 1}))

    assert result.refusal is not None
    assert [e.pointer for e in result.refusal.errors] == ["/kind"]


def test_a_price_without_a_currency_is_in_the_home_currency(settings: Any) -> None:
    settings.HOME_CURRENCY = "CHF"
    upsert(ItemDraft(sku="A", name="A", price=Decimal(3)), ItemDraft(sku="B", name="B"))
    upsert(ItemDraft(sku="B", price=Decimal(4)), ItemDraft(sku="A", price=Decimal(5), currency="EUR"))
    upsert(ItemDraft(sku="A", price=Decimal(6)))

    assert list(Item.objects.order_by("sku").values_list("price", "currency")) == [(6, "EUR"), (4, "CHF")]
