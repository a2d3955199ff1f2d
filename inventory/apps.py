from django.apps import AppConfig

from retailhub.core.access import guard


class InventoryConfig(AppConfig):
    name = "inventory"
    verbose_name = "Stock"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        guard(
            ("items:read", "items:write"),
            *(f"inventory.{model}" for model in ("item", "barcode", "packunit", "kitcomponent", "category")),
        )
        guard(
            ("stock:read", "locations:write"),
            *(f"inventory.{model}" for model in ("location", "stockpool", "stockpoollocation")),
        )
        guard(
            ("stock:read", "stock:write"),
            *(
                f"inventory.{model}"
                for model in (
                    "stocklevel", "stockmovement", "reservation", "waitingdemand", "incomingsupply", "stockdocument",
                    "transfer", "transferline",
                )
            ),
        )  # fmt: skip
        guard(
            ("costs:read", "system:write"),
            *(f"inventory.{model}" for model in ("costpool", "costlayer", "costmethodchange", "valueadjustment")),
        )
