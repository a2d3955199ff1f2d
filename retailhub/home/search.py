"""Finding anything: an exact number, barcode or SKU first; else at most five of each kind, never cached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Max, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from channels.models import Account, Listing
from customers.models import Customer, Identity
from inventory.barcodes import gtin14
from inventory.models import Barcode, Item, Location, StockDocument, Transfer
from orders.models import Order, Shipment
from purchasing.models import Claim, PurchaseOrder, Receipt, Supplier, SupplierInvoice
from purchasing.services.capturing import number_key
from retailhub.core.access import Principal
from retailhub.core.text import DirtyText, clean_line, sku_key

MOST = 5
RECENT_CUSTOMERS = 20_000


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: what it is called, what helps to tell it from others, and its page."""

    title: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    hits: list[Hit] = field(default_factory=list)


def look_up(principal: Principal, code: str) -> str | None:
    """Answer the page of the one thing that this code names exactly: a scan goes straight there."""
    try:
        code = clean_line(code)[:120]
    except DirtyText:
        return None
    if not code:
        return None
    for find in (_order, _transfer, _delivery, _barcode, _sku, _paper, _place, _shipment, _bill, _supplier, _channel):
        url = find(principal, code)
        if url:
            return url
    return None


def search(principal: Principal, words: str) -> list[Group]:
    """Answer up to five hits of each kind the principal may see."""
    try:
        words = clean_line(words)[:100]
    except DirtyText:
        return []
    if len(words) < 2:
        return []
    groups = [
        Group(_("Items"), list(_items(principal, words))),
        Group(_("Orders"), list(_orders(principal, words))),
        Group(_("Customers"), list(_customers(principal, words))),
        Group(_("Suppliers"), list(_suppliers(principal, words))),
        Group(_("Purchase orders"), list(_purchases(principal, words))),
        Group(_("Supplier invoices"), list(_bills(principal, words))),
        Group(_("Listings"), list(_listings(principal, words))),
        Group(_("Places"), list(_places(principal, words))),
    ]
    return [group for group in groups if group.hits]


def _order(principal: Principal, code: str) -> str | None:
    if not principal.may("orders:read"):
        return None
    rows = Order.objects.for_principal(principal)
    number = code.upper().removeprefix("ORDER:")
    found = rows.filter(number=number).values_list("number", flat=True).first()
    if found is None:
        twins = list(rows.filter(external_reference=code).values_list("number", flat=True)[:2])
        found = twins[0] if len(twins) == 1 else None
    return reverse("orders:order", args=[found]) if found else None


def _transfer(principal: Principal, code: str) -> str | None:
    if not principal.may("stock:read") or not code.upper().startswith("TR"):
        return None
    found = (
        Transfer.objects.for_principal(principal).filter(number=code.upper()).values_list("number", flat=True).first()
    )
    return reverse("inventory:transfer", args=[found]) if found else None


def _delivery(principal: Principal, code: str) -> str | None:
    """A purchase order on a delivery note, scanned by whoever receives, begins the count, and shows itself to others.

    A receipt, and a claim by the receipt it is about, show themselves.
    """
    number = code.upper()
    if number.startswith("PO-"):
        if principal.may("stock:write"):
            orders = PurchaseOrder.objects.open().for_principal(principal, "stock:write")
            if orders.filter(number=number).exists():
                return reverse("purchasing:receive", args=[number])
        orders = PurchaseOrder.objects.for_principal(principal)
        return reverse("purchasing:order", args=[number]) if orders.filter(number=number).exists() else None
    if not principal.may("purchasing:read"):
        return None
    receipts = Receipt.objects.for_principal(principal)
    if number.startswith("GR-"):
        found = receipts.filter(number=number).values_list("number", flat=True).first()
    elif number.startswith("CL-"):
        claims = Claim.objects.filter(number=number, receipt_line__receipt__in=receipts)
        found = claims.values_list("receipt_line__receipt__number", flat=True).first()
    else:
        return None
    return reverse("purchasing:receipt", args=[found]) if found else None


def _bill(principal: Principal, code: str) -> str | None:
    """The number a supplier gave his invoice, where one invoice alone has it."""
    rows = SupplierInvoice.objects.for_principal(principal).exclude(status="rejected")
    found = list(rows.filter(number_key=number_key(code)[:80]).values_list("pk", flat=True)[:2])
    return reverse("purchasing:invoice", args=[found[0]]) if len(found) == 1 else None


def _supplier(principal: Principal, code: str) -> str | None:
    rows = Supplier.objects.for_principal(principal)
    found = rows.named(code).values_list("code", flat=True).first()
    if found is None:
        called = list(rows.filter(name__iexact=code).values_list("code", flat=True)[:2])
        found = called[0] if len(called) == 1 else None
    return reverse("purchasing:supplier", args=[found]) if found else None


def _barcode(principal: Principal, code: str) -> str | None:
    if not principal.may("items:read"):
        return None
    key = gtin14(code) or sku_key(code)
    sku = Barcode.objects.filter(code_key=key).values_list("item__sku", flat=True).first()
    return reverse("inventory:item", args=[sku]) if sku else None


def _sku(principal: Principal, code: str) -> str | None:
    if not principal.may("items:read"):
        return None
    sku = Item.objects.filter(sku_key=sku_key(code)).values_list("sku", flat=True).first()
    return reverse("inventory:item", args=[sku]) if sku else None


def _paper(principal: Principal, code: str) -> str | None:
    if not principal.may("stock:read") or "-" not in code:
        return None
    pk = StockDocument.objects.for_principal(principal).filter(number=code.upper()).values_list("pk", flat=True).first()
    return reverse("admin:inventory_stockdocument_change", args=[pk]) if pk else None


def _place(principal: Principal, code: str) -> str | None:
    if not principal.may("stock:read"):
        return None
    found = Location.objects.for_principal(principal).filter(code__iexact=code.removeprefix("LOC-")).first()
    return f"{reverse('admin:inventory_stocklevel_changelist')}?place={found.code}" if found else None


def _shipment(principal: Principal, code: str) -> str | None:
    if not principal.may("orders:read"):
        return None
    rows = Shipment.objects.filter(order__in=Order.objects.for_principal(principal))
    number = rows.filter(Q(number=code.upper())).values_list("order__number", flat=True).first()
    return reverse("orders:order", args=[number]) if number else None


def _channel(principal: Principal, code: str) -> str | None:
    found = Account.objects.for_principal(principal).filter(channel__code__iexact=code)
    code = found.values_list("channel__code", flat=True).first() or ""
    return reverse("channels:channel", args=[code]) if code else None


def _items(principal: Principal, words: str) -> Iterator[Hit]:
    rows = Item.objects.for_principal(principal).search(words).order_by("sku_key").values_list("sku", "name")
    for sku, name in rows[:MOST]:
        yield Hit(name, sku, reverse("inventory:item", args=[sku]))


def _orders(principal: Principal, words: str) -> Iterator[Hit]:
    if not principal.may("orders:read"):
        return
    rows = Order.objects.for_principal(principal).filter(
        Q(number__startswith=words.upper()) | Q(external_reference=words)
    )
    for number, reference, channel in rows.values_list("number", "external_reference", "channel__name")[:MOST]:
        yield Hit(number, f"{channel} {reference}", reverse("orders:order", args=[number]))


def _customers(principal: Principal, words: str) -> Iterator[Hit]:
    rows = Customer.objects.for_principal(principal)
    if not principal.may("customers:read"):
        return
    known = Identity.objects.filter(value=words.casefold()).values("customer")
    # No index serves a word inside a name: only the customers who came last are searched that way.
    newest = Customer.objects.aggregate(newest=Max("pk"))["newest"] or 0
    rows = rows.filter(Q(pk__in=known) | Q(pk__gt=newest - RECENT_CUSTOMERS, name__icontains=words))
    for customer in rows[:MOST]:
        yield Hit(str(customer), customer.email or customer.phone, reverse("customers:customer", args=[customer.pk]))


def _suppliers(principal: Principal, words: str) -> Iterator[Hit]:
    rows = Supplier.objects.for_principal(principal).filter(Q(code__icontains=words) | Q(name__icontains=words))
    for code, name in rows.order_by("code").values_list("code", "name")[:MOST]:
        yield Hit(name, code, reverse("purchasing:supplier", args=[code]))


def _purchases(principal: Principal, words: str) -> Iterator[Hit]:
    if not principal.may("purchasing:read"):
        return
    rows = PurchaseOrder.objects.for_principal(principal).filter(
        Q(number__startswith=words.upper()) | Q(supplier_reference=words) | Q(external_reference=words)
    )
    for number, supplier, place in rows.values_list("number", "supplier__name", "ship_to__name")[:MOST]:
        yield Hit(number, f"{supplier} \N{RIGHTWARDS ARROW} {place}", reverse("purchasing:order", args=[number]))


def _bills(principal: Principal, words: str) -> Iterator[Hit]:
    rows = SupplierInvoice.objects.for_principal(principal).filter(number_key__startswith=number_key(words) or "?")
    for pk, number, supplier in rows.order_by("-pk").values_list("pk", "number", "supplier__name")[:MOST]:
        yield Hit(number, supplier or "", reverse("purchasing:invoice", args=[pk]))


def _listings(principal: Principal, words: str) -> Iterator[Hit]:
    rows = Listing.objects.for_principal(principal).filter(channel_code=words)
    for pk, sku, channel in rows.values_list("pk", "seller_sku", "account__channel__name")[:MOST]:
        yield Hit(sku, channel, reverse("admin:channels_listing_change", args=[pk]))


def _places(principal: Principal, words: str) -> Iterator[Hit]:
    if not principal.may("stock:read"):
        return
    rows = Location.objects.for_principal(principal).filter(Q(name__icontains=words) | Q(code__icontains=words))
    for code, name in rows.values_list("code", "name")[:MOST]:
        yield Hit(name, code, f"{reverse('admin:inventory_stocklevel_changelist')}?place={code}")
