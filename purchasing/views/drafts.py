"""Orders while they are written: scanned, searched or pasted lines, priced as the supplier sells them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.barcodes import gtin14
from inventory.models import Barcode, Item, Location
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from purchasing.order_forms import OrderForm
from purchasing.services.drafting import OrderedLine, change_draft, draft_purchase_order
from purchasing.services.pricing import offers_of, orderable
from purchasing.services.reordering import find_needs
from purchasing.views.orders import WAITING
from retailhub.core import money
from retailhub.core.errors import DomainError
from retailhub.core.pages import ShellPage, or_404, whole
from retailhub.core.quantities import MOST
from retailhub.core.text import DirtyText, sku_key

MOST_ROWS = 1_000


class NewOrder(ShellPage):
    """Write an order to one supplier."""

    scope = "purchasing:write"
    title = gettext_lazy("New purchase order")
    template_name = "purchasing/order_new.html"
    order: PurchaseOrder | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        initial = {
            "supplier": request.GET.get("supplier"),
            "ship_to": request.GET.get("ship_to") or getattr(user, "home_location", "") or self.usual_place(),
        }
        rows = self.proposed() if request.GET.get("proposed") else []
        if request.GET.get("sku"):
            rows += [{"sku": request.GET["sku"], "quantity": whole(request.GET.get("quantity"), 1, most=MOST) or 1}]
        return self.show(self.form(initial=initial), rows)

    def usual_place(self) -> str:
        """Answer where goods go of whoever works nowhere in particular: a warehouse of ours, where there is one."""
        rows = Location.objects.for_principal(self.principal, self.scope).filter(is_active=True, owned=True)
        return rows.filter(kind=Location.Kind.WAREHOUSE).values_list("code", flat=True).first() or ""

    def proposed(self) -> list[dict[str, Any]]:
        """Answer what is below its reorder point and bought from the supplier, as rows that can be changed."""
        code, places = self.request.GET.get("supplier", "").upper(), self.principal.places("purchasing:read")
        asked = Location.objects.for_principal(self.principal, "purchasing:read")
        location = asked.filter(code=self.request.GET.get("place", "")).first()
        # Whoever buys for some places only sees what one of those lacks.
        location = location or (asked.first() if places is not None else None)
        found = find_needs(today=timezone.localdate(), location=location).groups
        return [
            {"sku": need.sku, "quantity": need.suggested, "offer": need.price, "sold": need.supplier_item}
            for group in found
            if group.supplier.code.upper() == code
            for need in group.needs
        ]

    def form(self, data: Any = None, **kwargs: Any) -> OrderForm:
        return OrderForm(data, principal=self.principal, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST)
        rows = self.asked(form)
        if "paste" in request.POST.get("do", ""):
            rows += pasted(request.POST.get("pasted", ""), form)
            return self.show(form, rows, status=422 if form.non_field_errors() else 200)
        if not form.is_valid():
            return self.show(form, rows, status=422)
        if self.sent_before():
            messages.info(request, _("This was saved already."))
            return HttpResponseRedirect(reverse("admin:purchasing_purchaseorder_changelist"))
        try:
            order = self.save(form, [_ordered(row) for row in rows])
        except DomainError as refusal:
            self.may_be_sent_again()
            form.refuse(refusal)
            return self.show(form, rows, status=409)
        except BaseException:
            self.may_be_sent_again()
            raise
        next_page = "order_send" if request.POST.get("do") == "send" else "order"
        return HttpResponseRedirect(reverse(f"purchasing:{next_page}", args=[order.number]))

    def save(self, form: OrderForm, lines: Sequence[OrderedLine]) -> PurchaseOrder:
        data = form.cleaned_data
        return draft_purchase_order(
            supplier=data["supplier"],
            ship_to=data["ship_to"],
            lines=lines,
            actor=self.principal.actor,
            on=timezone.localdate(),
            expected_on=data["expected_on"],
            note=data["note"],
        )

    def asked(self, form: OrderForm) -> list[dict[str, Any]]:
        """Read the rows; one whose figures make no sense is refused on the form."""
        post = self.request.POST
        rows: list[dict[str, Any]] = []
        prices = post.getlist("price")
        for index, (sku, units) in enumerate(
            zip(post.getlist("sku")[:MOST_ROWS], post.getlist("quantity")[:MOST_ROWS], strict=False)
        ):
            price = prices[index] if index < len(prices) else ""
            rows += _row(sku, units, price, form)
        return rows

    def show(self, form: OrderForm, rows: list[dict[str, Any]], status: int = 200) -> HttpResponse:
        try:
            items = Item.objects.for_principal(self.principal).by_sku([row["sku"] for row in rows])
        except DirtyText:
            items = {}
        return self.render(
            form=form,
            rows=[row | {"item": items.get(row["sku"])} for row in rows],
            status=status,
            once=uuid4().hex,
            order=self.order,
            sees_costs=self.principal.sees_costs,
            pasted=self.request.POST.get("pasted", "") if status == 422 else "",
        )


class EditOrder(NewOrder):
    """Rewrite an order that was not sent; an approval is to be asked for anew."""

    scope = "purchasing:write"

    def get_title(self) -> str:
        return _("Edit %(number)s") % {"number": self.found.number}

    @property
    def found(self) -> PurchaseOrder:
        if self.order is None:
            rows = PurchaseOrder.objects.for_principal(self.principal, self.scope).select_related("supplier", "ship_to")
            self.order = or_404(rows.filter(number=self.kwargs["number"], status__in=WAITING).first())
        return self.order

    def form(self, data: Any = None, **kwargs: Any) -> OrderForm:
        order = self.found
        kwargs["initial"] = {
            "supplier": order.supplier.code,
            "ship_to": order.ship_to.code,
            "expected_on": order.expected_on,
            "note": order.note,
        }
        return OrderForm(data, principal=self.principal, supplier=order.supplier, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = [
            {
                "sku": line.item.sku,
                "quantity": line.quantity,
                "price": _plain(line.price) if line.price_source == "hand" else "",
                "offer": line.price,
            }
            for line in self.found.lines.select_related("item").order_by("line")
        ]
        return self.show(self.form(), rows)

    def save(self, form: OrderForm, lines: Sequence[OrderedLine]) -> PurchaseOrder:
        data = form.cleaned_data
        return change_draft(
            order_id=self.found.pk,
            actor=self.principal.actor,
            on=timezone.localdate(),
            lines=lines,
            expected_on=data["expected_on"],
            note=data["note"],
            ship_to=data["ship_to"],
        )


class OrderRow(ShellPage):
    """One scanned or typed code as a row, with the supplier's price and his least quantity."""

    scope = "purchasing:write"
    template_name = "purchasing/order_row.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        code = request.GET.get("code", "").strip()[:64]
        supplier = Supplier.objects.named(request.GET.get("supplier", "")).first()
        item = self._item(code, supplier)
        row: dict[str, Any] = {"sku": item.sku if item else code, "quantity": 1, "item": item}
        if item and supplier:
            sold = SupplierItem.objects.filter(supplier=supplier, item=item, is_active=True).first()
            row["quantity"] = orderable(sold, 1) or 1
            offer = offers_of(supplier=supplier, wanted={item.pk: row["quantity"]}, on=timezone.localdate())[item.pk]
            row |= {"offer": offer.price, "sold": sold, "is_unsold": sold is None}
        return self.render(row=row, sees_costs=self.principal.sees_costs, supplier=supplier)

    def _item(self, code: str, supplier: Supplier | None) -> Item | None:
        """Find what the code names: a barcode, our SKU, the supplier's, or words that fit one item only."""
        items = Item.objects.for_principal(self.principal)
        try:
            key, own = gtin14(code) or sku_key(code), sku_key(code)
        except DirtyText:
            return None
        if not key:
            return None
        barcode = Barcode.objects.filter(code_key=key).first()
        found = items.filter(pk=barcode.item_id).first() if barcode else items.filter(sku_key=own).first()
        if found is None and supplier:
            found = items.filter(supplier_items__supplier=supplier, supplier_items__supplier_sku_key=own).first()
        if found is None and len(code) >= 3:
            words = list(items.search(code).order_by("sku_key")[:2])
            found = words[0] if len(words) == 1 else None
        return found


def _row(sku: str, units: str, price: str, form: OrderForm) -> list[dict[str, Any]]:
    sku = sku.strip()[:64]
    if not sku:
        return []
    quantity = whole(units.strip(), None, most=MOST)
    if not quantity:
        form.add_error(None, _("%(sku)s needs a whole number of units above 0.") % {"sku": sku})
    try:
        amount = money.amount(price.strip().replace(",", ".")) if price.strip() else None
    except money.NotMoney:
        amount = Decimal(-1)
    if amount is not None and amount < 0:
        form.add_error(None, _("%(sku)s: %(price)s is no price.") % {"sku": sku, "price": price[:20]})
    return [{"sku": sku, "quantity": quantity or 0, "price": price.strip()[:24]}]


def pasted(text: str, form: OrderForm) -> list[dict[str, Any]]:
    """Read lines of SKU, units and perhaps a price, as a sheet puts them on the clipboard."""
    rows: list[dict[str, Any]] = []
    for line in text.splitlines()[:MOST_ROWS]:
        parts = [part.strip() for part in (line.split("\t") if "\t" in line else line.split(";"))]
        if len(parts) == 1:
            parts = parts[0].rsplit(None, 1)
        rows += _row(parts[0] if parts else "", parts[1] if len(parts) > 1 else "1", "".join(parts[2:3]), form)
    return rows


def _ordered(row: dict[str, Any]) -> OrderedLine:
    price = row.get("price") or ""
    return OrderedLine(
        sku=row["sku"], quantity=row["quantity"], price=money.amount(price.replace(",", ".")) if price else None
    )


def _plain(value: Decimal) -> str:
    return format(value.normalize() + 0, "f")
