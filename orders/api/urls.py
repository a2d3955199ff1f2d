from __future__ import annotations

from django.urls import path

from orders.api import verb_views as verbs
from orders.api import views

urlpatterns = [
    path("orders/", views.Orders.as_view()),
    path("orders/bulk/", views.OrdersBulk.as_view()),
    path("orders/<str:number>/", views.OneOrder.as_view()),
    path("orders/<str:number>/cancel/", verbs.Cancel.as_view()),
    path("orders/<str:number>/hold/", verbs.Hold.as_view()),
    path("orders/<str:number>/release/", verbs.Release.as_view()),
    path("orders/<str:number>/ship/", verbs.Ship.as_view()),
    path("orders/<str:number>/route/", verbs.NotBuiltYet.as_view()),
    path("orders/<str:number>/ready-for-pickup/", verbs.NotBuiltYet.as_view()),
    path("orders/<str:number>/hand-over/", verbs.NotBuiltYet.as_view()),
    path("shipments/<str:number>/", views.OneShipment.as_view()),
    path("customers/<int:pk>/orders/", views.CustomerOrders.as_view()),
]
