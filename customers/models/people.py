"""One record per person, whichever channel he buys on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class CustomerQuerySet(models.QuerySet["Customer"]):
    def for_principal(self, principal: Principal) -> CustomerQuerySet:
        return self if principal.may("customers:read") else self.none()


@pghistory.track(pghistory.UpdateEvent())
class Customer(models.Model):
    """A person or firm that buys, whichever channel the order came from."""

    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(
        max_length=254, blank=True, help_text="For people to read; identity rests on Identity rows."
    )
    phone = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = models.Manager.from_queryset(CustomerQuerySet)()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.name or self.email or f"customer {self.pk}"


class Identity(models.Model):
    """Something that tells that two orders are one person's: a channel's own id, a verified e-mail, a phone number."""

    class Kind(models.TextChoices):
        EXTERNAL = "external", "Customer number on a channel"
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Phone"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    channel = models.CharField(max_length=32, blank=True, help_text="Channel code, for external ids.")
    value = models.CharField(max_length=254, help_text="Folded: e-mail in lower case, phone as +digits.")

    class Meta:
        verbose_name_plural = "identities"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "channel", "value"], name="identity_belongs_to_one_customer"),
            models.CheckConstraint(
                condition=Q(kind="external") | Q(channel=""), name="identity_channel_for_external_ids"
            ),
            models.CheckConstraint(condition=~Q(value=""), name="identity_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Address(models.Model):
    """Where a customer has something sent or billed."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    name = models.CharField(max_length=200, blank=True)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=120)
    region = models.CharField(max_length=120, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, help_text="ISO 3166 code.")

    class Meta:
        verbose_name_plural = "addresses"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "line1", "line2", "city", "region", "postal_code", "country"],
                name="address_once_per_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line1}, {self.city}"
