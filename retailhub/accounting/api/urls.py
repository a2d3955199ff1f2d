from __future__ import annotations

from django.urls import path

from retailhub.accounting.api import views

urlpatterns = [
    path("journal/", views.Journal.as_view()),
    path("journal/export/", views.JournalExport.as_view()),
]
