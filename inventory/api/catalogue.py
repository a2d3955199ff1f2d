"""Items and places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api import writing
from inventory.api.filters import ItemFilters, LocationFilters
from inventory.api.serializers import ItemBody, ItemFields, ItemOutcomeShape, ItemShape, LocationBody, LocationShape
from inventory.models import Item, Location
from inventory.services.arranging import open_location
from inventory.services.cataloguing import ItemDraft, upsert_items
from retailhub.core.access import Principal
from retailhub.core.api.bulk import Entries, Result, answered_in_bulk
from retailhub.core.api.once import Body
from retailhub.core.api.schema import bulk_of, door
from retailhub.core.api.serializers import Values
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import Invalid, NotAllowed, NotFound, Offence
from retailhub.core.text import DirtyText, sku_key

_BULK_BODY, _BULK_ANSWERS = bulk_of(ItemBody, ItemOutcomeShape)


def items_for(principal: Principal) -> QuerySet[Item]:
    """Answer the items a principal may see, with all that is shown of them."""
    return (
        Item.objects.for_principal(principal)
        .defer("search_text")
        .select_related("category__parent")
        .prefetch_related("barcodes", "components__component")
    )


def item_for(principal: Principal, sku: str) -> Item:
    """Answer the item with this SKU, in any spelling. Raises NotFound."""
    try:
        item = items_for(principal).filter(sku_key=sku_key(sku)).first()
    except DirtyText:
        item = None
    if item is None:
        raise NotFound
    return item


def draft_of(values: Values, principal: Principal) -> ItemDraft:
    """Answer what a body wants to be true of an item. Setting a cost takes the scope that shows it."""
    if "cost" in values and not principal.sees_costs:
        raise NotAllowed(
            "Costs take a scope that you do not have.",
            scope="costs:read",
            errors=[Offence(pointer="/cost", code="not_allowed", detail="this takes costs:read")],
        )
    if "components" in values:
        keys = [sku_key(part["sku"]) for part in values["components"]]
        twice = [
            Offence(pointer=f"/components/{index}/sku", code="invalid", detail="this item is named twice here")
            for index, key in enumerate(keys)
            if key in keys[:index]
        ]
        if twice:
            raise Invalid("A kit names each of its components once.", errors=twice)
        values = values | {"components": {part["sku"]: part["quantity"] for part in values["components"]}}
    return ItemDraft(**values)


class Items(ListView):
    """List items by SKU."""

    required_scopes: ClassVar = {"GET": "items:read", "POST": "items:write"}
    filterset_class = ItemFilters
    shape = ItemShape
    keys = ("sku_key",)
    key_kinds = (str,)

    def rows(self) -> QuerySet[Item]:
        return items_for(self.principal)

    def shown(self, row: Item) -> Mapping[str, Any]:
        return writing.item(row, self.principal)

    @door({201: ItemShape}, body=ItemBody, keyed=False)
    def post(self, request: Request) -> HttpResponse:
        """Make an item.

        409 `duplicate_sku` when there is one with this SKU in any spelling, 409 `barcode_taken` when another has one of
        its codes. A price without a currency is in the home currency.
        """
        return self.once(self.make, required=False)

    def make(self) -> Body:
        drafts = [draft_of(ItemBody.read(self.request.data), self.principal)]
        (result,) = upsert_items(drafts=drafts, actor=self.principal.actor, create_only=True)
        if result.refusal:
            raise result.refusal
        return 201, written_item(self.principal, result.item_id)


def written_item(principal: Principal, pk: Any) -> dict[str, Any]:
    """Answer an item as JSON, whoever wrote it just now: he sees what he wrote."""
    item = Item.objects.select_related("category__parent").prefetch_related("barcodes", "components__component")
    return writing.item(item.get(pk=pk), principal)


class OneItem(ApiView):
    """An item."""

    required_scopes: ClassVar = {"GET": "items:read", "PATCH": "items:write"}

    @door(ItemShape)
    def get(self, request: Request, sku: str) -> Response:
        """Read an item. A SKU may be written in any spelling that folds to the same, and percent-encoded."""
        return Response(writing.item(item_for(self.principal, sku), self.principal))

    @door(ItemShape, body=ItemFields, keyed=False)
    def patch(self, request: Request, sku: str) -> HttpResponse:
        """Change an item; what is left out stays as it is. Barcodes and components replace those it had."""
        self.sku = Item.objects.filter(sku_key=_key(sku)).values_list("sku", flat=True).first()
        if self.sku is None:
            raise NotFound
        return self.once(self.change, required=False)

    def change(self) -> Body:
        values = ItemFields.read(self.request.data, partial=True) | {"sku": self.sku}
        (result,) = upsert_items(drafts=[draft_of(values, self.principal)], actor=self.principal.actor)
        if result.refusal:
            raise result.refusal
        return 200, written_item(self.principal, result.item_id)


def _key(sku: str) -> str:
    try:
        return sku_key(sku)
    except DirtyText as dirt:
        raise NotFound from dirt


class ItemsBulk(OneItem):
    """Many items in one call. An item whose SKU is `bulk` is read and changed here too."""

    required_scopes: ClassVar = {"GET": "items:read", "PATCH": "items:write", "POST": "items:write"}

    @door(_BULK_ANSWERS, body=_BULK_BODY, keyed=False)
    def post(self, request: Request, sku: str) -> HttpResponse:
        """Make or change up to 500 items by SKU; 201 for a new one, 200 for one that was changed or is the same."""
        return answered_in_bulk(request, body=ItemBody, work=self.upsert, required=False)

    def upsert(self, entries: Entries) -> dict[int, Result]:
        done: dict[int, Result] = {}
        drafts: dict[int, ItemDraft] = {}
        for index, values in entries.items():
            try:
                drafts[index] = draft_of(values, self.principal)
            except (NotAllowed, Invalid) as refusal:
                done[index] = Result.refused(refusal, index)
        results = upsert_items(drafts=list(drafts.values()), actor=self.principal.actor) if drafts else []
        for index, result in zip(drafts, results, strict=True):
            done[index] = (
                Result.refused(result.refusal, index)
                if result.refusal
                else Result(201 if result.outcome == "new" else 200, {"sku": result.sku, "outcome": result.outcome})
            )
        return done


class Locations(ListView):
    """List the places where goods stand."""

    required_scopes: ClassVar = {"GET": "stock:read", "POST": "locations:write"}
    filterset_class = LocationFilters
    shape = LocationShape
    keys = ("code",)
    key_kinds = (str,)

    def rows(self) -> QuerySet[Location]:
        return Location.objects.for_principal(self.principal)

    def shown(self, row: Location) -> Mapping[str, Any]:
        return writing.location(row)

    @door({201: LocationShape}, body=LocationBody, keyed=False)
    def post(self, request: Request) -> HttpResponse:
        """Open a place. 409 `duplicate_location` when the code is taken."""
        if self.principal.places("locations:write") is not None:
            raise NotAllowed("Who works at some places only cannot open another.", scope="locations:write")
        return self.once(self.make, required=False)

    def make(self) -> Body:
        return 201, writing.location(open_location(**LocationBody.read(self.request.data)))


class OneLocation(ApiView):
    """A place where goods stand."""

    required_scopes: ClassVar = {"GET": "stock:read"}

    @door(LocationShape)
    def get(self, request: Request, code: str) -> Response:
        """Read a place."""
        location = Location.objects.for_principal(self.principal).filter(code=code).first()
        if location is None:
            raise NotFound
        return Response(writing.location(location))
