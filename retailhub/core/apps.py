from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "retailhub.core"
    label = "core"
    verbose_name = "People and work"
    default_auto_field = "django.db.models.BigAutoField"
