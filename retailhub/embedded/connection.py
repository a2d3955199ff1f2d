"""How commands that run beside `make run` find its servers, and the secrets of this installation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retailhub.embedded.files import keep_secret, write_private
from retailhub.embedded.processes import ProcessId


@dataclass(kw_only=True)
class Services:
    """What one supervisor has running on a data directory, as its services.json says."""

    supervisor: ProcessId
    mark: str
    database_url: str = ""
    broker_url: str = ""
    web_url: str = ""
    sandbox_urls: list[str] = field(default_factory=list)
    processes: dict[str, ProcessId] = field(default_factory=dict)


def find_services(data_dir: Path) -> Services | None:
    """Answer the addresses of what runs on `data_dir` now; None when no supervisor is alive there."""
    services = last_services(data_dir)
    return services if services and services.supervisor.is_running and services.database_url else None


def last_services(data_dir: Path) -> Services | None:
    """Answer what the last supervisor wrote, whether it still lives or was killed; None after an orderly stop."""
    try:
        raw: dict[str, Any] = json.loads(_services_file(data_dir).read_text())
        raw["supervisor"] = ProcessId(**raw["supervisor"])
        raw["processes"] = {name: ProcessId(**process) for name, process in raw["processes"].items()}
        return Services(**raw)
    except (OSError, ValueError, TypeError, KeyError):
        return None  # not there, or of another release: the servers' own files tell what still runs


def write_services(data_dir: Path, services: Services) -> None:
    write_private(_services_file(data_dir), json.dumps(asdict(services), indent=2) + "\n")


def forget_services(data_dir: Path) -> None:
    _services_file(data_dir).unlink(missing_ok=True)


def secret_key(data_dir: Path) -> str:
    """Answer the installation's own signing secret, drawn at the first call and kept in `data_dir`."""
    return secret(data_dir, "django")


def secret(data_dir: Path, name: str) -> str:
    return keep_secret(data_dir / "secrets" / name)


def _services_file(data_dir: Path) -> Path:
    return data_dir / "services.json"
