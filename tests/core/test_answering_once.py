"""The same key gets the same answer, and the work is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from retailhub.core.models import ApiKey, IdempotencyKey, Job
from retailhub.core.services import answering_once
from retailhub.core.services.answering_once import Answer, Call, Claim, KeyInUse, KeyMismatch, LeaseLost, claim, save
from retailhub.core.services.keying import revoke_key
from retailhub.core.tasks import forget_old_keys
from tests.factories.core import Program, key_with, program

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.urls")]

CALL = Call(actor="key:a", route="POST /x/", key="k", fingerprint="f")
ANSWER = Answer(status=201, body=b"{}", content_type="application/json")


def test_the_first_answer_is_given_again() -> None:
    client = program()

    first = client.send("/papers/", {"label": "x"}, key="k")
    second = client.send("/papers/", {"label": "x"}, key="k")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == "application/json"
    assert Job.objects.count() == 1


def test_spelling_does_not_matter_content_does() -> None:
    client = program()
    client.send("/papers/", {"label": "x", "note": "n"}, key="k")

    assert client.send("/papers/", {"note": " n ", "label": "x"}, key="k")["Idempotency-Replayed"] == "true"
    other = client.send("/papers/", {"label": "y"}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_mismatch")
    broken = client.send("/papers/", {"label": ""}, key="k")
    assert broken.status_code == 422
    assert client.send("/papers/?a=1", {"label": "x", "note": "n"}, key="k").status_code == 422
    assert Job.objects.count() == 1


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_without_a_key_nothing_happens(sent: str | None) -> None:
    headers = {} if sent is None else {"Idempotency-Key": sent}

    answer = program().post("/api/v1/papers/", {"label": "x"}, format="json", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert not Job.objects.exists()


def test_a_key_is_a_text_of_at_most_255_characters() -> None:
    client = program()

    assert client.send("/papers/", {"label": "x"}, key="k" * 255).status_code == 201
    for key in ("k" * 256, "a\x01b"):
        answer = client.send("/papers/", {"label": "x"}, key=key)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")


def test_calls_that_need_no_key_keep_their_answer_when_given_one() -> None:
    client = program()

    assert client.send("/touch/", key=None).status_code == 200
    assert not IdempotencyKey.objects.exists()
    client.send("/touch/", key="k")
    assert client.send("/touch/", key="k")["Idempotency-Replayed"] == "true"


def test_a_refusal_is_kept_but_nothing_of_its_work() -> None:
    client = program()

    first = client.send("/papers/", {"label": "refuse"}, key="k")
    second = client.send("/papers/", {"label": "refuse"}, key="k")

    assert (first.status_code, second.status_code) == (409, 409)
    assert first.content == second.content
    assert second["Content-Type"] == "application/problem+json"
    assert second["Idempotency-Replayed"] == "true"
    assert not Job.objects.exists()


@pytest.mark.parametrize(("label", "status"), [("", 400), ("break", 500)])
def test_anything_else_frees_the_key(label: str, status: int) -> None:
    client = program()

    assert client.send("/papers/", {"label": label}, key="k").status_code == status

    assert not IdempotencyKey.objects.exists()
    assert client.send("/papers/", {"label": "fine"}, key="k").status_code == 201
    assert Job.objects.count() == 1


def test_another_program_route_or_address_is_another_call() -> None:
    one, two = program(), program()

    assert one.send("/papers/", {"label": "x"}, key="k").status_code == 201
    assert "Idempotency-Replayed" not in two.send("/papers/", {"label": "x"}, key="k")
    assert one.send("/touch/", key="k").json()["who"].startswith("key:")
    assert Job.objects.count() == 2


def test_who_may_no_longer_ask_gets_no_old_answer() -> None:
    key, secret = key_with("orders:write")
    client = Program(secret)
    client.send("/papers/", {"label": "x"}, key="k")

    ApiKey.objects.filter(pk=key.pk).update(scopes=["stock:read"])

    assert client.send("/papers/", {"label": "x"}, key="k").status_code == 403


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        ({}, 201),
        ({"channel": "web"}, 422),
        ({"locations": ["lyon"]}, 422),
        ({"scopes": ["orders:write", "stock:read"]}, 422),
    ],
    ids=["the same rights", "a channel", "a place", "more rights"],
)
def test_a_new_key_with_an_old_name_gets_old_answers_only_with_the_same_rights(
    rights: dict[str, Any], status: int
) -> None:
    old, secret = key_with("orders:write", name="till")
    Program(secret).send("/papers/", {"label": "x"}, key="k")
    revoke_key(old)
    new, secret = key_with("orders:write", name="till")
    ApiKey.objects.filter(pk=new.pk).update(**{"name": "till", **rights})

    answer = Program(secret).send("/papers/", {"label": "x"}, key="k")

    assert answer.status_code == status
    assert answer.get("Idempotency-Replayed") == ("true" if status == 201 else None)
    assert status == 201 or answer.json()["code"] == "idempotency_key_mismatch"
    assert Job.objects.count() == 1


def test_a_running_call_is_in_use() -> None:
    claim(CALL)

    with pytest.raises(KeyInUse):
        claim(CALL)
    with pytest.raises(KeyMismatch):
        claim(Call(actor=CALL.actor, route=CALL.route, key=CALL.key, fingerprint="other"))


def test_after_the_lease_a_retry_takes_over_and_the_late_holder_loses() -> None:
    late = claim(CALL)
    IdempotencyKey.objects.update(leased_until=timezone.now() - timedelta(seconds=1))

    heir = claim(CALL)

    assert isinstance(late, Claim)
    assert isinstance(heir, Claim)
    with pytest.raises(KeyInUse):
        claim(CALL)
    with pytest.raises(LeaseLost):
        save([(late, ANSWER)])
    answering_once.release([late])
    save([(heir, ANSWER)])
    replay = claim(CALL)
    assert isinstance(replay, Answer)
    assert (replay.body, replay.replayed) == (b"{}", True)


def test_two_statements_are_all_it_costs() -> None:
    client = program()
    client.send("/papers/", {"label": "x"})

    with CaptureQueriesContext(connection) as queries:
        client.send("/papers/", {"label": "x"})

    mine = [q["sql"] for q in queries if "core_idempotencykey" in q["sql"]]
    rest = [q["sql"] for q in queries if "core_idempotencykey" not in q["sql"] and "SAVEPOINT" not in q["sql"]]
    assert len(mine) == 2
    assert len(rest) == 2  # the key, and the work


def test_old_answers_are_forgotten(settings: Any) -> None:
    client = program()
    client.send("/papers/", {"label": "x"}, key="old")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    client.send("/papers/", {"label": "x"}, key="new")

    forget_old_keys()

    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]


# --- bulk --------------------------------------------------------------------------------------------------------


def test_a_bulk_call_answers_each_entry_in_order() -> None:
    answer = program().send(
        "/papers/bulk/",
        {"entries": [{"label": "a"}, {"label": ""}, {"label": "refuse"}, 5, {"label": "b", "what": 1}, {"label": "c"}]},
    )

    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [entry["status"] for entry in results] == [201, 400, 409, 400, 400, 201]
    assert ["body" in entry for entry in results] == [True, False, False, False, False, True]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/entries/1/label"
    assert results[2]["problem"]["code"] == "too_many"
    assert results[4]["problem"]["code"] == "unknown_field"
    assert set(Job.objects.values_list("label", flat=True)) == {"a", "c"}


@pytest.mark.parametrize(
    "body", [None, [], {}, {"entries": []}, {"entries": {}}, {"entries": [{}] * 501}, {"entries": [{}], "x": 1}]
)
def test_what_is_no_bulk_call_is_refused_whole(body: Any) -> None:
    answer = program().send("/papers/bulk/", body)

    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert not IdempotencyKey.objects.exists()


def test_one_key_covers_the_call() -> None:
    client, body = program(), {"entries": [{"label": "a"}, {"label": "refuse"}]}

    first, second = (client.send("/papers/bulk/", body, key="k") for _ in range(2))

    assert second["Idempotency-Replayed"] == "true"
    assert first.content == second.content
    assert Job.objects.count() == 1
    assert client.send("/papers/bulk/", body, key=None).json()["code"] == "idempotency_key_required"


def test_an_entry_keeps_its_answer_under_its_own_key() -> None:
    client = program()
    entries = [
        {"label": "a", "idempotency_key": "1"},
        {"label": "refuse", "idempotency_key": "2"},
        {"label": "", "idempotency_key": "3"},
    ]
    client.send("/papers/bulk/", {"entries": entries})

    again = client.send(
        "/papers/bulk/",
        {
            "entries": [
                *entries[:2],
                {"label": "good now", "idempotency_key": "3"},
                {"label": "b"},
                {"label": "other", "idempotency_key": "1"},
                {"label": "twin", "idempotency_key": "4"},
                {"label": "twin", "idempotency_key": "4"},
                {"label": "c", "idempotency_key": "k" * 256},
                {"label": "c", "idempotency_key": 7},
            ]
        },
    ).json()["results"]

    assert [entry["status"] for entry in again] == [201, 409, 201, 201, 422, 201, 409, 400, 400]
    assert [entry.get("replayed", False) for entry in again] == [True, True] + [False] * 7
    assert again[1]["problem"]["code"] == "too_many"
    assert again[4]["problem"]["code"] == "idempotency_key_mismatch"
    assert again[6]["problem"]["code"] == "idempotency_key_in_use"
    assert sorted(Job.objects.values_list("label", flat=True)) == ["a", "b", "good now", "twin"]


def test_a_bulk_call_that_fails_frees_every_key() -> None:
    client = program()

    answer = client.send(
        "/papers/bulk/",
        {"entries": [{"label": "a", "idempotency_key": "1"}, {"label": "break", "idempotency_key": "2"}]},
    )

    assert answer.status_code == 500
    assert not IdempotencyKey.objects.exists()
    assert not Job.objects.exists()
