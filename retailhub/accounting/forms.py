"""Forms of the books. They check shape; the services check the trade."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.accounting.models import Account
from retailhub.accounting.services.by_hand import MANUAL
from retailhub.accounting.services.entries import EntryLine, NewEntry
from retailhub.core.money import exponent
from retailhub.core.pages import HouseForm
from retailhub.core.text import DirtyText, clean_line

ROWS = 8
_ROW = ("account", "debit", "credit", "party", "reference")
_LINE = re.compile(r"/lines/(\d+)/(\w+)")


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def day_field(**given: Any) -> forms.DateField:
    return forms.DateField(label=gettext_lazy("Date"), widget=DayInput(), initial=timezone.localdate, **given)


class ReopenForm(HouseForm):
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("It is kept with your name."),
        widget=forms.TextInput(attrs={"autofocus": True}),
    )


class ReverseForm(HouseForm):
    date = day_field()
    text = forms.CharField(label=gettext_lazy("Text"), max_length=500, required=False)


class HandPostingForm(HouseForm):
    """An entry by hand: up to eight lines, each a debit or a credit."""

    aliases: ClassVar[dict[str, str]] = {}

    key = forms.RegexField(r"^manual:[0-9a-f]{32}$", widget=forms.HiddenInput())
    date = day_field()
    text = forms.CharField(label=gettext_lazy("Text"), max_length=500)
    document = forms.CharField(
        label=gettext_lazy("Document"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("What it is for, such as receipt:GR-12."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = f"manual:{uuid4().hex}"
        self._lines: list[tuple[int, EntryLine]] = []
        accounts = [("", "")] + [(account.number, str(account)) for account in Account.objects.order_by("number")]
        places = exponent(settings.HOME_CURRENCY)
        for row in range(1, ROWS + 1):
            fields: dict[str, forms.Field] = {
                "account": forms.ChoiceField(label=_("Account"), choices=accounts, required=False),
                "debit": _amount(_("Debit"), places),
                "credit": _amount(_("Credit"), places),
                "party": forms.CharField(label=_("Party"), max_length=120, required=False),
                "reference": forms.CharField(label=_("Reference"), max_length=120, required=False),
            }
            for name, field in fields.items():
                field.widget.attrs |= {
                    "class": "rh-input rh-num" if name in {"debit", "credit"} else "rh-input",
                    "aria-label": _("%(what)s, line %(row)s") % {"what": field.label, "row": row},
                }
                self.fields[f"{name}_{row}"] = field

    @property
    def head(self) -> Iterator[Any]:
        return (self[name] for name in ("date", "text", "document"))

    @property
    def rows(self) -> Iterator[list[tuple[str, Any]]]:
        return (
            [(str(self[f"{name}_{row}"].label), self[f"{name}_{row}"]) for name in _ROW] for row in range(1, ROWS + 1)
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in (
            "text",
            "document",
            *(f"{name}_{row}" for name in ("party", "reference") for row in range(1, ROWS + 1)),
        ):
            try:
                data[name] = clean_line(data.get(name) or "")
            except DirtyText as dirt:
                self.add_error(name, str(dirt))
        if "key" in self.errors:  # nobody sees what is wrong with a hidden field
            self.add_error(None, _("This form is out of date: open it anew."))
        self._lines = []
        for row in range(1, ROWS + 1):
            account, debit, credit = (data.get(f"{name}_{row}") for name in ("account", "debit", "credit"))
            if not (account or debit or credit):
                continue
            if not account:
                self.add_error(f"account_{row}", _("Choose an account."))
            if bool(debit) == bool(credit):
                self.add_error(f"debit_{row}", _("Give either a debit or a credit."))
                continue
            self._lines.append(
                (
                    row,
                    EntryLine(
                        account=account or "",
                        amount=debit or -credit,  # type: ignore[operator]
                        party=data.get(f"party_{row}") or "",
                        reference=data.get(f"reference_{row}") or "",
                    ),
                )
            )
        if not self._lines and not self.errors:
            self.add_error(None, _("An entry has at least two lines."))
        return data

    def entry(self) -> NewEntry:
        """Answer what to post."""
        data = self.cleaned_data
        return NewEntry(
            key=data["key"],
            kind=MANUAL,
            document=data["document"],
            date=data["date"],
            text=data["text"],
            lines=[line for _row, line in self._lines],
        )

    def field_of(self, pointer: str) -> str:
        found = _LINE.search(pointer)
        if found:
            row = self._lines[int(found[1])][0]
            name = "debit" if found[2] == "amount" else found[2]
            return f"{name}_{row}" if f"{name}_{row}" in self.fields else ""
        return super().field_of(pointer)


def _amount(label: str, places: int) -> forms.DecimalField:
    field = forms.DecimalField(label=label, min_value=0, max_digits=13 + places, decimal_places=places, required=False)
    field.widget.attrs["inputmode"] = "decimal"
    return field
