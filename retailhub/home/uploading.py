"""Imports of one uploaded file: kept, looked at, previewed, and run in the background slice by slice."""

from __future__ import annotations

import shutil
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from orders.models import SalesChannel
from retailhub.core.access import NOBODY, Principal, principal_of_user
from retailhub.core.bells import ring_on_commit
from retailhub.core.imports.complaints import BadFile
from retailhub.core.imports.limits import UPLOAD
from retailhub.core.imports.report import refusals
from retailhub.core.imports.runner import Import, carry_on, open_run
from retailhub.core.imports.targets import Target
from retailhub.core.imports.uploads import Upload, look_at, rows_to_fix, upload_profile
from retailhub.core.models import ImportRun, Job, User
from retailhub.core.services.working import JobCancelled, Progress
from retailhub.core.text import DirtyText, clean_line
from retailhub.home.importing import TARGETS, output_folder
from retailhub.home.imports_forms import OF_CHANNELS

KINDS = ("items", "prices", "stock count", "customers", "addresses", "suppliers", "price lists")
"""What may be uploaded; everything else comes by folder and profile."""

JOB, UNDO, TASK = "import", "import undo", "retailhub.home.tasks.run_import"
SLICE_SECONDS = 40
QUIET_SECONDS = 120
TO_FIX = "to-fix.csv"
MOST_KEPT = 200
DRAFT_DAYS = 2


def kinds_for(principal: Principal) -> dict[str, Target]:
    """Answer what this person may import."""
    if not principal.may("imports:write"):
        return {}
    return {kind: TARGETS[kind] for kind in KINDS if all(principal.may(scope) for scope in TARGETS[kind].scopes)}


def keep_upload(file: UploadedFile[Any]) -> tuple[str, Upload]:
    """Store the file under a name of our own and look at it. Raises BadFile; nothing is left behind then."""
    forget_drafts()
    try:
        name = clean_line(Path(file.name or "").name)[:120] or "upload"
    except DirtyText as dirt:
        raise BadFile(f"The file's name cannot be used: {dirt}.") from dirt
    if (file.size or 0) > UPLOAD.bytes:
        raise BadFile(f"{name} has {file.size:,} bytes; {UPLOAD.bytes:,} are allowed.")
    token = str(uuid.uuid4())
    folder = draft_folder(token)
    folder.mkdir(parents=True)
    try:
        with (folder / "upload").open("wb") as target:
            for piece in file.chunks():
                target.write(piece)
        return token, look_at(folder, "upload", name)
    except BadFile:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def draft_folder(token: str) -> Path:
    return Path(settings.DATA_DIR) / "imports" / "uploads" / str(uuid.UUID(token))


def forget_drafts() -> None:
    """Remove uploads nobody went on with."""
    kept = set(Job.objects.filter(kind=JOB).values_list("data__token", flat=True))
    limit = time.time() - timedelta(days=DRAFT_DAYS).total_seconds()
    root = Path(settings.DATA_DIR) / "imports" / "uploads"
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in kept and folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)


def upload_import(draft: Mapping[str, Any], principal: Principal) -> Import:
    """Answer the import that a draft (or the data of its job) describes, in the name of whoever asks."""
    upload = upload_of(draft)
    kind = draft["kind"]
    return Import(
        profile=upload_profile(
            upload,
            into=kind,
            target=TARGETS[kind],
            columns=draft["columns"],
            constants=draft.get("constants", {}),
            decimal_comma=draft.get("decimal_comma", False),
            options=_options(kind),
        ),
        folder=draft_folder(draft["token"]),
        targets={kind: TARGETS[kind]},
        principal=principal,
        source=upload.name,
        limits=UPLOAD,
        books_currency=settings.HOME_CURRENCY,
        apart=draft["token"],
    )


def _options(kind: str) -> dict[str, Any]:
    """Answer what a kind has to know that its own app cannot: customers know channels by their code only."""
    if kind not in OF_CHANNELS:
        return {}
    return {"channels": sorted(SalesChannel.objects.values_list("code", flat=True))}


def upload_of(draft: Mapping[str, Any]) -> Upload:
    told = draft["upload"]
    return Upload(
        **{**told, "headings": tuple(told["headings"]), "samples": tuple(tuple(cells) for cells in told["samples"])}
    )


def new_draft(token: str, upload: Upload, kind: str) -> dict[str, Any]:
    return {"token": token, "kind": kind, "upload": asdict(upload), "columns": {}, "constants": {}}


@transaction.atomic
def start_upload(draft: Mapping[str, Any], user: User) -> Job:
    """Have a job that imports the draft's good rows; a worker takes it up."""
    label = f"Import {TARGETS[draft['kind']].label.lower()} from {draft['upload']['name']}"
    job = Job.objects.create(kind=JOB, label=label[:200], data=dict(draft), started_by=user)
    ring_on_commit(TASK, job.pk)
    return job


@transaction.atomic
def try_again(job: Job) -> None:
    """Let a job that failed or was stopped go on where it was; an import that is being undone does not."""
    held = Job.objects.select_for_update().get(pk=job.pk)
    if ImportRun.objects.filter(job=held, undo_job__isnull=False).exists():
        return
    if Job.objects.filter(pk=held.pk, state__in=[Job.State.FAILED, Job.State.CANCELLED]).update(
        state=Job.State.WAITING, cancel_requested=False, finished_at=None, message=""
    ):
        ring_on_commit(TASK, held.pk)


def run_upload(job: Job, *, seconds: float = SLICE_SECONDS) -> bool:
    """Take up a job for a slice of time. Answers whether it is over; if not, the next slice goes on where it was."""
    if job.is_over:
        return True
    principal = principal_of_user(job.started_by) if job.started_by else NOBODY
    with ExitStack() as leaving:
        progress = leaving.enter_context(Progress(job))
        if job.data["kind"] not in kinds_for(principal):
            raise PermissionError("whoever started this import may not import such things any more")
        work = upload_import(job.data, principal)
        run = ImportRun.objects.filter(job=job).first() or open_run(work, job=job, output=output_folder())
        try:
            report = carry_on(run, work, progress, seconds=seconds)
        except JobCancelled:
            _tell(job, run, work)
            raise
        if report is None:
            # Not over: whatever leaving would say of the job is not said.
            leaving.pop_all()
            return False
        _tell(job, run, work)
    return True


def _tell(job: Job, run: ImportRun, work: Import) -> None:
    """Keep with the job what its page shows: the figures, the first refused places, and the rows to correct."""
    reasons: dict[int, list[str]] = defaultdict(list)
    kept: list[list[Any]] = []
    for entry in refusals(run):
        _, row, column, value, reason = entry
        reasons[row].append(f"{column} {value!r}: {reason}" if column else reason)
        if len(kept) < MOST_KEPT:
            kept.append(entry)
    result = ""
    if reasons:
        target = Path(run.output) / TO_FIX
        rows_to_fix(work.folder, upload_of(job.data), {row: "; ".join(said) for row, said in reasons.items()}, target)
        result = str(target)
    job.data = {**job.data, "report": run.report, "refused": kept}
    Job.objects.filter(pk=job.pk).update(data=job.data, result_file=result)


def neglected_jobs() -> Iterator[int]:
    """Answer the imports that wait for a worker, or whose worker has given no sign of life for a while."""
    now = timezone.now()
    rows: Iterable[int] = Job.objects.filter(
        Q(state=Job.State.WAITING, created_at__lt=now - timedelta(seconds=10))
        | Q(state=Job.State.RUNNING, beat_at__lt=now - timedelta(seconds=QUIET_SECONDS)),
        kind__in=[JOB, UNDO],
    ).values_list("pk", flat=True)
    yield from rows
