"""What refusals look like, and that bad input never is a fault of ours."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from retailhub.core.models import Job
from tests.factories.core import person, program

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.urls")]


def raw(client: Any, body: bytes, content_type: str = "application/json") -> Any:
    return client.generic(
        "POST", "/api/v1/papers/", body, content_type=content_type, headers={"Idempotency-Key": "same"}
    )


def test_a_refusal_names_every_offending_place() -> None:
    answer = program().send(
        "/papers/",
        {
            "label": "",
            "lines": [{"sku": "A", "quantity": 0}, {"quantity": 1.5, "price": 19.9}, "no object"],
        },
    )

    assert answer.status_code == 400
    problem = answer.json()
    assert {k: problem[k] for k in ("type", "status", "code")} == {
        "type": "urn:retailhub:problem:invalid",
        "status": 400,
        "code": "invalid",
    }
    assert problem["title"]
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [
        ("/label", "blank"),
        ("/lines/0/quantity", "invalid"),
        ("/lines/1/sku", "required"),
        ("/lines/1/quantity", "invalid"),
        ("/lines/1/price", "invalid"),
        ("/lines/2", "invalid"),
    ]


def test_an_unknown_field_is_refused_at_any_depth() -> None:
    answer = program().send("/papers/", {"label": "x", "lines": [{"sku": "A", "qty/x": 1}], "extra": None})

    assert answer.status_code == 400
    assert answer.json()["code"] == "unknown_field"
    pointers = [e["pointer"] for e in answer.json()["errors"]]
    assert pointers == ["/lines/0/quantity", "/lines/0/qty~1x", "/extra"]


def test_a_rule_of_the_trade_answers_with_its_code_figures_and_places() -> None:
    answer = program().send("/papers/", {"label": "refuse"})

    assert answer.status_code == 409
    assert answer.json() == {
        "type": "urn:retailhub:problem:too_many",
        "title": "There are not that many",
        "status": 409,
        "code": "too_many",
        "detail": "There are not that many.",
        "current_status": "draft",
        "seen": 3,
        "errors": [{"pointer": "/label", "code": "too_many", "detail": "no"}],
    }
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"12",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"label": NaN}',
        b'{"label": 1e999}',
        b'{"label": "\\ud800"}',
        b'{"label": "a\\u0000b"}',
        b'{"label": "\\u0007"}',
        b'{"label": {"a": "\\u0000"}}',
        b'{"\\u0000": 1}',
        b'{"label": "' + b"x" * 300 + b'"}',
        b'{"label": "x", "lines": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"label": "x", "lines": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
        b"[" * 100_000,
        b'{"label": "x", "lines": [{"sku": "A", "quantity": 18446744073709551616}]}',
        b'{"label": "x", "lines": [{"sku": "A", "quantity": 1e3}]}',
        b'{"label": "x", "lines": [{"sku": "A", "quantity": true}]}',
        b'{"label": "x", "lines": [{"sku": "A", "quantity": 1, "price": "NaN"}]}',
        b'{"label": "x", "lines": [{"sku": "A", "quantity": 1, "price": "1e300"}]}',
        b'{"label": "x", "lines": [{"sku": "A", "quantity": 1, "price": "0.00001"}]}',
        b'{"label": "x", "lines": [{"sku": "A", "quantity": 1, "price": "-1"}]}',
        b'{"label": "x", "lines": [{"sku": "\xe2\x80\x8b", "quantity": 1}]}',
        b'{"label": "x", "lines": [1, 2, 3, 4]}',
        b'{"label": "x", "lines": null}',
        b'{"label": "x", "address": {"a": [1]}}',
    ],
)
def test_bad_bodies_are_400(body: bytes) -> None:
    answer = raw(program(), body)

    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] in {"invalid", "unknown_field"}
    assert not Job.objects.exists()


def test_text_that_cannot_be_stored_is_named() -> None:
    answer = raw(program(), b'{"label": "x", "lines": [{"sku": "a\\u0000", "quantity": 1}]}')

    assert answer.json()["errors"][0]["pointer"] == "/lines/0/sku"
    assert answer.json()["errors"][0]["code"] == "invalid_text"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a: b": {"c/d~": ["x", "\\u0000"]}}', "/a: b/c~1d~0/1"),
        (b'{"ok": 1, "a\\u0007": 2}', ""),
        (b'"\\u0000"', ""),
    ],
    ids=["below odd names", "the name itself", "the whole"],
)
def test_the_place_of_text_that_cannot_be_stored_is_a_json_pointer(body: bytes, pointer: str) -> None:
    answer = raw(program(), body)

    (offence,) = answer.json()["errors"]
    assert (answer.status_code, offence["pointer"], offence["code"]) == (400, pointer, "invalid_text")
    assert offence["detail"].startswith("it holds the character U+00")


def test_text_is_normalised_on_the_way_in() -> None:
    raw(program(), '{"label": " Cafe\u0301\u200b  \u202ebar ", "label": " Cafe\u0301\u200b \\n bar "}'.encode())

    assert Job.objects.get().label == "Café bar"


def test_money_stays_exact_and_goes_out_as_text() -> None:
    answer = program().send("/papers/", {"label": "x", "lines": [{"sku": "A", "quantity": 1, "price": 5}]})

    assert answer.json()["price"] == "10"


def test_a_body_of_more_than_8_mib_is_413() -> None:
    answer = raw(program(), b'{"label": "' + b"x" * (8 * 1024 * 1024) + b'"}')

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "garbage"]
)
def test_other_content_types_are_415(content_type: str) -> None:
    answer = raw(program(), b"a=1", content_type)

    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"


def test_accept_is_not_quarrelled_with() -> None:
    assert program().get("/api/v1/papers/", headers={"Accept": "text/csv;q=x, */nonsense"}).status_code == 200


def test_a_database_that_is_away_is_503_with_retry_after() -> None:
    answer = program().read("/failing/away/")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert int(answer["Retry-After"]) > 0
    page = Client(raise_request_exception=False).get("/page/away/")
    assert page.status_code == 503
    assert int(page["Retry-After"]) > 0


def test_an_outage_is_503_wherever_it_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    client, browser = program(), Client(raise_request_exception=False)
    browser.force_login(person("administrator"))

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "cursor", away)
    monkeypatch.setattr(connection, "run_prepared", away)

    answers = [client.read("/papers/"), client.send("/touch/"), browser.get("/api/v1/papers/"), browser.post("/page/")]
    monkeypatch.undo()

    assert [answer.status_code for answer in answers] == [503] * 4
    assert all(answer["Retry-After"] for answer in answers)
    assert answers[0].json()["code"] == "database_away"


def test_a_value_the_database_refuses_is_400() -> None:
    assert program().read("/failing/data/").status_code == 400


def test_a_bug_is_500_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        answer = program().read("/failing/bug/")
        page = Client(raise_request_exception=False).get("/page/bug/")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert b"secret detail" not in answer.content + page.content
    assert page.status_code == 500


@pytest.mark.parametrize("path", ["/api/v1/nowhere/", "/api/", "/api/v1/papers/%00/", "/api/v1/%ff/"])
def test_addresses_that_lead_nowhere_are_problems_in_the_api(path: str) -> None:
    answer = program().get(path)

    assert answer.status_code == 404
    assert json.loads(answer.content)["code"] == "not_found"


def test_and_pages_elsewhere() -> None:
    answer = Client().get("/nowhere/")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
