"""Alive, ready, and the figures."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from retailhub import health
from retailhub.core.models import Job
from tests.factories.core import person, program

pytestmark = pytest.mark.django_db


def test_a_process_is_alive_without_asking_the_database(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/livez").status_code == 200


def test_ready_when_the_tables_are_of_this_release() -> None:
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_not_ready_without_a_database_or_with_migrations_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(health, "rows", away)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")
    assert answer["Retry-After"]

    monkeypatch.undo()
    monkeypatch.setattr(health, "_unapplied", lambda: 2)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["unapplied_migrations"]) == (503, 2)


def test_figures_for_the_machine_itself() -> None:
    Job.objects.create(kind="x", label="x")

    answer = Client().get("/metrics")

    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'retailhub_jobs{state="waiting"} 1\n' in text
    assert "retailhub_outbox_oldest_seconds 0\n" in text
    assert all(line.startswith(("#", "retailhub_")) for line in text.splitlines())


@pytest.mark.parametrize("elsewhere", [{"REMOTE_ADDR": "10.0.0.9"}, {"HTTP_X_FORWARDED_FOR": "10.0.0.9"}])
def test_elsewhere_figures_take_a_scope(elsewhere: dict[str, Any]) -> None:
    assert Client().get("/metrics", **elsewhere).status_code == 401
    assert program("orders:read").get("/metrics", **elsewhere).status_code == 403
    assert program("system:read").get("/metrics", **elsewhere).status_code == 200
    browser = Client()
    browser.force_login(person("administrator"))
    assert browser.get("/metrics", **elsewhere).status_code == 200
