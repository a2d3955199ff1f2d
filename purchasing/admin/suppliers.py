"""Record lists and forms: suppliers of buying."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.admin.orders import SupplierFilter
from purchasing.models import PriceBreak, Supplier, SupplierContact, SupplierIdentifier, SupplierItem
from purchasing.services.identifying import fault_of
from purchasing.services.pricing import best_price
from purchasing.services.supplying import is_address
from retailhub.core.admin_base import (
    HouseAdmin,
    HouseInline,
    SelectInput,
    TextInput,
    display,
    number,
    state,
    two_lines,
)
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.money import currencies, round_cost
from retailhub.core.pages import principal_of
from retailhub.core.templatetags.rh import money


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


ADDRESS = {
    "line1": gettext_lazy("Street"),
    "line2": gettext_lazy("Second line"),
    "postal_code": gettext_lazy("Postal code"),
    "city": gettext_lazy("City"),
    "region": gettext_lazy("Region"),
    "country": gettext_lazy("Country"),
}


class SupplierForm(forms.ModelForm[Supplier]):
    language = forms.ChoiceField(
        choices=settings.LANGUAGES, widget=SelectInput, help_text=gettext_lazy("Of the papers he gets.")
    )
    line1, line2, postal_code, city, region, country = (
        forms.CharField(label=label, max_length=200, required=False, widget=TextInput) for label in ADDRESS.values()
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        address = self.instance.address if isinstance(self.instance.address, dict) else {}
        for name in ADDRESS:
            if name in self.fields:
                self.fields[name].initial = address.get(name, "")

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in currencies():
            raise forms.ValidationError(gettext_lazy("This is no currency."))
        return currency

    def clean_order_email(self) -> str:
        email = str(self.cleaned_data["order_email"])
        if email and not is_address(email):
            raise forms.ValidationError(gettext_lazy("This is no e-mail address."))
        return email

    def save(self, commit: bool = True) -> Supplier:
        """Keep the address by its parts; parts that this form does not show stay."""
        told = {name: self.cleaned_data[name] for name in ADDRESS if name in self.cleaned_data}
        kept = {**(self.instance.address or {}), **told}
        self.instance.address = {name: value for name, value in kept.items() if value}
        return super().save(commit)


@admin.register(Supplier)
class SupplierAdmin(HouseAdmin[Supplier]):
    """Terms, people and numbers of a supplier. Papers keep the terms that held when they were written."""

    form = SupplierForm
    empty_title = gettext_lazy("No suppliers yet")
    empty_text = gettext_lazy("Whoever you buy from is listed here, with his terms and prices.")
    list_display = ("supplier_", "status_", "currency", "lead_time", "payment", "order_email")
    list_display_links = None
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("code__icontains", "name__icontains")
    ordering = ("code",)
    inlines = (ContactInline, IdentifierInline)
    fieldsets = (
        (None, {"fields": (("code", "name"), ("status", "currency"), ("order_email", "language"))}),
        (
            gettext_lazy("Address"),
            {"fields": (("line1", "line2"), ("postal_code", "city"), ("region", "country"), "note")},
        ),
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

    def response_change(self, request: HttpRequest, obj: Supplier) -> HttpResponse:
        return self._to_his_page(request, obj) or super().response_change(request, obj)

    def response_add(self, request: HttpRequest, obj: Supplier, post_url_continue: str | None = None) -> HttpResponse:
        return self._to_his_page(request, obj) or super().response_add(request, obj, post_url_continue)

    def _to_his_page(self, request: HttpRequest, obj: Supplier) -> HttpResponse | None:
        """Go on to the supplier's page, unless whoever saved wants to go on writing."""
        if {"_continue", "_addanother", "_popup"} & set(request.POST):
            return None
        messages.success(request, _("%(name)s was saved.") % {"name": obj.name})
        return HttpResponseRedirect(reverse("purchasing:supplier", args=[obj.code]))

    @display(description=gettext_lazy("supplier"), ordering="name")
    def supplier_(self, supplier: Supplier) -> SafeString:
        return two_lines(reverse("purchasing:supplier", args=[supplier.code]), supplier.name, supplier.code)

    @display(description=gettext_lazy("lead time, days"), ordering="lead_time_days")
    def lead_time(self, supplier: Supplier) -> SafeString:
        return number(supplier.lead_time_days)

    @display(description=gettext_lazy("payment, days"), ordering="payment_days")
    def payment(self, supplier: Supplier) -> SafeString:
        return number(supplier.payment_days)

    @display(description=gettext_lazy("status"), ordering="status")
    def status_(self, supplier: Supplier) -> SafeString:
        return state(supplier.status, supplier.get_status_display())


class SupplierItemForm(forms.ModelForm[SupplierItem]):
    class Meta:
        labels: ClassVar = {
            "pack_code": gettext_lazy("Sold by the"),
            "pack_numerator": gettext_lazy("Units in a pack"),
            "pack_denominator": gettext_lazy("Packs for these units"),
            "lead_time_days": gettext_lazy("Lead time, days"),
            "multiple": gettext_lazy("In steps of"),
        }
        help_texts: ClassVar = {
            "pack_numerator": gettext_lazy("Base units, such as 12 in a dozen; 1 where he sells single ones."),
            "pack_denominator": gettext_lazy("Nearly always 1; 3 where three packs hold these units together."),
        }


class PriceInline(HouseInline):
    model = PriceBreak
    fields = ("source", "minimum_quantity", "price", "discount_percent", "valid_from", "valid_until")


@admin.register(SupplierItem)
class SupplierItemAdmin(HouseAdmin[SupplierItem]):
    """Price lists: what each supplier sells us, in which packs, from which quantity on, at what price."""

    empty_title = gettext_lazy("No price lists yet")
    empty_text = gettext_lazy("What suppliers sell you is listed here, with packs, least quantities and prices.")
    form = SupplierItemForm
    list_display = ("item_", "supplier_", "supplier_sku", "pack", "least", "price", "lead_time", "preferred")
    list_display_links = None
    list_select_related = ("item", "supplier")
    list_filter = (SupplierFilter, "is_active")
    list_filter_submit = True
    search_fields = ("supplier_sku__iexact", "item__sku_key__iexact", "item__name__icontains")
    ordering = ("supplier__code", "item__sku_key")
    autocomplete_fields: ClassVar = ["item", "supplier"]
    cost_fields = ("last_price", "price")
    inlines = (PriceInline,)
    fieldsets = (
        (None, {"fields": ("supplier", "item", ("supplier_sku", "name"), ("is_preferred", "is_active"))}),
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupplierItem]:
        rows: QuerySet[SupplierItem] = super().get_queryset(request)
        return rows.prefetch_related("prices")

    def get_readonly_fields(self, request: HttpRequest, obj: SupplierItem | None = None) -> Any:
        # Another item at another supplier is another entry.
        return [*super().get_readonly_fields(request, obj), *(("supplier", "item") if obj else ())]

    @display(description=gettext_lazy("item"), ordering="item__sku_key")
    def item_(self, sold: SupplierItem) -> SafeString:
        page = reverse("admin:purchasing_supplieritem_change", args=[sold.pk])
        return two_lines(page, sold.item.name, sold.item.sku)

    @display(description=gettext_lazy("supplier"), ordering="supplier__code")
    def supplier_(self, sold: SupplierItem) -> SafeString:
        page = reverse("purchasing:supplier", args=[sold.supplier.code])
        return format_html('<a href="{}">{}</a>', page, sold.supplier.name)

    @display(description=gettext_lazy("sold by"), ordering="pack_code")
    def pack(self, sold: SupplierItem) -> str:
        if (sold.pack_numerator, sold.pack_denominator) == (1, 1):
            return sold.pack_code or "\N{EN DASH}"
        units = f"{sold.pack_numerator}" + (f"/{sold.pack_denominator}" if sold.pack_denominator != 1 else "")
        return f"{sold.pack_code} ({units})" if sold.pack_code else units

    @display(description=gettext_lazy("least"), ordering="minimum_quantity")
    def least(self, sold: SupplierItem) -> SafeString:
        return number(sold.minimum_quantity)

    @display(description=gettext_lazy("price today"))
    def price(self, sold: SupplierItem) -> SafeString:
        found = best_price(list(sold.prices.all()), Fraction(sold.minimum_quantity), timezone.localdate())
        price = found.price * (100 - found.discount_percent) / 100 if found else sold.last_price
        shown = "\N{EN DASH}" if price is None else money(round_cost(price).normalize(), sold.supplier.currency)
        return format_html('<span class="rh-num">{}</span>', shown)

    @display(description=gettext_lazy("lead time, days"), ordering="lead_time_days")
    def lead_time(self, sold: SupplierItem) -> SafeString:
        own = sold.lead_time_days
        return number(sold.supplier.lead_time_days if own is None else own)

    @display(description=gettext_lazy("preferred"), boolean=True, ordering="is_preferred")
    def preferred(self, sold: SupplierItem) -> bool:
        return sold.is_preferred

    def get_inlines(self, request: HttpRequest, obj: SupplierItem | None) -> Any:
        return self.inlines if principal_of(request).sees_costs else ()
