"""Addresses of the REST API about invoices."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.api import invoice_attributing as attributing
from purchasing.api import invoices as views

urlpatterns: list[URLPattern] = [
    path("supplier-invoices/", views.SupplierInvoices.as_view()),
    path("supplier-invoices/<int:pk>/", views.OneInvoice.as_view()),
    path("supplier-invoices/<int:pk>/rematch/", views.Rematch.as_view()),
    path("supplier-invoices/<int:pk>/supplier/", attributing.NameSupplier.as_view()),
    path("supplier-invoices/<int:pk>/confirm-distinct/", attributing.ConfirmDistinct.as_view()),
    path("supplier-invoices/<int:pk>/attach/", attributing.AttachLines.as_view()),
    path("supplier-invoices/<int:pk>/decide/", views.Decide.as_view()),
    path("supplier-invoices/<int:pk>/release-hold/", views.ReleaseHold.as_view()),
    path("supplier-invoices/<int:pk>/approve/", views.Approve.as_view()),
    path("supplier-invoices/<int:pk>/post/", views.Post.as_view()),
    path("supplier-invoices/<int:pk>/pay/", views.Pay.as_view()),
    path("supplier-invoices/<int:pk>/dispute/", views.OpenDispute.as_view()),
    path("supplier-invoices/<int:pk>/reject/", views.Reject.as_view()),
    path("supplier-invoices/<int:pk>/credit/", views.Credit.as_view()),
]
