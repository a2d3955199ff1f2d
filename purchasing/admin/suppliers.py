"""Record lists and forms: suppliers of buying."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from purchasing.admin.orders import SupplierFilter
from purchasing.models import PriceBreak, Supplier, SupplierContact, SupplierIdentifier, SupplierItem
from purchasing.services.identifying import fault_of
from retailhub.core.admin_base import HouseAdmin, HouseInline, display, state
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.money import currencies
from retailhub.core.pages import principal_of


class ContactInline(HouseInline):
    model = SupplierContact
    fields = ("name", "role", "email", "phone")


class IdentifierForm(forms.ModelForm[SupplierIdentifier]):
    def clean(self) -> dict[str, Any] | None:
        """Refuse a number with a wrong check digit, as the API and imports do."""
        data = super().clean() or {}
        if data.get("value") and (fault := fault_of(data.get("kind", ""), data["value"])):
            self.add_error("value", fault)
        return data


class IdentifierInline(HouseInline):
    model = SupplierIdentifier
    form = IdentifierForm
    fields = ("kind", "value")


class SupplierForm(forms.ModelForm[Supplier]):
    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in currencies():
            raise forms.ValidationError(gettext_lazy("This is no currency."))
        return currency


@admin.register(Supplier)
class SupplierAdmin(HouseAdmin[Supplier]):
    """Terms, people and numbers of a supplier. Papers keep the terms that held when they were written."""

    form = SupplierForm
    empty_title = gettext_lazy("No suppliers yet")
    empty_text = gettext_lazy("Whoever you buy from is listed here, with his terms and prices.")
    list_display = ("code", "name", "status_", "currency", "lead_time_days", "payment_days", "order_email")
    list_display_links = ("code",)
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("code__icontains", "name__icontains")
    ordering = ("code",)
    inlines = (ContactInline, IdentifierInline)
    fieldsets = (
        (None, {"fields": (("code", "name"), ("status", "currency"), ("order_email", "language"), "address", "note")}),
        (
            gettext_lazy("Terms"),
            {
                "fields": (
                    ("payment_days", "tax_rate"),
                    ("discount_days", "discount_percent"),
                    ("lead_time_days", "minimum_order"),
                    ("bills_on_shipment", "is_expense"),
                )
            },
        ),
        (
            gettext_lazy("Deliveries"),
            {"fields": (("over_percent", "over_units"), ("close_short_percent", "close_short_days"))},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Supplier | None = None) -> Any:
        # Papers, the journal and imports know him by it; prices and open orders are in his currency.
        fixed = ["code"] if obj else []
        if obj and (obj.orders.exists() or PriceBreak.objects.filter(supplier_item__supplier=obj).exists()):
            fixed.append("currency")
        return [*super().get_readonly_fields(request, obj), *fixed]

    @display(description=gettext_lazy("status"), ordering="status")
    def status_(self, supplier: Supplier) -> SafeString:
        return state(supplier.status, supplier.get_status_display())


class PriceInline(HouseInline):
    model = PriceBreak
    fields = ("source", "minimum_quantity", "price", "discount_percent", "valid_from", "valid_until")


@admin.register(SupplierItem)
class SupplierItemAdmin(HouseAdmin[SupplierItem]):
    """Price lists: what each supplier sells us, in which packs, from which quantity on, at what price."""

    empty_title = gettext_lazy("No price lists yet")
    empty_text = gettext_lazy("What suppliers sell you is listed here, with packs, least quantities and prices.")
    list_display = (
        "item",
        "supplier",
        "supplier_sku",
        "pack_code",
        "minimum_quantity",
        "lead_time_days",
        "preferred",
    )
    list_display_links = ("item",)
    list_select_related = ("item", "supplier")
    list_filter = (SupplierFilter,)
    list_filter_submit = True
    search_fields = ("supplier_sku__iexact", "item__sku_key__iexact")
    ordering = ("supplier__code", "item__sku_key")
    autocomplete_fields: ClassVar = ["item", "supplier"]
    cost_fields = ("last_price",)
    inlines = (PriceInline,)
    fieldsets = (
        (None, {"fields": (("supplier", "item"), ("supplier_sku", "name"), ("is_preferred", "is_active"))}),
        (
            gettext_lazy("How it is sold"),
            {
                "fields": (
                    ("pack_code", "lead_time_days"),
                    ("pack_numerator", "pack_denominator"),
                    ("minimum_quantity", "multiple"),
                    ("over_percent", "over_units"),
                )
            },
        ),
    )

    @display(description=gettext_lazy("preferred"), boolean=True)
    def preferred(self, sold: SupplierItem) -> bool:
        return sold.is_preferred

    def get_inlines(self, request: HttpRequest, obj: SupplierItem | None) -> Any:
        return self.inlines if principal_of(request).sees_costs else ()
