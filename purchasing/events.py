"""What happens in buying, as facts made of ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class PurchaseOrderSubmitted:
    """An order waits for somebody's approval."""

    name: ClassVar[str] = "purchasing.purchase_order_submitted"
    order_id: int


@dataclass(frozen=True, kw_only=True)
class PurchaseOrderIssued:
    """An order, or a new revision of it, is to be sent to the supplier."""

    name: ClassVar[str] = "purchasing.purchase_order_issued"
    order_id: int
    revision: int


@dataclass(frozen=True, kw_only=True)
class PurchaseOrderChanged:
    """What an order asks for, or what is still open of it, changed: its matches may have to be made anew."""

    name: ClassVar[str] = "purchasing.purchase_order_changed"
    order_id: int


@dataclass(frozen=True, kw_only=True)
class DeliveryReceived:
    """A receipt was posted, or a posted one reversed."""

    name: ClassVar[str] = "purchasing.delivery_received"
    receipt_id: int


@dataclass(frozen=True, kw_only=True)
class GoodsReturned:
    """Goods went back to a supplier."""

    name: ClassVar[str] = "purchasing.goods_returned"
    supplier_return_id: int


@dataclass(frozen=True, kw_only=True)
class InvoicesMatched:
    """Invoices were held against orders and receipts."""

    name: ClassVar[str] = "purchasing.invoices_matched"
    invoice_ids: list[int]


@dataclass(frozen=True, kw_only=True)
class SpecialOrderEnded:
    """Goods ordered for a customer came, or will not come for him any more."""

    name: ClassVar[str] = "purchasing.special_order_ended"
    special_order_id: int
