"""Pages about suppliers of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views.reordering import ReorderPage
from purchasing.views.suppliers import SupplierPage

urlpatterns: list[URLPattern] = [
    path("reorder/", ReorderPage.as_view(), name="reorder"),
    path("suppliers/<str:code>/", SupplierPage.as_view(), name="supplier"),
]
