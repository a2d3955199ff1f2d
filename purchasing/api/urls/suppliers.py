"""Addresses of the REST API about suppliers."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.api import reordering, scorecards, suppliers

urlpatterns: list[URLPattern] = [
    path("suppliers/", suppliers.Suppliers.as_view()),
    path("suppliers/<str:code>/", suppliers.OneSupplier.as_view()),
    path("suppliers/<str:code>/price-list/", suppliers.PriceList.as_view()),
    path("suppliers/<str:code>/scorecard/", scorecards.SupplierScorecard.as_view()),
    path("supplier-scorecards/", scorecards.SupplierScorecards.as_view()),
    path("reorder/", reordering.Reorder.as_view()),
    path("reorder/create-orders/", reordering.CreateOrders.as_view()),
]
