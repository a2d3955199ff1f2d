"""What every request gets: an id, a place in the history, and clean input."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from django.test import Client

from retailhub.core.middleware import RequestIdFilter
from retailhub.core.models import Job
from tests.factories.core import program

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.urls")]


def test_a_sane_request_id_is_echoed_and_any_other_replaced() -> None:
    client = Client()

    assert client.get("/page/", headers={"X-Request-Id": "abc-123"})["X-Request-Id"] == "abc-123"
    for odd in ("", "a b", "x" * 200, "a\nb", "<script>"):
        made = client.get("/page/", headers={"X-Request-Id": odd})["X-Request-Id"]
        assert made != odd
        assert len(made) == 32


def test_outside_a_request_logs_name_none() -> None:
    record = logging.makeLogRecord({})

    assert RequestIdFilter().filter(record)
    assert record.__dict__["request_id"] == "-"


@pytest.mark.parametrize("query", ["a=%00", "%00=a", "a=1&b=x%07", "a=%1b%5b31m"])
def test_odd_characters_in_the_query_are_refused(query: str) -> None:
    api = program().get(f"/api/v1/papers/?{query}")
    page = Client().get(f"/page/?{query}")

    assert (api.status_code, api.json()["code"]) == (400, "invalid")
    assert page.status_code == 400
    assert page["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": ""}])
def test_a_body_without_a_length_is_read_all_the_same(length: dict[str, str]) -> None:
    sent = b'{"label": "chunked"}'
    chunked: dict[str, Any] = {"wsgi.input": io.BytesIO(sent), "wsgi.input_terminated": True, **length}
    client: Any = program()

    answer = client.generic(
        "POST", "/api/v1/papers/", content_type="application/json", headers={"Idempotency-Key": "k"}, **chunked
    )
    too_large = client.generic(
        "POST",
        "/api/v1/papers/",
        content_type="application/json",
        **chunked | {"wsgi.input": io.BytesIO(b"x" * 9_000_000)},
    )

    assert answer.status_code == 201, answer.content
    assert Job.objects.get().label == "chunked"
    assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")


def test_odd_characters_in_a_form_are_refused() -> None:
    client = Client()

    assert client.post("/page/", {"note": "a\x00b"}).status_code == 400
    assert client.post("/page/", {"note": "two\r\nlines\tand a tab"}).status_code == 200
    assert client.post("/page/", b"a=%00", content_type="application/x-www-form-urlencoded").status_code == 400


def test_forms_and_queries_arrive_clean_like_json_and_passwords_as_typed() -> None:
    trap = "Cafe\u0301\u200b \u202ebar"

    told = (
        Client()
        .post(f"/page/echo/?q={trap}&plain=a b", {"note": f" {trap}\r\nx ", "password": trap, "no\u200bte2": "x"})
        .json()
    )

    assert told == {"q": "Café bar", "plain": "a b", "note": " Café bar\nx ", "password": trap, "note2": "x"}
