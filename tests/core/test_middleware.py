"""What every request gets: an id, a place in the history, and clean input."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from retailhub.core.middleware import RequestIdFilter
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


def test_odd_characters_in_a_form_are_refused() -> None:
    client = Client()

    assert client.post("/page/", {"note": "a\x00b"}).status_code == 400
    assert client.post("/page/", {"note": "two\r\nlines\tand a tab"}).status_code == 200
    assert client.post("/page/", b"a=%00", content_type="application/x-www-form-urlencoded").status_code == 400
