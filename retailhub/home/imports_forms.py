"""Forms of the import pages: which file, which heading is which field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from inventory.models import Location
from orders.models import SalesChannel
from purchasing.models import Supplier
from retailhub.core.access import Principal
from retailhub.core.imports.targets import Target
from retailhub.core.imports.uploads import NUMBERS, Upload
from retailhub.core.pages import HouseForm

COSTS = frozenset({"cost", "unit_cost"})
OF_CHANNELS = frozenset({"customers", "addresses"})
"""Kinds whose rows are known by a number on a sales channel."""
FOR_ALL_ROWS = {
    "location": _("Say which column holds this, or choose a place below."),
    "channel": _("Say which column holds this, or choose a channel below."),
    "supplier": _("Say which column holds this, or choose a supplier below."),
}


class UploadForm(HouseForm):
    """One file and what it holds."""

    kind = forms.ChoiceField(label=_("What does the file hold?"))
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX with headings in the first row; at most 20 MB and 100,000 rows."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def __init__(self, *args: Any, kinds: Mapping[str, Target], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind, target.label) for kind, target in kinds.items()]  # type: ignore[attr-defined]


class ColumnsForm(HouseForm):
    """For each field the heading it comes from, and what holds for all rows where the file does not say."""

    def __init__(
        self, *args: Any, upload: Upload, target: Target, principal: Principal, kind: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.target = target
        samples = {
            heading: [cells[place] for cells in upload.samples if cells[place]][:1]
            for place, heading in enumerate(upload.headings)
        }
        choices = [("", _("(not in the file)"))] + [
            (heading, f"{heading} ({samples[heading][0][:30]})" if samples[heading] else heading)
            for heading in upload.headings
        ]
        for field in fields_for(target, principal):
            self.fields[field.name] = forms.ChoiceField(
                label=field.title,
                choices=choices,
                # A place, a channel or a supplier may be chosen for the whole file below.
                required=field.required and field.name not in FOR_ALL_ROWS,
                error_messages={"required": _("Say which column holds this.")},
                widget=forms.Select(attrs={"class": "rh-input"}),
            )
        if kind == "stock count":
            places = Location.objects.for_principal(principal, "stock:write").filter(is_active=True)
            self._choose_for_all("location", _("Place, if the file names none"), places)
        elif kind in OF_CHANNELS:
            self._choose_for_all("channel", _("Sales channel, if the file names none"), SalesChannel.objects.all())
        elif kind == "price lists":
            suppliers = Supplier.objects.for_principal(principal, "purchasing:write").only("code", "name")
            self._choose_for_all("supplier", _("Supplier, if the file names none"), suppliers.order_by("name"))
        else:
            self.fields["all_currency"] = forms.CharField(
                label=_("Currency, if the file names none"),
                max_length=3,
                required=False,
                widget=forms.TextInput(attrs={"class": "rh-input"}),
            )
        if any(field.kind in NUMBERS for field in target.fields):
            self.fields["decimal_comma"] = forms.BooleanField(label=_("Numbers are written 1.234,56"), required=False)

    def _choose_for_all(
        self, name: str, label: StrOrPromise, rows: Iterable[Location | SalesChannel | Supplier]
    ) -> None:
        self.fields[f"all_{name}"] = forms.ChoiceField(
            label=label,
            choices=[("", ""), *((row.code, row.name) for row in rows)],
            required=False,
            widget=forms.Select(attrs={"class": "rh-input"}),
        )

    def chosen(self) -> dict[str, str]:
        names = {field.name for field in self.target.fields}
        return {name: value for name, value in self.cleaned_data.items() if name in names and value}

    def constants(self) -> dict[str, str]:
        return {
            name.removeprefix("all_"): value.strip()
            for name, value in self.cleaned_data.items()
            if name.startswith("all_") and value.strip()
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, said in FOR_ALL_ROWS.items():
            if f"all_{name}" in self.fields and not data.get(name) and not data.get(f"all_{name}"):
                self.add_error(name, said)
        twice = _twice(self.chosen().values())
        for name, heading in self.chosen().items():
            if heading in twice:
                self.add_error(name, _("This column is chosen for two fields."))
        return data


def fields_for(target: Target, principal: Principal) -> list[Any]:
    """Answer the fields a person may bring: costs only if he may see them."""
    return [field for field in target.fields if principal.sees_costs or field.name not in COSTS]


def _twice(values: Iterable[str]) -> set[str]:
    listed = list(values)
    return {value for value in listed if listed.count(value) > 1}
