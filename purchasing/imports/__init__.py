"""What files may bring into buying."""

from purchasing.imports.orders import PurchaseOrderImport
from purchasing.imports.price_lists import PriceListImport
from purchasing.imports.suppliers import SupplierImport
from retailhub.core.imports.targets import Target

TARGETS: dict[str, Target] = {
    "suppliers": SupplierImport(),
    "price lists": PriceListImport(),
    "purchase orders": PurchaseOrderImport(),
}
