"""Many writers, several relays, some of which die: each effect once. And what a reader of numbers would miss."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.utils import timezone

from retailhub.core.models import Job
from retailhub.outbox import registry
from retailhub.outbox.models import Delivery, OutboxEvent
from retailhub.outbox.services import delivering
from retailhub.outbox.services.delivering import deliver_waiting
from retailhub.outbox.services.publishing import publish
from tests.races.crowd import crowd, deadlocks, failures, together  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

WRITERS, EACH = 6, 40
LISTENER = "tests.races.test_outbox.effect"


@dataclass(frozen=True, kw_only=True)
class Happened:
    name: ClassVar[str] = "test.happened"
    number: int


def effect(payloads: Any) -> None:
    """Not safe to run twice on purpose: one row per time it is heard."""
    Job.objects.bulk_create(Job(kind="effect", label=str(payload["number"])) for payload in payloads)


@pytest.fixture(autouse=True)
def _subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "subscriptions", lambda: {"test.happened": (LISTENER,)})


def effects() -> Counter[str]:
    return Counter(Job.objects.filter(kind="effect").values_list("label", flat=True))


class Killed(BaseException):
    """A worker that dies says nothing and writes nothing."""


def test_each_effect_once_whatever_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    writing = threading.Event()
    writing.set()
    deaths = iter(range(4))
    chance = random.Random(7)
    real = delivering.listener

    def mortal(path: str) -> Any:
        if chance.random() < 0.15 and next(deaths, None) is not None:
            # Before or after its work, but before it is marked as done: both are undone.
            if chance.random() < 0.5:
                raise Killed
            return lambda payloads: (_ for _ in ()).throw(Killed()) if real(path)(payloads) is None else None
        return real(path)

    monkeypatch.setattr(delivering, "listener", mortal)
    # Leases end at once here, under workers that are alive too: nobody is to be declared dead for it.
    monkeypatch.setattr(delivering, "MOST_CRASHES", 1000)
    monkeypatch.setattr(delivering, "MOST_TRIES", 1000)
    seen: list[int] = []

    def write(writer: int) -> None:
        pauses = random.Random(writer)
        for number in range(EACH):
            with transaction.atomic():
                publish(Happened(number=writer * EACH + number))
                time.sleep(pauses.uniform(0, 0.01))

    def relay() -> None:
        while writing.is_set() or Delivery.objects.filter(state="waiting").exists():
            try:
                if not deliver_waiting(most=20):
                    # What a dead worker had claimed is free again once its lease is over.
                    Delivery.objects.filter(state="waiting", attempts__gt=0).update(
                        due_at=timezone.now() - timedelta(seconds=1)
                    )
                    time.sleep(0.01)
            except Killed:
                continue

    def watermark() -> None:
        last = 0
        while writing.is_set():
            for pk in OutboxEvent.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True):
                seen.append(pk)
                last = pk
            time.sleep(0.001)

    done = threading.Semaphore(0)

    def counted(writer: int) -> Any:
        def run() -> None:
            try:
                write(writer)
            finally:
                done.release()

        return run

    def stop() -> None:
        for _ in range(WRITERS):
            done.acquire(timeout=120)
        writing.clear()

    answers = together(*[counted(n) for n in range(WRITERS)], relay, relay, relay, watermark, stop)

    assert not failures(answers)
    total = WRITERS * EACH
    assert effects() == Counter({str(n): 1 for n in range(total)})
    assert Delivery.objects.filter(state="done").count() == total
    # The control: numbers are given when an event is written, not when it is committed.
    assert len(seen) < total, "a reader who remembers the highest number misses what commits late"


def test_two_relays_never_run_one_delivery_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the lease ran out under a slow worker."""
    with transaction.atomic():
        publish(Happened(number=1))
    started = threading.Event()
    real = delivering.listener

    def slow(path: str) -> Any:
        def run(payloads: Any) -> None:
            started.set()
            time.sleep(0.5)
            real(path)(payloads)

        return run

    monkeypatch.setattr(delivering, "listener", slow)

    def second() -> None:
        started.wait(20)
        monkeypatch.setattr(delivering, "_CLAIM", delivering._CLAIM.replace("AND due_at <= clock_timestamp()", ""))
        deliver_waiting()

    assert not failures(together(deliver_waiting, second))
    assert effects() == Counter({"1": 1})
    assert Delivery.objects.get().state == "done"


def test_many_relays_share_the_work() -> None:
    with transaction.atomic():
        publish(*[Happened(number=n) for n in range(200)])

    answers = crowd(4, lambda _: sum(iter(lambda: deliver_waiting(most=10), 0)))

    assert not failures(answers)
    assert sum(answers) == 200
    assert effects() == Counter({str(n): 1 for n in range(200)})
