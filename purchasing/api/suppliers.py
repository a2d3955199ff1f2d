"""Suppliers and what they sell us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from purchasing.api import supplier_writing as writing
from purchasing.api.supplier_bodies import (
    ListEntryShape,
    PriceListBody,
    PriceListOutcomeShape,
    SupplierBody,
    SupplierFields,
    SupplierShape,
)
from purchasing.models import Supplier, SupplierItem, identifier_key
from purchasing.models.suppliers import SupplierQuerySet
from purchasing.services.price_listing import ListedPrice, ListEntry, put_price_list
from purchasing.services.supplying import Contact, Identifier, SupplierDraft, upsert_suppliers
from retailhub.core.access import Principal
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.serializers import Values
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import Invalid, NotAllowed, NotFound, Offence
from retailhub.core.text import sku_key

READ, WRITE = "purchasing:read", "purchasing:write"


class SupplierFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is not typed
    search = django_filters.CharFilter(method="by_words", max_length=100, help_text="Part of the code or the name.")
    status = django_filters.ChoiceFilter(choices=Supplier.Status.choices)
    identifier = django_filters.CharFilter(
        method="by_number", max_length=80, help_text="A VAT number, GLN, IBAN, ... in any spelling."
    )

    class Meta:
        model = Supplier
        fields: list[str] = []

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(code__icontains=value) | Q(name__icontains=value))

    def by_number(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(identifiers__value_key=identifier_key(value)).distinct()


class ListFilters(django_filters.FilterSet):  # type: ignore[misc]
    sku = django_filters.CharFilter(method="by_sku", max_length=64)
    supplier_sku = django_filters.CharFilter(method="by_supplier_sku", max_length=64)
    is_active = django_filters.BooleanFilter()
    is_preferred = django_filters.BooleanFilter()

    class Meta:
        model = SupplierItem
        fields: list[str] = []

    def by_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(item__sku_key=sku_key(value))

    def by_supplier_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(supplier_sku_key=sku_key(value))


def suppliers_for(principal: Principal, scope: str = READ) -> SupplierQuerySet:
    """Answer the suppliers a principal may see, with all that is shown of them."""
    return Supplier.objects.for_principal(principal, scope).prefetch_related("contacts", "identifiers")


def supplier_at(principal: Principal, code: str, scope: str = READ) -> Supplier:
    """Answer the supplier whose code stands in an address. Raises NotFound."""
    found = suppliers_for(principal, scope).named(code).first()
    if found is None:
        raise NotFound
    return found


def draft_of(values: Values) -> SupplierDraft:
    given = dict(values)
    if "contacts" in given:
        given["contacts"] = [Contact(**x) for x in given["contacts"]]
    if "identifiers" in given:
        given["identifiers"] = [Identifier(**x) for x in given["identifiers"]]
    return SupplierDraft(**given)


class Suppliers(ListView):
    """List suppliers by code."""

    required_scopes: ClassVar = {"GET": READ, "POST": WRITE}
    filterset_class = SupplierFilters
    shape = SupplierShape
    keys = ("code",)
    key_kinds = (str,)

    def rows(self) -> QuerySet[Supplier]:
        return suppliers_for(self.principal)

    def shown(self, row: Supplier) -> Mapping[str, Any]:
        return writing.supplier(row, self.principal)

    @door({201: SupplierShape}, body=SupplierBody, keyed=False)
    def post(self, request: Request) -> HttpResponse:
        """Make a supplier.

        409 `duplicate_supplier` when the code is taken, in any case; 409 `identifier_taken` when a number names another
        supplier. Numbers with a wrong check digit are refused. Without a currency he is paid in the home currency.
        """
        if self.principal.channel:
            raise NotAllowed("A key for one channel buys nothing.", scope=WRITE)
        return self.once(self.make, required=False)

    def make(self) -> Body:
        drafts = [draft_of(SupplierBody.read(self.request.data))]
        (result,) = upsert_suppliers(drafts=drafts, actor=self.principal.actor, create_only=True)
        if result.refusal:
            raise result.refusal
        return 201, writing.supplier(supplier_at(self.principal, result.code, WRITE), self.principal)


class OneSupplier(ApiView):
    """A supplier."""

    required_scopes: ClassVar = {"GET": READ, "PATCH": WRITE}

    @door(SupplierShape)
    def get(self, request: Request, code: str) -> Response:
        """Read a supplier with his terms, the people there, and the numbers that name him."""
        return Response(writing.supplier(supplier_at(self.principal, code), self.principal))

    @door(SupplierShape, body=SupplierFields, keyed=False)
    def patch(self, request: Request, code: str) -> HttpResponse:
        """Change a supplier; what is left out stays. Contacts and identifiers replace those that were there.

        409 `currency_in_use` while prices or open orders are in his present currency.
        """
        self.supplier = supplier_at(self.principal, code, WRITE)
        return self.once(self.change, required=False)

    def change(self) -> Body:
        values = SupplierFields.read(self.request.data, partial=True)
        draft = draft_of(values | {"code": self.supplier.code})
        (result,) = upsert_suppliers(drafts=[draft], actor=self.principal.actor)
        if result.refusal:
            raise result.refusal
        return 200, writing.supplier(supplier_at(self.principal, self.supplier.code, WRITE), self.principal)


class PriceList(ListView):
    """List what a supplier sells us, by our SKU."""

    required_scopes: ClassVar = {"GET": READ, "PUT": WRITE, "PATCH": WRITE}
    filterset_class = ListFilters
    shape = ListEntryShape
    keys = ("item__sku_key",)
    key_kinds = (str,)

    def rows(self) -> QuerySet[SupplierItem]:
        supplier = supplier_at(self.principal, self.kwargs["code"])
        return (
            SupplierItem.objects.for_principal(self.principal)
            .filter(supplier=supplier)
            .select_related("item")
            .prefetch_related("prices")
        )

    def get_queryset(self) -> QuerySet[SupplierItem]:
        return SupplierItem.objects.none()

    def shown(self, row: SupplierItem) -> Mapping[str, Any]:
        return writing.entry(row, self.principal)

    @door(PriceListOutcomeShape, body=PriceListBody, keyed=False)
    def put(self, request: Request, code: str) -> HttpResponse:
        """Have this as his whole list, all of it or nothing; items that are not named are no longer bought from him.

        They stay on record, inactive. What is left out of an entry stays as it was; `prices` replace all he had for the
        item. 409 `supplier_sku_taken` when his number would name two of our items. Up to 5,000 entries; longer lists
        are sent in parts by PATCH.
        """
        return self._keep(code, replace=True)

    @door(PriceListOutcomeShape, body=PriceListBody, keyed=False)
    def patch(self, request: Request, code: str) -> HttpResponse:
        """Have these entries in his list, all of them or none; what is not named stays as it is."""
        return self._keep(code, replace=False)

    def _keep(self, code: str, *, replace: bool) -> HttpResponse:
        supplier = supplier_at(self.principal, code, WRITE)

        def keep() -> Body:
            values = PriceListBody.read(self.request.data)
            if values["currency"] not in ("", supplier.currency):
                detail = f"his prices are in {supplier.currency}"
                raise Invalid(detail, errors=[Offence(pointer="/currency", code="invalid", detail=detail)])
            outcomes = put_price_list(
                supplier=supplier,
                entries=[entry_of(x) for x in values["entries"]],
                actor=self.principal.actor,
                replace=replace,
            )
            return 200, {"results": [{"sku": x.sku, "outcome": x.outcome} for x in outcomes]}

        return self.once(keep, required=False)


def entry_of(values: Values) -> ListEntry:
    given = dict(values)
    if "pack" in given:
        given |= {f"pack_{name}": x for name, x in given.pop("pack").items()}
    if "prices" in given:
        given["prices"] = [ListedPrice(**x) for x in given["prices"]]
    return ListEntry(**given)
