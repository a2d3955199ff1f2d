"""Pages about invoices of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views import invoice_verbs as verbs
from purchasing.views import invoices as views
from purchasing.views import typing_invoices as typing

_ONE = "invoices/<int:pk>/"

urlpatterns: list[URLPattern] = [
    path("invoices/", views.Invoices.as_view(), name="invoices"),
    path("invoices/upload/", typing.UploadInvoice.as_view(), name="invoice_upload"),
    path("invoices/new/", typing.TypeInvoice.as_view(), name="invoice_new"),
    path("invoices/new/check/", typing.CheckSums.as_view(), name="invoice_check"),
    path("invoices/new/orders/", typing.OrdersToBill.as_view(), name="invoice_orders"),
    path("invoices/new/rows/", typing.RowsToBill.as_view(), name="invoice_rows"),
    path("invoices/new/paper/", typing.KeepPaper.as_view(), name="invoice_paper"),
    path("invoices/new/paper/<str:token>/", typing.WaitingPaper.as_view(), name="invoice_waiting"),
    path("invoices/<int:pk>/", views.InvoicePage.as_view(), name="invoice"),
    path(f"{_ONE}file/", views.InvoiceFile.as_view(), name="invoice_file"),
    path(f"{_ONE}rules/", views.Rules.as_view(), name="invoice_rules"),
    path(f"{_ONE}letter.pdf", verbs.DisputeLetter.as_view(), name="invoice_letter"),
    path(f"{_ONE}holds/<int:hold>/release/", verbs.Release.as_view(), name="invoice_release"),
    path(f"{_ONE}lines/<int:line>/attach/", verbs.Attach.as_view(), name="invoice_attach"),
    path(f"{_ONE}supplier/", verbs.NameSupplier.as_view(), name="invoice_supplier"),
    path(f"{_ONE}distinct/", verbs.Distinct.as_view(), name="invoice_distinct"),
    path(f"{_ONE}reject/", verbs.Reject.as_view(), name="invoice_reject"),
    path(f"{_ONE}dispute/", verbs.OpenDispute.as_view(), name="invoice_dispute"),
    path(f"{_ONE}end-dispute/", verbs.EndDispute.as_view(), name="invoice_end_dispute"),
    path(f"{_ONE}resend/", verbs.ResendDispute.as_view(), name="invoice_resend"),
    path(f"{_ONE}pay/", verbs.Pay.as_view(), name="invoice_pay"),
    path(f"{_ONE}set-off/", verbs.SetOff.as_view(), name="invoice_set_off"),
    path(f"{_ONE}rematch/", verbs.Rematch.as_view(), name="invoice_rematch"),
    path(f"{_ONE}approve/", views.ApproveAndDispute.as_view(), name="invoice_approve"),
    path(f"{_ONE}lines/<int:line>/", views.DecideLine.as_view(), name="invoice_decide"),
    path("payables/", views.Payables.as_view(), name="payables"),
    path("grni/", views.NotInvoiced.as_view(), name="grni"),
]
