"""Pages of the order book."""

from __future__ import annotations

from django.urls import path

from orders import views

app_name = "orders"

urlpatterns = [
    path("orders/<str:number>/", views.OrderPage.as_view(), name="order"),
    path("orders/<str:number>/ship/", views.ShipOrder.as_view(), name="ship"),
    path("orders/<str:number>/cancel/", views.CancelOrder.as_view(), name="cancel"),
    path("orders/<str:number>/hold/", views.HoldOrder.as_view(), name="hold"),
    path("orders/<str:number>/release/", views.ReleaseOrder.as_view(), name="release"),
    path("items/<path:sku>/-/orders/", views.ItemOrders.as_view(), name="item_orders"),
]
