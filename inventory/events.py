"""What happens to stock, as facts made of ids. Listeners re-read the present; a payload only says where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class StockChanged:
    """Levels of these items changed somewhere: what is available may have."""

    name: ClassVar[str] = "inventory.stock_changed"
    item_ids: list[int]


@dataclass(frozen=True, kw_only=True)
class DemandServed:
    """Units arrived for documents that were waiting."""

    name: ClassVar[str] = "inventory.demand_served"
    documents: list[str]


@dataclass(frozen=True, kw_only=True)
class DemandShort:
    """Units that were promised to documents are not there after all."""

    name: ClassVar[str] = "inventory.demand_short"
    documents: list[str]


@dataclass(frozen=True, kw_only=True)
class KitsChanged:
    """What these kits are made of changed: what is available of them may have."""

    name: ClassVar[str] = "inventory.kits_changed"
    item_ids: list[int]


@dataclass(frozen=True, kw_only=True)
class PoolsChanged:
    """These pools promise from other places, or in another order."""

    name: ClassVar[str] = "inventory.pools_changed"
    pool_ids: list[int]
