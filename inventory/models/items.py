"""The catalogue: what is sold, under which numbers, in which packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Upper

from inventory.barcodes import gtin14
from retailhub.core.money import CostField, MoneyField, never_nan
from retailhub.core.text import sku_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retailhub.core.access import Principal


class Category(models.Model):
    """A heading of the catalogue, with at most one heading above it."""

    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")

    class Meta:
        verbose_name_plural = "categories"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["parent", "name"], name="category_name_once_below_its_parent"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(parent__isnull=True), name="category_name_once_at_top"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ItemQuerySet(models.QuerySet["Item"]):
    def for_principal(self, principal: Principal) -> ItemQuerySet:
        """Keep what the principal may see: the catalogue is shared by all places, costs are a field scope."""
        if not principal.may("items:read"):
            return self.none()
        return self if principal.sees_costs else self.defer("cost")

    def search(self, words: str) -> ItemQuerySet:
        """Keep the items whose SKU or name holds every word, anywhere inside; from 3 letters on by index."""
        rows = self
        for word in words.upper().split()[:8]:
            if len(word) >= 3:
                grams = ArrayField(models.TextField())
                rows = rows.alias(_grams=Func(Upper("search_text"), function="rh_trigrams", output_field=grams)).filter(
                    _grams__contains=Func(Value(word), function="rh_trigrams", output_field=grams)
                )
            rows = rows.filter(search_text__icontains=word)
        return rows

    def by_sku(self, skus: Iterable[str]) -> dict[str, Item]:
        """Answer {sku as asked: item}; SKUs that name nothing are missing. One query."""
        keys = {sku: sku_key(sku) for sku in skus}
        found = {item.sku_key: item for item in self.filter(sku_key__in=set(keys.values()))}
        return {sku: found[key] for sku, key in keys.items() if key in found}


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), level=pghistory.Statement)
class Item(models.Model):
    """Something that is bought, kept and sold under one SKU, counted in whole base units."""

    class Kind(models.TextChoices):
        STOCKED = "stocked", "Stocked"
        KIT = "kit", "Kit: sold as one, kept as its components"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        DISCONTINUED = "discontinued", "Discontinued"

    class BaseUnit(models.TextChoices):
        EACH = "each", "Piece"
        GRAM = "gram", "Gram"
        MILLILITRE = "millilitre", "Millilitre"

    sku = models.CharField("SKU", max_length=64)
    sku_key = models.CharField(max_length=96, editable=False)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.STOCKED)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    base_unit = models.CharField(max_length=10, choices=BaseUnit.choices, default=BaseUnit.EACH)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="items")
    price = MoneyField(null=True, blank=True, help_text="List price of one base unit.")
    currency = models.CharField(max_length=3, blank=True, help_text="Currency of the list price.")
    cost = CostField(null=True, blank=True, help_text="Reference cost of one base unit, in the home currency.")
    reorder_point = models.PositiveIntegerField(default=0)
    weight_grams = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search_text = models.GeneratedField(
        expression=Concat("sku", Value(" "), "name"),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = models.Manager.from_queryset(ItemQuerySet)()

    class Meta:
        ordering: ClassVar = ["sku_key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sku_key"], name="item_sku_is_unique"),
            models.CheckConstraint(condition=~Q(sku=""), name="item_has_a_sku"),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="item_price_is_not_negative"
            ),
            models.CheckConstraint(condition=Q(cost__isnull=True) | Q(cost__gte=0), name="item_cost_is_not_negative"),
            *never_nan("price", "cost", table="item"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["category", "sku_key"], name="item_by_category"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.sku_key = sku_key(self.sku)
        super().save(*args, **kwargs)


class KitComponent(models.Model):
    """How many base units of a component one kit holds."""

    kit = models.ForeignKey(Item, models.CASCADE, related_name="components")
    component = models.ForeignKey(Item, models.PROTECT, related_name="part_of")
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kit", "component"], name="kit_names_a_component_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="kit_component_quantity_is_positive"),
            models.CheckConstraint(condition=~Q(kit=F("component")), name="kit_does_not_hold_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.component_id} in {self.kit_id}"


class PackUnit(models.Model):
    """A pack of an item: one pack is numerator / denominator base units, exactly."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="packs")
    code = models.CharField(max_length=20, help_text="case, pallet, inner, ...")
    numerator = models.PositiveIntegerField()
    denominator = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "code"], name="pack_code_once_per_item"),
            models.CheckConstraint(condition=Q(numerator__gt=0, denominator__gt=0), name="pack_factor_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.numerator}/{self.denominator}"


class Barcode(models.Model):
    """A code on the goods; scanning it means `pack` of the item, or one base unit."""

    class Kind(models.TextChoices):
        GTIN = "gtin", "EAN / UPC / GTIN"
        INTERNAL = "internal", "In-house code"

    item = models.ForeignKey(Item, models.CASCADE, related_name="barcodes")
    code = models.CharField(max_length=48, help_text="As printed.")
    code_key = models.CharField(max_length=48, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, editable=False)
    pack = models.ForeignKey(PackUnit, models.PROTECT, null=True, blank=True, related_name="barcodes")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["code_key"], name="barcode_names_one_item")]

    def __str__(self) -> str:
        return self.code

    def save(self, *args: Any, **kwargs: Any) -> None:
        gtin = gtin14(self.code)
        self.kind = self.Kind.GTIN if gtin else self.Kind.INTERNAL
        self.code_key = gtin or sku_key(self.code)
        super().save(*args, **kwargs)
