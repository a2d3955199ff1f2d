"""A stock room in a few lines of plain Python, against which the real one is compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class PlainStock:
    """Units per (item, place) and bucket, and what documents hold of them. Nothing waits: all or nothing."""

    units: dict[tuple[str, str, str], int] = field(default_factory=dict)
    held: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def have(self, item: str, place: str, bucket: str = "sellable") -> int:
        return self.units.get((item, place, bucket), 0)

    def put(self, item: str, place: str, units: int, bucket: str = "sellable") -> None:
        self.units[(item, place, bucket)] = self.have(item, place, bucket) + units

    def reserved(self, item: str, place: str) -> int:
        return sum(units for (_, i, p), units in self.held.items() if (i, p) == (item, place))

    def free(self, item: str, place: str) -> int:
        return self.have(item, place) - self.reserved(item, place)

    def hold(self, document: str, item: str, place: str, units: int) -> None:
        key = (document, item, place)
        self.held[key] = self.held.get(key, 0) + units

    def let_go(self, document: str) -> None:
        self.held = {key: units for key, units in self.held.items() if key[0] != document}

    def holds(self, document: str) -> dict[tuple[str, str], int]:
        return {(i, p): units for (d, i, p), units in self.held.items() if d == document and units}

    def figures(self) -> dict[tuple[str, str], tuple[int, int, int, int]]:
        """Answer (sellable, reserved, damaged, on hold) of every place where something is."""
        places = {(item, place) for item, place, _ in self.units}
        found = {
            (i, p): (self.have(i, p), self.reserved(i, p), self.have(i, p, "damaged"), self.have(i, p, "on_hold"))
            for i, p in places
        }
        return {key: value for key, value in found.items() if any(value)}
