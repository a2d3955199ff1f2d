from django.apps import AppConfig

from retailhub.core.access import guard
from retailhub.core.references import show_at


class PurchasingConfig(AppConfig):
    name = "purchasing"
    verbose_name = "Buying"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        show_at(po="purchasing:order", receipt="purchasing:receipt", supplier="purchasing:supplier")
        guard(
            ("purchasing:read", "purchasing:write"),
            *(
                f"purchasing.{model}"
                for model in (
                    "supplier", "suppliercontact", "supplieridentifier", "supplieritem", "pricebreak", "purchaseorder",
                    "purchaseorderline", "purchasecharge", "purchaserevision", "specialorder", "sending",
                    "claim", "proposal",
                )
            ),
        )  # fmt: skip
        guard(("purchasing:read", "system:write"), "purchasing.approvalband", "purchasing.buyingevent")
        guard(
            ("purchasing:read", "stock:write"),
            *(
                f"purchasing.{model}"
                for model in (
                    "receipt", "receiptline", "receiptscan", "receiptphoto", "supplierreturn", "supplierreturnline",
                )
            ),
        )  # fmt: skip
        guard(
            ("invoices:read", "invoices:write"),
            *(
                f"purchasing.{model}"
                for model in (
                    "supplierinvoice", "invoiceline", "invoicecharge", "matchallocation", "hold", "dispute",
                    "supplierpayment", "paymentuse", "landedcost", "landedcostshare",
                )
            ),
        )  # fmt: skip
        guard(("invoices:read", "invoices:approve"), "purchasing.matchpolicy")
