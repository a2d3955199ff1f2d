from django.apps import AppConfig

from retailhub.core.access import guard


class ChannelsConfig(AppConfig):
    name = "channels"
    verbose_name = "Channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        guard(
            ("channels:read", "channels:write"),
            *(f"channels.{model}" for model in ("account", "listing", "stockintent", "pushlog")),
        )
        guard(("system:read", "system:write"), "channels.inboxmessage", "channels.cursor")
