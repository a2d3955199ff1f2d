"""Customers: one record per person."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from customers.models import Address, Customer, Identity
from retailhub.core.access import Principal
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, ReadOnlyInline, display


def customers_of(principal: Principal) -> QuerySet[Customer]:
    return Customer.objects.for_principal(principal)


class IdentityInline(ReadOnlyInline):
    model = Identity
    fields = ("kind", "channel", "value")


class AddressInline(ReadOnlyInline):
    model = Address
    fields = ("name", "line1", "line2", "city", "region", "postal_code", "country")


@admin.register(Customer)
class CustomerAdmin(HouseAdmin[Customer]):
    empty_title = gettext_lazy("No customers yet")
    empty_text = gettext_lazy("Customers appear with the first order.")
    list_display = ("name_", "email", "phone", "created_at")
    list_display_links = None
    search_fields = ("name", "email")
    search_help_text = gettext_lazy("Name, e-mail or phone")
    ordering = ("-pk",)
    fields = (("name", "email"), "phone", "note", "created_at")
    readonly_fields = ("created_at",)
    inlines = (IdentityInline, AddressInline)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Customers come with their first order."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.strip()
        if not words:
            return queryset, False
        return queryset.filter(customer_words(words)), False

    @display(description=gettext_lazy("customer"), ordering="name")
    def name_(self, customer: Customer) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>', reverse("customers:customer", args=[customer.pk]), customer
        )


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin[Identity]):
    list_display = ("kind", "channel", "value", "customer")
    list_select_related = ("customer",)
    search_fields = ("value__iexact",)
    ordering = ("-pk",)
    scoped_by: ClassVar = ("customer", customers_of)


@admin.register(Address)
class AddressAdmin(ReadOnlyAdmin[Address]):
    list_display = ("customer", "line1", "city", "postal_code", "country")
    list_select_related = ("customer",)
    search_fields = ("postal_code__iexact",)
    ordering = ("-pk",)
    scoped_by: ClassVar = ("customer", customers_of)


def customer_words(words: str) -> Q:
    """Customers by any word of the name or e-mail, or by digits of the phone."""
    found = Q(name__icontains=words) | Q(email__icontains=words)
    digits = "".join(character for character in words if character.isdecimal())
    return found | Q(phone__contains=digits) if len(digits) >= 4 else found
