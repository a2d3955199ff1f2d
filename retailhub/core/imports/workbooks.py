"""Workbooks turned into CSV by a child process that may not use much memory or time: small files unpack to anything.

Run as `python -m retailhub.core.imports.workbooks IN OUT`; it knows neither database nor settings.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from retailhub.core.imports.complaints import BadFile
from retailhub.core.imports.limits import MEBIBYTE, UPLOAD, Limits, check_workbook

MEMORY = 1024 * MEBIBYTE
SECONDS = 60


def workbook_to_csv(book: Path, target: Path, limits: Limits = UPLOAD, *, name: str = "") -> None:
    """Write the first sheet that is not hidden as CSV. Raises BadFile with the reason a person reads."""
    name = name or book.name
    check_workbook(book, limits, name)
    try:
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-m", "retailhub.core.imports.workbooks", str(book), str(target)],
            cwd=Path(__file__).resolve().parents[3],
            capture_output=True,
            timeout=SECONDS + 5,
            check=False,
            env={"PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise BadFile(f"{name} takes too long to read.") from error
    if done.returncode == 3:
        raise BadFile(f"{name}: {done.stderr.decode('utf-8', 'replace').strip()}")
    if done.returncode:
        raise BadFile(f"{name} cannot be read as a workbook, or takes too much memory or time.")


def main(book: Path, target: Path) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (UPLOAD.unpacked_bytes, UPLOAD.unpacked_bytes))
    from django.conf import settings

    settings.configure()
    from import_export.formats.base_formats import CSV

    from retailhub.core.imports.formats import NotUsable, SafeXlsx

    try:
        text = CSV().export_data(SafeXlsx().create_dataset(book.read_bytes()))
    except NotUsable as reason:
        sys.stderr.write(str(reason))
        return 3
    target.write_text(text, encoding="utf-8", newline="")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
