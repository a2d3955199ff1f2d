from inventory.models.costs import CostLayer, CostMethodChange, CostPool, ValueAdjustment
from inventory.models.documents import StockDocument, Transfer, TransferLine
from inventory.models.items import Barcode, Category, Item, KitComponent, PackUnit
from inventory.models.ledger import Bucket, Reason, StockLevel, StockMovement
from inventory.models.places import COUNTERPARTIES, Location, StockPool, StockPoolLocation
from inventory.models.promises import IncomingSupply, Reservation, WaitingDemand

__all__ = [
    "COUNTERPARTIES",
    "Barcode",
    "Bucket",
    "Category",
    "CostLayer",
    "CostMethodChange",
    "CostPool",
    "IncomingSupply",
    "Item",
    "KitComponent",
    "Location",
    "PackUnit",
    "Reason",
    "Reservation",
    "StockDocument",
    "StockLevel",
    "StockMovement",
    "StockPool",
    "StockPoolLocation",
    "Transfer",
    "TransferLine",
    "ValueAdjustment",
    "WaitingDemand",
]
