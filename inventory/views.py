"""The item page: one truth per SKU, and the dialogs that change it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory import reading
from inventory.forms import AdjustForm, CountForm, MoveForm, ReceiveForm, StockForm
from inventory.models import Bucket, CostPool, Item, Location, Reason, StockLevel
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.moving import MoveLine, move_stock
from inventory.services.receiving import BookedLine, book_in
from retailhub.core.pages import Dialog, ShellPage, or_404, place_of
from retailhub.core.text import DirtyText, sku_key


class OneItem(ShellPage):
    """A page about the item that its address names."""

    scope = "items:read"

    @cached_property
    def item(self) -> Item:
        try:
            key = sku_key(self.kwargs["sku"])
        except DirtyText:
            key = ""
        rows = Item.objects.for_principal(self.principal).select_related("category")
        return or_404(rows.filter(sku_key=key).first())

    def item_url(self) -> str:
        return reverse("inventory:item", args=[self.item.sku])


class ItemPage(OneItem):
    """One total split by place and state, with what explains it."""

    template_name = "inventory/item.html"

    def get_title(self) -> str:
        return self.item.name

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        item, principal = self.item, self.principal
        is_kit = item.kind == Item.Kind.KIT
        stock = None if is_kit or not principal.may("stock:read") else reading.stock_of(item, principal)
        parts = reading.components_of(item, principal) if is_kit else []
        pool = CostPool.objects.filter(item=item).first() if principal.sees_costs and not is_kit else None
        return self.render(
            item=item,
            stock=stock,
            parts=parts,
            kits=min((part.kits for part in parts), default=0),
            promises=None if is_kit or stock is None else reading.promises_on(item, principal),
            pool=pool,
            unit_cost=pool.value / pool.quantity if pool and pool.quantity else None,
            home_currency=settings.HOME_CURRENCY,
            barcodes=list(item.barcodes.select_related("pack")),
            packs=list(item.packs.all()),
            may_move=not is_kit and principal.may("stock:write"),
            may_edit=principal.may("items:write"),
            places=list(Location.objects.for_principal(principal)) if stock else [],
            dialogs=[
                (reverse(f"inventory:{name}", args=[item.sku]), label)
                for name, label in (
                    ("adjust", _("Adjust")),
                    ("count", _("Count")),
                    ("receive", _("Receive")),
                    ("move", _("Move")),
                )
            ],
        )


class ItemHistory(OneItem):
    """A page of the item's movements with the balance after each."""

    scope = "stock:read"
    template_name = "inventory/history.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        place = request.GET.get("place", "")
        history = reading.history_of(self.item, self.principal, place=place, cursor=request.GET.get("cursor", ""))
        return self.render(item=self.item, history=history, place=place, home_currency=settings.HOME_CURRENCY)


class StockDialog(OneItem, Dialog):
    """A dialog of the item page."""

    scope = "stock:write"
    form_class: ClassVar[type[StockForm]] = StockForm
    heading: ClassVar[Any] = ""

    def get_title(self) -> str:
        return f"{self.heading}: {self.item.name}"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"principal": self.principal, "item": self.item}

    def get_initial(self) -> dict[str, Any]:
        place = self.request.GET.get("place") or place_of(self.request) or self._fullest()
        return {"location": place, "bucket": Bucket.SELLABLE, "from_bucket": Bucket.SELLABLE}

    def _fullest(self) -> str | None:
        rows = StockLevel.objects.for_principal(self.principal, "stock:write").filter(item=self.item)
        return rows.order_by("-on_hand", "pk").values_list("location__code", flat=True).first()

    def get_back_url(self) -> str:
        return self.item_url()


class Adjust(StockDialog):
    heading = gettext_lazy("Adjust")
    form_class = AdjustForm
    submit_label = gettext_lazy("Adjust")

    def act(self, form: AdjustForm) -> str:
        data = form.cleaned_data
        line = AdjustmentLine(sku=self.item.sku, change=data["change"], bucket=data["bucket"])
        document = adjust_stock(
            location=data["location"],
            reason=data["reason"],
            lines=[line],
            note=data["note"],
            actor=self.principal.actor,
        )
        return _("Adjusted by %(number)s.") % {"number": document.number}


class Count(StockDialog):
    heading = gettext_lazy("Count")
    form_class = CountForm
    submit_label = gettext_lazy("Post the count")

    def act(self, form: CountForm) -> str:
        data = form.cleaned_data
        line = AdjustmentLine(sku=self.item.sku, counted=data["counted"], bucket=data["bucket"])
        document = adjust_stock(
            location=data["location"],
            reason=Reason.COUNT,
            lines=[line],
            note=data["note"],
            actor=self.principal.actor,
        )
        change = document.lines[0]["change"] if document.lines else 0
        if not change:
            return _("Counted by %(number)s: as we thought.") % {"number": document.number}
        return _("Counted by %(number)s: %(change)+d.") % {"number": document.number, "change": change}


class Receive(StockDialog):
    heading = gettext_lazy("Receive")
    form_class = ReceiveForm
    submit_label = gettext_lazy("Book in")
    explanation = gettext_lazy("For goods that came without a purchase order. Who waits for them is served at once.")

    def act(self, form: ReceiveForm) -> str:
        data = form.cleaned_data
        line = BookedLine(
            sku=self.item.sku, quantity=data["quantity"], unit_cost=data.get("unit_cost"), bucket=data["bucket"]
        )
        document = book_in(location=data["location"], lines=[line], note=data["note"], actor=self.principal.actor)
        return _("Booked in by %(number)s.") % {"number": document.number}


class Move(StockDialog):
    heading = gettext_lazy("Move")
    form_class = MoveForm
    submit_label = gettext_lazy("Move")
    explanation = gettext_lazy(
        "Goods that stay where they are and change their state: damaged, on hold, sellable again."
    )

    def act(self, form: MoveForm) -> str:
        data = form.cleaned_data
        line = MoveLine(
            sku=self.item.sku,
            quantity=data["quantity"],
            from_bucket=data["from_bucket"],
            to_bucket=data["to_bucket"],
        )
        document = move_stock(
            location=data["location"],
            reason=data["reason"],
            lines=[line],
            note=data["note"],
            actor=self.principal.actor,
        )
        return _("Moved by %(number)s.") % {"number": document.number}
