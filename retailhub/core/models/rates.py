"""What foreign money is worth in our own."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from retailhub.core.money import never_nan


class ExchangeRate(models.Model):
    """Home currency for one unit of another, from a day on until the next row."""

    currency = models.CharField(max_length=3)
    on = models.DateField()
    rate = models.DecimalField(max_digits=19, decimal_places=9)
    source = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering: ClassVar = ["currency", "-on"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["currency", "on"], name="exchange_rate_once_a_day"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_is_positive"),
            *never_nan("rate", table="exchange_rate"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.rate} from {self.on}"
