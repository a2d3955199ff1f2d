"""Who listens to what: one table. A listener may be run twice and in any order; it re-reads the present state."""

from __future__ import annotations

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "inventory.stock_changed": ("channels.listeners.want_stock_pushed",),
    "inventory.demand_served": ("orders.listeners.follow_reservations",),
    "inventory.demand_short": ("orders.listeners.follow_reservations",),
    "orders.order_shipped": ("channels.listeners.tell_channel_of_shipment",),
    "channels.exposure_changed": ("channels.listeners.want_account_pushed",),
}
