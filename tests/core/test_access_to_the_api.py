"""Who gets in: keys, sessions, scopes, and nobody by default."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from retailhub.core.models import ApiKey
from retailhub.core.services.keying import make_key, revoke_key
from tests.factories.core import Program, key_with, person, program

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.urls")]


@pytest.mark.parametrize(
    "header",
    ["", "Api-Key", "Api-Key ", "Api-Key nothing", "Api-Key abcdefgh.wrong", "Api-Key \xe9\xe9.\xff", "Bearer abc"],
)
def test_without_a_right_key_nobody_gets_in(header: str) -> None:
    answer = Program().get("/api/v1/papers/", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Api-Key realm="retailhub"'
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] in {"not_authenticated", "bad_credentials"}


def test_a_key_gets_in_with_one_query() -> None:
    client = program("orders:write")
    client.send("/touch/", key=None)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.send("/touch/", key=None)

    assert answer.status_code == 200
    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 1


def test_a_wrong_secret_behind_a_right_prefix_is_refused() -> None:
    _, secret = key_with()

    assert Program(secret[:-1] + ("a" if secret[-1] != "a" else "b")).read("/papers/").status_code == 401


def test_revoked_and_expired_keys_are_worthless_at_once() -> None:
    key, secret = key_with()
    client = Program(secret)
    assert client.read("/papers/").status_code == 200

    revoke_key(key)
    _, old = key_with(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.read("/papers/").status_code == 401
    assert Program(old).read("/papers/").status_code == 401


def test_use_is_noted_once_a_minute() -> None:
    key, secret = key_with()
    client = Program(secret)
    client.read("/papers/")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    client.read("/papers/")
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first

    ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.read("/papers/")

    noted = ApiKey.objects.get(pk=key.pk).last_used_at
    assert first is not None
    assert noted is not None
    assert noted > first


def test_a_missing_scope_is_named() -> None:
    answer = program("stock:read").read("/papers/")

    assert answer.status_code == 403
    assert answer.json()["code"] == "not_allowed"
    assert answer.json()["scope"] == "orders:read"


@pytest.mark.parametrize("path", ["/undeclared/", "/plain/"])
def test_a_view_that_declares_no_scope_lets_nobody_in(path: str) -> None:
    assert program().read(path).status_code == 403
    assert Program().read(path).status_code == 401


def test_a_method_that_is_not_there_is_405_and_options_too() -> None:
    client = program()

    assert client.send("/papers/", {}, method="put").status_code == 405
    assert client.options("/api/v1/papers/").status_code == 405
    assert client.options("/api/v1/papers/").json()["code"] == "method_not_allowed"
    assert Program().send("/papers/", {}, method="put").status_code == 401


def test_a_browser_gets_in_by_session_and_must_send_the_csrf_token() -> None:
    manager = person("store_manager")
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)

    assert client.get("/api/v1/papers/").status_code == 200
    refused = client.post("/api/v1/touch/", content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["code"] == "not_allowed"

    client.get("/api/v1/papers/")
    token = "a" * 32
    client.cookies["csrftoken"] = token
    allowed = client.post("/api/v1/touch/", content_type="application/json", headers={"X-CSRFToken": token})
    assert allowed.json() == {"who": f"user:{manager.get_username()}"}


def test_a_person_without_a_role_may_do_nothing() -> None:
    client = Client()
    client.force_login(person())

    assert client.get("/api/v1/papers/").status_code == 403


def test_only_a_hash_of_the_key_is_kept() -> None:
    key, secret = make_key(name="till", scopes=["orders:read"])

    prefix, _, rest = secret.partition(".")
    stored = ApiKey.objects.get(pk=key.pk)
    assert stored.prefix == prefix
    assert len(rest) >= 43
    assert rest not in stored.hashed_key
    assert rest not in stored.pk
