"""Places where goods stand, and the ordered lists of places from which a channel may sell."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from retailhub.core.access import Principal

COUNTERPARTIES = ("@supplier", "@customer", "@loss", "@opening")
"""The outside ends of movements: they have no levels, and their sums may be negative."""


class LocationQuerySet(models.QuerySet["Location"]):
    def places(self) -> LocationQuerySet:
        """Keep real places: everything but the counterparties of the double entry."""
        return self.exclude(kind=Location.Kind.COUNTERPARTY)

    def for_principal(self, principal: Principal, scope: str = "stock:read") -> LocationQuerySet:
        codes = principal.places(scope)
        return self.places() if codes is None else self.places().filter(code__in=codes)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent())
class Location(models.Model):
    """A place where goods can stand, or one of the four counterparties outside."""

    class Kind(models.TextChoices):
        STORE = "store", "Store"
        WAREHOUSE = "warehouse", "Warehouse"
        THIRD_PARTY = "third_party", "Third-party warehouse"
        MARKETPLACE = "marketplace", "Held by a marketplace"
        SUPPLIER = "supplier", "Held by a supplier"
        TRANSIT = "transit", "In transit"
        COUNTERPARTY = "counterparty", "Counterparty"

    code = models.CharField(max_length=32, unique=True, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    owned = models.BooleanField(default=True, help_text="The goods here are ours: they count in our stock value.")
    is_active = models.BooleanField(default=True)
    time_zone = models.CharField(max_length=40, default="UTC")
    address = models.JSONField(default=dict, blank=True)

    objects = models.Manager.from_queryset(LocationQuerySet)()

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(code__startswith="@", kind="counterparty")
                | (~Q(code__startswith="@") & ~Q(kind="counterparty")),
                name="location_counterparties_begin_with_at",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StockPool(models.Model):
    """An ordered list of locations from which something may be promised."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120)
    locations = models.ManyToManyField(Location, through="StockPoolLocation", related_name="pools")

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name


class StockPoolLocation(models.Model):
    """A location's place in a pool; lower positions are promised first."""

    pool = models.ForeignKey(StockPool, models.CASCADE, related_name="entries")
    location = models.ForeignKey(Location, models.PROTECT, related_name="pool_entries")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pool", "location"], name="pool_names_a_location_once"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.location_id}"
