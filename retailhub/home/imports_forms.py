"""Forms of the import pages: which file, which heading is which field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from inventory.models import Location
from retailhub.core.access import Principal
from retailhub.core.imports.targets import Target
from retailhub.core.imports.uploads import Upload
from retailhub.core.pages import HouseForm

COSTS = frozenset({"cost", "unit_cost"})


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
                # A place may be chosen for the whole file below.
                required=field.required and field.name != "location",
                error_messages={"required": _("Say which column holds this.")},
                widget=forms.Select(attrs={"class": "rh-input"}),
            )
        if kind == "stock count":
            places = Location.objects.for_principal(principal, "stock:write").filter(is_active=True)
            self.fields["all_location"] = forms.ChoiceField(
                label=_("Place, if the file names none"),
                choices=[("", ""), *((place.code, place.name) for place in places)],
                required=False,
                widget=forms.Select(attrs={"class": "rh-input"}),
            )
        else:
            self.fields["all_currency"] = forms.CharField(
                label=_("Currency, if the file names none"),
                max_length=3,
                required=False,
                widget=forms.TextInput(attrs={"class": "rh-input"}),
            )
        self.fields["decimal_comma"] = forms.BooleanField(label=_("Numbers are written 1.234,56"), required=False)

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
        if "all_location" in self.fields and not data.get("location") and not data.get("all_location"):
            self.add_error("location", _("Say which column holds this, or choose a place below."))
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
