"""Runs: the chunks of a reading taken one transaction each, counted, and gone on with after any interruption."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from retailhub.core.access import Principal
from retailhub.core.errors import TryAgain
from retailhub.core.imports.complaints import BadProfile, Complaint
from retailhub.core.imports.encodings import sha256
from retailhub.core.imports.limits import FOLDER, Limits
from retailhub.core.imports.profiles import Profile, StepRule
from retailhub.core.imports.reading import Chunk, Reading
from retailhub.core.imports.report import Report, gather, write_files
from retailhub.core.imports.targets import Desk, Outcome, Row, Target, Verdict
from retailhub.core.imports.transforms import Run, Tally
from retailhub.core.models import ImportRun, Job
from retailhub.core.services.working import JobCancelled, Progress
from retailhub.core.transactions import retried

LOOK_UPS = "(look-ups)"
PATIENCE = 12
"""So many times a chunk waits for a lock, five seconds each, before its import gives up."""

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Import:
    """What a run needs: how to read, what from, what the rows may become, and who asks."""

    profile: Profile
    folder: Path
    targets: Mapping[str, Target]
    principal: Principal
    source: str
    limits: Limits = FOLDER
    books_currency: str = ""
    apart: str = ""
    """What makes this import one of its own: an upload is not gone on with by whoever brings the same file later."""

    def files(self) -> list[str]:
        """Answer the names of the files the steps read or look things up in."""
        used: set[str] = set()
        for step in self.profile.steps:
            used |= {step.file} - {""}
            rules = [*step.columns, *(step.parts.columns if step.parts else ())]
            used |= {step.parts.file} if step.parts else set()
            while rules:
                rule = rules.pop()
                used |= {alias for alias, _ in rule.find}
                rules += [rule.else_] if rule.else_ else []
        return sorted(self.profile.files[alias].on_disk for alias in used)

    def fingerprint(self) -> str:
        """Answer what is the same exactly when the same profile reads the same bytes."""
        digest = hashlib.sha256(f"{self.profile.digest}{self.apart}".encode())
        for name in self.files():
            path = self.folder / name
            digest.update(f"\n{name} {sha256(path) if path.is_file() else 'missing'}".encode())
        return digest.hexdigest()

    def target(self, step: StepRule) -> Target:
        if step.into not in self.targets:
            raise BadProfile(
                f"steps.{step.name}: nothing is called {step.into}; there are {', '.join(sorted(self.targets))}."
            )
        return self.targets[step.into]


@retried(on_twin=True)
def open_run(work: Import, *, job: Job | None, output: Path, from_start: bool = False) -> ImportRun:
    """Answer the unfinished run over the same files, to go on with, or a new one.

    `from_start` closes the unfinished one first. Natural keys make that harmless: what was taken is the same.
    """
    fingerprint = work.fingerprint()
    unfinished = ImportRun.objects.filter(profile=work.profile.name, fingerprint=fingerprint, finished_at__isnull=True)
    if from_start:
        unfinished.update(finished_at=timezone.now())
    run = unfinished.first() or ImportRun.objects.create(
        profile=work.profile.name, fingerprint=fingerprint, source=work.source[:300], actor=work.principal.actor
    )
    run.job = job or run.job
    run.output = run.output or str(output / str(run.pk))
    run.save(update_fields=["job", "output"])
    return run


def carry_on(
    run: ImportRun, work: Import, progress: Progress, *, seconds: float | None = None, tell: Tell | None = None
) -> Report | None:
    """Take the chunks that were not taken yet. Answers the report, or None when `seconds` were over before the end."""
    try:
        return _carry_on(run, work, progress, seconds=seconds, tell=tell)
    except JobCancelled:
        # Perhaps nobody ever goes on with it: what became of the rows so far is told all the same.
        _publish(run, _so_far(run, work))
        raise


def _carry_on(
    run: ImportRun, work: Import, progress: Progress, *, seconds: float | None, tell: Tell | None
) -> Report | None:
    until = None if seconds is None else time.monotonic() + seconds
    started = timezone.now()
    taken = {
        (step, number): _refused(counts) for step, number, counts in run.chunks.values_list("step", "number", "counts")
    }
    progress.done = progress.failed = 0
    with Reading(work.profile, work.folder, Run(now=started, zone=work.profile.zone), limits=work.limits) as reading:
        total = reading.expected(work.profile.steps)
        progress.expect(total)
        for step in work.profile.steps:
            target = work.target(step)
            for chunk in reading.chunks(step, target):
                refused = taken.get((step.name, chunk.number))
                if refused is None:
                    if until is not None and time.monotonic() > until:
                        return None
                    refused = _take_patiently(run, chunk, target, _desk(work, step, run))
                progress.step(min(chunk.size, total - progress.done), failed=refused, message=step.name)
                if tell:
                    tell(step.name, progress.done, total)
        return _finish(run, work, reading)


@dataclass(slots=True)
class Preview:
    """What a run would do: the counts, the first rows that would be taken, and every refused place."""

    report: Report = field(default_factory=Report)
    first: list[Verdict] = field(default_factory=list)
    refusals: list[list[Any]] = field(default_factory=list)
    remarks: list[list[Any]] = field(default_factory=list)
    whole: bool = True


def preview(work: Import, *, most: int = 50, seconds: float = 8) -> Preview:
    """Judge the rows without writing anything. After so many `seconds` it stops, and `whole` says so."""
    until = time.monotonic() + seconds
    seen = Preview()
    with Reading(
        work.profile, work.folder, Run(now=timezone.now(), zone=work.profile.zone), limits=work.limits
    ) as reading:
        for step in work.profile.steps:
            target = work.target(step)
            for chunk in reading.chunks(step, target):
                if time.monotonic() > until:
                    seen.whole = False
                    return seen
                verdicts = target.judge(chunk.rows, _desk(work, step, None))
                counts, record = _count(chunk, verdicts)
                for file, entry in counts.items():
                    line = seen.report.line(step.name, file)
                    for name, count in entry.items():
                        setattr(line, name, getattr(line, name) + count)
                seen.refusals += record["refusals"]
                seen.remarks += record["remarks"]
                seen.first += [v for v in verdicts if v.outcome != Outcome.REFUSED][: most - len(seen.first)]
    return seen


def _desk(work: Import, step: StepRule, run: ImportRun | None) -> Desk:
    return Desk(
        principal=work.principal,
        source=work.profile.name,
        now=run.started_at if run else timezone.now(),
        options=step.options,
        # Whole folders are the beginning of the books: taking them back is emptying the database.
        keeps_traces=bool(work.apart),
    )


def _take_patiently(run: ImportRun, chunk: Chunk, target: Target, desk: Desk) -> int:
    """Take the chunk. Who holds its goods, or the chunk itself, for longer than a lock waits is waited for again."""
    for _ in range(PATIENCE - 1):
        try:
            return _take(run, chunk, target, desk)
        except TryAgain:
            continue
    return _take(run, chunk, target, desk)


@retried()
def _take(run: ImportRun, chunk: Chunk, target: Target, desk: Desk) -> int:
    """Take the chunk and say so, both or neither; answers how many of its rows were refused.

    Whoever was quicker with it leaves nothing to do.
    """
    with transaction.atomic():
        return _take_and_say_so(run, chunk, target, desk)


def _take_and_say_so(run: ImportRun, chunk: Chunk, target: Target, desk: Desk) -> int:
    mine = run.chunks.filter(step=chunk.step, number=chunk.number)
    if not _claim(run, chunk):
        return _refused(mine.values_list("counts", flat=True).get())
    desk.tally.clear()
    desk.sums.clear()
    verdicts = target.judge(chunk.rows, desk)
    target.apply([verdict for verdict in verdicts if verdict.writes], desk)
    counts, record = _count(chunk, verdicts)
    tally = {**(desk.tally + Tally(chunk.tally)), **{what: str(amount) for what, amount in desk.sums.items()}}
    written = [[v.row.file, v.row.number, v.trace] for v in verdicts if v.writes and v.trace is not None]
    mine.update(counts=counts, tally=tally, written=written, **record)
    return _refused(counts)


def _claim(run: ImportRun, chunk: Chunk) -> bool:
    """Write the chunk's row; a twin that is taking it now makes us wait here, and find it taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO core_importchunk (run_id, step, number, counts, refusals, remarks, tally)
               VALUES (%s, %s, %s, '{}', '[]', '[]', '{}') ON CONFLICT (run_id, step, number) DO NOTHING""",
            [run.pk, chunk.step, chunk.number],
        )
        return bool(cursor.rowcount == 1)


def _count(chunk: Chunk, verdicts: list[Verdict]) -> tuple[dict[str, dict[str, int]], dict[str, list[list[Any]]]]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    refusals, remarks = list(chunk.refusals), list(chunk.remarks)
    for file, read in chunk.read.items():
        counts[file]["read"] += read
    for verdict in verdicts:
        for row in _whole(verdict.row):
            counts[row.file][str(verdict.outcome)] += 1
        remarks += verdict.remarks
        refusals += verdict.refusals
        if verdict.outcome == Outcome.REFUSED:
            named = {(complaint.file, complaint.row) for complaint in verdict.refusals}
            culprit = f"{verdict.refusals[0].file} row {verdict.refusals[0].row}" if verdict.refusals else ""
            refusals += [
                row.complaint("", f"refused together with {culprit}")
                for row in _whole(verdict.row)
                if (row.file, row.number) not in named
            ]
    for file in {complaint.file for complaint in chunk.refusals}:
        counts[file]["refused"] += len({c.row for c in chunk.refusals if c.file == file})
    return (
        {file: dict(entry) for file, entry in counts.items()},
        {"refusals": [c.as_list() for c in refusals], "remarks": [c.as_list() for c in remarks]},
    )


def _whole(row: Row) -> list[Row]:
    return [row, *row.parts]


def _refused(counts: Mapping[str, Mapping[str, int]]) -> int:
    return sum(entry.get("refused", 0) for entry in counts.values())


def _so_far(run: ImportRun, work: Import) -> Report:
    report = gather(run, [step.name for step in work.profile.steps])
    report.warnings.append("the import was stopped: rows that were not read yet are in none of these figures")
    return report


def _publish(run: ImportRun, report: Report, *, also: Iterable[Complaint] = ()) -> None:
    """Write the report and the files of refused and odd rows, and keep the figures with the run."""
    folder = Path(run.output)
    write_files(run, folder, also=also)
    (folder / "report.json").write_bytes(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2))
    (folder / "report.txt").write_text(report.as_text() + "\n", encoding="utf-8")
    run.report = report.as_dict()
    run.save(update_fields=["report"])


def _finish(run: ImportRun, work: Import, reading: Reading) -> Report:
    """Close the run: what was looked up, the files with refused and odd rows, and the figures."""
    if reading.looked_up_badly:
        _claim(run, Chunk(LOOK_UPS, 1))
        run.chunks.filter(step=LOOK_UPS).update(refusals=[c.as_list() for c in reading.looked_up_badly])
    report = gather(run, [step.name for step in work.profile.steps])
    for alias, rows in reading.looked_up.items():
        name = work.profile.files[alias].name
        refused = len({c.row for c in reading.looked_up_badly if c.file == name})
        report.looked_up[name] = {"rows": rows, "not referred to": 0, "refused": refused}
    for complaint in reading.not_referred_to():
        report.looked_up[complaint.file]["not referred to"] += 1
    report.not_read = _not_read(work)
    if work.books_currency and work.profile.books_currency not in {"", work.books_currency}:
        report.warnings.append(
            f"costs in these files are in {work.profile.books_currency}; they were taken as {work.books_currency}, "
            "the home currency of this installation, figure for figure"
        )
    _publish(run, report, also=reading.not_referred_to(shared=False))
    run.finished_at = timezone.now()
    run.save(update_fields=["finished_at"])
    return report


def _not_read(work: Import) -> dict[str, str]:
    used = set(work.files())
    return {
        path.name: work.profile.not_used.get(path.name, "the profile does not name it")
        for path in sorted(work.folder.iterdir())
        if path.is_file() and path.name not in used
    }
