"""The pages of our own. The record lists and forms are below /admin/."""

from __future__ import annotations

from django.urls import include, path

from orders.customer_views import CustomerPage
from retailhub.home import jobs_views, system_views, views

urlpatterns = [
    path("", views.HomePage.as_view(), name="home"),
    path("work/", views.WorkPage.as_view(), name="work"),
    path("work/<int:pk>/snooze/", views.Snooze.as_view(), name="snooze"),
    path("find/", views.FindPage.as_view(), name="find"),
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
    path("", include("retailhub.accounting.urls")),
    # Last: an item's page takes whatever stands behind /items/, and others hang their panels there.
    path("", include("inventory.urls")),
]
