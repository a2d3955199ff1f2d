"""Addresses of the REST API about orders."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.api import order_verbs as verbs
from purchasing.api import orders

_ONE = "purchase-orders/<str:number>/"

urlpatterns: list[URLPattern] = [
    path("purchase-orders/", orders.PurchaseOrders.as_view()),
    path(_ONE, orders.OnePurchaseOrder.as_view()),
    path(f"{_ONE}paper.pdf", orders.OrderPaper.as_view()),
    path(f"{_ONE}revisions/", orders.OrderRevisions.as_view()),
    path(f"{_ONE}timeline/", orders.OrderTimeline.as_view()),
    path(f"{_ONE}submit/", verbs.Submit.as_view()),
    path(f"{_ONE}approve/", verbs.Approve.as_view()),
    path(f"{_ONE}send-back/", verbs.SendBack.as_view()),
    path(f"{_ONE}send/", verbs.Send.as_view()),
    path(f"{_ONE}resend/", verbs.Resend.as_view()),
    path(f"{_ONE}hold/", verbs.Hold.as_view()),
    path(f"{_ONE}release/", verbs.Release.as_view()),
    path(f"{_ONE}acknowledge/", verbs.Acknowledge.as_view()),
    path(f"{_ONE}amend/", verbs.Amend.as_view()),
    path(f"{_ONE}close-short/", verbs.CloseShort.as_view()),
    path(f"{_ONE}cancel/", verbs.Cancel.as_view()),
    path(f"{_ONE}proposals/<int:pk>/accept/", verbs.AcceptProposal.as_view()),
    path(f"{_ONE}proposals/<int:pk>/refuse/", verbs.RefuseProposal.as_view()),
]
