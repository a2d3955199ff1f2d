"""Pages of buying, all below /buying/."""

from __future__ import annotations

from purchasing.urls import invoices, orders, receipts, suppliers

app_name = "purchasing"

urlpatterns = [*suppliers.urlpatterns, *orders.urlpatterns, *receipts.urlpatterns, *invoices.urlpatterns]
