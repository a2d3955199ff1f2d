"""Opening stock and counts from files: rows of item, place and figure, posted place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inventory.imports.items import SKU
from inventory.imports.undoing import take_counts_back
from inventory.models import Bucket, Item, Location, StockDocument, StockLevel, StockMovement
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Verdict, Written, write_or_refuse

LOCATION = Field(
    name="location", required=True, length=32, headings=("location", "place", "store", "warehouse", "location code")
)


class _StockImport:
    """What opening stock and counts share: rows of item, place and figure, checked and posted place by place."""

    scopes: Sequence[str] = ("stock:write",)
    key: Sequence[str] = ("sku", "location")
    part_fields: Sequence[Field] = ()
    reason = ""

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        items = Item.objects.by_sku({row.values["sku"] for row in rows})
        codes = {row.values["location"] for row in rows}
        places = {place.code: place for place in Location.objects.places().filter(code__in=codes)}
        facts = self.facts([item.pk for item in items.values()], [place.pk for place in places.values()])
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            item, place = items.get(row.values["sku"]), places.get(row.values["location"])
            if item is None:
                verdict.refuse("sku", "no item has this SKU")
            elif item.kind == Item.Kind.KIT:
                verdict.refuse("sku", "this is a kit: its components have stock")
            if place is None:
                verdict.refuse("location", "no place has this code")
            elif not desk.principal.may("stock:write", location=place.code):
                verdict.refuse("location", "you may not change stock at this place")
            if item and place and verdict.outcome != Outcome.REFUSED:
                verdict.plan = place
                self.compare(verdict, facts.get((item.pk, place.pk)))
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        by_place: dict[Location, list[Verdict]] = {}
        for verdict in verdicts:
            by_place.setdefault(verdict.plan, []).append(verdict)
        for place, listed in sorted(by_place.items(), key=lambda entry: entry[0].pk):

            def post(some: Sequence[Verdict], place: Location = place) -> None:
                document = adjust_stock(
                    location=place,
                    reason=self.reason,
                    lines=[self.line(verdict.row) for verdict in some],
                    actor=desk.actor,
                    note=f"Import {desk.source}",
                )
                if desk.keeps_traces:
                    _trace(some, document)

            write_or_refuse(listed, post)
            for verdict in listed:
                if verdict.writes:
                    desk.tally[f"units of {self.reason} stock"] += int(verdict.row.values["quantity"])

    def facts(self, item_ids: Sequence[int], place_ids: Sequence[int]) -> Mapping[tuple[int, int], Any]:
        raise NotImplementedError

    def compare(self, verdict: Verdict, fact: Any) -> None:
        raise NotImplementedError

    def line(self, row: Row) -> AdjustmentLine:
        raise NotImplementedError


def _trace(verdicts: Sequence[Verdict], document: StockDocument) -> None:
    """Give each row the movement that came of it; a figure that was right already moved nothing."""
    found = StockMovement.objects.filter(document=document.reference).values_list("line", "pk")
    by_line: dict[int | None, int] = dict(found)
    for number, verdict in enumerate(verdicts, 1):
        if number in by_line:
            verdict.trace = {"movement": by_line[number], "location": document.location.code}


class OpeningStockImport(_StockImport):
    """Stock that was there when the books were opened. An item is opened once at a place; later it is counted."""

    label: str = "Opening stock"
    reason = "opening"
    fields: Sequence[Field] = (
        SKU,
        LOCATION,
        Field(name="quantity", kind="whole", required=True, least=0, headings=("quantity", "qty", "on hand", "stock")),
        Field(name="unit_cost", kind="cost", least=0, headings=("unit cost", "cost")),
    )

    def facts(self, item_ids: Sequence[int], place_ids: Sequence[int]) -> Mapping[tuple[int, int], Any]:
        opened: dict[tuple[int, int], int] = dict.fromkeys(
            StockLevel.objects.filter(item__in=item_ids, location__in=place_ids).values_list("item_id", "location_id"),
            0,
        )
        for item_id, place_id, quantity in StockMovement.objects.filter(
            item__in=item_ids, to_location__in=place_ids, from_location__code="@opening", reversed_by__isnull=True
        ).values_list("item_id", "to_location_id", "quantity"):
            opened[(item_id, place_id)] = opened.get((item_id, place_id), 0) + quantity
        return opened

    def compare(self, verdict: Verdict, fact: Any) -> None:
        wanted = verdict.row.values["quantity"]
        if fact is None or (fact == 0 and wanted):
            return
        if fact == wanted:
            verdict.outcome = Outcome.SAME
        else:
            verdict.refuse("quantity", f"it was opened with {fact} before; what is there now has to be counted")

    def line(self, row: Row) -> AdjustmentLine:
        return AdjustmentLine(
            sku=row.values["sku"], change=row.values["quantity"], unit_cost=row.values.get("unit_cost")
        )


class StockCountImport(_StockImport):
    """What was counted. The figure is believed: what was promised of goods that are not there waits again."""

    label: str = "Stock count"
    reason = "count"
    fields: Sequence[Field] = (
        SKU,
        LOCATION,
        Field(
            name="quantity",
            kind="whole",
            required=True,
            least=0,
            label="Counted",
            headings=("counted", "count", "quantity", "qty", "on hand", "stock"),
        ),
        Field(name="bucket", kind="choice", choices=tuple(Bucket.values), headings=("bucket", "state", "condition")),
    )
    key: Sequence[str] = ("sku", "location", "bucket")

    def facts(self, item_ids: Sequence[int], place_ids: Sequence[int]) -> Mapping[tuple[int, int], Any]:
        return {
            (level.item_id, level.location_id): level
            for level in StockLevel.objects.filter(item__in=item_ids, location__in=place_ids)
        }

    def compare(self, verdict: Verdict, fact: Any) -> None:
        have = getattr(fact, verdict.row.get("bucket", "sellable")) if fact else None
        if fact is None and verdict.row.values["quantity"]:
            verdict.changes = {"quantity": (0, verdict.row.values["quantity"])}
            return
        verdict.compare({"quantity": have or 0}, {"quantity": verdict.row.values["quantity"]})

    def take_back(self, written: Sequence[Written], desk: Desk) -> None:
        take_counts_back(written, desk)

    def line(self, row: Row) -> AdjustmentLine:
        return AdjustmentLine(
            sku=row.values["sku"], counted=row.values["quantity"], bucket=row.get("bucket", Bucket.SELLABLE)
        )
