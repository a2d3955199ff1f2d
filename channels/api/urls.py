from __future__ import annotations

from django.urls import path

from channels.api import explaining, listings, views
from channels.api.webhooks import Webhook

urlpatterns = [
    path("channels/", views.Channels.as_view()),
    path("channels/<str:code>/", views.OneChannel.as_view()),
    path("channels/<str:code>/listings/", listings.Listings.as_view()),
    path("channels/<str:code>/listings/bulk/", listings.ListingsBulk.as_view()),
    path("channels/<str:code>/availability/", listings.Availability.as_view()),
    path("channels/<str:code>/promises/", views.Promises.as_view()),
    path("channels/<str:code>/pause/", views.Pause.as_view()),
    path("channels/<str:code>/resume/", views.Resume.as_view()),
    path("channels/<str:code>/sync/", views.Sync.as_view()),
    path("stock/explain/", explaining.Explain.as_view()),
    path("webhooks/<str:code>/", Webhook.as_view()),
]
