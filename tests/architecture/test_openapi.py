"""The description of the API is what the code says, and complete."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from retailhub.core.access import SCOPES
from tests.contract import FILE, description


def test_the_file_has_not_drifted() -> None:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)

    assert FILE.read_text() == out.getvalue(), "run `manage.py spectacular --file docs/openapi.yaml`"


def operations() -> list[Any]:
    return [
        pytest.param(method, operation, id=f"{method} {path}")
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize(("method", "operation"), operations())
def test_every_operation_says_what_it_does_and_takes(method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    if operation["tags"] != ["webhooks"]:
        assert any(f"`{scope}`" in operation["description"] for scope in SCOPES)
        assert operation["security"] == [{"apiKey": []}, {"session": []}]
    assert "default" in operation["responses"]


@pytest.mark.django_db
def test_the_page_needs_nothing_from_elsewhere() -> None:
    client = Client()

    page = client.get("/api/v1/docs/")
    script = client.get("/api/v1/docs/?script=1")

    assert page.status_code == script.status_code == 200
    text = page.content.decode() + script.content.decode()
    assert "http://" not in text.replace("http://testserver", "")
    assert "https://" not in text
    assert "<script>" not in page.content.decode()
    assert client.get("/api/v1/schema/").status_code == 200
