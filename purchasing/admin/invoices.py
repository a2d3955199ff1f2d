"""Record lists and forms: invoices of buying. What moves an invoice is on its page."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from purchasing.models import Hold, LandedCost, MatchPolicy, SupplierInvoice, SupplierPayment
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, display
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.templatetags.rh import money


def _page(invoice: SupplierInvoice) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("purchasing:invoice", args=[invoice.pk]), invoice.number)


@admin.register(SupplierInvoice)
class SupplierInvoiceAdmin(ReadOnlyAdmin[SupplierInvoice]):
    list_display = ("number_", "kind", "status", "supplier", "invoice_date", "due_date", "total_")
    list_display_links = None
    list_select_related = ("supplier",)
    list_filter = (("status", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("number", "supplier__name")

    @display(description=gettext_lazy("number"))
    def number_(self, invoice: SupplierInvoice) -> SafeString:
        return _page(invoice)

    @display(description=gettext_lazy("total"))
    def total_(self, invoice: SupplierInvoice) -> str:
        return money(invoice.total, invoice.currency)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin[Hold]):
    list_display = ("code", "invoice_", "expected", "invoiced", "at_risk", "opened_at", "released_by", "release_reason")
    list_display_links = None
    list_select_related = ("invoice",)
    list_filter = (("code", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("invoice__number",)

    @display(description=gettext_lazy("invoice"))
    def invoice_(self, hold: Hold) -> SafeString:
        return _page(hold.invoice)

    @display(description=gettext_lazy("at risk"))
    def at_risk(self, hold: Hold) -> str:
        return money(hold.amount_at_risk, hold.invoice.currency)


@admin.register(SupplierPayment)
class SupplierPaymentAdmin(ReadOnlyAdmin[SupplierPayment]):
    list_display = ("number", "supplier", "paid_on", "amount_", "used", "reference", "actor")
    list_display_links = None
    list_select_related = ("supplier",)
    search_fields = ("number", "supplier__name", "reference")

    @display(description=gettext_lazy("amount"))
    def amount_(self, payment: SupplierPayment) -> str:
        return money(payment.amount, payment.currency)


@admin.register(LandedCost)
class LandedCostAdmin(ReadOnlyAdmin[LandedCost]):
    list_display = ("number", "kind", "code", "basis", "amount", "note", "posted_at", "actor")
    list_display_links = None
    search_fields = ("number", "code")


@admin.register(MatchPolicy)
class MatchPolicyAdmin(HouseAdmin[MatchPolicy]):
    list_display = ("code", "supplier", "item", "percent", "floor", "cap", "units", "action")
    list_select_related = ("supplier", "item")
    list_filter = (("code", ChoicesDropdownFilter),)
    list_filter_submit = True
    raw_id_fields = ("supplier", "item")
