"""Who may do what: every routed address, every method, every role. An address that is not in the table fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from customers.models import Customer
from customers.services.finding import Person
from inventory.models import Item
from orders.models import SalesChannel
from retailhub.core.access import ROLE_SCOPES, SCOPES, Role
from tests.factories.core import Program, person, program
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand
from tests.factories.orders import placed
from tests.factories.purchasing import SupplierFactory, billed, issued, received, sells

pytestmark = pytest.mark.django_db

PUBLIC = ""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

API: dict[str, dict[str, str]] = {
    "schema/": {"GET": PUBLIC},
    "docs/": {"GET": PUBLIC},
    "webhooks/<str:code>/": {"POST": PUBLIC},
    "items/": {"GET": "items:read", "POST": "items:write"},
    "items/bulk/": {"GET": "items:read", "PATCH": "items:write", "POST": "items:write"},
    "items/<path:sku>/": {"GET": "items:read", "PATCH": "items:write"},
    "locations/": {"GET": "stock:read", "POST": "locations:write"},
    "locations/<str:code>/": {"GET": "stock:read"},
    "stock/": {"GET": "stock:read"},
    "stock/movements/": {"GET": "stock:read"},
    "stock/adjustments/": {"GET": "stock:read", "POST": "stock:write"},
    "stock/adjustments/<str:number>/": {"GET": "stock:read"},
    "stock/moves/": {"GET": "stock:read", "POST": "stock:write"},
    "stock/moves/<str:number>/": {"GET": "stock:read"},
    "stock/receipts/": {"GET": "stock:read", "POST": "stock:write"},
    "stock/receipts/<str:number>/": {"GET": "stock:read"},
    "stock/transfers/": {"GET": "stock:read", "POST": "stock:write"},
    "stock/transfers/<str:number>/": {"GET": "stock:read"},
    "stock/transfers/<str:number>/ready/": {"POST": "stock:write"},
    "stock/transfers/<str:number>/ship/": {"POST": "stock:write"},
    "stock/transfers/<str:number>/receive/": {"POST": "stock:write"},
    "stock/transfers/<str:number>/cancel/": {"POST": "stock:write"},
    "stock/explain/": {"GET": "channels:read"},
    "orders/": {"GET": "orders:read", "POST": "orders:write"},
    "orders/bulk/": {"POST": "orders:write"},
    "orders/<str:number>/": {"GET": "orders:read"},
    "orders/<str:number>/cancel/": {"POST": "orders:write"},
    "orders/<str:number>/hold/": {"POST": "orders:write"},
    "orders/<str:number>/release/": {"POST": "orders:write"},
    "orders/<str:number>/ship/": {"POST": "orders:write"},
    "orders/<str:number>/route/": {"POST": "orders:write"},
    "orders/<str:number>/ready-for-pickup/": {"POST": "orders:write"},
    "orders/<str:number>/hand-over/": {"POST": "orders:write"},
    "shipments/<str:number>/": {"GET": "orders:read"},
    "customers/": {"GET": "customers:read"},
    "customers/<int:pk>/": {"GET": "customers:read"},
    "customers/<int:pk>/orders/": {"GET": "orders:read"},
    "customers/<int:pk>/merge/": {"POST": "customers:write"},
    "customers/<int:pk>/export/": {"POST": "customers:write"},
    "customers/<int:pk>/erase/": {"POST": "customers:write"},
    "journal/": {"GET": "accounting:read"},
    "journal/export/": {"GET": "accounting:read"},
    "channels/": {"GET": "channels:read", "POST": "channels:write"},
    "channels/<str:code>/": {"GET": "channels:read", "PATCH": "channels:write"},
    "channels/<str:code>/listings/": {"GET": "channels:read", "PATCH": "channels:write"},
    "channels/<str:code>/listings/bulk/": {"POST": "channels:write"},
    "channels/<str:code>/availability/": {"GET": "channels:read"},
    "channels/<str:code>/promises/": {"POST": "channels:read"},
    "channels/<str:code>/pause/": {"POST": "channels:write"},
    "channels/<str:code>/resume/": {"POST": "channels:write"},
    "channels/<str:code>/sync/": {"GET": "channels:read", "POST": "channels:write"},
    "suppliers/": {"GET": "purchasing:read", "POST": "purchasing:write"},
    "suppliers/<str:code>/": {"GET": "purchasing:read", "PATCH": "purchasing:write"},
    "suppliers/<str:code>/price-list/": {
        "GET": "purchasing:read",
        "PUT": "purchasing:write",
        "PATCH": "purchasing:write",
    },
    "suppliers/<str:code>/scorecard/": {"GET": "purchasing:read"},
    "supplier-scorecards/": {"GET": "purchasing:read"},
    "reorder/": {"GET": "purchasing:read"},
    "reorder/create-orders/": {"POST": "purchasing:write"},
    "supplier-invoices/": {"GET": "invoices:read", "POST": "invoices:write"},
    "supplier-invoices/<int:pk>/": {"GET": "invoices:read"},
    "supplier-invoices/<int:pk>/rematch/": {"POST": "invoices:write"},
    "supplier-invoices/<int:pk>/supplier/": {"POST": "invoices:write"},
    "supplier-invoices/<int:pk>/confirm-distinct/": {"POST": "invoices:approve"},
    "supplier-invoices/<int:pk>/attach/": {"POST": "invoices:write"},
    "supplier-invoices/<int:pk>/decide/": {"POST": "invoices:write"},
    "supplier-invoices/<int:pk>/release-hold/": {"POST": "invoices:approve"},
    "supplier-invoices/<int:pk>/approve/": {"POST": "invoices:approve"},
    "supplier-invoices/<int:pk>/post/": {"POST": "invoices:approve"},
    "supplier-invoices/<int:pk>/pay/": {"POST": "invoices:approve"},
    "supplier-invoices/<int:pk>/dispute/": {"POST": "invoices:write"},
    "supplier-invoices/<int:pk>/reject/": {"POST": "invoices:write"},
    "supplier-invoices/<int:pk>/credit/": {"POST": "invoices:approve"},
    "receipts/": {"GET": "purchasing:read", "POST": "stock:write + purchasing:read"},
    "receipts/<str:number>/": {"GET": "purchasing:read"},
    "receipts/<str:number>/reverse/": {"POST": "stock:write"},
    "supplier-returns/": {"GET": "purchasing:read", "POST": "stock:write + purchasing:read"},
    "supplier-returns/<str:number>/": {"GET": "purchasing:read"},
    "purchase-orders/": {"GET": "purchasing:read", "POST": "purchasing:write"},
    "purchase-orders/<str:number>/": {"GET": "purchasing:read", "PATCH": "purchasing:write"},
    "purchase-orders/<str:number>/paper.pdf": {"GET": "purchasing:read"},
    "purchase-orders/<str:number>/revisions/": {"GET": "purchasing:read"},
    "purchase-orders/<str:number>/timeline/": {"GET": "purchasing:read"},
    "purchase-orders/<str:number>/submit/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/approve/": {"POST": "purchasing:approve"},
    "purchase-orders/<str:number>/send-back/": {"POST": "purchasing:approve"},
    "purchase-orders/<str:number>/send/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/resend/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/hold/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/release/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/acknowledge/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/amend/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/close-short/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/cancel/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/proposals/<int:pk>/accept/": {"POST": "purchasing:write"},
    "purchase-orders/<str:number>/proposals/<int:pk>/refuse/": {"POST": "purchasing:write"},
}
OPEN_PAGES = {"/livez", "/readyz", "/admin/login/", "/admin/logout/", "/admin/jsi18n/"}
FILLINGS = {"str": "x", "path": "x", "int": "999", "slug": "x", "uuid": "00000000-0000-0000-0000-000000000000"}


def routes(patterns: Any, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


def filled(route: str) -> str:
    """Answer an address of the route that names nothing there is."""
    for kind, filling in FILLINGS.items():
        while f"<{kind}:" in route:
            start = route.index(f"<{kind}:")
            route = route[:start] + filling + route[route.index(">", start) + 1 :]
    return route


ALL = list(routes(get_resolver().url_patterns))
CELLS = [(route, method) for route in API for method in METHODS]


def test_every_address_of_the_api_is_in_the_table() -> None:
    assert sorted(r.removeprefix("api/v1/") for r in ALL if r.startswith("api/v1/")) == sorted(API)


def call(client: Any, route: str, method: str) -> int:
    headers = {"Idempotency-Key": "matrix", "REMOTE_ADDR": "10.0.0.1"}
    answer = client.generic(method, f"/api/v1/{filled(route)}", "{}", content_type="application/json", headers=headers)
    return int(answer.status_code)


def expected(route: str, method: str, scopes: frozenset[str]) -> str:
    """Answer what a principal with these scopes is to hear: `in`, `no` or `nothing` (405)."""
    if method not in API[route]:
        return "nothing"
    scope = API[route][method]
    return "in" if scope == PUBLIC or scopes.issuperset(scope.split(" + ")) else "no"


def heard(status: int) -> str:
    assert status < 500
    return {401: "no", 403: "no", 405: "nothing"}.get(status, "in")


@pytest.mark.parametrize(("route", "method"), CELLS)
def test_nobody_gets_in_without_credentials(route: str, method: str) -> None:
    status = call(Program(), route, method)

    if API[route].get(method) == PUBLIC:
        assert status in {200, 404}  # a webhook of a channel that there is not
    elif PUBLIC in API[route].values():
        assert status == 405
    else:
        assert status == 401


@pytest.mark.parametrize("role", Role.values)
def test_people_may_do_what_their_role_says(role: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(person(role))

    wrong = [
        (route, method, status)
        for route, method in CELLS
        for status in [call(client, route, method)]
        if heard(status) != expected(route, method, ROLE_SCOPES[role])
    ]
    assert not wrong


@pytest.mark.parametrize("scope", SCOPES)
def test_programs_may_do_what_their_scopes_say(scope: str) -> None:
    client = program(scope)

    wrong = [
        (route, method, status)
        for route, method in CELLS
        for status in [call(client, route, method)]
        if heard(status) != expected(route, method, frozenset({scope}))
    ]
    assert not wrong


def test_pages_send_strangers_to_the_login() -> None:
    client = Client(raise_request_exception=False)
    wrong = []
    for route in ALL:
        address = "/" + filled(route)
        if route.startswith("api/v1/") or address in OPEN_PAGES or "(?P" in address or "^" in address:
            continue
        for method in ("GET", "POST"):
            answer = client.generic(method, address, headers={"X-Forwarded-For": "10.0.0.1"})
            to_login = answer.status_code == 302 and "login" in answer["Location"]
            if not to_login and answer.status_code not in {401, 403, 404, 405}:
                wrong.append((method, address, answer.status_code))
    assert not wrong


# --- objects of another place or channel ---------------------------------------------------------------------------


@dataclass
class World:
    """One of everything, in paris and on the channel web."""

    order: str
    shipment: str
    transfer: str
    adjustment: str
    move: str
    receipt: str
    customer: int
    purchase: str
    delivery: str
    sent_back: str
    invoice: int


@pytest.fixture
def world() -> World:
    paris, _, _ = (LocationFactory.create(code=code) for code in ("paris", "nice", "lyon"))
    put_on_hand(ItemFactory.create(sku="TEE"), paris, 20)
    client = program()
    for code in ("web", "market"):
        client.send(
            "/channels/",
            {"code": code, "name": code, "kind": "desk", "currency": "EUR", "locations": [paris.code]},
        )
    line = {"sku": "TEE", "quantity": 1}
    web = SalesChannel.objects.get(code="web")
    order = placed(web, "1", ("TEE", 2), customer=Person(name="Ann", email="ann@example.com", channel="web")).number

    def number(path: str, body: dict[str, Any]) -> str:
        answer = client.send(path, body)
        assert answer.status_code == 201
        return str(answer.json()["number"])

    siam = SupplierFactory.create(code="SIAM")
    sells(siam, Item.objects.get(sku="TEE"), "1")
    purchase = issued(siam, paris, [(Item.objects.get(sku="TEE"), 2, "1")])
    delivery = received(purchase).number
    return World(
        order=order,
        shipment=number(f"/orders/{order}/ship/", {"location": "paris", "lines": [{"line": 1, "quantity": 1}]}),
        transfer=number("/stock/transfers/", {"from": "paris", "to": "nice", "lines": [line]}),
        adjustment=number(
            "/stock/adjustments/", {"location": "paris", "reason": "found", "lines": [{"sku": "TEE", "change": 1}]}
        ),
        move=number(
            "/stock/moves/",
            {
                "location": "paris",
                "reason": "damage",
                "lines": [line | {"from_bucket": "sellable", "to_bucket": "damaged"}],
            },
        ),
        receipt=number("/stock/receipts/", {"location": "paris", "lines": [line]}),
        customer=Customer.objects.get().pk,
        purchase=purchase.number,
        delivery=delivery,
        sent_back=number(
            "/supplier-returns/",
            {"reason": "faulty", "lines": [{"receipt": delivery, "line": 1, "quantity": 1, "bucket": "sellable"}]},
        ),
        invoice=billed(purchase, [(Item.objects.get(sku="TEE"), 1, "1")]).pk,
    )


# Addresses of objects, and whether they are hidden from a key for another place and from one for another channel.
OBJECTS: dict[str, tuple[bool, bool]] = {
    "suppliers/SIAM/": (False, True),
    "suppliers/SIAM/scorecard/": (False, True),
    "purchase-orders/{purchase}/": (True, True),
    "purchase-orders/{purchase}/paper.pdf": (True, True),
    "purchase-orders/{purchase}/revisions/": (True, True),
    "purchase-orders/{purchase}/timeline/": (True, True),
    "receipts/{delivery}/": (True, True),
    "supplier-returns/{sent_back}/": (True, True),
    "supplier-invoices/{invoice}/": (True, True),
    "items/TEE/": (False, False),
    "locations/paris/": (True, False),
    "stock/adjustments/{adjustment}/": (True, False),
    "stock/moves/{move}/": (True, False),
    "stock/receipts/{receipt}/": (True, False),
    "stock/transfers/{transfer}/": (True, False),
    "orders/{order}/": (True, True),
    "shipments/{shipment}/": (True, True),
    "customers/{customer}/": (False, True),
    "channels/web/": (False, True),
    "channels/web/listings/": (False, True),
    "channels/web/availability/": (False, True),
    "channels/web/sync/": (False, True),
}
LISTS: dict[str, tuple[bool, bool]] = {
    "suppliers/": (False, True),
    "supplier-scorecards/": (False, True),
    "suppliers/SIAM/price-list/": (False, True),
    "receipts/": (True, True),
    "supplier-returns/": (True, True),
    "supplier-invoices/": (True, True),
    "purchase-orders/": (True, True),
    "items/": (False, False),
    "stock/": (True, False),
    "stock/movements/": (True, False),
    "stock/adjustments/": (True, False),
    "stock/moves/": (True, False),
    "stock/receipts/": (True, False),
    "stock/transfers/": (True, False),
    "orders/": (True, True),
    "customers/": (False, True),
    "customers/{customer}/orders/": (True, True),
}


@pytest.mark.parametrize("other", ["place", "channel"])
def test_what_is_elsewhere_does_not_exist(world: World, other: str) -> None:
    stranger = program(locations=["lyon"]) if other == "place" else program(channel="market")
    column = 0 if other == "place" else 1
    wrong = []
    for route, hidden in OBJECTS.items():
        path = "/" + route.format(**vars(world))
        assert program().read(path).status_code == 200, path
        if stranger.read(path).status_code != (404 if hidden[column] else 200):
            wrong.append(path)
    for route, hidden in LISTS.items():
        path = "/" + route.format(**vars(world))
        assert program().read(path).json()["results"], path
        # The list of something that is not there is not there itself: 404.
        if bool(stranger.read(path).json().get("results")) == hidden[column]:
            wrong.append(path)
    assert not wrong


def test_every_readable_object_of_the_api_is_looked_for_elsewhere() -> None:
    known = {route.replace("TEE", "<path:sku>") for route in OBJECTS}
    for route in API:
        if "<" in route and "GET" in API[route] and "orders/" not in route[-8:]:
            kind = route.split("<")[0]
            assert any(name.startswith(kind) for name in known), route
