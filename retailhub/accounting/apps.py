from django.apps import AppConfig

from retailhub.core.access import guard


class AccountingConfig(AppConfig):
    name = "retailhub.accounting"
    label = "accounting"
    verbose_name = "Books"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        guard(
            ("accounting:read", "accounting:write"),
            *(f"accounting.{model}" for model in ("account", "period", "periodchange", "journalentry", "journalline")),
        )
