"""Pages about invoices of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views import invoices as views

urlpatterns: list[URLPattern] = [
    path("invoices/", views.Invoices.as_view(), name="invoices"),
    path("invoices/upload/", views.UploadInvoice.as_view(), name="invoice_upload"),
    path("invoices/<int:pk>/", views.InvoicePage.as_view(), name="invoice"),
    path("invoices/<int:pk>/file/", views.invoice_file, name="invoice_file"),
    path("invoices/<int:pk>/approve/", views.ApproveAndDispute.as_view(), name="invoice_approve"),
    path("invoices/<int:pk>/lines/<int:line>/", views.DecideLine.as_view(), name="invoice_decide"),
    path("payables/", views.Payables.as_view(), name="payables"),
    path("grni/", views.NotInvoiced.as_view(), name="grni"),
]
