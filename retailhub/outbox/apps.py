from django.apps import AppConfig

from retailhub.core.access import guard


class OutboxConfig(AppConfig):
    name = "retailhub.outbox"
    label = "outbox"
    verbose_name = "Outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        guard(("system:read", "system:write"), "outbox.outboxevent", "outbox.delivery")
