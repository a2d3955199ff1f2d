from django.apps import AppConfig

from retailhub.core.access import guard
from retailhub.core.references import show_at


class HomeConfig(AppConfig):
    name = "retailhub.home"
    label = "home"
    verbose_name = "Home"

    def ready(self) -> None:
        show_at(order="orders:order", transfer="inventory:transfer", item="inventory:item", channel="channels:channel")
        show_at(entry="books:entry")
        from retailhub.core.lists import open_lists_with
        from retailhub.home.saved_views import first_address

        open_lists_with(first_address)
        show_at(supplier_invoice="purchasing:invoice")
        # The audit trail: one table of past states per watched table.
        guard(("system:read", "system:write"), "home.savedview")
        guard(
            ("system:read", "system:write"),
            "inventory.itemevent",
            "inventory.locationevent",
            "customers.customerevent",
            "accounting.accountevent",
            "orders.saleschannelevent",
            "channels.accountchannelkindbaseurlstatestatereasonbuffersharepercentevent",
        )
