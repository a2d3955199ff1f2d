"""Long work: how far it is, and the button that stops it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from retailhub.core.models import Job
from retailhub.core.pages import Dialog, ShellPage, or_404
from retailhub.core.services.working import cancel_job

STOP_POLLING = 286
"""The status by which htmx learns that there is nothing more to ask for."""


class JobsPage(ShellPage):
    scope = "work:read"
    title = gettext_lazy("Jobs")
    template_name = "rh/jobs.html"
    most = 50

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = Job.objects.select_related("started_by")
        mine = request.GET.get("show") == "mine"
        if mine:
            rows = rows.filter(started_by=request.user.pk)
        return self.render(jobs=list(rows[: self.most]), mine=mine)


class JobProgress(ShellPage):
    """One job's line; asked every two seconds while it runs."""

    scope = "work:read"
    template_name = "rh/job.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        job = or_404(Job.objects.select_related("started_by").filter(pk=kwargs["pk"]).first())
        return self.render(job=job, status=STOP_POLLING if job.is_over else 200)


class CancelJob(Dialog):
    """Stop a job at its next step; what it did stays."""

    scope = "work:read"
    title = gettext_lazy("Stop this job?")
    explanation = gettext_lazy("It stops at its next step. What it has done stays done.")
    submit_label = gettext_lazy("Stop the job")
    done_message = gettext_lazy("The job stops at its next step.")
    danger = True

    def get_back_url(self) -> str:
        return reverse("jobs")

    def act(self, form: Any) -> None:
        rows = (
            Job.objects.all()
            if self.principal.may("system:write")
            else Job.objects.filter(started_by=self.request.user.pk)
        )
        cancel_job(or_404(rows.filter(pk=self.kwargs["pk"]).first()))
