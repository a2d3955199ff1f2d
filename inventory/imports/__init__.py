"""What files may bring into the stock room."""

from inventory.imports.items import ItemImport, PriceImport
from inventory.imports.places import LocationImport, PoolImport
from inventory.imports.stock import OpeningStockImport, StockCountImport
from retailhub.core.imports.targets import Target

TARGETS: dict[str, Target] = {
    "items": ItemImport(),
    "prices": PriceImport(),
    "locations": LocationImport(),
    "pools": PoolImport(),
    "opening stock": OpeningStockImport(),
    "stock count": StockCountImport(),
}
