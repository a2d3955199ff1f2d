from __future__ import annotations

from django.urls import path

from customers.api import views

urlpatterns = [
    path("customers/", views.Customers.as_view()),
    path("customers/<int:pk>/", views.OneCustomer.as_view()),
    path("customers/<int:pk>/merge/", views.Merge.as_view()),
    path("customers/<int:pk>/export/", views.Export.as_view()),
    path("customers/<int:pk>/erase/", views.Erase.as_view()),
]
