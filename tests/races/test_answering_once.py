"""Many at once under one key: one effect."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from psycopg import errors as pg

from retailhub.core.models import IdempotencyKey, Job
from retailhub.core.services.answering_once import Answer, Call, KeyInUse, answer_once, claim_all, in_one_transaction
from tests.factories.core import Program, key_with

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.core.urls"),
    pytest.mark.race,
]

TWINS = 20


def at_once(count: int, act: Any) -> list[Any]:
    """Let so many threads do the same thing at the same moment, each with its own connection."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(30)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("label", ["quick", "slow"])
def test_twenty_twins_have_one_effect(label: str) -> None:
    _, secret = key_with()

    answers = at_once(TWINS, lambda _: Program(secret).send("/papers/", {"label": label}, key="k"))

    assert Job.objects.count() == 1
    made = [a for a in answers if a.status_code == 201]
    assert len({a.content for a in made}) == 1
    assert len([a for a in made if "Idempotency-Replayed" not in a]) == 1
    waiting = [a for a in answers if a.status_code != 201]
    assert {(a.status_code, a.json()["code"]) for a in waiting} <= {(409, "idempotency_key_in_use")}
    assert all(int(a["Retry-After"]) > 0 for a in waiting)
    if label == "slow":
        assert waiting


def test_twins_of_a_refusal_hear_it_once() -> None:
    _, secret = key_with()

    answers = at_once(TWINS, lambda _: Program(secret).send("/papers/", {"label": "refuse"}, key="k"))

    assert {a.status_code for a in answers} == {409}
    assert {a.json()["code"] for a in answers} <= {"too_many", "idempotency_key_in_use"}
    assert len([a for a in answers if a.json()["code"] == "too_many" and "Idempotency-Replayed" not in a]) == 1
    assert not Job.objects.exists()


def test_different_programs_do_not_meet() -> None:
    secrets = [key_with()[1] for _ in range(8)]

    answers = at_once(8, lambda number: Program(secrets[number]).send("/papers/", {"label": "x"}, key="k"))

    assert Counter(a.status_code for a in answers) == {201: 8}
    assert Job.objects.count() == 8


def test_bulk_calls_with_common_entries_in_opposite_order_make_each_once() -> None:
    _, secret = key_with()
    entries = [{"label": f"{n}", "idempotency_key": f"{n}"} for n in range(20)]

    def send(number: int) -> Any:
        mine = entries if number % 2 else entries[::-1]
        return Program(secret).send("/papers/bulk/", {"entries": mine}, key=f"call {number}")

    answers = at_once(8, send)

    assert {a.status_code for a in answers} == {207}
    statuses = Counter(entry["status"] for a in answers for entry in a.json()["results"])
    assert set(statuses) <= {201, 409}
    assert Job.objects.count() == len(entries)


def test_a_deadlock_runs_the_work_again() -> None:
    tries = []

    def work() -> Answer:
        tries.append(1)
        Job.objects.create(kind="paper", label="x")
        if len(tries) < 3:
            raise OperationalError("deadlock") from pg.DeadlockDetected()
        return Answer(status=201, body=b"{}", content_type="application/json")

    call = Call(actor="a", route="r", key="k", fingerprint="f")
    answer = answer_once(call=call, work=work, refused=lambda _: pytest.fail("no refusal"))

    assert answer.status == 201
    assert len(tries) == 3
    assert Job.objects.count() == 1
    assert IdempotencyKey.objects.get().state == "done"


def test_a_holder_whose_lease_was_taken_leaves_nothing(settings: Any) -> None:
    settings.IDEMPOTENCY_LEASE_SECONDS = 0
    call = Call(actor="a", route="r", key="k", fingerprint="f")
    done = Answer(status=201, body=b"heir", content_type="application/json")

    def late_work() -> Answer:
        Job.objects.create(kind="paper", label="late")

        def heir() -> None:
            def work() -> Answer:
                Job.objects.create(kind="paper", label="heir")
                return done

            answer_once(call=call, work=work, refused=lambda _: done)
            connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(heir).result(10)
        return Answer(status=201, body=b"late", content_type="application/json")

    with pytest.raises(Exception, match="took so long"):
        answer_once(call=call, work=late_work, refused=lambda _: done)

    assert list(Job.objects.values_list("label", flat=True)) == ["heir"]
    replay = answer_once(call=call, work=late_work, refused=lambda _: done)
    assert (replay.body, replay.replayed) == (b"heir", True)


def test_a_row_that_is_being_saved_keeps_nobody_waiting() -> None:
    call = Call(actor="a", route="r", key="k", fingerprint="f")
    claim_all([call])

    def ask(_: int) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return claim_all([call])[0]

    with transaction.atomic():
        IdempotencyKey.objects.select_for_update().get()
        (outcome,) = at_once(1, ask)

    assert isinstance(outcome, KeyInUse)


def test_what_commits_together_fails_together() -> None:
    def work() -> None:
        Job.objects.create(kind="paper", label="x")
        raise LookupError

    with pytest.raises(LookupError):
        in_one_transaction(work)

    assert not Job.objects.exists()
