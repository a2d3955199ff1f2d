"""What is offered where, and what each channel was told about stock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels.admin.accounts import accounts_of
from channels.models import Account, Listing, PushLog, StockIntent
from channels.services.listing import MOST_UNITS
from channels.services.wanting import want_listings_pushed
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, display, number, state, two_lines
from retailhub.core.filters import ChoicesDropdownFilter, VisibleFilter
from retailhub.core.pages import principal_of
from retailhub.core.templatetags.rh import milliseconds


class AccountFilter(VisibleFilter):
    title = gettext_lazy("channel")
    parameter_name = "channel"

    def visible(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        rows = Account.objects.for_principal(principal_of(request))
        return rows.values_list("channel__code", "channel__name")

    def keep(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(account__channel__code=value)


class ListingForm(forms.ModelForm[Listing]):
    """What a person may say of a listing, within the limits that the API keeps too."""

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if self.instance.state == Listing.State.LIVE and "item" in data and data["item"] is None:
            self.add_error("item", _("A live listing is mapped to an item."))
        for name in ("buffer", "max_listed", "end_when", "fixed_quantity", "pack"):
            if (data.get(name) or 0) > MOST_UNITS:
                self.add_error(name, _("That is more than anybody has."))
        return data


@admin.register(Listing)
class ListingAdmin(HouseAdmin[Listing]):
    form = ListingForm
    list_display = ("sku_", "channel", "state_", "item_", "price", "told", "sync", "error_")
    list_display_links = None
    list_select_related = ("account__channel", "item", "intent")
    list_filter = (AccountFilter, ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("seller_sku__istartswith", "channel_code__iexact")
    search_help_text = gettext_lazy("Beginning of the SKU, or the channel's code")
    ordering = ("account", "seller_sku")
    autocomplete_fields = ("item",)
    readonly_fields = ("account", "seller_sku", "channel_code", "state", "error")
    fieldsets: ClassVar = [
        (
            None,
            {"fields": [("account", "state"), ("seller_sku", "channel_code"), ("item", "title"), ("price", "pack")]},
        ),
        (
            gettext_lazy("How much stock it shows (empty: as the channel)"),
            {"fields": [("buffer", "share_percent"), ("max_listed", "end_when"), "fixed_quantity"]},
        ),
        (gettext_lazy("What the channel said"), {"fields": ["error"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listing]:
        return super().get_queryset(request).defer("account__credentials", "item__cost", "item__search_text")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Listing, form: Any, change: bool) -> None:
        """Save what the form holds and nothing else: the state is moved by others, perhaps just now."""
        names = list(form.changed_data)
        if obj.item_id and obj.state == Listing.State.UNMAPPED:
            obj.state = Listing.State.MAPPED
            names.append("state")
        obj.save(update_fields=names)
        if obj.state == Listing.State.LIVE:
            want_listings_pushed([obj.pk])

    @display(description=gettext_lazy("listing"), ordering="seller_sku")
    def sku_(self, listing: Listing) -> SafeString:
        return two_lines(
            reverse("admin:channels_listing_change", args=[listing.pk]),
            listing.seller_sku,
            listing.title or (listing.item.name if listing.item else ""),
        )

    @display(description=gettext_lazy("channel"))
    def channel(self, listing: Listing) -> str:
        return listing.account.channel.name

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, listing: Listing) -> SafeString:
        return state(listing.state, listing.get_state_display())

    @display(description=gettext_lazy("item"))
    def item_(self, listing: Listing) -> SafeString | str:
        if listing.item is None:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("inventory:item", args=[listing.item.sku]), listing.item.sku)

    @display(description=gettext_lazy("shown there"))
    def told(self, listing: Listing) -> SafeString:
        intent = _intent(listing)
        return number(intent.confirmed_quantity if intent else None)

    @display(description=gettext_lazy("sync"))
    def sync(self, listing: Listing) -> SafeString | str:
        intent = _intent(listing)
        return state(intent.state, intent.get_state_display()) if intent else ""

    @display(description=gettext_lazy("what the channel said"))
    def error_(self, listing: Listing) -> str:
        intent = _intent(listing)
        return (listing.error or (intent.error if intent else ""))[:120]


def _intent(listing: Listing) -> StockIntent | None:
    return getattr(listing, "intent", None)


@admin.register(StockIntent)
class StockIntentAdmin(ReadOnlyAdmin[StockIntent]):
    list_display = (
        "listing_",
        "channel",
        "state_",
        "wanted_version",
        "confirmed_version",
        "confirmed_",
        "lag",
        "due_at",
        "error",
    )
    list_display_links = None
    list_select_related = ("listing", "account__channel")
    list_filter = (AccountFilter, ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("listing__seller_sku__istartswith",)
    ordering = ("-pk",)
    scoped_by: ClassVar = ("account", accounts_of)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockIntent]:
        return super().get_queryset(request).defer("account__credentials")

    @display(description=gettext_lazy("listing"))
    def listing_(self, intent: StockIntent) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:channels_listing_change", args=[intent.listing_id]),
            intent.listing.seller_sku,
        )

    @display(description=gettext_lazy("channel"))
    def channel(self, intent: StockIntent) -> str:
        return intent.account.channel.name

    @display(description=gettext_lazy("state"))
    def state_(self, intent: StockIntent) -> SafeString:
        return state(intent.state, intent.get_state_display())

    @display(description=gettext_lazy("confirmed"))
    def confirmed_(self, intent: StockIntent) -> SafeString:
        return number(intent.confirmed_quantity)

    @display(description=gettext_lazy("lag"))
    def lag(self, intent: StockIntent) -> str:
        return milliseconds(intent.lag_ms)


@admin.register(PushLog)
class PushLogAdmin(ReadOnlyAdmin[PushLog]):
    list_display = ("at", "channel", "listing_", "quantity_", "version", "outcome_", "took", "lag", "detail")
    list_select_related = ("account__channel", "listing")
    list_filter = (AccountFilter,)
    list_filter_submit = True
    search_fields = ("listing__seller_sku__iexact",)
    search_help_text = gettext_lazy("SKU on the channel")
    ordering = ("-pk",)
    scoped_by: ClassVar = ("account", accounts_of)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PushLog]:
        return super().get_queryset(request).defer("account__credentials")

    @display(description=gettext_lazy("channel"))
    def channel(self, row: PushLog) -> str:
        return row.account.channel.name

    @display(description=gettext_lazy("listing"))
    def listing_(self, row: PushLog) -> str:
        return row.listing.seller_sku

    @display(description=gettext_lazy("told"))
    def quantity_(self, row: PushLog) -> SafeString:
        return number(row.quantity)

    @display(description=gettext_lazy("answer"))
    def outcome_(self, row: PushLog) -> SafeString:
        return state({"ok": "done", "applied": "done"}.get(row.outcome, row.outcome), row.outcome)

    @display(description=gettext_lazy("took"))
    def took(self, row: PushLog) -> str:
        return milliseconds(row.took_ms)

    @display(description=gettext_lazy("lag"))
    def lag(self, row: PushLog) -> str:
        return milliseconds(row.lag_ms)
