"""Forms of the order page. They check shape; the services check the trade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Location
from orders.models import OrderLine
from orders.queries import LineStock
from orders.services.lines import LineWanted
from retailhub.core.access import Principal
from retailhub.core.pages import HouseForm


class LinesForm(HouseForm):
    """One field of units per line that is still open."""

    def __init__(self, *args: Any, lines: list[OrderLine], stock: Mapping[int, LineStock], **kwargs: Any) -> None:
        self.lines = [line for line in lines if line.open_quantity]
        self.stock = stock
        self.asked: list[int] = []
        super().__init__(*args, **kwargs)

    def add_lines(self, initial: Mapping[int, int]) -> None:
        for line in self.lines:
            field = forms.IntegerField(
                label=f"{line.line}. {line.sku}",
                required=False,
                min_value=0,
                max_value=line.open_quantity,
                initial=initial.get(line.line, 0),
                help_text=self.help_of(line),
                widget=forms.NumberInput(attrs={"class": "rh-input rh-num", "inputmode": "numeric"}),
            )
            field.rh_quiet = True  # type: ignore[attr-defined]  # "optional" beside every line would be noise
            self.fields[f"line_{line.line}"] = field

    def help_of(self, line: OrderLine) -> str:
        return _("of %(open)s open") % {"open": line.open_quantity}

    def wanted(self) -> list[LineWanted]:
        """Answer the lines with units above nothing, in the order of the form."""
        units = {line.line: self.cleaned_data.get(f"line_{line.line}") or 0 for line in self.lines}
        self.asked = [number for number, quantity in units.items() if quantity]
        return [LineWanted(line=number, quantity=units[number]) for number in self.asked]

    def field_of(self, pointer: str) -> str:
        parts = pointer.strip("/").split("/")
        if len(parts) >= 2 and parts[0] == "lines" and parts[1].isdecimal() and int(parts[1]) < len(self.asked):
            return f"line_{self.asked[int(parts[1])]}"
        return super().field_of(pointer)

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if not self.errors and not self.wanted():
            self.add_error(None, _("Say how many units of which line."))
        return data


class ShipForm(LinesForm):
    location = forms.ModelChoiceField(
        Location.objects.none(), to_field_name="code", empty_label=None, label=gettext_lazy("From")
    )
    carrier = forms.CharField(label=gettext_lazy("Carrier"), required=False, max_length=60)
    tracking_number = forms.CharField(label=gettext_lazy("Tracking number"), required=False, max_length=80)

    def __init__(self, *args: Any, principal: Principal, here: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places: Any = self.fields["location"]
        rows = Location.objects.for_principal(principal, "orders:write").filter(is_active=True)
        places.queryset = rows.exclude(kind=Location.Kind.TRANSIT)
        self.here = here
        self.add_lines({line.line: self._reserved_here(line) for line in self.lines})

    def _reserved_here(self, line: OrderLine) -> int:
        stock = self.stock.get(line.line)
        if stock is None:
            return 0
        places = {entry["location"] for entry in stock.allocations}
        if places and places != {self.here}:
            here = sum(int(e["quantity"]) for e in stock.allocations if e["location"] == self.here)
            return min(stock.reserved, here)
        return stock.reserved

    def help_of(self, line: OrderLine) -> str:
        stock = self.stock.get(line.line)
        held = ", ".join(f"{e['quantity']} @ {e['location']}" for e in stock.allocations) if stock else ""
        said = _("of %(open)s open") % {"open": line.open_quantity}
        return f"{said}; {_('reserved')}: {held}" if held else said


class CancelForm(LinesForm):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_lines({line.line: line.open_quantity for line in self.lines})


class HoldForm(HouseForm):
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True})
    )
