from __future__ import annotations

from purchasing.api.urls import invoices, orders, receipts, suppliers

urlpatterns = [*suppliers.urlpatterns, *orders.urlpatterns, *receipts.urlpatterns, *invoices.urlpatterns]
