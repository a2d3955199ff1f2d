"""Forms of the channel pages. They check shape; the services check the trade."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels.connectors.base import SettingField
from channels.connectors.registry import UnknownConnector, connector_for, connector_kinds
from inventory.models import Location
from retailhub.core.money import currencies
from retailhub.core.pages import HouseForm

DESK = "desk"


def settings_of_kind(kind: str) -> tuple[SettingField, ...]:
    """Answer what the connector needs to know; nothing for a desk channel."""
    try:
        return connector_for(kind).settings_schema
    except UnknownConnector:
        return ()


def kind_choices() -> list[tuple[str, Any]]:
    return [(DESK, _("Desk"))] + [(kind, connector_for(kind).label) for kind in connector_kinds()]


class PauseForm(HouseForm):
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True})
    )


class ExposureForm(HouseForm):
    buffer = forms.IntegerField(
        label=gettext_lazy("Buffer"),
        min_value=0,
        max_value=1_000_000,
        help_text=gettext_lazy("Units kept back per listing."),
    )
    share_percent = forms.IntegerField(
        label=gettext_lazy("Share"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy("Per cent of what is available."),
    )


class ConnectForm(HouseForm):
    """A new channel: its facts, the places it sells from, and what its connector asks for."""

    template_name = "channels/connect_form.html"
    aliases = {"locations": ""}

    code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        label=gettext_lazy("Code"),
        max_length=32,
        help_text=gettext_lazy("Short, for files and programs: webshop, market-fr."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    currency = forms.CharField(label=gettext_lazy("Currency"), min_length=3, max_length=3)
    prices_include_tax = forms.BooleanField(label=gettext_lazy("Prices include tax"), required=False, initial=True)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        real = Location.objects.places().filter(is_active=True).exclude(kind=Location.Kind.TRANSIT)
        self.places = {f"rank_{place.code}": place.code for place in real}
        for place in real:
            self.fields[f"rank_{place.code}"] = forms.IntegerField(
                label=place.name,
                required=False,
                min_value=1,
                max_value=99,
                widget=forms.NumberInput(attrs={"class": "rh-input rh-num", "inputmode": "numeric"}),
            )
        self.asked = settings_of_kind(kind)
        for setting in self.asked:
            self.fields[f"setting_{setting.name}"] = _field_of(setting)

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in currencies():
            raise forms.ValidationError(_("There is no currency %(code)s.") % {"code": currency})
        return currency

    @property
    def ranks(self) -> list[forms.BoundField]:
        return [self[name] for name in self.places]

    @property
    def plain(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.places]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        ranked = [(data[name], code) for name, code in self.places.items() if data.get(name)]
        if not ranked:
            self.add_error(None, _("Say from which places this channel sells: 1 stands first."))
        data["locations"] = [code for _rank, code in sorted(ranked)]
        return data

    def told(self, *, secret: bool) -> dict[str, Any]:
        """Answer the connector's secrets, or its other settings."""
        return {
            setting.name: value
            for setting in self.asked
            if setting.secret is secret
            and (value := self.cleaned_data.get(f"setting_{setting.name}")) not in (None, "")
        }


def _field_of(setting: SettingField) -> forms.Field:
    shared: dict[str, Any] = {
        "label": setting.label, "required": setting.required, "help_text": setting.help,
        "initial": setting.default or None,
    }  # fmt: skip
    if setting.secret:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "rh-input"}, render_value=True)
        return forms.CharField(max_length=2000, widget=widget, **shared)
    if setting.kind == "flag":
        return forms.BooleanField(**{**shared, "required": False})
    attrs = {"class": "rh-input"}
    if setting.kind == "integer":
        return forms.IntegerField(widget=forms.NumberInput(attrs=attrs), **shared)
    return forms.CharField(max_length=300, widget=forms.TextInput(attrs=attrs), **shared)
