"""The import pages: upload, say which column is which, look at what would happen, run, and get the bad rows back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.resources import RESOURCES
from retailhub.core.errors import DomainError
from retailhub.core.imports.escaping import safe_cell
from retailhub.core.imports.exports import as_csv
from retailhub.core.imports.formats import SafeXlsx
from retailhub.core.imports.limits import UPLOAD
from retailhub.core.imports.report import REFUSED, REMARKED
from retailhub.core.imports.runner import preview
from retailhub.core.imports.targets import Outcome, Target, Verdict
from retailhub.core.imports.undoing import NOT_UNDONE
from retailhub.core.imports.uploads import guess_columns
from retailhub.core.models import ImportRun, Job, User
from retailhub.core.pages import Dialog, NotAllowed, ShellPage, or_404
from retailhub.home import undoing, uploading
from retailhub.home.importing import TARGETS
from retailhub.home.imports_forms import COSTS, ColumnsForm, UploadForm, fields_for

DRAFTS, REMEMBERED = "imports", "import columns"
KINDS_OF_JOBS = (uploading.JOB, uploading.UNDO, "import_folder")
MOST_DRAFTS, MOST_SHOWN = 8, 500
HEADINGS_ALONE = 40
"""A file of complaints is no longer than this when it holds none."""


class ImportPage(ShellPage):
    """What all import pages share: the scope, and the drafts of this session."""

    scope = "imports:write"
    title = gettext_lazy("Import")

    def draft(self) -> dict[str, Any]:
        found: dict[str, Any] | None = self.request.session.get(DRAFTS, {}).get(str(self.kwargs["token"]))
        draft = or_404(found)
        if draft["kind"] not in uploading.kinds_for(self.principal):
            raise NotAllowed(TARGETS[draft["kind"]].scopes[0])
        if not uploading.draft_folder(draft["token"]).is_dir():
            raise Http404
        return draft

    def keep(self, draft: dict[str, Any]) -> None:
        drafts = self.request.session.get(DRAFTS, {})
        drafts.pop(draft["token"], None)
        drafts[draft["token"]] = draft
        self.request.session[DRAFTS] = dict(list(drafts.items())[-MOST_DRAFTS:])

    def go(self, name: str, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"imports:{name}", kwargs=kwargs))


class StartPage(ImportPage):
    """Choose a file; below it the imports so far."""

    template_name = "rh/imports/start.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(UploadForm(kinds=uploading.kinds_for(self.principal)))

    def show(self, form: UploadForm, *, status: int = 200) -> HttpResponse:
        jobs = Job.objects.filter(kind__in=KINDS_OF_JOBS).select_related("started_by")
        if not self.principal.may("system:read"):
            jobs = jobs.filter(started_by=self.request.user.pk)
        kinds = uploading.kinds_for(self.principal)
        return self.render(form=form, jobs=list(jobs[:20]), kinds=list(kinds.items()), status=status)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kinds = uploading.kinds_for(self.principal)
        form = UploadForm(request.POST, request.FILES, kinds=kinds)
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            token, upload = uploading.keep_upload(form.cleaned_data["file"])
        except DomainError as refusal:
            form.add_error("file", refusal.detail)
            return self.show(form, status=422)
        kind = form.cleaned_data["kind"]
        draft = uploading.new_draft(token, upload, kind)
        remembered = request.session.get(REMEMBERED, {}).get(kind, {})
        draft["columns"] = guess_columns(upload.headings, fields_for(kinds[kind], self.principal), remembered)
        self.keep(draft)
        return self.go("columns", token=token)


class ColumnsPage(ImportPage):
    """Say which column is which field."""

    template_name = "rh/imports/columns.html"

    def form(self, draft: dict[str, Any], data: Any = None) -> ColumnsForm:
        constants = {f"all_{name}": value for name, value in draft["constants"].items()}
        initial = {**draft["columns"], **constants, "decimal_comma": draft.get("decimal_comma", False)}
        return ColumnsForm(
            data,
            initial=initial,
            upload=uploading.upload_of(draft),
            target=TARGETS[draft["kind"]],
            principal=self.principal,
            kind=draft["kind"],
        )

    def show(self, draft: dict[str, Any], form: ColumnsForm, *, status: int = 200) -> HttpResponse:
        target = TARGETS[draft["kind"]]
        unused = [name for name in draft["upload"]["headings"] if name not in draft["columns"].values()]
        return self.render(
            draft=draft, form=form, target=target, upload=uploading.upload_of(draft), unused=unused, status=status
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        draft = self.draft()
        return self.show(draft, self.form(draft))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        draft = self.draft()
        form = self.form(draft, request.POST)
        if not form.is_valid():
            return self.show(draft, form, status=422)
        draft |= {
            "columns": form.chosen(),
            "constants": form.constants(),
            "decimal_comma": form.cleaned_data.get("decimal_comma", False),
        }
        self.keep(draft)
        remembered = request.session.get(REMEMBERED, {})
        request.session[REMEMBERED] = {**remembered, draft["kind"]: form.chosen()}
        return self.go("preview", token=draft["token"])


class PreviewPage(ImportPage):
    """What would happen: counts, the first rows with old and new values, and every bad row. Nothing is written."""

    template_name = "rh/imports/preview.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        draft = self.draft()
        if draft.get("job"):
            return self.go("report", pk=draft["job"])
        if not draft["columns"]:
            return self.go("columns", token=draft["token"])
        target = TARGETS[draft["kind"]]
        try:
            seen = preview(uploading.upload_import(draft, self.principal))
        except DomainError as refusal:
            return self.render(draft=draft, target=target, refusal=refusal.detail, status=422)
        totals = {name: seen.report.total(name) for name in ("read", "new", "changed", "same", "refused")}
        return self.render(
            draft=draft,
            target=target,
            upload=uploading.upload_of(draft),
            totals=totals,
            takes=totals["new"] + totals["changed"],
            whole=seen.whole,
            rows=[_shown(verdict, target, sees_costs=self.principal.sees_costs) for verdict in seen.first],
            refusals=seen.refusals[:MOST_SHOWN],
            more_refusals=max(0, len(seen.refusals) - MOST_SHOWN),
            remarks=seen.remarks[:MOST_SHOWN],
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        draft = self.draft()
        # A second click finds the job of the first.
        if not draft.get("job"):
            job = uploading.start_upload(draft, cast(User, request.user))
            draft["job"] = job.pk
            self.keep(draft)
        return self.go("report", pk=draft["job"])


def _shown(verdict: Verdict, target: Target, *, sees_costs: bool) -> dict[str, Any]:
    labels = {field.name: field.title for field in target.fields}
    return {
        "number": verdict.row.number,
        "name": " · ".join(str(verdict.row.values.get(name)) for name in target.key if verdict.row.values.get(name)),
        "outcome": str(verdict.outcome),
        "changes": [
            (labels.get(name, name.replace("_", " ").capitalize()), _plain(old), _plain(new))
            for name, (old, new) in verdict.changes.items()
            if sees_costs or name not in COSTS
        ],
        "values": [
            (labels.get(name, name), _plain(value))
            for name, value in verdict.row.values.items()
            if verdict.outcome == Outcome.NEW and value is not None and name not in target.key
        ],
    }


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "\N{EN DASH}"
    if isinstance(value, set | frozenset | tuple | list):
        return ", ".join(str(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value))
    return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)


class JobPage(ImportPage):
    """What the pages about one import share: whose it is."""

    def job(self) -> Job:
        jobs = Job.objects.filter(kind__in=KINDS_OF_JOBS).select_related("started_by")
        if not self.principal.may("system:read"):
            jobs = jobs.filter(started_by=self.request.user.pk)
        return or_404(jobs.filter(pk=self.kwargs["pk"]).first())


class ReportPage(JobPage):
    """How far an import is, and what became of its rows."""

    template_name = "rh/imports/report.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        job = self.job()
        run = _run_of(job)
        return self.render(
            "rh/imports/report_body.html" if self.is_partial else "",
            job=job,
            run=run,
            report=job.data.get("report"),
            refused=job.data.get("refused", []),
            files=list(_files(job, run)) if job.is_over else [],
            undone=job.data.get("undone"),
            undo_job=run.undo_job if run and job.kind == uploading.JOB else None,
            may_undo=not undoing.why_not(job, run, self.principal),
            may_try=_may_go_on(job, run),
            status=286 if self.is_partial and job.is_over else 200,
        )


class TryAgain(JobPage):
    """Let a failed or stopped import go on where it was."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.go("report", pk=kwargs["pk"])

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        job = self.job()
        if _may_go_on(job, _run_of(job)):
            uploading.try_again(job)
            messages.success(request, _("The import goes on where it was."))
        return self.go("report", pk=job.pk)


class UndoImport(JobPage, Dialog):
    """Ask, then have everything as it was before an import, where nobody touched it since."""

    title = gettext_lazy("Undo this import?")
    explanation = gettext_lazy(
        "Items and prices get the values they had before, new items are removed if nothing refers to them, and counts "
        "are reversed. What somebody changed or moved since stays, and is named. It can be done for 24 hours."
    )
    submit_label = gettext_lazy("Undo the import")
    danger = True
    template_name = "rh/dialog_page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.job()
        return super().get(request, *args, **kwargs)

    def get_back_url(self) -> str:
        run = _run_of(self.job())
        leads_to = run.undo_job_id if run and run.undo_job_id else self.kwargs["pk"]
        return reverse("imports:report", kwargs={"pk": leads_to})

    def act(self, form: Any) -> str | None:
        undoing.start_undo(self.job(), cast(User, self.request.user))
        return None


def _run_of(job: Job) -> ImportRun | None:
    """Answer what a job reads, or takes back."""
    which = {"undo_job": job} if job.kind == uploading.UNDO else {"job": job}
    return ImportRun.objects.select_related("undo_job").filter(**which).first()


def _may_go_on(job: Job, run: ImportRun | None) -> bool:
    stopped = job.state in {Job.State.FAILED, Job.State.CANCELLED}
    return stopped and (job.kind == uploading.UNDO or (job.kind == uploading.JOB and not (run and run.undo_job_id)))


def _files(job: Job, run: ImportRun | None) -> dict[str, Path]:
    names = (NOT_UNDONE,) if job.kind == uploading.UNDO else (uploading.TO_FIX, REFUSED, REMARKED)
    folder = Path(run.output) if run and run.output else None
    found = {name: folder / name for name in names} if folder else {}
    return {name: path for name, path in found.items() if path.is_file() and path.stat().st_size > HEADINGS_ALONE}


class Download(JobPage):
    """One of the files an import left: the rows to fix, the refused places, the remarks."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        job = self.job()
        path = or_404(_files(job, _run_of(job)).get(kwargs["name"]))
        return FileResponse(path.open("rb"), as_attachment=True, filename=f"import-{job.pk}-{kwargs['name']}")


class Template(ImportPage):
    """An empty file with the right headings."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        target = or_404(uploading.kinds_for(self.principal).get(kwargs["kind"]))
        response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{kwargs["kind"].replace(" ", "-")}.csv"'
        csv.writer(response).writerow([safe_cell(field.title) for field in fields_for(target, self.principal)])
        return response


class Export(ShellPage):
    """A list as a file, scoped like the list itself: CSV of any length row by row, XLSX of bounded length."""

    title = gettext_lazy("Export")
    scopes: ClassVar[dict[str, str]] = {"items": "items:read", "stock": "stock:read"}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        what, form = kwargs["what"], kwargs["form"]
        resource_class = or_404(RESOURCES.get(what) if form in {"csv", "xlsx"} else None)
        if not self.principal.may(self.scopes[what]):
            raise NotAllowed(self.scopes[what])
        resource, rows = resource_class(sees_costs=self.principal.sees_costs), resource_class.rows(self.principal)
        name = f"{what}-{timezone.now():%Y-%m-%d}.{form}"
        if form == "csv":
            answer: Any = StreamingHttpResponse(as_csv(resource, rows), content_type="text/csv; charset=utf-8")
        else:
            if rows.count() > UPLOAD.rows:
                messages.error(request, _("This list is too long for a workbook: take it as CSV."))
                return HttpResponseRedirect(reverse("imports:start"))
            book = SafeXlsx()
            answer = HttpResponse(book.export_data(resource.export(rows)), content_type=book.get_content_type())
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer
