"""Listings of a channel, and what it is offered now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from channels.api import writing
from channels.api.access import account_for
from channels.api.offering import desk_figures, reading_version
from channels.api.serializers import AvailabilityShape, ListingBody, ListingShape
from channels.models import Account, Listing, StockIntent
from channels.queries import figures_of
from channels.services.listing import ListingWanted, upsert_listings
from inventory.models import Item
from retailhub.core.api.bulk import Entries, Result, answered_in_bulk
from retailhub.core.api.once import Body
from retailhub.core.api.schema import bulk_of, door
from retailhub.core.api.serializers import Values
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import DomainError, Offence, Unknown
from retailhub.core.text import sku_key

SCOPE = "channels:write"
_BULK_BODY, _BULK_ANSWERS = bulk_of(ListingBody, ListingShape)


class UnknownListing(Unknown):
    """The channel has no listing with this seller SKU."""

    code = "unknown_listing"


class ChannelCodeTaken(DomainError):
    """Another listing of this channel has this code."""

    code = "channel_code_taken"


class ListingFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    state = django_filters.ChoiceFilter(choices=Listing.State.choices)
    sku = django_filters.CharFilter(method="by_sku", max_length=64, help_text="The item's SKU, or the seller SKU.")

    def by_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(item__sku_key=sku_key(value)) | Q(seller_sku=value))


class Listings(ListView):
    """List what a channel offers, by seller SKU."""

    required_scopes: ClassVar = {"GET": "channels:read", "PATCH": SCOPE}
    filterset_class = ListingFilters
    shape = ListingShape
    keys = ("seller_sku",)
    key_kinds = (str,)

    def get(self, request: Request, **kwargs: Any) -> Response:
        self.account = account_for(self.principal, kwargs["code"])
        return super().get(request)

    def get_queryset(self) -> QuerySet[Any]:
        return Listing.objects.none()

    def rows(self) -> QuerySet[Listing]:
        return Listing.objects.for_principal(self.principal).filter(account=self.account).select_related("item")

    def shown(self, row: Listing) -> Mapping[str, Any]:
        return writing.listing(row, self.account.channel.currency)

    @door(ListingShape, body=ListingBody, keyed=False)
    def patch(self, request: Request, code: str) -> HttpResponse:
        """Change one listing, named by its `seller_sku`; what is left out stays as it is."""
        self.account = account_for(self.principal, code, SCOPE)
        return self.once(self.change, required=False)

    def change(self) -> Body:
        values = ListingBody.read(self.request.data)
        if not Listing.objects.filter(account=self.account, seller_sku=values["seller_sku"]).exists():
            detail = f"there is no listing {values['seller_sku']}"
            raise UnknownListing(errors=[Offence(pointer="/seller_sku", code="unknown_listing", detail=detail)])
        (answer,) = upsert(self.account, [values])
        if isinstance(answer, DomainError):
            raise answer
        return 200, writing.listing(answer, self.account.channel.currency)


def upsert(account: Account, wanted: Sequence[Values]) -> list[Listing | DomainError]:
    """Make or change the listings; one whose channel code another has is refused, and does not stop the others."""
    codes = [values["channel_code"] for values in wanted if values.get("channel_code")]
    owners = dict(
        Listing.objects.filter(account=account, channel_code__in=codes).values_list("channel_code", "seller_sku")
    )
    taken: dict[int, DomainError] = {}
    for index, values in enumerate(wanted):
        code = values.get("channel_code")
        if code and owners.setdefault(code, values["seller_sku"]) != values["seller_sku"]:
            detail = f"{code} is the code of {owners[code]}"
            taken[index] = ChannelCodeTaken(
                errors=[Offence(pointer="/channel_code", code="channel_code_taken", detail=detail)]
            )
    good = [ListingWanted(**values) for index, values in enumerate(wanted) if index not in taken]
    done = iter(upsert_listings(account=account, wanted=good) if good else [])
    return [taken[index] if index in taken else next(done) for index in range(len(wanted))]


class ListingsBulk(ApiView):
    """Many listings in one call."""

    required_scopes: ClassVar = {"POST": SCOPE}

    @door(_BULK_ANSWERS, body=_BULK_BODY, keyed=False)
    def post(self, request: Request, code: str) -> HttpResponse:
        """Make or change up to 500 listings by seller SKU: 201 for a new one, 200 for one that was there.

        A new listing without a `sku` is mapped to the item whose SKU is exactly the seller SKU, else it is unmapped.
        """
        self.account = account_for(self.principal, code, SCOPE)
        return answered_in_bulk(request, body=ListingBody, work=self.upsert, required=False)

    def upsert(self, entries: Entries) -> dict[int, Result]:
        known = set(
            Listing.objects.filter(
                account=self.account, seller_sku__in=[v["seller_sku"] for v in entries.values()]
            ).values_list("seller_sku", flat=True)
        )
        answers = upsert(self.account, list(entries.values()))
        return {
            index: Result.refused(answer, index)
            if isinstance(answer, DomainError)
            else Result(
                200 if answer.seller_sku in known else 201, writing.listing(answer, self.account.channel.currency)
            )
            for index, answer in zip(entries, answers, strict=True)
        }


class AvailabilityFilters(django_filters.FilterSet):  # type: ignore[misc]
    sku = django_filters.CharFilter(method="by_sku", max_length=64, help_text="The item's SKU, or the seller SKU.")

    def by_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if rows.model is Item:
            return rows.filter(sku_key=sku_key(value))
        return rows.filter(Q(item__sku_key=sku_key(value)) | Q(seller_sku=value))


class Availability(ListView):
    """What a channel is offered now: the figures of its live listings, or of every item on a desk channel."""

    required_scopes: ClassVar = {"GET": "channels:read"}
    filterset_class = AvailabilityFilters
    shape = AvailabilityShape
    keys = ("pk",)

    def get(self, request: Request, **kwargs: Any) -> Response:
        self.account = account_for(self.principal, kwargs["code"])
        return super().get(request)

    def get_queryset(self) -> QuerySet[Any]:
        return Listing.objects.none()

    def rows(self) -> QuerySet[Any]:
        if self.account.kind == "desk":
            return Item.objects.filter(status=Item.Status.ACTIVE).defer("search_text", "cost")
        return Listing.objects.for_principal(self.principal).live().filter(account=self.account).select_related("item")

    def prepare(self, page: list[Any]) -> None:
        ids = [row.pk for row in page]
        # The version is read first: a change that comes between makes the figure newer than its version, never older.
        if self.account.kind == "desk":
            version = reading_version()
            self.versions = dict.fromkeys(ids, version)
            self.figures = desk_figures(self.account, ids)
        else:
            self.versions = dict(
                StockIntent.objects.filter(listing__in=ids).values_list("listing_id", "wanted_version")
            )
            self.figures = figures_of(ids)

    def shown(self, row: Any) -> Mapping[str, Any]:
        return {
            "sku": row.sku if isinstance(row, Item) else row.item.sku,
            "seller_sku": row.sku if isinstance(row, Item) else row.seller_sku,
            "quantity": self.figures[row.pk].quantity,
            "version": self.versions.get(row.pk, 0),
        }
