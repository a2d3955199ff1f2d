from django.apps import AppConfig

from retailhub.core.access import guard


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "Customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        guard(
            ("customers:read", "customers:write"),
            *(f"customers.{model}" for model in ("customer", "identity", "address")),
        )
