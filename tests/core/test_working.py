"""Long work says how far it is, stops when asked, and never stays at work for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from retailhub.core.models import Job
from retailhub.core.services.working import SILENT_SECONDS, JobCancelled, Progress, cancel_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    return Job.objects.create(kind="test", label="Long work")


def test_work_tells_how_far_it_is_and_that_it_is_done(job: Job) -> None:
    with Progress(job, every=0) as progress:
        progress.expect(10)
        progress.step(4, failed=1, message="half \ud83d and \0")
        job.refresh_from_db()
        assert (job.state, job.percent, job.failed, job.message) == ("running", 40, 1, "half ? and \ufffd")
        progress.step(6)

    job.refresh_from_db()
    assert (job.state, job.percent, job.is_over) == ("done", 100, True)
    assert job.finished_at


@pytest.mark.parametrize("words", ["plain", "nul \0 inside", "half \ud800 pair"], ids=["plain", "nul", "half a pair"])
def test_failed_work_says_why_whatever_the_words(job: Job, words: str) -> None:
    with pytest.raises(ValueError, match=words[:4]), Progress(job):
        raise ValueError(words)

    job.refresh_from_db()
    assert (job.state, job.message[:16]) == ("failed", f"ValueError: {words[:4]}")


def test_running_work_stops_at_its_next_step(job: Job) -> None:
    with Progress(job, every=0) as progress:
        progress.step(1)
        cancel_job(job)
        assert Job.objects.get().state == "running"
        progress.step(1)
        raise AssertionError("it went on")

    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 2)


def test_work_that_waits_is_stopped_at_once_and_not_begun(job: Job) -> None:
    cancel_job(job)
    job.refresh_from_db()
    assert (job.state, job.is_over) == ("cancelled", True)

    # Somebody had taken it up just before.
    with Progress(job) as progress:
        assert Job.objects.get().state == "cancelled"
        progress.expect(5)
        raise AssertionError("it went on")
    assert Job.objects.get().state == "cancelled"


def test_work_whose_worker_died_is_stopped_at_once(job: Job) -> None:
    Progress(job).__enter__()
    Job.objects.update(beat_at=timezone.now() - timedelta(seconds=SILENT_SECONDS + 1))

    cancel_job(job)

    assert Job.objects.get().state == "cancelled"


def test_work_that_is_over_cannot_be_stopped(job: Job) -> None:
    with Progress(job):
        pass

    cancel_job(job)

    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == ("done", False)
    assert issubclass(JobCancelled, Exception)
