"""Every address of the shop."""

from __future__ import annotations

from django.urls import path

from channels.sandbox_shop import api, pages
from channels.sandbox_shop import control as desk
from channels.sandbox_shop.doors import by_method, control, operation

urlpatterns = [
    path("", by_method(GET=pages.shop_front, HEAD=pages.shop_front)),
    path("buy/<str:listing_id>", pages.checkout),
    path("thanks/<str:token>", by_method(GET=pages.thanks, HEAD=pages.thanks)),
    path("admin-lite", by_method(GET=pages.back_room, HEAD=pages.back_room)),
    path("stock.json", by_method(GET=pages.stock_figures)),
    path("shop.css", by_method(GET=pages.asset("shop.css", "text/css"))),
    path("shop.js", by_method(GET=pages.asset("shop.js", "text/javascript"))),
    path("healthz", by_method(GET=pages.health)),
    path("api/shop", by_method(GET=operation("shop", api.tell_shop))),
    path("api/listings", by_method(GET=operation("listings.list", api.list_listings))),
    path("api/listings/bulk", by_method(POST=operation("listings.bulk", api.save_listings))),
    path("api/listings/<str:listing_id>", by_method(DELETE=operation("listings.remove", api.remove_listing))),
    path("api/stock", by_method(GET=operation("stock.read", api.read_stock))),
    path("api/stock/bulk", by_method(POST=operation("stock.bulk", api.push_stock))),
    path(
        "api/orders",
        by_method(GET=operation("orders.list", api.list_orders), POST=operation("orders.place", api.place_order)),
    ),
    path("api/orders/<str:order_id>", by_method(GET=operation("orders.read", api.read_order))),
    path("api/orders/<str:order_id>/cancel", by_method(POST=operation("orders.cancel", api.cancel_order))),
    path("api/orders/<str:order_id>/fulfilments", by_method(POST=operation("orders.fulfil", api.fulfil_order))),
    path(
        "api/webhook",
        by_method(
            GET=operation("subscription.read", api.read_webhook),
            PUT=operation("subscription.put", api.put_webhook),
            DELETE=operation("subscription.delete", api.delete_webhook),
        ),
    ),
    path(
        "control/faults",
        by_method(GET=control(desk.tell_faults), POST=control(desk.set_faults), DELETE=control(desk.clear_faults)),
    ),
    path("control/calm", by_method(POST=control(desk.calm_down))),
    path("control/log", by_method(GET=control(desk.read_log))),
    path("control/clock", by_method(POST=control(desk.set_clock))),
    path("control/limits", by_method(POST=control(desk.set_limits))),
    path("control/credentials", by_method(POST=control(desk.set_credentials))),
    path("control/messages", by_method(GET=control(desk.tell_messages))),
    path("control/listings/<str:listing_id>", by_method(POST=control(desk.meddle_with_listing))),
    path("control/orders/<str:order_id>", by_method(POST=control(desk.edit_order))),
]

handler404 = "channels.sandbox_shop.pages.not_found"
handler500 = "channels.sandbox_shop.pages.broken"
handler400 = "channels.sandbox_shop.pages.bad_request"
