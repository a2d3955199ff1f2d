from __future__ import annotations

from django.urls import path

from inventory.api import catalogue, stock, transfers

urlpatterns = [
    path("items/", catalogue.Items.as_view()),
    path("items/bulk/", catalogue.ItemsBulk.as_view(), {"sku": "bulk"}),
    # A SKU may hold slashes; percent-encoded or not, it arrives decoded.
    path("items/<path:sku>/", catalogue.OneItem.as_view()),
    path("locations/", catalogue.Locations.as_view()),
    path("locations/<str:code>/", catalogue.OneLocation.as_view()),
    path("stock/", stock.Stock.as_view()),
    path("stock/movements/", stock.Movements.as_view()),
    path("stock/adjustments/", stock.Adjustments.as_view()),
    path("stock/adjustments/<str:number>/", stock.OneAdjustment.as_view()),
    path("stock/moves/", stock.Moves.as_view()),
    path("stock/moves/<str:number>/", stock.OneMove.as_view()),
    path("stock/receipts/", stock.StockReceipts.as_view()),
    path("stock/receipts/<str:number>/", stock.OneStockReceipt.as_view()),
    path("stock/transfers/", transfers.Transfers.as_view()),
    path("stock/transfers/<str:number>/", transfers.OneTransfer.as_view()),
    path("stock/transfers/<str:number>/ready/", transfers.Ready.as_view()),
    path("stock/transfers/<str:number>/ship/", transfers.Ship.as_view()),
    path("stock/transfers/<str:number>/receive/", transfers.Receive.as_view()),
    path("stock/transfers/<str:number>/cancel/", transfers.Cancel.as_view()),
]
