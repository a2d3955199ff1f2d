"""The admin shell: name, colours and the menu, which shows each person what he may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Entry:
    """One line of the menu: what it says, where it leads, which scope shows it."""

    title: StrOrPromise
    icon: str
    page: str
    scope: str
    also: tuple[str, ...] = ()
    """Further beginnings of addresses at which this line is the active one."""


MENU: tuple[tuple[StrOrPromise, tuple[Entry, ...]], ...] = (
    (
        _("Today"),
        (
            Entry(_("Home"), "home", "home", "work:read"),
            Entry(_("My work"), "checklist", "work", "work:read"),
        ),
    ),
    (
        _("Sell"),
        (
            Entry(_("Orders"), "shopping_bag", "admin:orders_order_changelist", "orders:read", ("/orders/",)),
            Entry(_("Customers"), "group", "admin:customers_customer_changelist", "customers:read", ("/customers/",)),
        ),
    ),
    (
        _("Stock"),
        (
            Entry(_("Items"), "inventory_2", "admin:inventory_item_changelist", "items:read", ("/items/",)),
            Entry(_("Stock"), "shelves", "admin:inventory_stocklevel_changelist", "stock:read"),
            Entry(_("Movements"), "swap_vert", "admin:inventory_stockmovement_changelist", "stock:read"),
            Entry(
                _("Transfers"), "local_shipping", "admin:inventory_transfer_changelist", "stock:read", ("/transfers/",)
            ),
            Entry(
                _("Stock value"),
                "payments",
                "admin:inventory_costpool_changelist",
                "costs:read",
                ("/admin/inventory/costlayer/", "/admin/inventory/valueadjustment/"),
            ),
            Entry(_("Places"), "store", "admin:inventory_location_changelist", "stock:read"),
            Entry(_("Import"), "upload_file", "imports:start", "imports:write", ("/imports/",)),
        ),
    ),
    (
        _("Buy"),
        (
            Entry(_("Reorder"), "add_shopping_cart", "purchasing:reorder", "purchasing:read"),
            Entry(
                _("Purchase orders"),
                "shopping_cart",
                "admin:purchasing_purchaseorder_changelist",
                "purchasing:read",
                ("/buying/orders/",),
            ),
            Entry(_("Receive"), "move_to_inbox", "purchasing:receive_start", "stock:write", ("/buying/receive/",)),
            Entry(
                _("Deliveries"),
                "inventory",
                "admin:purchasing_receipt_changelist",
                "purchasing:read",
                ("/buying/receipts/",),
            ),
            Entry(
                _("Suppliers"),
                "factory",
                "admin:purchasing_supplier_changelist",
                "purchasing:read",
                ("/buying/suppliers/",),
            ),
            Entry(_("Price lists"), "price_check", "admin:purchasing_supplieritem_changelist", "purchasing:read"),
            Entry(
                _("Supplier invoices"),
                "receipt_long",
                "purchasing:invoices",
                "invoices:read",
                ("/buying/invoices/",),
            ),
            Entry(_("What we owe"), "account_balance_wallet", "purchasing:payables", "invoices:read"),
            Entry(_("Received, not invoiced"), "pending_actions", "purchasing:grni", "invoices:read"),
            Entry(_("Claims"), "gavel", "admin:purchasing_claim_changelist", "purchasing:read"),
            Entry(_("Sent back"), "assignment_return", "admin:purchasing_supplierreturn_changelist", "purchasing:read"),
        ),
    ),
    (
        _("Channels"),
        (
            Entry(_("Channels"), "hub", "channels:index", "channels:read", ("/channels/",)),
            Entry(_("Listings"), "sell", "admin:channels_listing_changelist", "channels:read"),
            Entry(_("Sync log"), "sync_alt", "admin:channels_pushlog_changelist", "channels:read"),
        ),
    ),
    (
        _("Books"),
        (
            Entry(_("Books"), "menu_book", "books:index", "accounting:read", ("/books/",)),
            Entry(_("Journal"), "receipt_long", "admin:accounting_journalentry_changelist", "accounting:read"),
            Entry(_("Accounts"), "account_balance", "admin:accounting_account_changelist", "accounting:read"),
            Entry(_("Periods"), "calendar_month", "admin:accounting_period_changelist", "accounting:read"),
        ),
    ),
    (
        _("System"),
        (
            Entry(_("Outbox"), "outbox", "admin:outbox_delivery_changelist", "system:read"),
            Entry(_("Inbox"), "inbox", "admin:channels_inboxmessage_changelist", "system:read"),
            Entry(_("Jobs"), "progress_activity", "jobs", "work:read", ("/jobs/",)),
            Entry(_("People"), "badge", "admin:core_user_changelist", "system:read"),
            Entry(_("API keys"), "key", "admin:core_apikey_changelist", "system:read"),
            Entry(_("Audit"), "history", "audit", "system:read"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer the menu for this person, with exactly one active line: the one whose address fits longest."""
    from retailhub.core.pages import principal_of

    principal = principal_of(request)
    groups: list[dict[str, Any]] = []
    best: tuple[int, dict[str, Any] | None] = (0, None)
    for title, entries in MENU:
        lines = []
        for entry in entries:
            if not principal.may(entry.scope):
                continue
            try:
                link = reverse(entry.page)
            except NoReverseMatch:  # a part that is not installed has no line
                continue
            line = {"title": entry.title, "icon": entry.icon, "link": link, "active": False}
            lines.append(line)
            for beginning in (link, *entry.also):
                fits = request.path == link if link == "/" else request.path.startswith(beginning)
                if fits and len(beginning) > best[0]:
                    best = (len(beginning), line)
        if lines:
            groups.append({"title": title, "separator": False, "items": lines})
    if best[1] is not None:
        best[1]["active"] = True
    return groups


def subheader(request: HttpRequest) -> str:
    """Answer the line under the name: where this person works and as what."""
    from retailhub.home import places

    user = request.user
    if not user.is_authenticated:
        return ""
    place = places.names().get(places.here(request), "")
    return " · ".join(part for part in (place, user.get_full_name() or user.get_username()) if part)


def environment(request: HttpRequest) -> list[str] | None:
    from django.conf import settings

    return [str(_("Demo")), "info"] if settings.DEMO else None


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "retailhub",
    "SITE_HEADER": "retailhub",
    "SITE_SUBHEADER": "retailhub.home.shell.subheader",
    "SITE_SYMBOL": "storefront",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("rh/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": False,
    "ENVIRONMENT": "retailhub.home.shell.environment",
    "BORDER_RADIUS": "6px",
    "STYLES": [lambda request: static("rh/rh.css")],
    "SCRIPTS": [
        lambda request: static("rh/rh.js"),
        lambda request: static("rh/rh-keys.js"),
        lambda request: static("rh/rh-a11y.js"),
    ],
    "TABS": "retailhub.home.saved_views.tabs",
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {
        "show_search": True,
        "command_search": False,
        "show_all_applications": False,
        "navigation": "retailhub.home.shell.navigation",
    },
    "LOGIN": {"redirect_after": None},
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        },
    },
}
