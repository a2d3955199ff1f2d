"""PostgreSQL refuses to run as root; this finds or makes the unprivileged user that the servers then run as."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retailhub.embedded.errors import CannotStart

NAME = "retailhub"


@dataclass(frozen=True)
class SystemUser:
    """The user a server runs as when root started us."""

    name: str
    uid: int
    gid: int

    @property
    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give one file or directory, not what is below it, to this user."""
        os.chown(path, self.uid, self.gid)

    def can_run(self, program: Path) -> bool:
        """Tell whether this user gets as far as `program`: some directory above it may be closed to others."""
        try:
            done = subprocess.run([program, "--version"], capture_output=True, cwd="/", **self.popen_arguments)  # noqa: S603
        except OSError:
            return False
        return done.returncode == 0


def server_user(cluster: Path) -> SystemUser | None:
    """Choose whom the servers run as: None means whoever started us, who is not root.

    Root gets, in this order: the owner of a cluster that is there already, the system user `retailhub` (made when
    missing), `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        try:
            return _from_entry(pwd.getpwuid(owner))
        except KeyError:
            return SystemUser(str(owner), owner, cluster.stat().st_gid)
    for find in (_known, _made, _nobody):
        if user := find():
            return user
    raise CannotStart(
        f"PostgreSQL does not run as root, and there is neither a user {NAME!r} nor 'nobody' on this machine. "
        f"Make one (useradd --system {NAME}) or run retailhub as an ordinary user."
    )


def _known() -> SystemUser | None:
    try:
        return _from_entry(pwd.getpwnam(NAME))
    except KeyError:
        return None


def _made() -> SystemUser | None:
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not useradd:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"]
    subprocess.run([useradd, *options, NAME], capture_output=True, check=False)  # noqa: S603  constants only
    return _known()  # whether it worked or another start was first


def _nobody() -> SystemUser | None:
    try:
        return _from_entry(pwd.getpwnam("nobody"))
    except KeyError:
        return None


def _from_entry(entry: pwd.struct_passwd) -> SystemUser:
    return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
