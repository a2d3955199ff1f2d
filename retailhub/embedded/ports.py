"""TCP ports of 127.0.0.1: asked of the kernel, and remembered so that addresses stay the same after a restart."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from retailhub.embedded.errors import CannotStart
from retailhub.embedded.files import write_private

LOOPBACK = "127.0.0.1"
USUAL_WEB_PORT = 8000


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        # As servers do: connections of yesterday that still time out do not hold the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
            attempt.listen(1)
        except OSError:
            return False
    return True


def ask_kernel() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.bind((LOOPBACK, 0))
        port: int = attempt.getsockname()[1]
        return port


def web_port(wanted: str) -> int:
    """Choose the web port: the wanted one or a refusal; without a wish the usual one or any free one."""
    if not wanted:
        return USUAL_WEB_PORT if is_free(USUAL_WEB_PORT) else ask_kernel()
    if not wanted.isdecimal() or not 0 < int(wanted) < 65_536:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {wanted!r}.")
    if not is_free(int(wanted)):
        raise CannotStart(
            f"Port {wanted} of {LOOPBACK} is taken or may not be used by you. "
            "Give another one (PORT=8080 make run), or leave PORT out and a free one is chosen."
        )
    return int(wanted)


class Ports:
    """The ports of one data directory by the name of the service."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._known: dict[str, int] = {str(name): int(port) for name, port in json.loads(file.read_text()).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self._known = {}

    def of(self, name: str) -> int:
        """Answer the port of last time when it is still free, else a new one; no two names share one."""
        port = self._known.get(name, 0)
        others = {number for other, number in self._known.items() if other != name}
        while not port or port in others or not is_free(port):
            port = ask_kernel()
        self._known[name] = port
        write_private(self._file, json.dumps(self._known, indent=2) + "\n")
        return port
