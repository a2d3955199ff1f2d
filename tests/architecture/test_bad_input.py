"""Bad input through every door that writes or filters: refused in words, never a fault of ours, never half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import pytest

from inventory.models import Location, StockDocument
from orders.models import Order, SalesChannel
from purchasing.services.acknowledging import LineAnswer, acknowledge_purchase_order
from tests.contract import description
from tests.factories.core import Program, program
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand
from tests.factories.orders import placed
from tests.factories.purchasing import SupplierFactory, billed, drafted, issued, received

pytestmark = pytest.mark.django_db

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, 0.5, 1e15, "", " ", "0", "-1", "1e5", "1_000", "٣",
    "NaN", "sNaN", "Infinity", "-Infinity", "1e400", "0x10", "1,5", "19.90", "0." + "1" * 40, "9" * 400, "x" * 5_000,
    "\u200b", "\u202eabc", "a\u0301" * 40, "\ufeff", "🎉" * 30, "'; DROP TABLE x; --", "<script>alert(1)</script>",
    "%s%s%s", "../../etc/passwd", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    [], {}, [None], [[]], [{}], {"": None}, {"a": {"b": {"c": 1}}}, ["x"] * 200, [1] * 6_000, {"sku": 1}, ["\u0000"],
]  # fmt: skip
"""Odd values; the last one cannot be stored at all."""

TURNS = 7
QUERIES = [
    "", "%00", "a%00b", "%ff%fe", "%ed%a0%80", "x" * 3000, "-1", "NaN", "1e400", "9" * 400, "%F0%9F%8E%89", "'", "%25",
    "2026-02-30", "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "null", "%u0041", "%0a", "a;b",
]  # fmt: skip

SUPPLIER: dict[str, Any] = {
    "name": "Siam",
    "status": "active",
    "currency": "EUR",
    "language": "th",
    "payment_days": 30,
    "discount_days": 8,
    "discount_percent": "2",
    "lead_time_days": 7,
    "minimum_order": "100",
    "tax_rate": "0.2",
    "bills_on_shipment": False,
    "is_expense": False,
    "over_percent": "5",
    "over_units": 1,
    "close_short_percent": "1",
    "close_short_days": 5,
    "order_email": "a@b.example",
    "address": {"city": "Bangkok"},
    "note": "x",
    "contacts": [{"name": "Nok", "role": "x", "email": "n@b.example", "phone": "1"}],
    "identifiers": [{"kind": "gln", "value": "4006381333931"}, {"kind": "vat", "value": "DE136695976"}],
}
PRICE_LIST: dict[str, Any] = {
    "currency": "EUR",
    "entries": [
        {
            "sku": "TEE",
            "supplier_sku": "ST-1",
            "name": "x",
            "pack": {"code": "case", "numerator": 12, "denominator": 1},
            "minimum_quantity": 1,
            "multiple": 1,
            "lead_time_days": 3,
            "over_percent": "1",
            "over_units": 1,
            "is_preferred": True,
            "is_active": True,
            "last_price": "2",
            "last_price_on": "2026-11-01",
            "prices": [
                {
                    "price": "2.5",
                    "source": "list",
                    "minimum_quantity": 10,
                    "discount_percent": "1",
                    "valid_from": "2026-01-01",
                    "valid_until": "2026-12-31",
                }
            ],
        }
    ],
}
GOOD: dict[str, dict[str, Any]] = {
    "/items/": {"sku": "NEW", "name": "New", "price": "1.00", "currency": "EUR", "barcodes": ["A"], "cost": "1"},
    "/items/bulk/": {"entries": [{"sku": "NEW2", "name": "New"}]},
    "/locations/": {"code": "new", "name": "New", "kind": "store", "address": {"city": "Paris"}},
    "/stock/adjustments/": {"location": "paris", "reason": "found", "note": "", "lines": [{"sku": "TEE", "change": 1}]},
    "/stock/moves/": {
        "location": "paris",
        "reason": "damage",
        "lines": [{"sku": "TEE", "quantity": 1, "from_bucket": "sellable", "to_bucket": "damaged"}],
    },
    "/stock/receipts/": {"location": "paris", "lines": [{"sku": "TEE", "quantity": 1, "unit_cost": "2"}]},
    "/stock/transfers/": {"from": "paris", "to": "lyon", "lines": [{"sku": "TEE", "quantity": 1}], "due": None},
    "/stock/transfers/{transfer}/ready/": {},
    "/stock/transfers/{transfer}/ship/": {},
    "/stock/transfers/{transfer}/receive/": {"lines": [{"line": 1, "received": 1}]},
    "/stock/transfers/{transfer}/cancel/": {},
    "/orders/": {
        "channel": "web",
        "external_reference": "9",
        "placed_at": "2026-11-22T10:00:00Z",
        "currency": "EUR",
        "allocation": "accept",
        "customer": {"email": "a@b.c", "name": "A", "phone": "+331", "external_id": "1"},
        "shipping": {"method": "x", "address": {"city": "x"}, "pickup_location": None, "price": "1"},
        "lines": [{"sku": "TEE", "quantity": 1, "unit_price": "5", "tax_rate": "0.2", "discount": "1"}],
        "payments": [{"method": "card", "amount": "4", "reference": "r", "captured": True}],
    },
    "/orders/bulk/": {
        "entries": [
            {
                "channel": "web",
                "external_reference": "10",
                "currency": "EUR",
                "idempotency_key": "e",
                "lines": [{"sku": "TEE", "quantity": 1, "unit_price": "5"}],
            }
        ]
    },
    "/orders/{order}/cancel/": {"lines": [{"line": 1, "sku": "TEE", "quantity": 1}], "reason": "x"},
    "/orders/{order}/hold/": {"reason": "x"},
    "/orders/{order}/release/": {},
    "/orders/{order}/ship/": {"location": "paris", "lines": [{"line": 1, "quantity": 1}], "carrier": "x"},
    "/orders/{order}/route/": {},
    "/orders/{order}/ready-for-pickup/": {},
    "/orders/{order}/hand-over/": {},
    "/customers/{customer}/merge/": {"into": 1},
    "/customers/{customer}/export/": {},
    "/customers/{customer}/erase/": {},
    "/channels/": {
        "code": "new",
        "name": "New",
        "kind": "sandbox",
        "currency": "EUR",
        "locations": ["paris"],
        "credentials": {"a": "b"},
        "base_url": "https://x.example",
    },
    "/channels/web/listings/bulk/": {"entries": [{"seller_sku": "TEE", "price": "1", "buffer": 1, "pack": 1}]},
    "/channels/web/pause/": {"reason": "x"},
    "/channels/web/resume/": {},
    "/channels/web/sync/": {},
    "/channels/web/promises/": {},
    "/webhooks/web/": {},
    "/suppliers/": SUPPLIER | {"code": "NEW"},
    "/reorder/create-orders/": {
        "ship_to": "paris",
        "orders": [{"supplier": "SIAM", "lines": [{"sku": "TEE", "quantity": 1}]}],
    },
    "/purchase-orders/": {
        "supplier": "SIAM",
        "ship_to": "paris",
        "currency": "EUR",
        "lines": [
            {
                "sku": "TEE",
                "quantity": 1,
                "unit_cost": "2",
                "discount_percent": "1",
                "tax_rate": "0.2",
                "expected_on": "2026-12-01",
                "over_percent": "1",
                "over_units": 1,
            }
        ],
        "charges": [{"code": "freight", "amount": "5", "treatment": "landed", "basis": "value"}],
        "expected_on": "2026-12-01",
        "note": "x",
        "external_reference": "r",
    },
    "/receipts/": {
        "purchase_order": "{purchase}",
        "location": "paris",
        "delivery_note": "x",
        "note": "x",
        "lines": [
            {
                "sku": "TEE",
                "line": 1,
                "accepted": 1,
                "damaged": 0,
                "wrong": 0,
                "received_sku": None,
                "refused": 0,
                "announced": 1,
                "note": "x",
            }
        ],
    },
    "/receipts/{delivery}/reverse/": {"reason": "x"},
    "/supplier-returns/": {
        "reason": "x",
        "carrier": "x",
        "tracking_number": "x",
        "wants_replacement": False,
        "lines": [{"receipt": "{delivery}", "line": 1, "quantity": 1, "bucket": "sellable"}],
    },
    "/supplier-invoices/": {
        "supplier": "SIAM",
        "kind": "invoice",
        "number": "1",
        "date": "2026-12-01",
        "due_date": "2026-12-31",
        "currency": "EUR",
        "purchase_orders": [],
        "lines": [
            {
                "sku": "TEE",
                "gtin": "",
                "supplier_sku": "x",
                "description": "x",
                "quantity": 1,
                "unit": "",
                "unit_price": "2",
                "net_amount": "2",
                "purchase_order": None,
                "order_line": 1,
                "tax_rate": "0.2",
                "corrects_line": None,
                "credit_kind": "",
            }
        ],
        "charges": [{"code": "freight", "amount": "5", "description": "x", "tax_rate": "0.2", "treatment": "landed"}],
        "tax_total": "1",
        "total": "3",
        "corrects": "",
        "note": "x",
    },
    "/supplier-invoices/{invoice}/rematch/": {},
    "/supplier-invoices/{invoice}/supplier/": {"supplier": "SIAM"},
    "/supplier-invoices/{invoice}/confirm-distinct/": {},
    "/supplier-invoices/{invoice}/attach/": {"lines": [{"line": 1, "purchase_order": "PO-1", "order_line": 1}]},
    "/supplier-invoices/{invoice}/decide/": {"decisions": [{"line": 1, "decision": "dispute"}], "reason": "x"},
    "/supplier-invoices/{invoice}/release-hold/": {"hold": 1, "reason": "x"},
    "/supplier-invoices/{invoice}/approve/": {"expected": "1"},
    "/supplier-invoices/{invoice}/post/": {},
    "/supplier-invoices/{invoice}/pay/": {"amount": "1", "paid_on": "2026-12-01", "reference": "x"},
    "/supplier-invoices/{invoice}/dispute/": {"note": "x", "reply_by": "2026-12-01"},
    "/supplier-invoices/{invoice}/reject/": {"reason": "x"},
    "/supplier-invoices/{invoice}/credit/": {"invoice": 1, "amount": "1"},
    "/purchase-orders/{purchase}/submit/": {},
    "/purchase-orders/{purchase}/approve/": {},
    "/purchase-orders/{purchase}/send-back/": {"reason": "x"},
    "/purchase-orders/{purchase}/send/": {},
    "/purchase-orders/{purchase}/resend/": {},
    "/purchase-orders/{purchase}/hold/": {"reason": "x"},
    "/purchase-orders/{purchase}/release/": {},
    "/purchase-orders/{purchase}/acknowledge/": {
        "lines": [{"line": 1, "sku": "TEE", "quantity": 1, "expected_on": "2026-12-01", "unit_cost": "1"}],
        "rejected": False,
        "supplier_reference": "x",
        "reason": "x",
    },
    "/purchase-orders/{purchase}/amend/": {
        "lines": [{"line": 1, "quantity": 6, "unit_cost": "2", "discount_percent": "1", "note": "x"}],
        "added": [{"sku": "TEE", "quantity": 1, "unit_cost": "1"}],
        "charges": [{"code": "freight", "amount": "5"}],
        "expected_on": "2026-12-01",
        "note": "x",
        "reason": "x",
    },
    "/purchase-orders/{purchase}/close-short/": {"lines": [{"line": 1, "sku": "TEE"}], "reason": "x"},
    "/purchase-orders/{purchase}/cancel/": {"reason": "x"},
    "/purchase-orders/{purchase}/proposals/{proposal}/accept/": {},
    "/purchase-orders/{purchase}/proposals/{proposal}/refuse/": {"reason": "x"},
}
PUTS: dict[str, dict[str, Any]] = {"/suppliers/SIAM/price-list/": PRICE_LIST}
PATCHES: dict[str, dict[str, Any]] = {
    "/suppliers/SIAM/": SUPPLIER,
    "/suppliers/SIAM/price-list/": PRICE_LIST,
    "/items/TEE/": {"name": "x", "price": "1", "weight_grams": 5, "category": ["A", "B"], "components": []},
    "/items/bulk/": {"name": "x"},
    "/channels/web/": {"buffer": 1, "share_percent": 50},
    "/channels/web/listings/": {"seller_sku": "TEE", "max_listed": 4},
    "/purchase-orders/{draft}/": {
        "ship_to": "paris",
        "lines": [{"sku": "TEE", "quantity": 2, "unit_cost": "2"}],
        "charges": [{"code": "freight", "amount": "5"}],
        "expected_on": "2026-12-01",
        "note": "x",
    },
}
WRITING = {"post": GOOD, "patch": PATCHES, "put": PUTS}


@pytest.fixture
def world() -> dict[str, Any]:
    paris, _ = (LocationFactory.create(code=code) for code in ("paris", "lyon"))
    tee = ItemFactory.create(sku="TEE")
    put_on_hand(tee, paris, 1_000)
    siam = SupplierFactory.create(code="SIAM")
    purchase = issued(siam, paris, [(tee, 5, "2")])
    proposal = acknowledge_purchase_order(
        order_id=purchase.pk, actor="x", answers=[LineAnswer(line=1, quantity=4)]
    ).proposal
    client = program()
    delivery = received(issued(siam, paris, [(tee, 5, "2")]))
    client.send("/channels/", {"code": "web", "name": "Web", "kind": "desk", "currency": "EUR", "locations": ["paris"]})
    client.send("/channels/web/listings/bulk/", {"entries": [{"seller_sku": "TEE", "state": "live"}]})
    body = {"from": "paris", "to": "lyon", "lines": [{"sku": "TEE", "quantity": 5}]}
    return {
        "order": placed(SalesChannel.objects.get(), "1", ("TEE", 100)).number,
        "transfer": client.send("/stock/transfers/", body).json()["number"],
        "customer": 1,
        "purchase": purchase.number,
        "draft": drafted(siam, paris, [(tee, 1, "1")]).number,
        "proposal": proposal.pk,
        "delivery": delivery.number,
        "invoice": billed(purchase, [(tee, 1, "2")]).pk,
    }


def filled(body: Any, world: dict[str, Any]) -> Any:
    """Answer the body with the names of what is there in place of {delivery} and the like."""
    text = json.dumps(body)
    for name in ("purchase", "delivery"):
        text = text.replace(f'"{{{name}}}"', json.dumps(world[name]))
    return json.loads(text)


def variations(body: Any, value: Any) -> Iterator[Any]:
    """Answer the body with the odd value in each place of it, one at a time, and as an additional member."""
    yield value
    if isinstance(body, dict):
        for name, inner in body.items():
            for changed in variations(inner, value):
                yield body | {name: changed}
        yield body | {"odd": value}
    elif isinstance(body, list):
        for index, inner in enumerate(body):
            for changed in variations(inner, value):
                yield [*body[:index], changed, *body[index + 1 :]]


def refused_in_words(answer: Any, context: str) -> None:
    assert answer.status_code < 500, f"{context}: {answer.status_code} {answer.content[:300]!r}"
    if answer.status_code >= 400:
        problem = json.loads(answer.content)
        assert problem["status"] == answer.status_code
        assert problem["code"]
        assert problem["detail"]
        assert b"Traceback" not in answer.content


def test_every_door_that_writes_is_tried() -> None:
    def named(path: str) -> str:
        path = path.replace("{proposal}", "{id}").replace("{invoice}", "{id}")
        for name in ("order", "transfer", "purchase", "draft", "delivery"):
            path = path.replace(f"{{{name}}}", "{number}")
        path = path.replace("/web/", "/{code}/").replace("/SIAM/", "/{code}/")
        return path.replace("{customer}", "{id}").replace("/TEE/", "/{sku}/")

    for method, tried in WRITING.items():
        doors = {p.removeprefix("/api/v1") for p, methods in description()["paths"].items() if method in methods}
        assert doors == {named(path) for path in tried}


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, tried in WRITING.items() for path in tried])
def test_odd_values_are_refused_in_words(world: dict[str, Any], method: str, path: str) -> None:
    client = program()
    good = filled(WRITING[method][path], world)
    address = path.format(**world)
    for turn, value in enumerate(VALUES):
        # Every value goes to a seventh of the places, and every place gets a seventh of the values.
        for body in islice(variations(good, value), turn % TURNS, None, TURNS):
            answer = client.send(address, body, method=method)
            refused_in_words(answer, f"{method} {address} {json.dumps(body)[:300]}")


RAW = [
    b"", b"{", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"[" * 50_000, b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"a": "\\ud83d"}', b'{"a": "\xed\xa0\xbd"}', b"NaN", b'{"a": 1e999}', b"[1,]", b"'{}'", b"\x00", b"null", b'"a"',
    b"{} {}", b'{"a": "\\u0000"}', b"<xml/>", b"a=1&b=2", b"{" + b'"k": 1, ' * 1000 + b'"k": 1}',
]  # fmt: skip


@pytest.mark.parametrize("path", GOOD)
def test_odd_bodies_are_refused_in_words(world: dict[str, Any], path: str) -> None:
    client: Any = program()
    for raw in RAW:
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            answer = client.generic(
                "POST",
                f"/api/v1{path.format(**world)}",
                raw,
                content_type=content_type,
                headers={"Idempotency-Key": f"{raw[:20]!r}{content_type}"},
            )
            refused_in_words(answer, f"{path} {content_type} {raw[:60]!r}")


def filters() -> list[tuple[str, str]]:
    return [
        (path.removeprefix("/api/v1"), parameter["name"])
        for path, methods in description()["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["in"] == "query"
    ]


@pytest.mark.parametrize(("path", "name"), filters())
def test_odd_filters_are_refused_in_words(world: dict[str, Any], path: str, name: str) -> None:
    client = program()
    code = "SIAM" if path.startswith("/suppliers/") else "web"
    address = path.replace("{code}", code).replace("{id}", "1").replace("{number}", world["order"])
    for value in QUERIES:
        more = "&location=paris&sku=TEE&channel=web" if name in {"available__lt", "sku", "channel"} else ""
        answer = client.get(f"/api/v1{address}?{name}={value}{more}")
        refused_in_words(answer, f"{address}?{name}={value[:60]}")


def test_odd_addresses_are_refused_in_words(world: dict[str, Any]) -> None:
    client = program()
    odd = ["%00", "%ff", "x" * 3000, "..", "%2e%2e", "%0a", "🎉", "0", "-1", "9" * 40, "@loss", "'", "%25", "a b"]
    for path, methods in description()["paths"].items():
        for value in odd:
            address = path
            for name in ("code", "id", "number", "sku"):
                address = address.replace(f"{{{name}}}", value if value.startswith("%") else quote(value))
            for method in methods:
                answer = getattr(client, method)(address, {}, format="json", headers={"Idempotency-Key": "k"}) \
                    if method != "get" else client.get(address)  # fmt: skip
                refused_in_words(answer, f"{method} {address[:120]}")


def test_odd_headers_are_refused_in_words(world: dict[str, Any]) -> None:
    secret = program().secret
    headers: list[tuple[str, str]] = [
        ("Authorization", f"Api-Key {secret}\x00"),
        ("Authorization", "Api-Key " + "a" * 9000),
        ("Authorization", "Basic \xff\xfe"),
        ("Idempotency-Key", "\xff" * 10),
        ("Idempotency-Key", "a" * 9000),
        ("Cookie", "sessionid=\x00; csrftoken=\xff"),
        ("Cookie", "sessionid=" + "a" * 9000),
        ("Accept", "\xff/*;q=x"),
        ("Accept-Language", "x" * 5000),
        ("Content-Type", "application/json; charset=\xff"),
        ("X-Request-Id", "\x00"),
        ("Host", "a b"),
    ]
    for name, value in headers:
        for key in (secret, ""):
            answer: Any = Program(key).post(
                "/api/v1/stock/receipts/", "{}", content_type="application/json", headers={name: value}
            )
            assert answer.status_code < 500, (name, value[:20], answer.status_code)


def test_nothing_odd_left_anything_behind(world: dict[str, Any]) -> None:
    client = program()
    odd: list[Any] = [None, "x", 5, [], {"odd": 1}]
    before = (Order.objects.count(), StockDocument.objects.count(), Location.objects.count())
    for path in ("/orders/", "/stock/adjustments/", "/stock/receipts/", "/locations/"):
        for value in odd:
            client.send(path, GOOD[path] | {"odd": value})
            client.send(path, {"odd": value})

    assert (Order.objects.count(), StockDocument.objects.count(), Location.objects.count()) == before
