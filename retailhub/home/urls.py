"""The pages of our own. The record lists and forms are below /admin/."""

from __future__ import annotations

from django.urls import include, path

from orders.customer_views import CustomerPage
from retailhub.home import jobs_views, list_views, places, system_views, views, work_views

urlpatterns = [
    path("", views.HomePage.as_view(), name="home"),
    path("work/", work_views.WorkPage.as_view(), name="work"),
    path("work/<int:pk>/snooze/", work_views.Snooze.as_view(), name="snooze"),
    path("work/<int:pk>/assign/", work_views.Assign.as_view(), name="assign"),
    path("place/", places.ChoosePlace.as_view(), name="place"),
    path("find/", views.FindPage.as_view(), name="find"),
    path("lists/<str:model>/save/", list_views.SaveView.as_view(), name="view_save"),
    path("lists/<str:model>/columns/", list_views.ChooseColumns.as_view(), name="view_columns"),
    path("lists/views/<int:pk>/remove/", list_views.RemoveView.as_view(), name="view_remove"),
    path("jobs/", jobs_views.JobsPage.as_view(), name="jobs"),
    path("jobs/<int:pk>/progress/", jobs_views.JobProgress.as_view(), name="job_progress"),
    path("jobs/<int:pk>/cancel/", jobs_views.CancelJob.as_view(), name="job_cancel"),
    path("imports/", include("retailhub.home.imports_urls")),
    path("audit/", system_views.AuditPage.as_view(), name="audit"),
    path("outbox/<int:pk>/replay/", system_views.ReplayDelivery.as_view(), name="outbox_replay"),
    path("api-keys/new/", system_views.NewApiKey.as_view(), name="api_key_new"),
    path("api-keys/<str:prefix>/revoke/", system_views.RevokeApiKey.as_view(), name="api_key_revoke"),
    path("", include("orders.urls")),
    path("customers/", include(([path("<int:pk>/", CustomerPage.as_view(), name="customer")], "customers"))),
    path("", include("channels.urls")),
    path("buying/", include("purchasing.urls")),
    path("", include("retailhub.accounting.urls")),
    # Last: an item's page takes whatever stands behind /items/, and others hang their panels there.
    path("", include("inventory.urls")),
]
