"""Pages of the stock room. A SKU may hold slashes, so what follows it begins with /-/."""

from __future__ import annotations

from django.urls import path

from inventory import cost_views, transfer_views, views

app_name = "inventory"

urlpatterns = [
    path("items/<path:sku>/-/history/", views.ItemHistory.as_view(), name="history"),
    path("items/<path:sku>/-/costs/", cost_views.ItemCosts.as_view(), name="costs"),
    path("items/<path:sku>/-/write-down/", cost_views.WriteDown.as_view(), name="write_down"),
    path("items/<path:sku>/-/costing-method/", cost_views.ChangeCostingMethod.as_view(), name="costing_method"),
    path("items/<path:sku>/-/adjust/", views.Adjust.as_view(), name="adjust"),
    path("items/<path:sku>/-/count/", views.Count.as_view(), name="count"),
    path("items/<path:sku>/-/receive/", views.Receive.as_view(), name="receive"),
    path("items/<path:sku>/-/move/", views.Move.as_view(), name="move"),
    path("items/<path:sku>/", views.ItemPage.as_view(), name="item"),
    path("transfers/new/", transfer_views.NewTransfer.as_view(), name="transfer_new"),
    path("transfers/new/row/", transfer_views.TransferRow.as_view(), name="transfer_row"),
    path("transfers/<str:number>/", transfer_views.TransferPage.as_view(), name="transfer"),
    path("transfers/<str:number>/ready/", transfer_views.ReadyTransfer.as_view(), name="transfer_ready"),
    path("transfers/<str:number>/ship/", transfer_views.ShipTransfer.as_view(), name="transfer_ship"),
    path("transfers/<str:number>/receive/", transfer_views.ReceiveTransfer.as_view(), name="transfer_receive"),
    path("transfers/<str:number>/cancel/", transfer_views.CancelTransfer.as_view(), name="transfer_cancel"),
]
