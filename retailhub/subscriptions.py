"""Who listens to what: one table. A listener may be run twice and in any order; it re-reads the present state."""

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
    "orders.order_cancelled": ("orders.listeners.settle_shortages",),
    "orders.order_shipped": ("orders.listeners.settle_shortages", "channels.listeners.tell_channel_of_shipment"),
}
