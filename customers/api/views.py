"""Customers: found and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.filters import CustomerFilters
from customers.api.serializers import CustomerShape, MergeBody
from customers.models import Customer
from retailhub.core.access import Principal
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.verbs import NotAvailableYet
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import NotFound


def customers_for(principal: Principal) -> QuerySet[Customer]:
    """Answer the customers a principal may see: with a key for one channel, those who ordered there."""
    rows = Customer.objects.for_principal(principal).prefetch_related("identities", "addresses")
    if principal.channel:
        # `orders` is what the order book calls its way back here; this floor does not import it.
        rows = rows.filter(orders__channel__code=principal.channel).distinct()
    return rows


def customer_for(principal: Principal, pk: int) -> Customer:
    """Answer the customer. Raises NotFound."""
    customer = customers_for(principal).filter(pk=pk).first()
    if customer is None:
        raise NotFound
    return customer


def written(customer: Customer) -> dict[str, Any]:
    """Write a customer. Identities and addresses must have been read with him."""
    return {
        "id": customer.pk,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "note": customer.note,
        "created_at": customer.created_at,
        "identities": [{"kind": x.kind, "channel": x.channel, "value": x.value} for x in customer.identities.all()],
        "addresses": [
            {
                "name": x.name,
                "line1": x.line1,
                "line2": x.line2,
                "city": x.city,
                "region": x.region,
                "postal_code": x.postal_code,
                "country": x.country,
            }
            for x in customer.addresses.all()
        ],
    }


class Customers(ListView):
    """List customers, the newest first."""

    required_scopes: ClassVar = {"GET": "customers:read"}
    filterset_class = CustomerFilters
    shape = CustomerShape

    def rows(self) -> QuerySet[Customer]:
        return customers_for(self.principal)

    def shown(self, row: Customer) -> Mapping[str, Any]:
        return written(row)


class OneCustomer(ApiView):
    """A customer."""

    required_scopes: ClassVar = {"GET": "customers:read"}

    @door(CustomerShape)
    def get(self, request: Request, pk: int) -> Response:
        """Read a customer with what identifies him and where he lives."""
        return Response(written(customer_for(self.principal, pk)))


class CustomerVerb(ApiView):
    """Something that is done to one customer."""

    required_scopes: ClassVar = {"POST": "customers:write"}

    def post(self, request: Request, pk: int) -> HttpResponse:
        customer_for(self.principal, pk)
        return self.once(self.act, required=False)

    def act(self) -> Body:
        raise NotAvailableYet


class Merge(CustomerVerb):
    """Make two records of one person one."""

    @door(CustomerShape, body=MergeBody, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Not built yet: answers 409 `not_available_yet` and changes nothing."""
        return super().post(request, pk)

    def act(self) -> Body:
        customer_for(self.principal, MergeBody.read(self.request.data)["into"])
        raise NotAvailableYet


class Export(CustomerVerb):
    """Give a person what is known about him."""

    @door({200: dict}, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Not built yet: answers 409 `not_available_yet` and changes nothing."""
        return super().post(request, pk)


class Erase(CustomerVerb):
    """Forget a person."""

    @door({200: dict}, keyed=False)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Not built yet: answers 409 `not_available_yet` and changes nothing."""
        return super().post(request, pk)
