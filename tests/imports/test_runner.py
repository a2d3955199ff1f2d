"""Runs: counted, refused rows kept, gone on with after a stop, and never doing anything twice."""

from __future__ import annotations

import csv
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from retailhub.core.errors import DomainError, Offence, TryAgain
from retailhub.core.imports.complaints import BadProfile
from retailhub.core.imports.report import Report
from retailhub.core.imports.runner import Import, carry_on, open_run, preview
from retailhub.core.imports.targets import Desk, Outcome, Row, Verdict, write_or_refuse
from retailhub.core.models import ImportChunk, ImportRun, Job
from retailhub.core.services.working import Progress, cancel_job
from tests.imports.helpers import Kept, one_file, work_of

pytestmark = pytest.mark.django_db

TEN = "code,price\n" + "".join(f"{letter},{number}.50\n" for number, letter in enumerate("ABCDEFGHIJ"))
BY_THREE = one_file({"name": "a.csv"}, {"code": "code", "price": "price"}, batch=3)


def run(work: Import, output: Path, job: Job | None = None, **kwargs: Any) -> tuple[ImportRun, Report | None]:
    with Progress(job, every=0) as progress:
        found = open_run(work, job=job, output=output)
        return found, carry_on(found, work, progress, **kwargs)
    return found, None


def test_every_row_is_counted_once_and_refused_ones_come_back_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN + "K,x\nL\n=M,-1\nA,1\n")
    (tmp_path / "b.csv").write_text("nobody reads this\n")
    job = Job.objects.create(kind="import", label="test")
    imported, report = run(work_of(tmp_path, BY_THREE), tmp_path / "out", job)
    assert report is not None
    (line,) = report.lines
    assert (line.read, line.new, line.changed, line.same, line.refused) == (14, 10, 0, 0, 4)
    assert report.not_read == {"b.csv": "the profile does not name it"}
    with (Path(imported.output) / "refused.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "row", "column", "value", "reason"],
        ["a.csv", "12", "price", "x", "this is not a number"],
        ["a.csv", "13", "", "L", "the row has 1 fields where 2 belong"],
        ["a.csv", "14", "price", "'-1", "it is less than 0"],
        ["a.csv", "15", "code", "A", "row 2 says this already"],
    ]
    job.refresh_from_db()
    assert (job.state, job.total, job.done, job.failed) == (Job.State.DONE, 14, 14, 4)
    assert imported.chunks.count() == 5


def test_a_second_run_finds_everything_the_same_and_a_third_what_changed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    target = Kept()
    first, _ = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out")
    second, report = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out")
    assert report is not None
    assert (first.pk != second.pk, report.total("same"), report.total("read")) == (True, 10, 10)
    (tmp_path / "a.csv").write_text(TEN.replace("B,1.50", "B,1.75"))
    _, report = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out")
    assert report is not None
    assert (report.total("same"), report.total("changed")) == (9, 1)


def test_an_interrupted_run_goes_on_behind_its_last_chunk(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN + "K,x\n")

    class Falls(Kept):
        def apply(self, verdicts: Any, desk: Desk) -> None:
            super().apply(verdicts, desk)
            if verdicts[0].row.number == 8:
                raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run(work_of(tmp_path, BY_THREE, Falls()), tmp_path / "out")
    assert list(ImportChunk.objects.values_list("number", flat=True)) == [1, 2]
    target = Kept()
    again, report = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out")
    assert ImportRun.objects.get() == again
    assert target.judged == [[8, 9, 10], [11]]
    assert report is not None
    assert (report.total("read"), report.total("new"), report.total("refused")) == (11, 10, 1)


def test_a_changed_file_is_another_run(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    work = work_of(tmp_path, BY_THREE)
    first = open_run(work, job=None, output=tmp_path)
    assert open_run(work, job=None, output=tmp_path) == first
    (tmp_path / "a.csv").write_text(TEN + "K,1\n")
    assert open_run(work, job=None, output=tmp_path) != first
    assert open_run(work, job=None, output=tmp_path, from_start=True) != first


def test_a_slice_ends_when_its_time_is_over_and_the_next_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    target = Kept()
    _, report = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out", seconds=-1)
    assert (report, target.judged) == (None, [])
    _, report = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out", seconds=60)
    assert report is not None
    assert report.total("new") == 10


def test_a_job_that_is_asked_to_stop_stops_at_the_next_chunk_and_keeps_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    job = Job.objects.create(kind="import", label="test")

    class Asked(Kept):
        def apply(self, verdicts: Any, desk: Desk) -> None:
            super().apply(verdicts, desk)
            cancel_job(job)

    (tmp_path / "a.csv").write_text(TEN.replace("B,1.50", "B,x"))
    target = Asked()
    imported, report = run(work_of(tmp_path, BY_THREE, target), tmp_path / "out", job)
    job.refresh_from_db()
    assert (job.state, report, len(target.judged)) == (Job.State.CANCELLED, None, 1)
    assert (job.done, imported.chunks.count(), imported.finished_at) == (3, 1, None)
    assert [imported.report[name] for name in ("read", "new", "refused")] == [3, 2, 1]
    assert "B" not in target.kept
    assert "this is not a number" in (Path(imported.output) / "refused.csv").read_text(encoding="utf-8-sig")


def test_rows_that_were_refused_when_they_were_judged_count_as_failed_too_also_after_a_stop(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    job = Job.objects.create(kind="import", label="test")

    class Picky(Kept):
        def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
            verdicts = super().judge(rows, desk)
            if rows[0].number == 2 and len(verdicts) == 3:
                verdicts[1].refuse("code", "not this one")
            return verdicts

        def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
            super().apply(verdicts, desk)
            if verdicts[0].row.number == 8:
                raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run(work_of(tmp_path, BY_THREE, Picky()), tmp_path / "out", job)
    job.refresh_from_db()
    assert job.failed == 1
    Job.objects.update(state=Job.State.WAITING)
    run(work_of(tmp_path, BY_THREE), tmp_path / "out", job)
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == (Job.State.DONE, 10, 1)


def test_an_import_apart_is_not_gone_on_with_by_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    mine, yours = (work_of(tmp_path, BY_THREE, apart=apart) for apart in ("mine", "yours"))
    first = open_run(mine, job=None, output=tmp_path)
    assert open_run(yours, job=None, output=tmp_path) != first
    assert open_run(mine, job=None, output=tmp_path) == first


@pytest.mark.django_db(transaction=True)
def test_of_many_who_open_a_run_at_once_all_get_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    start, found = threading.Barrier(6), list[int]()

    def open_it() -> None:
        try:
            start.wait()
            found.append(open_run(work_of(tmp_path, BY_THREE), job=None, output=tmp_path / "out").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == ImportRun.objects.count() == 1


def test_a_chunk_waits_for_a_lock_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    busy = iter([True, True, False])

    class Busy(Kept):
        def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
            if next(busy, False):
                raise TryAgain
            return super().judge(rows, desk)

    _, report = run(work_of(tmp_path, BY_THREE, Busy()), tmp_path / "out")
    assert report is not None
    assert report.total("new") == 10


def test_a_chunk_and_its_record_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)

    class Writes(Kept):
        def apply(self, verdicts: Any, desk: Desk) -> None:
            Job.objects.create(kind="effect", label=verdicts[0].row.values["code"])
            if verdicts[0].row.number == 5:
                raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(work_of(tmp_path, BY_THREE, Writes()), tmp_path / "out")
    assert Job.objects.filter(kind="effect").count() == ImportChunk.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_processes_on_the_same_run_take_each_chunk_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("code,price\n" + "".join(f"X{number},1\n" for number in range(120)))
    document = one_file({"name": "a.csv"}, {"code": "code", "price": "price"}, batch=5)
    open_run(work_of(tmp_path, document), job=None, output=tmp_path / "out")
    start, targets, failures = threading.Barrier(2), [Kept(), Kept()], []

    def take(target: Kept) -> None:
        try:
            start.wait()
            run(work_of(tmp_path, document, target), tmp_path / "out")
        except Exception as error:  # noqa: BLE001  shown by the assertion below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=[target]) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert ImportChunk.objects.count() == 24
    assert sorted([*targets[0].kept, *targets[1].kept]) == sorted(f"X{number}" for number in range(120))


def test_a_preview_says_what_a_run_would_do_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN + "K,x\n")
    target = Kept()
    target.kept["B"] = {"code": "B", "price": 7}
    seen = preview(work_of(tmp_path, BY_THREE, target), most=4)
    assert [seen.report.total(name) for name in ("new", "changed", "refused")] == [9, 1, 1]
    assert [verdict.row.values["code"] for verdict in seen.first] == ["A", "B", "C", "D"]
    assert seen.first[1].changes["price"][0] == 7
    assert seen.whole
    assert seen.refusals == [["a.csv", 12, "price", "x", "this is not a number"]]
    assert (len(target.kept), ImportRun.objects.count()) == (1, 0)


def test_an_unknown_kind_of_thing_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEN)
    document = one_file({"name": "a.csv"}, {"code": "code"}, into="nothing")
    with pytest.raises(BadProfile, match="nothing is called nothing; there are things"):
        run(work_of(tmp_path, document), tmp_path / "out")


class NoOdds(DomainError):
    """Odd rows are not taken."""


def verdicts_of(count: int) -> list[Verdict]:
    return [Verdict(Row("a.csv", number, {"code": number}, {"code": "Code"})) for number in range(count)]


@pytest.mark.parametrize("named", [True, False])
def test_rows_that_a_service_refuses_are_marked_and_the_others_are_written(named: bool) -> None:
    written: list[int] = []

    def write(some: Any) -> None:
        odd = [place for place, verdict in enumerate(some) if verdict.row.number % 2]
        if odd:
            offences = [Offence(pointer=f"/lines/{place}/code", code="odd", detail="odd") for place in odd]
            raise NoOdds(errors=offences if named else [])
        written.extend(verdict.row.number for verdict in some)

    verdicts = verdicts_of(9)
    with transaction.atomic():
        write_or_refuse(verdicts, write)
    assert sorted(written) == [0, 2, 4, 6, 8]
    assert [v.row.number for v in verdicts if v.outcome == Outcome.REFUSED] == [1, 3, 5, 7]
    reasons = {complaint.reason for v in verdicts for complaint in v.refusals}
    assert reasons == {"odd" if named else "Odd rows are not taken."}
