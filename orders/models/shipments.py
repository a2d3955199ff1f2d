"""Parcels that left."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Shipment(models.Model):
    """Goods of one order that left one location together."""

    number = models.CharField(max_length=20, unique=True)
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="shipments")
    location = models.ForeignKey("inventory.Location", models.PROTECT, related_name="+")
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=80, blank=True)
    actor = models.CharField(max_length=200)
    shipped_at = models.DateTimeField()
    told_channel_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.number


class ShipmentLine(models.Model):
    """How many units of an order line a shipment holds."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey("orders.OrderLine", models.PROTECT, related_name="shipped_in")
    quantity = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shipment", "order_line"], name="shipment_names_a_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="shipment_quantity_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"
