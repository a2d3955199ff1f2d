"""Places and stock pools from files, by their codes."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.models import Location, StockPool
from inventory.services.arranging import arrange_pool, open_location
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Row, Verdict, write_or_refuse


class LocationImport:
    """Places by their code."""

    label: str = "Places"
    scopes: Sequence[str] = ("locations:write",)
    key: Sequence[str] = ("code",)
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        Field(name="code", required=True, length=32),
        Field(name="name", required=True, length=120),
        Field(
            name="kind",
            kind="choice",
            required=True,
            choices=tuple(kind for kind in Location.Kind.values if kind != Location.Kind.COUNTERPARTY),
        ),
        Field(name="time_zone", length=40),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        known = {place.code: place for place in Location.objects.filter(code__in=[row.values["code"] for row in rows])}
        verdicts = []
        for row in rows:
            verdict, place = Verdict(row), known.get(row.values["code"])
            if place is not None:
                wanted = {name: row.values[name] for name in ("name", "kind", "time_zone") if row.values.get(name)}
                verdict.compare({name: getattr(place, name) for name in wanted}, wanted)
                verdict.plan = place
                if "kind" in verdict.changes:
                    verdict.refuse("kind", f"{place.code} is a {place.kind}; goods there would change owner")
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        for verdict in verdicts:
            write_or_refuse([verdict], self._write)

    def _write(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            values, place = verdict.row.values, verdict.plan
            if place is None:
                open_location(
                    code=values["code"],
                    name=values["name"],
                    kind=values["kind"],
                    time_zone=verdict.row.get("time_zone", "UTC"),
                )
                continue
            for name, (_, new) in verdict.changes.items():
                setattr(place, name, new)
            place.save(update_fields=list(verdict.changes))


class PoolImport:
    """Ordered lists of places from which something may be promised."""

    label: str = "Stock pools"
    scopes: Sequence[str] = ("locations:write",)
    key: Sequence[str] = ("code",)
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        Field(name="code", required=True, length=32),
        Field(name="name", required=True, length=120),
        Field(name="locations", kind="words", required=True),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        codes = [row.values["code"] for row in rows]
        known = {pool.code: pool for pool in StockPool.objects.filter(code__in=codes)}
        wanted = {code for row in rows for code in row.values["locations"]}
        places = set(Location.objects.places().filter(code__in=wanted).values_list("code", flat=True))
        verdicts = []
        for row in rows:
            verdict, pool = Verdict(row), known.get(row.values["code"])
            there = tuple(code for code in row.values["locations"] if code in places)
            for code in row.values["locations"]:
                if code not in places:
                    verdict.remark("locations", f"no place has the code {code}; the pool goes without it")
            if pool is not None:
                have = tuple(pool.entries.order_by("position").values_list("location__code", flat=True))
                verdict.compare(
                    {"name": pool.name, "locations": have}, {"name": row.values["name"], "locations": there}
                )
            verdict.plan = there
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        for verdict in verdicts:
            write_or_refuse([verdict], self._write)

    def _write(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            values = verdict.row.values
            arrange_pool(code=values["code"], name=values["name"], location_codes=verdict.plan)
