"""What goods cost: one pool of value per item, the layers of it where the oldest goods leave first, and corrections."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from retailhub.core.money import CostField, never_nan


class CostPool(models.Model):
    """What the units of one item that are ours are worth together; the unit cost is derived, never stored rounded.

    Quantity and total value with six places. By the moving average that is all; where the oldest goods leave first
    the same value stands once more, layer by layer, in `CostLayer`. Beside it stands what the journal says of it.
    """

    class Method(models.TextChoices):
        MOVING_AVERAGE = "average", "Moving average"
        FIFO = "fifo", "First in, first out"

    item = models.OneToOneField("inventory.Item", models.PROTECT, related_name="cost_pool")
    method = models.CharField(max_length=8, choices=Method.choices, default=Method.MOVING_AVERAGE)
    quantity = models.BigIntegerField(default=0)
    value = CostField(default=0)
    last_unit_cost = CostField(default=0, help_text="Of the latest receipt: what found goods are booked in at.")
    booked_value = CostField(default=0, db_default=0, help_text="Of this value, what the journal knows.")
    booked_transit = CostField(default=0, db_default=0, help_text="Of what is booked, what is on the road.")
    booked_movement = models.BigIntegerField(
        default=0, db_default=0, help_text="The latest movement that is in the journal."
    )
    revalued = models.BooleanField(
        default=False, db_default=False, help_text="Its value changed without a movement since the last stock summary."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gte=0, value__gte=0), name="cost_pool_never_negative"),
            models.CheckConstraint(condition=Q(quantity__gt=0) | Q(value=0), name="cost_pool_empty_is_worth_nothing"),
            *never_nan("value", "last_unit_cost", "booked_value", "booked_transit", table="cost_pool"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id}"


class CostLayer(models.Model):
    """Units of an item that came in together, and what is left of them and of their value; the oldest leave first.

    A layer without a movement opened when the item changed to this method: it stands for all that was there then.
    """

    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="cost_layers", db_index=False)
    movement = models.OneToOneField(
        "inventory.StockMovement", models.PROTECT, null=True, blank=True, related_name="cost_layer"
    )
    received = models.BigIntegerField(help_text="Units it began with.")
    quantity = models.BigIntegerField(help_text="Units that are left.")
    value = CostField(help_text="What those are worth, in the home currency.")
    opened_after = models.BigIntegerField(
        null=True, blank=True, help_text="The latest movement before an opening layer came to be."
    )
    folded_after = models.BigIntegerField(
        null=True, blank=True, help_text="The latest movement before the moving average took over what was left."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(received__gt=0, quantity__gte=0, quantity__lte=F("received"), value__gte=0),
                name="cost_layer_never_negative",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0) | Q(value=0), name="cost_layer_empty_is_worth_nothing"),
            models.CheckConstraint(
                condition=Q(movement__isnull=False, opened_after__isnull=True)
                | Q(movement__isnull=True, opened_after__isnull=False),
                name="cost_layer_came_by_a_movement_or_opened",
            ),
            *never_nan("value", table="cost_layer"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["item", "id"],
                condition=Q(quantity__gt=0, folded_after__isnull=True),
                name="cost_layer_in_turn",
            ),
            models.Index(
                fields=["item", "opened_after"], condition=Q(movement__isnull=True), name="cost_layer_openings"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.received} of item {self.item_id}"

    @property
    def unit_cost(self) -> Decimal:
        return self.value / self.quantity if self.quantity else Decimal(0)


_APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
_NO_TRUNCATE = pgtrigger.Trigger(
    name="no_truncate",
    when=pgtrigger.Before,
    operation=pgtrigger.Truncate,
    level=pgtrigger.Statement,
    func="RAISE EXCEPTION 'pgtrigger: Cannot truncate what changed stock values';",
)


class CostMethodChange(models.Model):
    """From when on an item is valued by another method, and who decided so. Never changed, never deleted."""

    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="cost_method_changes")
    method = models.CharField(max_length=8, choices=CostPool.Method.choices)
    quantity = models.BigIntegerField(help_text="Units that were there.")
    value = CostField(help_text="What they were worth, before and after.")
    note = models.TextField(blank=True)
    actor = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [*never_nan("value", table="cost_method_change")]
        triggers: ClassVar = [_APPEND_ONLY, _NO_TRUNCATE]

    def __str__(self) -> str:
        return f"{self.get_method_display()} for item {self.item_id}"


class ValueAdjustment(models.Model):
    """A change of what goods cost without goods that move: part of it stays in stock, part was sold already.

    Posted today, whatever day the receipt was of. Never changed, never deleted.
    """

    class Reason(models.TextChoices):
        INVOICE_PRICE = "invoice_price", "Invoice price"
        LANDED_COST = "landed_cost", "Landed cost"
        FX = "fx", "Exchange rate"
        WRITE_DOWN = "write_down", "Write-down"

    item = models.ForeignKey("inventory.Item", models.PROTECT, related_name="value_adjustments", db_index=False)
    receipt = models.ForeignKey(
        "inventory.StockMovement",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="value_adjustments",
        help_text="The movement whose cost it corrects; none for a write-down.",
    )
    document = models.CharField(max_length=80, help_text="What changed the value, such as supplier_invoice:17.")
    reference = models.CharField(max_length=120, blank=True, help_text="The place in that document.")
    quantity = models.BigIntegerField(help_text="Units it is about.")
    to_stock = CostField(help_text="Change of the stock value.")
    to_sold = CostField(help_text="Change of what the units that left had cost.")
    reason = models.CharField(max_length=13, choices=Reason.choices)
    note = models.TextField(blank=True)
    actor = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="adjustment_quantity_is_positive"),
            models.CheckConstraint(
                condition=Q(reason="write_down", receipt__isnull=True, to_stock__lte=0, to_sold=0)
                | (~Q(reason="write_down") & Q(receipt__isnull=False)),
                name="adjustment_corrects_a_receipt_or_writes_down",
            ),
            *never_nan("to_stock", "to_sold", table="adjustment"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["item", "-id"], name="adjustment_by_item"),
            models.Index(fields=["document"], name="adjustment_by_document"),
        ]
        triggers: ClassVar = [_APPEND_ONLY, _NO_TRUNCATE]

    def __str__(self) -> str:
        return f"{self.to_stock} on item {self.item_id} by {self.document}"
