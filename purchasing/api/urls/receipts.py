"""Addresses of the REST API about receipts."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.api import receipts

urlpatterns: list[URLPattern] = [
    path("receipts/", receipts.Receipts.as_view()),
    path("receipts/<str:number>/", receipts.OneReceipt.as_view()),
    path("receipts/<str:number>/reverse/", receipts.ReverseReceipt.as_view()),
    path("supplier-returns/", receipts.SupplierReturns.as_view()),
    path("supplier-returns/<str:number>/", receipts.OneSupplierReturn.as_view()),
]
