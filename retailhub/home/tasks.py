"""Background work of the home pages: imports of uploaded files."""

from __future__ import annotations

from celery import shared_task

from retailhub.core.bells import ring, unmute
from retailhub.core.models import Job
from retailhub.home import uploading


@shared_task(acks_late=True, ignore_result=True)
def run_import(job_id: int) -> None:
    """Import for one slice of time, shorter than the task's limit, and call for the next."""
    unmute(uploading.TASK, job_id)
    job = Job.objects.select_related("started_by").get(pk=job_id)
    if not uploading.run_upload(job):
        ring(uploading.TASK, job_id)


@shared_task(ignore_result=True)
def sweep_imports() -> None:
    """Take up imports that nobody rang for, or whose worker died."""
    for job_id in uploading.neglected_jobs():
        ring(uploading.TASK, job_id)
