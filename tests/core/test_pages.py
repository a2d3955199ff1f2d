"""Lists: keyset pages, strict filters."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailhub.core.models import Job
from tests.factories.core import program

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.urls")]


@pytest.fixture
def jobs() -> list[Job]:
    return Job.objects.bulk_create(Job(kind="paper", label=f"{n}", total=n % 2) for n in range(7))


def walk(url: str | None, member: str = "next") -> list[list[str]]:
    client, pages = program(), []
    while url:
        body = client.get(url).json()
        pages.append([row["label"] for row in body["results"]])
        url = body[member]
    return pages


def test_pages_follow_each_other_without_gap_or_overlap(jobs: list[Job]) -> None:
    assert walk("/api/v1/papers/?page_size=3") == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


def test_and_back(jobs: list[Job]) -> None:
    client = program()
    last: dict[str, Any] = client.get("/api/v1/papers/?page_size=3").json()
    assert last["previous"] is None
    while last["next"]:
        last = client.get(last["next"]).json()

    assert walk(last["previous"], "previous") == [["3", "2", "1"], ["6", "5", "4"]]


def test_rows_that_come_meanwhile_move_nothing(jobs: list[Job]) -> None:
    client = program()
    first = client.get("/api/v1/papers/?page_size=3").json()
    Job.objects.create(kind="paper", label="new")

    assert [row["label"] for row in client.get(first["next"]).json()["results"]] == ["3", "2", "1"]


def test_a_page_whose_rows_are_gone_leads_back(jobs: list[Job]) -> None:
    client = program()
    first = client.get("/api/v1/papers/?page_size=3").json()
    Job.objects.filter(label__in=["3", "2", "1", "0"]).delete()

    beyond = client.get(first["next"]).json()

    assert beyond["results"] == []
    assert beyond["next"] is None
    assert [row["label"] for row in client.get(beyond["previous"]).json()["results"]] == ["6", "5"]


def test_filters_narrow_and_stay_in_the_links(jobs: list[Job]) -> None:
    assert walk("/api/v1/papers/?total=1&page_size=2") == [["5", "3"], ["1"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("colour=red", "unknown_parameter"),
        ("Total=1", "unknown_parameter"),
        ("total=many", "invalid"),
        ("total=NaN", "invalid"),
        ("page_size=0", "invalid"),
        ("page_size=501", "invalid"),
        ("page_size=-1", "invalid"),
        ("page_size=٣", "invalid"),
        ("page_size=1e2", "invalid"),
        ("cursor=x", "bad_cursor"),
        ("cursor=%F0%9F%8E%89", "bad_cursor"),
        ("cursor=W2ZhbHNlLCJhIl0", "bad_cursor"),
        ("cursor=W2ZhbHNlXQ", "bad_cursor"),
        ("cursor=WzEsMl0", "bad_cursor"),
        ("cursor=W2ZhbHNlLDk5OTk5OTk5OTk5OTk5OTk5OTk5OTld", "bad_cursor"),
        ("cursor=W2ZhbHNlLHRydWVd", "bad_cursor"),
    ],
)
def test_bad_parameters_are_400(jobs: list[Job], query: str, code: str) -> None:
    answer = program().get(f"/api/v1/papers/?{query}")

    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == code


def test_a_page_costs_one_query_whatever_its_size(jobs: list[Job]) -> None:
    client = program()
    client.read("/papers/")
    for size in (1, 7):
        with CaptureQueriesContext(connection) as queries:
            client.read("/papers/", page_size=size)
        assert len(queries) == 2  # the key and the page
