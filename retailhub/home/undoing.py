"""Imports from the page taken back within a day, as a job of their own."""

from __future__ import annotations

from contextlib import ExitStack

from django.db import transaction
from django.utils import timezone

from retailhub.core.access import NOBODY, Principal, principal_of_user
from retailhub.core.bells import ring_on_commit
from retailhub.core.errors import DomainError
from retailhub.core.imports.targets import TakesBack
from retailhub.core.imports.undoing import LIFETIME, kept, rows_to_undo, take_back
from retailhub.core.models import ImportRun, Job, User
from retailhub.core.services.working import Progress
from retailhub.home.importing import TARGETS
from retailhub.home.uploading import JOB, MOST_KEPT, SLICE_SECONDS, TASK, UNDO, kinds_for


class CannotBeUndone(DomainError):
    """This import cannot be undone."""

    code = "cannot_be_undone"
    status = 409


def why_not(job: Job, run: ImportRun | None, principal: Principal) -> str:
    """Answer why an import cannot be undone; empty if it can."""
    if job.kind != JOB or run is None or not job.is_over:
        return "only an import from the page that is over can be undone"
    if not isinstance(TARGETS[job.data["kind"]], TakesBack):
        return "what this file brought cannot be undone"
    if job.data["kind"] not in kinds_for(principal):
        return "you may not import such things any more"
    if run.undo_job_id:
        return "it was undone already"
    if timezone.now() - (job.finished_at or run.started_at) > LIFETIME:
        return "it is older than 24 hours"
    if not rows_to_undo(run):
        return "it changed nothing"
    return ""


@transaction.atomic
def start_undo(job: Job, user: User) -> Job:
    """Have a job that undoes the import; a worker takes it up. Asking twice answers the same job."""
    run = ImportRun.objects.select_for_update().filter(job=job).first()
    if run and run.undo_job:
        return run.undo_job
    job = Job.objects.select_for_update().get(pk=job.pk)
    reason = why_not(job, run, principal_of_user(user))
    if reason or run is None:
        raise CannotBeUndone(f"This import cannot be undone: {reason}.")
    undo = Job.objects.create(
        kind=UNDO,
        label=f"Undo: {job.label}"[:200],
        data={"run": run.pk, "kind": job.data["kind"]},
        started_by=user,
    )
    run.undo_job = undo
    run.save(update_fields=["undo_job"])
    ring_on_commit(TASK, undo.pk)
    return undo


def run_undo(job: Job, *, seconds: float = SLICE_SECONDS) -> bool:
    """Take up an undo for a slice of time. Answers whether it is over; if not, the next slice goes on where it was."""
    if job.is_over:
        return True
    principal = principal_of_user(job.started_by) if job.started_by else NOBODY
    with ExitStack() as leaving:
        progress = leaving.enter_context(Progress(job))
        if job.data["kind"] not in kinds_for(principal):
            raise PermissionError("whoever started this may not change such things any more")
        run, target = ImportRun.objects.get(pk=job.data["run"]), TARGETS[job.data["kind"]]
        if not isinstance(target, TakesBack):
            raise CannotBeUndone
        if not take_back(run, target, principal, progress, seconds=seconds):
            # Not over: whatever leaving would say of the job is not said.
            leaving.pop_all()
            return False
        stay = [entry for _, entry in zip(range(MOST_KEPT), kept(run), strict=False)]
        job.data = {**job.data, "undone": progress.done - progress.failed, "refused": stay}
        Job.objects.filter(pk=job.pk).update(data=job.data)
    return True
