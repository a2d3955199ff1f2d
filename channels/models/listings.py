"""What is offered where, under which numbers, and how much of our stock it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q

from retailhub.core.money import MoneyField, never_nan

if TYPE_CHECKING:
    from retailhub.core.access import Principal


class ListingQuerySet(models.QuerySet["Listing"]):
    def for_principal(self, principal: Principal, scope: str = "channels:read") -> ListingQuerySet:
        if not principal.may(scope):
            return self.none()
        return self.filter(account__channel__code=principal.channel) if principal.channel else self

    def live(self) -> ListingQuerySet:
        return self.filter(state=Listing.State.LIVE, item__isnull=False)


class Listing(models.Model):
    """One item as one channel offers it: our SKU there, the channel's own code, and how much stock to show."""

    class State(models.TextChoices):
        UNMAPPED = "unmapped", "Unmapped"
        MAPPED = "mapped", "Mapped"
        DRAFT = "draft", "Draft"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"
        ENDED = "ended", "Ended"
        ERROR = "error", "Error"

    account = models.ForeignKey("channels.Account", models.PROTECT, related_name="listings", db_index=False)
    item = models.ForeignKey("inventory.Item", models.PROTECT, null=True, blank=True, related_name="listings")
    seller_sku = models.CharField(max_length=64, help_text="Our SKU as the channel knows it.")
    channel_code = models.CharField(
        max_length=120, blank=True, help_text="The code the channel minted (ASIN, item id)."
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.MAPPED)
    title = models.CharField(max_length=200, blank=True)
    price = MoneyField(null=True, blank=True, help_text="Empty: the item's list price.")
    # Exposure; empty fields follow the account.
    buffer = models.PositiveIntegerField(null=True, blank=True)
    share_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    max_listed = models.PositiveIntegerField(null=True, blank=True, help_text="Never show more than this.")
    end_when = models.PositiveIntegerField(default=0, help_text="Show none once no more than this are left.")
    fixed_quantity = models.PositiveIntegerField(null=True, blank=True, help_text="Always show this; made to order.")
    pack = models.PositiveIntegerField(default=1, help_text="Base units in what the channel sells as one.")
    error = models.TextField(blank=True)

    objects = models.Manager.from_queryset(ListingQuerySet)()

    class Meta:
        ordering: ClassVar = ["account", "seller_sku"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "seller_sku"], name="listing_seller_sku_once_per_account"),
            models.UniqueConstraint(
                fields=["account", "channel_code"], condition=~Q(channel_code=""), name="listing_channel_code_once"
            ),
            models.CheckConstraint(condition=Q(pack__gt=0), name="listing_pack_is_positive"),
            models.CheckConstraint(
                condition=Q(share_percent__isnull=True) | Q(share_percent__lte=100),
                name="listing_share_is_a_percentage",
            ),
            models.CheckConstraint(condition=~Q(state="live") | Q(item__isnull=False), name="listing_live_is_mapped"),
            *never_nan("price", table="listing"),
        ]

    def __str__(self) -> str:
        return f"{self.seller_sku} on {self.account_id}"
