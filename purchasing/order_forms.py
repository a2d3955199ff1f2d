"""Forms of purchase orders. They check shape; the services check the trade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Location
from purchasing.models import PurchaseOrderLine, Supplier
from purchasing.services.acknowledging import LineAnswer
from purchasing.services.changes import LineChange, OrderChanges
from retailhub.core.access import Principal
from retailhub.core.pages import HouseForm
from retailhub.core.quantities import MOST


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **attrs: Any) -> None:
        super().__init__(attrs=attrs, format="%Y-%m-%d")


class OrderForm(HouseForm):
    """The head of a draft."""

    supplier = forms.ModelChoiceField(
        Supplier.objects.none(),
        to_field_name="code",
        label=gettext_lazy("Supplier"),
        empty_label=gettext_lazy("Choose"),
    )
    ship_to = forms.ModelChoiceField(
        Location.objects.none(), to_field_name="code", label=gettext_lazy("Deliver to"), empty_label=None
    )
    expected_on = forms.DateField(label=gettext_lazy("Expected"), required=False, widget=DayInput())
    note = forms.CharField(label=gettext_lazy("Note for the supplier"), required=False, max_length=2_000)

    def __init__(self, *args: Any, principal: Principal, supplier: Supplier | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        suppliers: Any = self.fields["supplier"]
        rows = Supplier.objects.for_principal(principal)
        suppliers.queryset = rows.filter(pk=supplier.pk) if supplier else rows.filter(status="active")
        if supplier:
            suppliers.empty_label = None
        places: Any = self.fields["ship_to"]
        places.queryset = Location.objects.for_principal(principal, "purchasing:write").filter(is_active=True)
        places.label_from_instance = lambda place: place.name


class ReasonForm(HouseForm):
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True})
    )


class LinesForm(HouseForm):
    """A few fields for each line of an order."""

    reason = forms.CharField(label=gettext_lazy("Why"), required=False, max_length=200)

    def __init__(self, *args: Any, lines: Sequence[PurchaseOrderLine], costs: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = lines
        for line in lines:
            wanted = line.quantity - line.cancelled
            self.fields[f"quantity-{line.line}"] = forms.IntegerField(min_value=0, max_value=MOST, initial=wanted)
            self.fields[f"day-{line.line}"] = forms.DateField(
                required=False, initial=line.expected_on, widget=DayInput()
            )
            if costs:
                self.fields[f"price-{line.line}"] = forms.DecimalField(
                    min_value=0, max_digits=15, decimal_places=6, initial=line.price.normalize() + 0
                )
        for name, field in self.fields.items():
            if "-" in name:
                kind = "rh-input" if name.startswith("day") else "rh-input rh-num"
                field.widget.attrs.update({"class": kind, "aria-label": self._label(name)})

    def _label(self, name: str) -> str:
        kind, _dash, number = name.partition("-")
        words = {"quantity": _("Units of line %s"), "day": _("Day of line %s"), "price": _("Price of line %s")}
        return words[kind] % number

    def rows(self) -> list[dict[str, Any]]:
        """Answer the lines with their bound fields, for the template."""
        return [
            {
                "line": line,
                "fields": [self[name] for name in self._names(line)],
            }
            for line in self.lines
        ]

    def _names(self, line: PurchaseOrderLine) -> list[str]:
        names = [f"{kind}-{line.line}" for kind in ("quantity", "price", "day")]
        return [name for name in names if name in self.fields]

    def differing(self) -> list[dict[str, Any]]:
        """Answer what was said otherwise than it stands, line by line."""
        found = []
        for line in self.lines:
            quantity, day = self.cleaned_data.get(f"quantity-{line.line}"), self.cleaned_data.get(f"day-{line.line}")
            price = self.cleaned_data.get(f"price-{line.line}")
            told: dict[str, Any] = {"line": line.line}
            if quantity is not None and quantity != line.quantity - line.cancelled:
                told["quantity"] = quantity
            if day is not None and day != line.expected_on:
                told["expected_on"] = day
            if price is not None and price != line.price:
                told["price"] = price
            if len(told) > 1:
                found.append(told)
        return found

    def field_of(self, pointer: str) -> str:
        parts = pointer.strip("/").split("/")
        asked = self.differing()
        if len(parts) >= 2 and parts[0] == "lines" and parts[1].isdecimal() and int(parts[1]) < len(asked):
            return f"quantity-{asked[int(parts[1])]['line']}"
        return super().field_of(pointer)


class AmendForm(LinesForm):
    def changes(self) -> OrderChanges:
        return OrderChanges(lines=[LineChange(**told) for told in self.differing()])


class AcknowledgeForm(LinesForm):
    supplier_reference = forms.CharField(label=gettext_lazy("His number for it"), required=False, max_length=80)

    def answers(self) -> list[LineAnswer]:
        """Answer every line: those left as they are he takes as ordered."""
        told = {x["line"]: x for x in self.differing()}
        return [LineAnswer(**told.get(line.line, {"line": line.line})) for line in self.lines]


class RejectForm(HouseForm):
    reason = forms.CharField(label=gettext_lazy("What he says"), max_length=200)
