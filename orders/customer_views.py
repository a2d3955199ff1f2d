"""A customer's page: one history over all channels. It lives here because it shows orders."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from customers.models import Customer
from orders.models import Order
from retailhub.core.pages import ShellPage, or_404


class CustomerPage(ShellPage):
    scope = "customers:read"
    template_name = "customers/customer.html"
    most = 100

    def get_title(self) -> str:
        return str(self.customer)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = Customer.objects.for_principal(self.principal).prefetch_related("identities", "addresses")
        self.customer = or_404(rows.filter(pk=kwargs["pk"]).first())
        orders: list[Order] = []
        if self.principal.may("orders:read"):
            found = Order.objects.for_principal(self.principal).filter(customer=self.customer)
            orders = list(found.select_related("channel")[: self.most])
        spent: dict[str, Any] = {}
        for order in orders:
            if order.status != "cancelled":
                spent[order.currency] = spent.get(order.currency, 0) + order.total
        return self.render(
            customer=self.customer,
            orders=orders,
            spent=spent,
            may_edit=self.principal.may("customers:write"),
        )
