"""The order page, and the dialogs that move an order."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Item, Location
from orders.forms import CancelForm, HoldForm, ShipForm
from orders.models import MOVES, Order, OrderLine, OrderLinePart, Status
from orders.queries import LineStock, stock_of_lines
from orders.services.cancelling import cancel_order
from orders.services.holding import hold_order, release_order
from orders.services.shipping import SHIPPABLE, ship_order
from orders.timeline import timeline_of
from retailhub.core.pages import Dialog, ShellPage, or_404
from retailhub.core.text import DirtyText, sku_key


class OneOrder(ShellPage):
    """A page about the order that its address names."""

    scope = "orders:read"

    @cached_property
    def order(self) -> Order:
        rows = Order.objects.for_principal(self.principal).select_related("channel", "customer")
        return or_404(rows.filter(number=self.kwargs["number"]).first())

    @cached_property
    def lines(self) -> list[OrderLine]:
        return list(self.order.lines.select_related("item").defer("item__cost", "item__search_text"))

    @cached_property
    def stock(self) -> dict[int, LineStock]:
        return stock_of_lines([self.order])[self.order.pk]

    def order_url(self) -> str:
        return reverse("orders:order", args=[self.order.number])


class OrderPage(OneOrder):
    """Lines left, the customer right, one timeline of people and systems."""

    template_name = "orders/order.html"

    def get_title(self) -> str:
        return self.order.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order, principal = self.order, self.principal
        shipments = list(order.shipments.select_related("location").prefetch_related("lines__order_line"))
        payments, events = list(order.payments.all()), list(order.events.all())
        open_units = sum(line.open_quantity for line in self.lines)
        may_write = principal.may("orders:write")
        sees_people = principal.may("customers:read")
        paid = sum(payment.amount for payment in payments if payment.captured)
        return self.render(
            order=order,
            lines=[
                {"line": line, "stock": self.stock.get(line.line, LineStock()), "amount": _amount(line)}
                for line in self.lines
            ],
            places=self._places(),
            shipments=shipments,
            payments=payments,
            paid=paid,
            customer=order.customer if sees_people else None,
            address=_address(order) if sees_people else [],
            sees_people=sees_people,
            timeline=timeline_of(order, shipments=shipments, payments=payments, events=events),
            may_ship=may_write and open_units > 0 and order.status in SHIPPABLE,
            may_cancel=may_write and open_units > 0 and order.status != Status.CANCELLED,
            may_hold=may_write and Status.HELD in MOVES.get(order.status, set()),
            may_release=may_write and order.status == Status.HELD,
        )

    def _places(self) -> dict[str, str]:
        """Answer what the places are called where something is reserved for the order."""
        codes = {place["location"] for stock in self.stock.values() for place in stock.allocations}
        return dict(Location.objects.filter(code__in=codes).values_list("code", "name")) if codes else {}


def _amount(line: OrderLine) -> Any:
    return line.unit_price * line.quantity - line.discount


def _address(order: Order) -> list[str]:
    """Answer the address as lines, whatever the channel called its parts."""
    told = order.shipping_address or {}
    town = " ".join(str(told[name]) for name in ("postal_code", "postcode", "city") if told.get(name))
    known = [told.get(name) for name in ("name", "company", "line1", "line2")]
    lines = [str(line) for line in [*known, town, told.get("region"), told.get("country")] if line]
    return lines or [str(value) for value in told.values() if value and not isinstance(value, dict | list)]


class OrderDialog(OneOrder, Dialog):
    scope = "orders:write"

    def get_back_url(self) -> str:
        return self.order_url()


class ShipOrder(OrderDialog):
    form_class = ShipForm
    submit_label = gettext_lazy("Ship")

    def get_title(self) -> str:
        return _("Ship %(number)s") % {"number": self.order.number}

    @cached_property
    def here(self) -> str:
        """The place that holds most of what is reserved, among those where this person ships."""
        asked = self.request.GET.get("place") or self.request.POST.get("location")
        codes = set(Location.objects.for_principal(self.principal, "orders:write").values_list("code", flat=True))
        units: dict[str, int] = {}
        for stock in self.stock.values():
            for entry in stock.allocations:
                units[entry["location"]] = units.get(entry["location"], 0) + entry["quantity"]
        held = sorted((code for code in units if code in codes), key=lambda code: -units[code])
        return asked if asked in codes else held[0] if held else ""

    def get_initial(self) -> dict[str, Any]:
        return {"location": self.here}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"lines": self.lines, "stock": self.stock, "principal": self.principal, "here": self.here}

    def act(self, form: ShipForm) -> str:
        data = form.cleaned_data
        shipment = ship_order(
            order_id=self.order.pk,
            location=data["location"],
            lines=form.wanted(),
            carrier=data["carrier"],
            tracking_number=data["tracking_number"],
            actor=self.principal.actor,
        )
        return _("Shipped as %(number)s.") % {"number": shipment.number}


class CancelOrder(OrderDialog):
    form_class = CancelForm
    submit_label = gettext_lazy("Cancel these units")
    explanation = gettext_lazy(
        "What was reserved goes to who waits for it, or is free again. What has left stays as it is."
    )
    danger = True

    def get_title(self) -> str:
        return _("Cancel %(number)s, whole or in part") % {"number": self.order.number}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"lines": self.lines, "stock": self.stock}

    def act(self, form: CancelForm) -> str:
        cancel_order(
            order_id=self.order.pk,
            lines=form.wanted(),
            reason=form.cleaned_data["reason"],
            actor=self.principal.actor,
        )
        return _("Cancelled.")


class HoldOrder(OrderDialog):
    form_class = HoldForm
    submit_label = gettext_lazy("Hold")
    explanation = gettext_lazy("The order does not leave until it is released. Its goods stay reserved.")
    done_message = gettext_lazy("The order is held.")

    def get_title(self) -> str:
        return _("Hold %(number)s") % {"number": self.order.number}

    def act(self, form: HoldForm) -> None:
        hold_order(order_id=self.order.pk, reason=form.cleaned_data["reason"], actor=self.principal.actor)


class ReleaseOrder(OrderDialog):
    submit_label = gettext_lazy("Release")
    done_message = gettext_lazy("The order goes on.")

    def get_title(self) -> str:
        return _("Release %(number)s") % {"number": self.order.number}

    def get_explanation(self) -> str:
        return _("Held because: %(reason)s") % {"reason": self.order.held_reason}

    def act(self, form: Any) -> None:
        release_order(order_id=self.order.pk, actor=self.principal.actor)


class ItemOrders(ShellPage):
    """The open orders that want an item: a panel of the item page."""

    scope = "orders:read"
    template_name = "orders/item_orders.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            item = or_404(Item.objects.filter(sku_key=sku_key(kwargs["sku"])).only("pk", "sku").first())
        except DirtyText:
            item = or_404(None)
        orders = Order.objects.for_principal(self.principal).filter(
            status__in=[Status.OPEN, Status.ALLOCATED, Status.PART_ALLOCATED, Status.HELD, Status.PART_SHIPPED]
        )
        in_kits = OrderLine.objects.filter(order__parts__item=item, order__parts__line=F("line"))
        found = OrderLine.objects.filter(item=item).values("pk").union(in_kits.values("pk"))
        per_kit = OrderLinePart.objects.filter(order=OuterRef("order"), line=OuterRef("line"), item=item)
        rows: Any = OrderLine.objects.filter(pk__in=found, order__in=orders).select_related("order__channel")
        rows = rows.annotate(each=Coalesce(Subquery(per_kit.values("quantity")), 1)).order_by("-pk")[:50]
        wanted = [{"order": row.order, "units": row.open_quantity * row.each} for row in rows if row.open_quantity]
        return self.render(item=item, rows=wanted)
