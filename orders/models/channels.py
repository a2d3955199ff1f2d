"""Where orders come from, as a fact of the order book. How to reach the channel is `channels.Account`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.core.validators import RegexValidator
from django.db import models

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class SalesChannelQuerySet(models.QuerySet["SalesChannel"]):
    def for_principal(self, principal: Principal, scope: str = "channels:read") -> SalesChannelQuerySet:
        if not principal.may(scope):
            return self.none()
        return self.filter(code=principal.channel) if principal.channel else self


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent())
class SalesChannel(models.Model):
    """A place where customers order: a web store, a marketplace, a till, the desk."""

    code = models.CharField(max_length=32, unique=True, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")])
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    prices_include_tax = models.BooleanField(default=True)
    pool = models.ForeignKey("inventory.StockPool", models.PROTECT, related_name="channels")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(SalesChannelQuerySet)()

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name
