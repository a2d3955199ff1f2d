"""What an item costs, on its page, and the two dialogs that change what the books say of it without moving goods.

Both ask for the right to post by hand (accounting:write) and to see costs: they change the balance sheet and not the
shelf.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory import reading
from inventory.forms import CostingMethodForm, WriteDownForm
from inventory.models import CostPool, Item
from inventory.services.costing_methods import change_costing_method
from inventory.services.writing_down import write_down
from inventory.views import OneItem
from retailhub.core.access import Principal
from retailhub.core.pages import Dialog, NotAllowed
from retailhub.core.templatetags.rh import money, qty


def may_revalue(principal: Principal) -> bool:
    """Whether somebody may change stock values: the journal is one, so he needs the right at every place."""
    return (
        principal.sees_costs and "accounting:write" in principal.scopes and principal.places("accounting:write") is None
    )


class ItemCosts(OneItem):
    """The part of the item page that only those see who may see costs."""

    scope = "costs:read"
    template_name = "inventory/costs.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        item = self.item
        dialogs = [("write_down", _("Write down")), ("costing_method", _("Costing method"))]
        return self.render(
            item=item,
            costs=reading.costs_of(item),
            home_currency=settings.HOME_CURRENCY,
            dialogs=[(reverse(f"inventory:{name}", args=[item.sku]), label) for name, label in dialogs]
            if may_revalue(self.principal)
            else [],
        )


class ValueDialog(OneItem, Dialog):
    """A dialog that changes what an item's stock is worth, or how that is told."""

    scope = "accounting:write"
    heading: ClassVar[Any] = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Strangers and people without the right are turned away above.
        if request.user.is_authenticated and self.principal.may(self.scope) and not may_revalue(self.principal):
            refusal = NotAllowed("costs:read" if not self.principal.sees_costs else self.scope, _("every place"))
            return self.turn_away(403, _("Not for you"), str(refusal))
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> str:
        return f"{self.heading}: {self.item.name}"

    def get_back_url(self) -> str:
        return self.item_url()

    @property
    def pool(self) -> CostPool | None:
        return CostPool.objects.filter(item=self.stocked).first()

    @property
    def stocked(self) -> Item:
        if self.item.kind == Item.Kind.KIT:
            raise Http404
        return self.item


class WriteDown(ValueDialog):
    heading = gettext_lazy("Write down")
    form_class = WriteDownForm
    submit_label = gettext_lazy("Write down")
    danger = True

    def get_explanation(self) -> str:
        pool = self.pool
        said = _(
            "%(units)s units are worth %(value)s together. A write-down is posted at once and is not taken back; units "
            "that leave afterwards leave at what is left of their value."
        )
        worth = money(pool.value if pool else 0, settings.HOME_CURRENCY)  # type: ignore[arg-type]
        return said % {"units": qty(pool.quantity if pool else 0), "value": worth}

    def act(self, form: forms.Form) -> str:
        data = form.cleaned_data
        document = write_down(item=self.stocked, amount=data["amount"], note=data["note"], actor=self.principal.actor)
        return _("Written down by %(number)s.") % {"number": document.partition(":")[2]}


class ChangeCostingMethod(ValueDialog):
    heading = gettext_lazy("Costing method")
    form_class = CostingMethodForm
    submit_label = gettext_lazy("Change the method")
    explanation = gettext_lazy(
        "Counts from now on: what is there keeps its value, and nothing that was sold is valued anew."
    )

    def get_initial(self) -> dict[str, Any]:
        pool = self.pool
        return {"method": pool.method if pool else CostPool.Method.MOVING_AVERAGE}

    def act(self, form: forms.Form) -> str:
        data = form.cleaned_data
        changes = change_costing_method(
            items=[self.stocked], method=data["method"], note=data["note"], actor=self.principal.actor
        )
        label = CostPool.Method(data["method"]).label
        if not changes:
            return _("It is valued by %(method)s already.") % {"method": label}
        return _("Valued by %(method)s from now on.") % {"method": label}
