"""What a supplier sells us: his number for it, packs, least quantities, and prices by quantity and date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pghistory
from django.db import models
from django.db.models import F, Q

from retailhub.core.money import CostField, never_nan
from retailhub.core.text import sku_key

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class SupplierItemQuerySet(models.QuerySet["SupplierItem"]):
    def for_principal(self, principal: Principal, scope: str = "purchasing:read") -> SupplierItemQuerySet:
        return self if principal.may(scope) and not principal.channel else self.none()


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), level=pghistory.Statement)
class SupplierItem(models.Model):
    """One item as one supplier sells it. A purchase unit is `pack_numerator / pack_denominator` base units, exactly."""

    supplier = models.ForeignKey("purchasing.Supplier", models.CASCADE, related_name="items")
    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="supplier_items")
    supplier_sku = models.CharField("supplier's SKU", max_length=64, blank=True)
    supplier_sku_key = models.CharField(max_length=96, blank=True, editable=False)
    name = models.CharField(max_length=200, blank=True, help_text="As the supplier calls it.")
    pack_code = models.CharField(max_length=20, blank=True, help_text="case, pallet, ...; empty: base units.")
    pack_numerator = models.PositiveIntegerField(default=1)
    pack_denominator = models.PositiveIntegerField(default=1)
    minimum_quantity = models.PositiveIntegerField(default=1, help_text="In purchase units.")
    multiple = models.PositiveIntegerField(default=1, help_text="In purchase units.")
    lead_time_days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: as the supplier.")
    over_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    over_units = models.PositiveIntegerField(null=True, blank=True)
    is_preferred = models.BooleanField(default=False, help_text="Proposals go to him first.")
    is_active = models.BooleanField(default=True)
    last_price = CostField(null=True, blank=True, help_text="Of one purchase unit, on the latest order.")
    last_price_on = models.DateField(null=True, blank=True)

    objects = models.Manager.from_queryset(SupplierItemQuerySet)()

    class Meta:
        verbose_name = "price list entry"
        verbose_name_plural = "price lists"
        ordering: ClassVar = ["supplier", "item"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["supplier", "item"], name="supplier_item_once"),
            models.UniqueConstraint(
                fields=["supplier", "supplier_sku_key"],
                condition=~Q(supplier_sku_key=""),
                name="supplier_sku_names_one_item",
            ),
            models.UniqueConstraint(
                fields=["item"], condition=Q(is_preferred=True), name="supplier_item_one_preferred_per_item"
            ),
            models.CheckConstraint(
                condition=Q(pack_numerator__gt=0, pack_denominator__gt=0), name="supplier_item_pack_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(minimum_quantity__gt=0, multiple__gt=0), name="supplier_item_quantities_are_positive"
            ),
            *never_nan("last_price", table="supplier_item"),
        ]

    def __str__(self) -> str:
        return self.supplier_sku or f"item {self.item_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.supplier_sku_key = sku_key(self.supplier_sku) if self.supplier_sku else ""
        super().save(*args, **kwargs)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), level=pghistory.Statement)
class PriceBreak(models.Model):
    """What one purchase unit costs from a quantity on, within dates. Quotes and contracts come before list prices."""

    class Source(models.TextChoices):
        QUOTE = "quote", "Quote"
        CONTRACT = "contract", "Contract"
        LIST = "list", "Price list"

    supplier_item = models.ForeignKey(SupplierItem, models.CASCADE, related_name="prices")
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.LIST)
    minimum_quantity = models.PositiveIntegerField(default=1, help_text="In purchase units.")
    price = CostField(help_text="Net, of one purchase unit, in the supplier's currency.")
    discount_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True, help_text="The last day it holds.")

    class Meta:
        verbose_name = "price"
        ordering: ClassVar = ["supplier_item", "minimum_quantity", "valid_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["supplier_item", "source", "minimum_quantity", "valid_from"],
                nulls_distinct=False,
                name="price_break_once_per_quantity_and_day",
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="price_break_is_not_negative"),
            models.CheckConstraint(condition=Q(minimum_quantity__gt=0), name="price_break_quantity_is_positive"),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100),
                name="price_break_discount_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="price_break_ends_after_it_begins",
            ),
            *never_nan("price", "discount_percent", table="price_break"),
        ]

    def __str__(self) -> str:
        return f"{self.price} from {self.minimum_quantity}"
