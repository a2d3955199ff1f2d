"""The views of lists that people keep, to look at; each makes and removes his own above the list."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from retailhub.core.admin_base import ReadOnlyAdmin, display
from retailhub.home.models import SavedView
from retailhub.home.saved_views import list_address, shape_of


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin[SavedView]):
    list_display = ("name", "model", "user", "role", "is_default", "open_")
    list_select_related = ("user",)
    search_fields = ("name", "model")
    ordering = ("model", "name", "pk")

    @display(description=gettext_lazy("next step"))
    def open_(self, view: SavedView) -> SafeString:
        address = f"{list_address(view.model)}?{shape_of(view).address()}"
        return format_html('<a href="{}">{}</a>', address, gettext_lazy("Open"))
