from importlib import import_module

from django.apps import AppConfig

from retailhub.core.access import guard


class CoreConfig(AppConfig):
    name = "retailhub.core"
    label = "core"
    verbose_name = "People and work"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("retailhub.core.lookups")
        guard(("system:read", "system:write"), "core.user", "core.membership", "core.apikey", "core.idempotencykey")
        guard(("system:read", "system:write"), "core.userevent", "core.membershipevent", "core.apikeyevent")
        guard(("work:read", "work:read"), "core.attention", "core.job")
