from orders.models.channels import SalesChannel
from orders.models.orders import MOVES, WAITING, Order, OrderEvent, OrderLine, OrderLinePart, Payment, Status
from orders.models.shipments import Shipment, ShipmentLine

__all__ = [
    "MOVES",
    "WAITING",
    "Order",
    "OrderEvent",
    "OrderLine",
    "OrderLinePart",
    "Payment",
    "SalesChannel",
    "Shipment",
    "ShipmentLine",
    "Status",
]
