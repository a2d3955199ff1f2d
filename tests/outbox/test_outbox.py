"""Events that survive a crash: published in their transaction, delivered at least once, one bad one blocks no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from retailhub.core.models import Attention
from retailhub.outbox import registry
from retailhub.outbox.models import Delivery, OutboxEvent
from retailhub.outbox.services import delivering
from retailhub.outbox.services.delivering import MOST_TRIES, deliver_waiting, forget_delivered
from retailhub.outbox.services.publishing import NotInTransaction, publish
from retailhub.outbox.services.replaying import replay
from retailhub.outbox.services.verifying import verify
from tests.factories.core import person

pytestmark = pytest.mark.django_db

GOOD, BAD = "tests.outbox.test_outbox.hear", "tests.outbox.test_outbox.choke"
heard: list[dict[str, Any]] = []
trouble: dict[int, Exception] = {}


@dataclass(frozen=True, kw_only=True)
class Rang:
    name: ClassVar[str] = "test.rang"
    number: int


@dataclass(frozen=True, kw_only=True)
class Knocked:
    name: ClassVar[str] = "test.knocked"
    number: int


def hear(payloads: Any) -> None:
    heard.extend(payloads)


def choke(payloads: Any) -> None:
    for payload in payloads:
        if error := trouble.get(payload["number"]):
            raise error
    heard.extend(payloads)


@pytest.fixture(autouse=True)
def _subscriptions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    heard.clear()
    trouble.clear()
    table = {"test.rang": (GOOD,), "test.knocked": (GOOD, BAD)}
    monkeypatch.setattr(registry, "subscriptions", lambda: table)
    yield
    heard.clear()


def all_due() -> None:
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def try_until_nothing_waits(most: int = 20) -> None:
    for _ in range(most):
        all_due()
        deliver_waiting()


def test_an_event_is_delivered_once_to_each_listener() -> None:
    publish(Rang(number=1), Knocked(number=2), Rang(number=3))

    assert Delivery.objects.count() == 4
    assert deliver_waiting() == 4
    assert deliver_waiting() == 0
    assert sorted(p["number"] for p in heard) == [1, 2, 2, 3]
    assert all(p["at"] for p in heard)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_nobody_listens_and_the_event_is_kept() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Whispered:
        name: ClassVar[str] = "test.whispered"

    publish(Whispered())

    assert OutboxEvent.objects.get().name == "test.whispered"
    assert not Delivery.objects.exists()


def test_what_is_rolled_back_was_never_said() -> None:
    def say_and_fail() -> None:
        with transaction.atomic():
            publish(Rang(number=1))
            raise LookupError

    with pytest.raises(LookupError):
        say_and_fail()

    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_can_be_said() -> None:
    with pytest.raises(NotInTransaction):
        publish(Rang(number=1))

    assert not OutboxEvent.objects.exists()
    publish()


def test_one_bad_event_in_a_batch_does_not_hold_up_the_others() -> None:
    trouble[2] = ValueError("bad")
    publish(*[Knocked(number=n) for n in (1, 2, 3)])

    deliver_waiting()

    assert sorted(p["number"] for p in heard) == [1, 1, 2, 3, 3]
    bad = Delivery.objects.get(state="waiting")
    assert (bad.attempts, bad.error) == (1, "ValueError: bad")
    assert bad.due_at > timezone.now()


def test_a_listener_is_undone_when_it_fails() -> None:
    class Half(Exception):
        pass

    def half(payloads: Any) -> None:
        Attention.objects.create(kind="x", subject="x", document="x:1", scope="x", raised_at=timezone.now())
        raise Half

    publish(Rang(number=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivering, "listener", lambda path: half)
        deliver_waiting()

    assert not Attention.objects.exists()
    assert Delivery.objects.get().state == "waiting"


def test_pauses_grow_and_a_database_fault_is_tried_again_sooner() -> None:
    publish(Knocked(number=1), Knocked(number=2))
    trouble[1], trouble[2] = ValueError("slow"), DatabaseError("deadlock")
    pauses: dict[str, list[float]] = {"ValueError": [], "DatabaseError": []}
    for _ in range(3):
        all_due()
        deliver_waiting()
        for row in Delivery.objects.filter(state="waiting"):
            pauses[row.error.partition(":")[0]].append((row.due_at - timezone.now()).total_seconds())

    assert pauses["ValueError"] == sorted(pauses["ValueError"])
    assert all(quick < slow for quick, slow in zip(pauses["DatabaseError"], pauses["ValueError"], strict=True))


def test_poison_is_dead_after_its_tries_shown_to_a_person_and_replayed_once_mended() -> None:
    trouble[2] = ValueError("poison")
    publish(*[Knocked(number=n) for n in range(5)])

    try_until_nothing_waits()

    dead = Delivery.objects.get(state="dead")
    assert (dead.attempts, dead.error) == (MOST_TRIES, "ValueError: poison")
    assert Delivery.objects.filter(state="done").count() == 9
    row = Attention.objects.get()
    assert (row.kind, row.document, row.resolved_at) == ("dead_letter", f"delivery:{dead.pk}", None)

    trouble.clear()
    assert replay(delivery_ids=[dead.pk], by="ana") == 1
    assert replay(delivery_ids=[dead.pk], by="ana") == 0
    deliver_waiting()

    assert Delivery.objects.get(pk=dead.pk).state == "done"
    assert Attention.objects.get().resolved_by == "ana"
    assert verify() == []


def test_the_page_of_a_dead_letter_has_the_button_that_replays_it() -> None:
    trouble[1] = ValueError("poison")
    publish(Knocked(number=1))
    try_until_nothing_waits()
    dead = Delivery.objects.get(state="dead")
    browser = Client()
    browser.force_login(person("administrator"))

    page = browser.get(Attention.objects.get().step_url)

    assert page.status_code == 200
    assert f"/outbox/{dead.pk}/replay/" in page.content.decode()


@pytest.mark.parametrize("text", ["nul \0 inside", "half \ud800 pair"], ids=["nul", "half a pair"])
def test_poison_whose_words_cannot_be_stored_is_counted_too(text: str) -> None:
    trouble[1] = ValueError(text)
    publish(Knocked(number=1), Knocked(number=2))

    try_until_nothing_waits()

    assert Delivery.objects.get(state="dead").error.startswith("ValueError: ")
    assert Delivery.objects.filter(state="done").count() == 3


def test_a_listener_that_is_not_there_is_a_dead_letter_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "subscriptions", lambda: {"test.rang": ("tests.outbox.nowhere.hear",)})
    publish(Rang(number=1))

    try_until_nothing_waits()

    assert Delivery.objects.get().state == "dead"


def test_a_message_that_kills_its_worker_is_found_out_and_the_others_go_on() -> None:
    publish(Rang(number=1), Knocked(number=2))
    killer = Delivery.objects.get(listener=BAD)

    class Killed(BaseException):
        """What a kill looks like from inside: nothing is caught, nothing is written."""

    def kill(payloads: Any) -> None:
        raise Killed

    find = delivering.listener
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivering, "listener", lambda path: kill if path == BAD else find(path))
        for _ in range(6):
            all_due()
            try:
                deliver_waiting()
            except Killed:
                continue

    killer.refresh_from_db()
    assert (killer.state, killer.error) == ("dead", "its worker died 3 times")
    assert Delivery.objects.filter(state="done").count() == 2


def test_a_claimed_delivery_is_left_alone_until_its_lease_is_over() -> None:
    publish(Rang(number=1))
    with connection.cursor() as cursor:
        cursor.execute(delivering._CLAIM, [10, delivering.LEASE_SECONDS])

    assert deliver_waiting() == 0
    all_due()
    assert deliver_waiting() == 1
    assert len(heard) == 1


def test_a_worker_that_was_slow_is_not_declared_dead_once_it_is_done() -> None:
    publish(Rang(number=1))
    deliver_waiting()
    done = Delivery.objects.get()

    delivering._bury(done.pk, "its worker died 3 times")

    assert Delivery.objects.get().state == "done"
    assert not Attention.objects.exists()


def test_an_old_event_that_lost_a_delivery_is_kept_to_be_looked_at() -> None:
    publish(Knocked(number=1), Knocked(number=2))
    deliver_waiting()
    Delivery.objects.filter(event__payload__number=2, listener=BAD).delete()
    OutboxEvent.objects.update(created_at=timezone.now() - timedelta(days=8))

    assert forget_delivered(batch=1) == 1

    assert OutboxEvent.objects.get().payload == {"number": 2}


def test_old_events_are_forgotten_once_everybody_heard_them() -> None:
    publish(Rang(number=1), Rang(number=2), Rang(number=3))
    deliver_waiting()
    waiting = Delivery.objects.order_by("pk").last()
    Delivery.objects.filter(pk=waiting.pk).update(state="waiting")
    OutboxEvent.objects.exclude(payload__number=1).update(created_at=timezone.now() - timedelta(days=8))

    forget_delivered()

    assert sorted(OutboxEvent.objects.values_list("payload__number", flat=True)) == [1, 3]


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "of before they were counted"])
def test_an_event_without_its_deliveries_is_named(counted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retailhub.outbox.services.verifying.subscriptions", lambda: {"test.rang": (GOOD,)})
    publish(Rang(number=1))
    Delivery.objects.all().delete()
    if not counted:
        OutboxEvent.objects.update(listeners=None)

    (breach,) = verify()

    assert (breach.subject, breach.found) == (f"test.rang {OutboxEvent.objects.get().pk}", "none")


@pytest.mark.parametrize("killer", [0, 2, 9], ids=["first", "in the middle", "last"])
def test_who_stood_in_line_behind_a_killer_is_not_declared_dead(killer: int) -> None:
    publish(*[Knocked(number=n) for n in range(10)])

    class Killed(BaseException):
        pass

    def kill(payloads: Any) -> None:
        if any(payload["number"] == killer for payload in payloads):
            raise Killed
        heard.extend(payloads)

    find = delivering.listener
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivering, "listener", lambda path: kill if path == BAD else find(path))
        for _ in range(8):
            all_due()
            try:
                deliver_waiting()
            except Killed:
                continue

    dead = Delivery.objects.select_related("event").get(state="dead")
    assert (dead.event.payload["number"], dead.error) == (killer, "its worker died 3 times")
    assert Delivery.objects.filter(state="done").count() == 19


def test_one_missing_delivery_is_named_although_another_listener_heard() -> None:
    publish(Knocked(number=1), Knocked(number=2), Rang(number=3))
    deliver_waiting()
    Delivery.objects.filter(event__payload__number=2, listener=BAD).delete()

    (breach,) = verify()

    event = OutboxEvent.objects.get(payload__number=2)
    assert (breach.check, breach.subject) == ("outbox", f"test.knocked {event.pk}")
    assert (breach.expected, breach.found) == ("2 deliveries", f"1: {GOOD}")
