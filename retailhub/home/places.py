"""The place that pages start with, and the dialog that changes it for this device."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Location
from retailhub.core.access import Principal
from retailhub.core.pages import EVERY_PLACE, PLACE_COOKIE, Dialog, HouseForm, page_before, place_of

YEAR = 365 * 24 * 3600
KEPT_SECONDS = 30


def names() -> dict[str, str]:
    """Answer what the places are called where people work, by code. Every page asks: kept for half a minute."""
    found: dict[str, str] | None = cache.get("home:places")
    if found is None:
        rows = Location.objects.places().filter(is_active=True).exclude(kind=Location.Kind.TRANSIT)
        found = dict(rows.order_by("name").values_list("code", "name"))
        cache.set("home:places", found, KEPT_SECONDS)
    return found


def open_to(principal: Principal) -> dict[str, str]:
    """Answer the places this person sees stock at."""
    codes = principal.places("stock:read")
    return {code: name for code, name in names().items() if codes is None or code in codes}


def here(request: HttpRequest) -> str:
    """Answer the code of the place that this page starts with, if there is such a place; nothing for every place."""
    place = place_of(request)
    return place if place in names() else ""


class PlaceForm(HouseForm):
    place = forms.ChoiceField(
        label=gettext_lazy("Place"), help_text=gettext_lazy("This device starts with it until you change it again.")
    )

    def __init__(self, *args: Any, places: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["place"]
        choice.choices = [(EVERY_PLACE, _("every place")), *places.items()]


class ChoosePlace(Dialog):
    """Say which place this device is at: home, stock and the dialogs begin there."""

    scope = "work:read"
    title = gettext_lazy("Where are you?")
    submit_label = gettext_lazy("Start here")
    form_class = PlaceForm
    chosen = ""

    def get_initial(self) -> dict[str, Any]:
        return {"place": here(self.request) or EVERY_PLACE}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"places": open_to(self.principal)}

    def get_back_url(self) -> str:
        """The page it was asked on; the stock list, and whatever was narrowed to a place, shows the new one."""
        before = page_before(self.request)
        if not before.path or before.path == self.request.path:
            return "/"
        query = QueryDict(before.query, mutable=True)
        if self.chosen and ("place" in query or before.path == reverse("admin:inventory_stocklevel_changelist")):
            query["place"] = self.chosen
            if self.chosen == EVERY_PLACE:
                del query["place"]
        return before.path + (f"?{query.urlencode()}" if query else "")

    def act(self, form: PlaceForm) -> None:
        self.chosen = form.cleaned_data["place"]

    def leave(self) -> HttpResponse:
        answer = super().leave()
        if self.chosen:
            answer.set_cookie(PLACE_COOKIE, self.chosen, max_age=YEAR, httponly=True, samesite="Lax")
        return answer
