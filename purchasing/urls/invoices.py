"""Pages about invoices of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views import invoices as views

urlpatterns: list[URLPattern] = [
    path("buying/invoices/", views.Invoices.as_view(), name="invoices"),
    path("buying/invoices/upload/", views.UploadInvoice.as_view(), name="invoice_upload"),
    path("buying/invoices/<int:pk>/", views.InvoicePage.as_view(), name="invoice"),
    path("buying/invoices/<int:pk>/file/", views.invoice_file, name="invoice_file"),
    path("buying/invoices/<int:pk>/approve/", views.ApproveAndDispute.as_view(), name="invoice_approve"),
    path("buying/invoices/<int:pk>/lines/<int:line>/", views.DecideLine.as_view(), name="invoice_decide"),
    path("buying/payables/", views.Payables.as_view(), name="payables"),
    path("buying/grni/", views.NotInvoiced.as_view(), name="grni"),
]
