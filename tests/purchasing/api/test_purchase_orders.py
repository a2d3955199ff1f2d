"""Purchase orders over HTTP: drafted, approved, sent, answered, amended and ended."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, SpecialOrder, Supplier
from retailhub.core.access import Role
from retailhub.core.models import Membership
from tests.factories.core import Program, person, program
from tests.factories.inventory import LocationFactory, pool_of
from tests.factories.orders import SalesChannelFactory, placed
from tests.factories.purchasing import drafted, issued, sells

pytestmark = pytest.mark.django_db


def body(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    line = {"sku": "LAMP", "quantity": 10, "unit_cost": "2.50", "expected_on": "2026-12-01"}
    return {"supplier": "SIAM", "ship_to": "warehouse", "lines": list(lines) or [line], **more}


@pytest.fixture
def client(siam: Supplier, lamp: Item, warehouse: Location) -> Program:
    return program()


def test_an_order_is_drafted_sent_and_read(client: Program) -> None:
    made = client.send("/purchase-orders/", body(charges=[{"code": "freight", "amount": "5"}], note="Gate 3"))

    assert made.status_code == 201, made.json()
    number = made.json()["number"]
    sent = client.send(f"/purchase-orders/{number}/send/").json()
    assert (sent["status"], sent["revision"], sent["net_total"]) == ("issued", 1, "30.00")
    read = client.read(f"/purchase-orders/{number}/").json()
    assert read == sent
    (line,) = read["lines"]
    assert (line["line"], line["unit_cost"], line["net"], line["open"]) == (1, "2.50", "25.00", 10)
    assert (read["receipt_status"], read["bill_status"]) == ("to_receive", "to_bill")
    assert client.read("/purchase-orders/", supplier="SIAM", status="issued").json()["results"][0]["number"] == number
    assert client.read("/purchase-orders/", sku="rope").json()["results"] == []


def test_the_same_call_drafts_once_and_the_same_reference_is_refused(client: Program) -> None:
    first = client.send("/purchase-orders/", body(external_reference="X-1"), key="a")
    again = client.send("/purchase-orders/", body(external_reference="X-1"), key="a")
    twin = client.send("/purchase-orders/", body(external_reference="X-1"), key="b")

    assert again.json() == first.json()
    assert (twin.status_code, twin.json()["code"]) == (409, "duplicate_order")
    assert client.send("/purchase-orders/", body(), key=None).json()["code"] == "idempotency_key_required"
    assert PurchaseOrder.objects.count() == 1


def test_goods_bought_for_a_customer_are_linked_to_his_line(client: Program, lamp: Item, warehouse: Location) -> None:
    order = placed(SalesChannelFactory.create(pool=pool_of(warehouse)), "W-1", ("LAMP", 4))
    line = {"sku": "LAMP", "quantity": 10, "unit_cost": "2.50"}

    made = client.send("/purchase-orders/", body({**line, "for_order_line": {"order": order.number}}))
    refused = client.send("/purchase-orders/", body(line, {**line, "for_order_line": {"order": "OR-0", "line": 1}}))

    assert made.status_code == 201, made.json()
    (link,) = SpecialOrder.objects.all()
    assert (link.document, link.line, link.quantity) == (f"order:{order.number}", 1, 4)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_waits")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/lines/1/for_order_line"]
    assert PurchaseOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "status", "code", "pointer"),
    [
        ({"supplier": "NOBODY"}, 422, "unknown_supplier", "/supplier"),
        ({"ship_to": "moon"}, 422, "unknown_location", "/ship_to"),
        ({"lines": [{"sku": "LAMP", "quantity": 1}, {"sku": "X", "quantity": 1}]}, 422, "unknown_sku", "/lines/1/sku"),
        ({"lines": [{"sku": "LAMP", "quantity": 1}]}, 409, "no_price", "/lines/0/unit_cost"),
        ({"lines": []}, 400, "invalid", "/lines"),
        ({"lines": [{"sku": "LAMP", "quantity": 1, "unit_cost": "1", "price": "1"}]}, 400, "invalid", "/lines/0/price"),
        ({"lines": [{"sku": "LAMP", "quantity": 1, "expected_on": "1.12."}]}, 400, "invalid", "/lines/0/expected_on"),
        ({"lines": [{"sku": "LAMP", "quantity": 1000000000, "unit_cost": "99999"}]}, 400, "too_much", "/lines"),
        ({"odd": 1}, 400, "unknown_field", "/odd"),
    ],
)  # fmt: skip
def test_what_cannot_be_ordered_is_named(
    client: Program, wrong: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    answer = client.send("/purchase-orders/", body() | wrong)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not PurchaseOrder.objects.exists()


def test_a_draft_is_changed_until_it_is_sent(client: Program, siam: Supplier, rope: Item) -> None:
    sells(siam, rope, "3.00")
    number = client.send("/purchase-orders/", body()).json()["number"]

    changed = client.send(
        f"/purchase-orders/{number}/", {"lines": [{"sku": "ROPE", "quantity": 2}], "note": "x"}, method="patch"
    ).json()
    client.send(f"/purchase-orders/{number}/send/")
    late = client.send(f"/purchase-orders/{number}/", {"note": "y"}, method="patch")

    assert [(line["sku"], line["unit_cost"]) for line in changed["lines"]] == [("ROPE", "3.00")]
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


def test_above_the_limit_another_person_approves(client: Program, lamp: Item) -> None:
    buyer, other = person(Role.BUYER), person(Role.BUYER)
    number = client.send("/purchase-orders/", body({"sku": "LAMP", "quantity": 1000, "unit_cost": "2"})).json()[
        "number"
    ]
    PurchaseOrder.objects.update(created_by=f"user:{buyer.username}")

    def post(user: Any, verb: str) -> Any:
        web = Client()
        web.force_login(user)
        answer = web.post(
            f"/api/v1/purchase-orders/{number}/{verb}/", "{}", content_type="application/json",
            headers={"Idempotency-Key": f"{user.pk}{verb}{Membership.objects.count()}"},
        )  # fmt: skip
        return answer.json()

    assert post(buyer, "send")["status"] == "submitted"
    assert post(buyer, "approve")["code"] == "needs_another_approver"
    assert post(other, "approve")["status"] == "approved"
    assert post(other, "send-back")["code"] == "invalid"
    assert client.send(f"/purchase-orders/{number}/send/").json()["status"] == "issued"


def test_what_the_supplier_answers_waits_and_is_accepted(client: Program, siam: Supplier, lamp: Item) -> None:
    number = client.send("/purchase-orders/", body()).json()["number"]
    client.send(f"/purchase-orders/{number}/send/")

    told = client.send(
        f"/purchase-orders/{number}/acknowledge/",
        {"lines": [{"sku": "lamp", "quantity": 8, "expected_on": "2026-12-20"}], "supplier_reference": "SO-1"},
    ).json()
    (proposal,) = told["proposals"]
    assert (told["status"], told["lines"][0]["quantity"], proposal["by"]) == ("issued", 10, "supplier")
    done = client.send(f"/purchase-orders/{number}/proposals/{proposal['id']}/accept/").json()

    assert (done["status"], done["revision"], done["proposals"]) == ("acknowledged", 2, [])
    assert (done["lines"][0]["quantity"], done["lines"][0]["confirmed_on"]) == (8, "2026-12-20")
    latest = client.read(f"/purchase-orders/{number}/revisions/").json()["results"][0]
    assert ["/lines/0/quantity", 10, 8] in latest["changes"]
    kinds = {moment["kind"] for moment in client.read(f"/purchase-orders/{number}/timeline/").json()["results"]}
    assert {"drafted", "approved", "issued", "answered", "amended"} <= kinds


def test_an_amendment_beyond_the_approval_is_answered_202(client: Program) -> None:
    number = client.send("/purchase-orders/", body()).json()["number"]
    client.send(f"/purchase-orders/{number}/send/")

    small = client.send(f"/purchase-orders/{number}/amend/", {"lines": [{"line": 1, "quantity": 20}], "reason": "more"})
    big = client.send(f"/purchase-orders/{number}/amend/", {"lines": [{"line": 1, "quantity": 9000}]})
    same = client.send(f"/purchase-orders/{number}/amend/", {"lines": [{"line": 1, "quantity": 20}]})

    assert (small.status_code, small.json()["revision"]) == (200, 2)
    assert (big.status_code, big.json()["revision"], len(big.json()["proposals"])) == (202, 2, 1)
    assert (same.status_code, same.json()["code"]) == (409, "nothing_changes")


def test_an_order_is_held_released_closed_short_and_cancelled(client: Program) -> None:
    number = client.send("/purchase-orders/", body()).json()["number"]
    client.send(f"/purchase-orders/{number}/send/")
    path = f"/purchase-orders/{number}"

    assert client.send(f"{path}/hold/", {"reason": "talks"}).json()["held_reason"] == "talks"
    assert client.send(f"{path}/release/").json()["status"] == "issued"
    short = client.send(f"{path}/close-short/", {"reason": "none left", "lines": [{"sku": "LAMP"}]}).json()
    assert (short["status"], short["net_total"]) == ("closed_short", "0.00")
    assert client.send(f"{path}/cancel/", {"reason": "x"}).json()["code"] == "wrong_state"


def test_a_sku_on_two_lines_has_to_be_named_by_line(client: Program) -> None:
    line = {"sku": "LAMP", "quantity": 1, "unit_cost": "1"}
    number = client.send("/purchase-orders/", body(line, line)).json()["number"]
    client.send(f"/purchase-orders/{number}/send/")

    answer = client.send(f"/purchase-orders/{number}/close-short/", {"reason": "x", "lines": [{"sku": "LAMP"}]})

    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_line")


def test_who_may_not_see_costs_reads_none(client: Program, siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "77.31")])
    client.send(
        f"/purchase-orders/{order.number}/amend/", {"lines": [{"line": 1, "quantity": 9, "unit_cost": "76.13"}]}
    )
    plain = program("purchasing:read")
    path = f"/purchase-orders/{order.number}/"

    for address in ("/purchase-orders/", path, f"{path}revisions/", f"{path}timeline/"):
        text = plain.read(address).content.decode()
        assert "77.31" not in text
        assert "76.13" not in text
        assert "net_total" not in text
    assert plain.read(f"{path}paper.pdf").status_code == 403
    paper = client.read(f"{path}paper.pdf")
    assert (paper["Content-Type"], paper.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_key_of_another_place_neither_writes_nor_reads(
    client: Program, siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    order = drafted(siam, warehouse, [(lamp, 1, "1")])
    LocationFactory.create(code="lyon")
    SalesChannelFactory.create(code="web")
    stranger = program(locations=["lyon"])

    assert stranger.send("/purchase-orders/", body()).json()["code"] == "unknown_location"
    assert stranger.send(f"/purchase-orders/{order.number}/send/").status_code == 404
    assert program(channel="web").send("/purchase-orders/", body()).status_code == 403
    assert PurchaseOrder.objects.count() == 1


def test_a_page_costs_as_many_statements_for_many_orders_as_for_one(
    client: Program, siam: Supplier, lamp: Item, warehouse: Location
) -> None:
    counts = []
    client.read("/purchase-orders/")  # remembers the key
    for _batch in range(2):
        for _order in range(4):
            issued(siam, warehouse, [(lamp, 10, "1"), (lamp, 5, "1")])
        with CaptureQueriesContext(connection) as seen:
            client.read("/purchase-orders/")
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_progress_is_told_by_lines_and_never_above_all(
    client: Program, siam: Supplier, lamp: Item, warehouse: Location, broken_books: None
) -> None:
    order = issued(siam, warehouse, [(lamp, 10, "1"), (lamp, 10, "1")])
    order.lines.filter(line=1).update(received=12, invoiced=12)

    listed = client.read("/purchase-orders/").json()["results"][0]
    read = client.read(f"/purchase-orders/{order.number}/").json()

    assert (listed["receipt_status"], listed["received_percent"]) == ("part_received", 50)
    assert (listed["bill_status"], listed["billed_percent"]) == ("part_billed", 54)
    assert {name: read[name] for name in listed} == listed
    assert Decimal(listed["net_total"]) == 20
