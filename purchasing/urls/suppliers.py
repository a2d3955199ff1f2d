"""Pages about suppliers of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views.reordering import ReorderPage

urlpatterns: list[URLPattern] = [path("reorder/", ReorderPage.as_view(), name="reorder")]
