from django.apps import AppConfig

from retailhub.core.access import guard


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        guard(
            ("orders:read", "orders:write"),
            *(
                f"orders.{model}"
                for model in (
                    "order",
                    "orderline",
                    "orderlinepart",
                    "payment",
                    "shipment",
                    "shipmentline",
                    "orderevent",
                )
            ),
        )
        guard(("channels:read", "channels:write"), "orders.saleschannel")
