"""Pages about orders of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views import drafts, orders
from purchasing.views import order_verbs as verbs

_ONE = "orders/<str:number>/"

urlpatterns: list[URLPattern] = [
    path("orders/new/", drafts.NewOrder.as_view(), name="order_new"),
    path("orders/new/row/", drafts.OrderRow.as_view(), name="order_row"),
    path(_ONE, orders.OrderPage.as_view(), name="order"),
    path(f"{_ONE}edit/", drafts.EditOrder.as_view(), name="order_edit"),
    path(f"{_ONE}paper.pdf", orders.Paper.as_view(), name="order_paper"),
    path(f"{_ONE}send/", verbs.SendOrder.as_view(), name="order_send"),
    path(f"{_ONE}submit/", verbs.SubmitOrder.as_view(), name="order_submit"),
    path(f"{_ONE}approve/", verbs.ApproveOrder.as_view(), name="order_approve"),
    path(f"{_ONE}send-back/", verbs.SendBackOrder.as_view(), name="order_send_back"),
    path(f"{_ONE}hold/", verbs.HoldOrder.as_view(), name="order_hold"),
    path(f"{_ONE}release/", verbs.ReleaseOrder.as_view(), name="order_release"),
    path(f"{_ONE}cancel/", verbs.CancelOrder.as_view(), name="order_cancel"),
    path(f"{_ONE}close-short/", verbs.CloseShortOrder.as_view(), name="order_close_short"),
    path(f"{_ONE}resend/", verbs.ResendPaper.as_view(), name="order_resend"),
    path(f"{_ONE}amend/", verbs.AmendOrder.as_view(), name="order_amend"),
    path(f"{_ONE}acknowledge/", verbs.AcknowledgeOrder.as_view(), name="order_acknowledge"),
    path(f"{_ONE}reject/", verbs.RejectOrder.as_view(), name="order_reject"),
    path(f"{_ONE}proposals/<int:pk>/accept/", verbs.AcceptProposal.as_view(), name="proposal_accept"),
    path(f"{_ONE}proposals/<int:pk>/refuse/", verbs.RefuseProposal.as_view(), name="proposal_refuse"),
]
