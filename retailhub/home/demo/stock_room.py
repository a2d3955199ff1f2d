"""The demo's places, catalogue and stock: made by the same verbs that people use."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from inventory.models import Bucket, Item, Location, Reason, StockDocument, StockMovement, Transfer
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.arranging import DuplicateLocation, open_location
from inventory.services.cataloguing import ItemDraft, upsert_items
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receiving import BookedLine, book_in
from inventory.services.transferring import TransferDraftLine, draft_transfer, ready_transfer, ship_transfer
from retailhub.home.demo.goods import GOODS, KITS, barcode_of

ACTOR = "demo"
PLACES = (
    ("lyon", "Lyon store", Location.Kind.STORE),
    ("annecy", "Annecy store", Location.Kind.STORE),
    ("depot", "Grenoble warehouse", Location.Kind.WAREHOUSE),
    ("harbour-held", "Held by Harbour", Location.Kind.MARKETPLACE),
)


def have_places() -> None:
    for code, name, kind in PLACES:
        try:
            open_location(code=code, name=name, kind=kind, time_zone="Europe/Paris")
        except DuplicateLocation:
            continue


def have_catalogue() -> None:
    drafts = [
        ItemDraft(
            sku=good.sku,
            name=good.name,
            category=good.category,
            price=good.price,
            currency="EUR",
            cost=good.cost,
            reorder_point=good.reorder,
            barcodes=[barcode_of(position)],
        )
        for position, good in enumerate(GOODS)
    ]
    upsert_items(drafts=drafts, actor=ACTOR)
    kits = [
        ItemDraft(
            sku=sku,
            name=name,
            kind=Item.Kind.KIT,
            category=("Outdoor", "Sets"),
            price=price,
            currency="EUR",
            components=parts,
        )
        for sku, name, price, parts in KITS
    ]
    upsert_items(drafts=kits, actor=ACTOR)


def place(code: str) -> Location:
    return Location.objects.get(code=code)


def have_stock() -> None:
    """Have opening stock, a delivery, a count and some broken goods, once."""
    if StockMovement.objects.filter(actor=ACTOR).exists():
        return
    month_ago = timezone.now() - timedelta(days=30)
    for code, units in (("lyon", "lyon"), ("annecy", "annecy"), ("depot", "depot"), ("harbour-held", "held")):
        lines = [
            AdjustmentLine(sku=good.sku, change=getattr(good, units), unit_cost=good.cost)
            for good in GOODS
            if getattr(good, units)
        ]
        adjust_stock(
            location=place(code), reason=Reason.OPENING, lines=lines, actor=ACTOR, note="Opening", occurred_at=month_ago
        )
    dear = [
        BookedLine(
            sku=good.sku, quantity=good.reorder, unit_cost=(good.cost * Decimal("1.04")).quantize(Decimal("0.01"))
        )
        for good in GOODS[::7]
    ]
    book_in(
        location=place("depot"),
        lines=dear,
        actor=ACTOR,
        note="Delivery note 88213",
        occurred_at=timezone.now() - timedelta(days=6),
    )
    move_stock(
        location=place("lyon"),
        reason=Reason.DAMAGE,
        lines=[MoveLine(sku="MUG-ENM-BLU", quantity=2, from_bucket=Bucket.SELLABLE, to_bucket=Bucket.DAMAGED)],
        actor=ACTOR,
        note="Chipped in the window",
    )
    move_stock(
        location=place("depot"),
        reason=Reason.QUALITY,
        lines=[MoveLine(sku="KNF-OPINEL-8", quantity=6, from_bucket=Bucket.SELLABLE, to_bucket=Bucket.ON_HOLD)],
        actor=ACTOR,
        note="Blades to be looked at",
    )
    adjust_stock(
        location=place("annecy"),
        reason=Reason.COUNT,
        lines=[AdjustmentLine(sku="TEA-MINT-50", counted=13), AdjustmentLine(sku="BOX-TIN-S", counted=17)],
        actor=ACTOR,
        note="Aisle B",
    )


def have_transfers() -> None:
    """Have one transfer on the road, one ready to leave and one planned, once."""
    if Transfer.objects.filter(actor=ACTOR).exists():
        return
    tomorrow = timezone.now() + timedelta(days=1)
    on_the_road = draft_transfer(
        origin=place("depot"),
        destination=place("lyon"),
        lines=[
            TransferDraftLine(sku="TNT-2P-GRN", quantity=3),
            TransferDraftLine(sku="MUG-ENM-WHT", quantity=24),
            TransferDraftLine(sku="LMP-HEAD-300", quantity=6),
        ],
        actor=ACTOR,
        note="Window for the winter",
        due=tomorrow,
    )
    ready_transfer(transfer_id=on_the_road.pk, actor=ACTOR)
    ship_transfer(transfer_id=on_the_road.pk, actor=ACTOR)
    ready = draft_transfer(
        origin=place("depot"),
        destination=place("annecy"),
        lines=[TransferDraftLine(sku="BOT-STL-07", quantity=12), TransferDraftLine(sku="THR-WOOL-GRY", quantity=2)],
        actor=ACTOR,
        due=tomorrow + timedelta(days=1),
    )
    ready_transfer(transfer_id=ready.pk, actor=ACTOR)
    draft_transfer(
        origin=place("annecy"),
        destination=place("lyon"),
        lines=[TransferDraftLine(sku="CUP-YIXING", quantity=2)],
        actor=ACTOR,
        note="For the window",
    )


def papers() -> QuerySet[StockDocument]:
    return StockDocument.objects.filter(actor=ACTOR)
