"""The history of an item says who changed it, through which address and in which request."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from tests.factories.core import person, program
from tests.factories.inventory import ItemFactory

# History rows learn their context when the transaction's statements run, which a test's own transaction would blur.
pytestmark = pytest.mark.django_db(transaction=True)


def last_change() -> Any:
    model: Any = apps.get_model("inventory", "ItemEvent")
    return model.objects.select_related("pgh_context").order_by("-pk").first()


def test_a_program_is_named() -> None:
    ItemFactory.create(sku="TEE")

    answer = program(name="importer").send(
        "/items/TEE/", {"name": "Tee"}, method="patch", **{"X-Request-Id": "request-1"}
    )

    change = last_change()
    assert answer["X-Request-Id"] == "request-1"
    assert change.name == "Tee"
    assert change.pgh_context.metadata == {
        "actor": "key:importer",
        "url": "/api/v1/items/TEE/",
        "request_id": "request-1",
    }


def test_a_person_is_named() -> None:
    ItemFactory.create(sku="TEE")
    manager = person("store_manager")
    browser = Client()
    browser.force_login(manager)

    browser.patch("/api/v1/items/TEE/", {"name": "Tee"}, content_type="application/json")

    assert last_change().pgh_context.metadata["actor"] == f"user:{manager.get_username()}"


def test_one_request_does_not_speak_for_the_next() -> None:
    ItemFactory.create(sku="TEE")
    program(name="one").send("/items/TEE/", {"name": "1"}, method="patch")
    program(name="two").send("/items/TEE/", {"name": "2"}, method="patch")
    assert last_change().pgh_context.metadata["actor"] == "key:two"

    ItemFactory.create(sku="MUG")

    assert last_change().pgh_context is None
