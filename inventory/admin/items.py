"""The catalogue: lists and record forms."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.barcodes import gtin14, looks_like_gtin
from inventory.models import Barcode, Category, Item, KitComponent, PackUnit, StockLevel
from inventory.services.cataloguing import SETTLED, tell_kit_changed
from retailhub.core.admin_base import HouseAdmin, HouseInline, display, number, state, two_lines
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.money import currencies
from retailhub.core.pages import principal_of
from retailhub.core.templatetags.rh import money
from retailhub.core.text import DirtyText, clean_line, sku_key


class ItemForm(forms.ModelForm[Item]):
    def clean_sku(self) -> str:
        sku = _line(self.cleaned_data["sku"])
        twin = Item.objects.filter(sku_key=sku_key(sku)).exclude(pk=self.instance.pk).only("sku", "name").first()
        if twin:
            raise forms.ValidationError(_("This is the SKU of %(item)s.") % {"item": f"{twin.sku} {twin.name}"})
        return sku

    def clean_name(self) -> str:
        return _line(self.cleaned_data["name"])

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if currency and currency not in currencies():
            raise forms.ValidationError(_("There is no currency %(code)s.") % {"code": currency})
        return currency

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if data.get("price") is not None and not data.get("currency"):
            self.add_error("currency", _("A price needs its currency."))
        return data


class BarcodeForm(forms.ModelForm[Barcode]):
    def clean_code(self) -> str:
        code = _line(self.cleaned_data["code"])
        if looks_like_gtin(code) and gtin14(code) is None:
            raise forms.ValidationError(_("The check digit is wrong: this is a misread or mistyped barcode."))
        key = gtin14(code) or sku_key(code)
        taken = Barcode.objects.filter(code_key=key).exclude(pk=self.instance.pk).select_related("item").first()
        if taken:
            raise forms.ValidationError(_("This barcode belongs to %(item)s.") % {"item": taken.item})
        return code


def _line(value: str) -> str:
    try:
        return clean_line(value)
    except DirtyText as dirt:
        raise forms.ValidationError(str(dirt)) from dirt


class BarcodeInline(HouseInline):
    model = Barcode
    form = BarcodeForm
    fields = ("code", "pack")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "pack":
            item = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
            kwargs["queryset"] = PackUnit.objects.filter(item=item) if item else PackUnit.objects.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class PackInline(HouseInline):
    model = PackUnit
    fields = ("code", "numerator", "denominator")


class ComponentFormSet(forms.BaseInlineFormSet[KitComponent, Item, forms.ModelForm[KitComponent]]):
    def clean(self) -> None:
        """A kit is made of stocked items, and nothing else is made of anything."""
        super().clean()
        asked = [form for form in self.forms if getattr(form, "cleaned_data", {}).get("component")]
        kept = [form for form in asked if not form.cleaned_data.get("DELETE")]
        is_kit = self.instance.kind == Item.Kind.KIT
        if is_kit and not kept:
            raise forms.ValidationError(_("A kit names its components."))
        if kept and not is_kit:
            raise forms.ValidationError(_("Only a kit has components."))
        for form in kept:
            component = form.cleaned_data["component"]
            if component.kind == Item.Kind.KIT or component == self.instance:
                form.add_error("component", _("A kit is made of stocked items."))


class ComponentInline(HouseInline):
    model = KitComponent
    formset = ComponentFormSet
    fk_name = "kit"
    fields = ("component", "quantity")
    autocomplete_fields = ("component",)


@admin.register(Item)
class ItemAdmin(HouseAdmin[Item]):
    form = ItemForm
    list_display = ("item", "status_pill", "category", "available", "reorder_point_shown", "price_shown", "cost_shown")
    list_display_links = None
    list_select_related = ("category",)
    list_filter = (("status", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("sku",)
    search_help_text = gettext_lazy("SKU, barcode or words of the name")
    autocomplete_fields = ("category",)
    ordering = ("sku_key",)
    cost_fields: ClassVar = ("cost", "cost_shown")
    fieldsets: ClassVar = [
        (None, {"fields": [("sku", "name"), ("kind", "status"), ("base_unit", "category")]}),
        (gettext_lazy("Money"), {"fields": [("price", "currency"), "cost"]}),
        (gettext_lazy("Stock keeping"), {"fields": [("reorder_point", "weight_grams")]}),
    ]
    inlines = (BarcodeInline, PackInline, ComponentInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        rows = super().get_queryset(request).defer("search_text")
        if request.resolver_match and request.resolver_match.url_name == "inventory_item_changelist":
            # A scalar subquery per shown row: a join would make PostgreSQL add up the whole table first.
            levels = StockLevel.objects.for_principal(principal_of(request)).filter(item=OuterRef("pk"))
            total = levels.order_by().values("item").annotate(total=Sum("available")).values("total")
            rows = rows.annotate(free=Subquery(total))
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.strip()
        if not words:
            return queryset, False
        scanned = (
            Barcode.objects.filter(code_key=gtin14(words) or sku_key(words)).values_list("item_id", flat=True).first()
        )
        if scanned:
            return queryset.filter(pk=scanned), False
        return queryset.search(words), False  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> Any:
        # The ledger counts in base units: changing what one unit is would change its past.
        fixed = ["base_unit"] if obj and obj.movements.exists() else []
        # Orders that are under way hold the item itself, or the parts of the kit.
        if obj and (obj.kind == Item.Kind.KIT or Item.objects.filter(SETTLED, pk=obj.pk).exists()):
            fixed.append("kind")
        return [*super().get_readonly_fields(request, obj), *fixed]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "kind" in form.changed_data or any(rows.model is KitComponent and rows.has_changed() for rows in formsets):
            tell_kit_changed(item_id=form.instance.pk)

    @display(description=gettext_lazy("item"), ordering="sku_key")
    def item(self, item: Item) -> SafeString:
        return two_lines(reverse("inventory:item", args=[item.sku]), item.name, item.sku)

    @display(description=gettext_lazy("status"), ordering="status")
    def status_pill(self, item: Item) -> SafeString:
        return state(item.status, item.get_status_display())

    @display(description=gettext_lazy("available"))
    def available(self, item: Any) -> SafeString:
        return number(None if item.kind == Item.Kind.KIT else item.free or 0)

    @display(description=gettext_lazy("reorder point"), ordering="reorder_point")
    def reorder_point_shown(self, item: Item) -> SafeString:
        return number(item.reorder_point or None)

    @display(description=gettext_lazy("price"), ordering="price")
    def price_shown(self, item: Item) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(item.price, item.currency))

    @display(description=gettext_lazy("cost"), ordering="cost")
    def cost_shown(self, item: Item) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(item.cost, settings.HOME_CURRENCY))

    def view_on_site(self, item: Item) -> str:
        return reverse("inventory:item", args=[item.sku])


@admin.register(Category)
class CategoryAdmin(HouseAdmin[Category]):
    list_display = ("name", "parent")
    list_select_related = ("parent",)
    search_fields = ("name",)
    autocomplete_fields = ("parent",)

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        return self.has_change_permission(request, obj)
