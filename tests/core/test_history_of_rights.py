"""Who may do what is history too: who was given or lost a right, or a key, by whom. Secrets are not in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from retailhub.core.models import ApiKey, Membership, User
from retailhub.core.services.keying import note_use
from tests.factories.core import key_with, person

# History rows learn their context when the transaction's statements run, which a test's own transaction would blur.
pytestmark = pytest.mark.django_db(transaction=True)


def history(kind: str) -> list[Any]:
    model: Any = apps.get_model("core", f"{kind}Event")
    return list(model.objects.select_related("pgh_context").order_by("pk"))


def actor(row: Any) -> str:
    told: str = row.pgh_context.metadata["actor"]
    return told


@pytest.fixture
def boss() -> User:
    return person("administrator")


@pytest.fixture
def browser(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def test_a_role_that_is_given_changed_and_taken_away_is_told_with_the_giver(browser: Client, boss: User) -> None:
    ana = person()
    address = reverse("admin:core_user_change", args=[ana.pk])
    form = {"username": ana.username, "is_active": "on", "is_staff": "on", "memberships-TOTAL_FORMS": "1"}

    def save(**role: str) -> None:
        rows = {f"memberships-0-{name}": value for name, value in {"user": str(ana.pk), **role}.items()}
        answer = browser.post(
            address, {**form, **rows, "memberships-INITIAL_FORMS": str(Membership.objects.filter(user=ana).count())}
        )
        assert answer.status_code == 302, answer.content

    save(role="buyer", everywhere="on")
    given = str(Membership.objects.get(user=ana).pk)
    save(id=given, role="accountant", everywhere="on")
    save(id=given, role="accountant", everywhere="on", DELETE="on")

    rows = [row for row in history("Membership") if row.user_id == ana.pk]
    assert [(row.pgh_label, row.role) for row in rows] == [
        ("insert", "buyer"),
        ("update", "accountant"),
        ("delete", "accountant"),
    ]
    assert {actor(row) for row in rows} == {f"user:{boss.username}"}
    page = browser.get("/audit/?kind=role").content.decode()
    assert "accountant" in page
    assert "delete" in page


def test_a_key_that_is_made_and_revoked_is_told_and_its_use_is_not(browser: Client, boss: User) -> None:
    browser.post("/api-keys/new/", {"name": "till", "scopes": ["items:read"], "channel": ""})
    key = ApiKey.objects.get()
    note_use(key, at=timezone.now(), unless_after=timezone.now() - timedelta(days=1))
    browser.post(f"/api-keys/{key.prefix}/revoke/")

    made, revoked = history("ApiKey")
    assert (made.pgh_label, made.scopes, made.revoked) == ("insert", ["items:read"], False)
    assert (revoked.pgh_label, revoked.revoked) == ("update", True)
    assert {actor(made), actor(revoked)} == {f"user:{boss.username}"}
    assert not any("hash" in field.name for field in made._meta.get_fields())
    assert key.hashed_key not in browser.get("/audit/").content.decode()


def test_a_person_who_is_made_and_gets_a_new_password_is_told_without_it(browser: Client, boss: User) -> None:
    ana = person()
    browser.post(
        reverse("admin:auth_user_password_change", args=[ana.pk]),
        {"password1": "another long password", "password2": "another long password", "usable_password": "true"},
    )
    User.objects.filter(pk=ana.pk).update(last_login=timezone.now())
    User.objects.filter(pk=ana.pk).update(is_active=False)

    rows = [row for row in history("User") if row.username == ana.username]
    assert [row.pgh_label for row in rows] == ["insert", "password", "update"]
    assert actor(rows[1]) == f"user:{boss.username}"
    assert not any("password" in field.name for field in rows[0]._meta.get_fields())
    assert "password" in browser.get("/audit/?kind=person").content.decode()


def test_history_of_rights_cannot_be_rewritten() -> None:
    key_with("items:read")

    for statement in ("UPDATE core_apikeyevent SET name = 'x'", "DELETE FROM core_apikeyevent"):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), connection.cursor() as cursor:
            cursor.execute(statement)
