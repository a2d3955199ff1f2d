"""Pages of the channels."""

from __future__ import annotations

from django.urls import path

from channels import views

app_name = "channels"

urlpatterns = [
    path("channels/", views.ChannelsPage.as_view(), name="index"),
    path("channels/-/connect/", views.ConnectChannel.as_view(), name="connect"),
    path("channels/<str:code>/", views.ChannelPage.as_view(), name="channel"),
    path("channels/<str:code>/health/", views.ChannelHealth.as_view(), name="health"),
    path("channels/<str:code>/pause/", views.PauseChannel.as_view(), name="pause"),
    path("channels/<str:code>/resume/", views.ResumeChannel.as_view(), name="resume"),
    path("channels/<str:code>/sync/", views.SyncNow.as_view(), name="sync"),
    path("channels/<str:code>/retry/", views.Retry.as_view(), name="retry"),
    path("channels/<str:code>/exposure/", views.Exposure.as_view(), name="exposure"),
    path("inbox/<int:pk>/replay/", views.ReplayInbox.as_view(), name="inbox_replay"),
    path("items/<path:sku>/-/channels/", views.ItemChannels.as_view(), name="item_channels"),
]
