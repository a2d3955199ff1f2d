"""Background work of the home pages: imports of uploaded files, and what takes them back."""

from __future__ import annotations

from celery import shared_task

from retailhub.core.bells import ring, unmute
from retailhub.core.imports.undoing import forget_traces
from retailhub.core.models import Job
from retailhub.home import undoing, uploading


@shared_task(acks_late=True, ignore_result=True)
def run_import(job_id: int) -> None:
    """Import, or undo an import, for one slice of time, shorter than the task's limit, and call for the next."""
    unmute(uploading.TASK, job_id)
    job = Job.objects.select_related("started_by").get(pk=job_id)
    over = undoing.run_undo(job) if job.kind == uploading.UNDO else uploading.run_upload(job)
    if not over:
        ring(uploading.TASK, job_id)


@shared_task(ignore_result=True)
def sweep_imports() -> None:
    """Take up imports that nobody rang for, or whose worker died."""
    for job_id in uploading.neglected_jobs():
        ring(uploading.TASK, job_id)
    forget_traces()
