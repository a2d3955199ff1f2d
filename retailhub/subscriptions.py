"""Who listens to what, and what the books are proved with: tables of dotted names.

A listener may be run twice and in any order; it re-reads the present state.
"""

from __future__ import annotations

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "inventory.stock_changed": ("channels.listeners.want_stock_pushed",),
    "inventory.kits_changed": ("channels.listeners.want_stock_pushed",),
    "inventory.pools_changed": (
        "inventory.listeners.serve_who_waits",
        "channels.listeners.look_at_figures_anew",
    ),
    "inventory.demand_served": ("orders.listeners.follow_reservations",),
    "inventory.demand_short": ("orders.listeners.look_elsewhere",),
    "orders.channel_pool_changed": (
        "inventory.listeners.serve_who_waits",
        "channels.listeners.look_at_figures_of_channels",
    ),
    "orders.orders_short": ("orders.listeners.raise_shortages",),
    "orders.order_cancelled": (
        "orders.listeners.settle_shortages",
        "purchasing.listeners.look_after_special_orders",
    ),
    "orders.order_shipped": ("orders.listeners.settle_shortages", "channels.listeners.tell_channel_of_shipment"),
    "purchasing.purchase_order_submitted": ("purchasing.listeners.look_at_orders",),
    "purchasing.purchase_order_issued": (
        "purchasing.listeners.send_order_papers",
        "purchasing.listeners.look_at_orders",
        "purchasing.listeners.settle_what_was_ordered",
    ),
    "purchasing.purchase_order_changed": (
        "purchasing.listeners.rematch_orders",
        "purchasing.listeners.send_order_papers",
        "purchasing.listeners.look_at_orders",
    ),
    "purchasing.delivery_received": (
        "purchasing.listeners.rematch_deliveries",
        "purchasing.listeners.look_at_received_orders",
    ),
    "purchasing.goods_returned": ("purchasing.listeners.rematch_returns",),
}

# Role of an account -> functions that say by the documents what must stand on it (retailhub.accounting.registry.Proof).
PROOFS: dict[str, tuple[str, ...]] = {
    "inventory": ("inventory.proving.prove_inventory",),
    "in_transit": ("inventory.proving.prove_in_transit",),
    "grni": ("inventory.proving.prove_received_without_order", "purchasing.services.proving.prove_grni"),
    "ginr": ("purchasing.services.proving.prove_ginr",),
    "payable": ("purchasing.services.proving.prove_payable",),
    "supplier_claims": ("purchasing.services.proving.prove_claims",),
    "supplier_prepayments": ("purchasing.services.proving.prove_prepayments",),
    "landed_accrual": ("purchasing.services.proving.prove_landed_accrual",),
}

# What posts what the books lack before a period is closed, in order; each is called with `until`, the last day.
BEFORE_CLOSING: tuple[str, ...] = ("inventory.services.journalising.post_before_closing",)
