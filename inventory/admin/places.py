"""Places and pools."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from inventory.models import Location, StockPool, StockPoolLocation
from inventory.services.arranging import arrange_pool, set_in_use
from retailhub.core.admin_base import HouseAdmin, HouseInline, display, state
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.pages import principal_of


@admin.register(Location)
class LocationAdmin(HouseAdmin[Location]):
    list_display = ("code", "name", "kind", "owned", "active", "time_zone")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("code", "name")
    fields = (("code", "name"), ("kind", "owned"), ("is_active", "time_zone"), "address")

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> Any:
        # Codes are written into roles, keys and the books of others; kind and ownership decide what movements meant.
        return ["code", "kind", "owned"] if obj else []

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            kwargs["choices"] = [choice for choice in Location.Kind.choices if choice[0] != Location.Kind.COUNTERPARTY]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Location, form: Any, change: bool) -> None:
        """Save the plain fields; a place that is opened or closed is news to whoever promises from it."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        obj.save(update_fields=[name for name in form.changed_data if name != "is_active"])
        if "is_active" in form.changed_data:
            set_in_use(location_id=obj.pk, in_use=obj.is_active)

    @display(description=gettext_lazy("in use"), ordering="is_active")
    def active(self, location: Location) -> SafeString:
        return state(
            "active" if location.is_active else "ended",
            gettext_lazy("yes") if location.is_active else gettext_lazy("no"),
        )


class PoolLocationInline(HouseInline):
    model = StockPoolLocation
    fields = ("location", "position")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "location":
            rows = Location.objects.for_principal(principal_of(request))
            kwargs["queryset"] = rows.exclude(kind=Location.Kind.TRANSIT)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(StockPool)
class StockPoolAdmin(HouseAdmin[StockPool]):
    list_display = ("code", "name", "places")
    search_fields = ("code", "name")
    fields = (("code", "name"),)
    inlines = (PoolLocationInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockPool]:
        return super().get_queryset(request).prefetch_related("entries__location")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Arrange the pool's places as the rows say: other places are news to channels and to who waits."""
        (rows,) = formsets
        rows.save(commit=False)  # notes what changed, for the record's history
        kept = [row.cleaned_data for row in rows.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
        kept.sort(key=lambda entry: entry["position"])
        pool = form.instance
        arrange_pool(code=pool.code, name=pool.name, location_codes=[entry["location"].code for entry in kept])

    @display(description=gettext_lazy("places, in this order"))
    def places(self, pool: StockPool) -> str:
        return " → ".join(entry.location.name for entry in pool.entries.all())
