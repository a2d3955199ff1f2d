"""Forms of the stock room. They check shape; the services check the trade."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Bucket, CostPool, Item, Location, Reason
from inventory.services import adjusting, moving
from retailhub.core.access import Principal
from retailhub.core.pages import HouseForm
from retailhub.core.quantities import MOST


def reason_choices(reasons: tuple[Reason, ...], *leave_out: Reason) -> list[tuple[str, Any]]:
    return [(reason.value, reason.label) for reason in reasons if reason not in leave_out]


class PlaceField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A place where the person may move stock."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", None)
        super().__init__(Location.objects.none(), to_field_name="code", **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class StockForm(HouseForm):
    """What every dialog of the item page asks: at which place, and what is there now."""

    location = PlaceField(label=gettext_lazy("Place"))

    def __init__(self, *args: Any, principal: Principal, item: Item, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.item = item
        places: Any = self.fields["location"]
        places.queryset = Location.objects.for_principal(principal, "stock:write").filter(is_active=True)


class AdjustForm(StockForm):
    change = forms.IntegerField(
        label=gettext_lazy("Change"),
        min_value=-MOST,
        max_value=MOST,
        help_text=gettext_lazy("Units that came (12) or went (-3)."),
        widget=forms.NumberInput(attrs={"autofocus": True, "inputmode": "text"}),
    )
    bucket = forms.ChoiceField(label=gettext_lazy("State"), choices=Bucket.choices)
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=reason_choices(adjusting.REASONS, Reason.COUNT, Reason.OPENING)
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)

    def clean_change(self) -> int:
        change = int(self.cleaned_data["change"])
        if change == 0:
            raise forms.ValidationError(_("Nothing changes by 0."))
        return change


class CountForm(StockForm):
    counted = forms.IntegerField(
        label=gettext_lazy("Counted"),
        min_value=0,
        max_value=MOST,
        help_text=gettext_lazy("What lies on the shelf. A count is believed: promises it cannot cover wait again."),
        widget=forms.NumberInput(attrs={"autofocus": True}),
    )
    bucket = forms.ChoiceField(label=gettext_lazy("State"), choices=Bucket.choices)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)


class ReceiveForm(StockForm):
    quantity = forms.IntegerField(
        label=gettext_lazy("Units received"),
        min_value=1,
        max_value=MOST,
        widget=forms.NumberInput(attrs={"autofocus": True}),
    )
    bucket = forms.ChoiceField(label=gettext_lazy("State"), choices=Bucket.choices)
    unit_cost = forms.DecimalField(
        label=gettext_lazy("Unit cost"),
        required=False,
        min_value=0,
        max_digits=19,
        decimal_places=6,
        help_text=gettext_lazy("In the home currency. Empty: as last time."),
    )
    note = forms.CharField(label=gettext_lazy("Delivery note"), required=False, max_length=500)

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, principal=principal, **kwargs)
        if not principal.sees_costs:
            del self.fields["unit_cost"]


class MoveForm(StockForm):
    quantity = forms.IntegerField(
        label=gettext_lazy("Units"),
        min_value=1,
        max_value=MOST,
        widget=forms.NumberInput(attrs={"autofocus": True}),
    )
    from_bucket = forms.ChoiceField(label=gettext_lazy("From"), choices=Bucket.choices)
    to_bucket = forms.ChoiceField(label=gettext_lazy("To"), choices=Bucket.choices, initial=Bucket.DAMAGED)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=reason_choices(moving.REASONS))
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)


class WriteDownForm(HouseForm):
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"),
        max_digits=19,
        decimal_places=4,
        help_text=gettext_lazy("By how much all units together are worth less, in the home currency."),
        widget=forms.NumberInput(attrs={"autofocus": True, "inputmode": "decimal"}),
    )
    note = forms.CharField(label=gettext_lazy("Why"), max_length=500)


class CostingMethodForm(HouseForm):
    method = forms.ChoiceField(label=gettext_lazy("Method"), choices=CostPool.Method.choices)
    note = forms.CharField(label=gettext_lazy("Why"), required=False, max_length=500)


class TransferForm(HouseForm):
    """Where from, where to and until when; the lines come beside it, as many as were scanned."""

    aliases = {"from": "origin", "to": "destination"}

    origin = PlaceField(label=gettext_lazy("From"))
    destination = PlaceField(label=gettext_lazy("To"), empty_label="")
    due = forms.DateField(
        label=gettext_lazy("Expected there"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        movable = Location.objects.for_principal(principal, "stock:write")
        real = Location.objects.places().filter(is_active=True).exclude(kind=Location.Kind.TRANSIT)
        origin: Any = self.fields["origin"]
        origin.queryset = movable.filter(is_active=True).exclude(kind=Location.Kind.TRANSIT)
        destination: Any = self.fields["destination"]
        destination.queryset = real

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if data.get("origin") and data.get("origin") == data.get("destination"):
            self.add_error("destination", _("A transfer goes to another place."))
        return data
