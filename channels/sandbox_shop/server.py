"""A threaded HTTP/1.1 server on this machine only, which can also break off an answer the way a bad line would."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from django.core.servers.basehttp import ServerHandler, ThreadedWSGIServer, WSGIRequestHandler

MISHAP = "sandbox_shop.mishap"  # a view leaves (kind, seconds) here in the request's environ
HANG, RESET, CUT = "hang", "reset", "cut"


class Handler(ServerHandler):
    """One answer on its way out, whole or broken off."""

    environ: dict[str, Any]
    result: Iterable[bytes] | None
    status: str
    request_handler: Connection

    def finish_response(self) -> None:
        kind, pause = self.environ.get(MISHAP, ("", 0.0))
        if not kind:
            super().finish_response()
            return
        body = b"".join(self.result or ())
        try:
            if kind == CUT:
                status = (
                    f"HTTP/1.1 {self.status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                self.request_handler.wfile.write(status.encode() + body[: len(body) // 2])
                self.request_handler.wfile.flush()
            elif kind == HANG:
                self.request_handler.hang(pause)
        finally:
            self.close()
            self.request_handler.hang_up(reset=kind == RESET)


class Connection(WSGIRequestHandler):
    """One caller's connection, kept alive between requests."""

    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 120
    server: Server

    def hang(self, seconds: float) -> None:
        """Say nothing for so long, or until the caller hangs up or the shop closes."""
        until = time.monotonic() + seconds
        line = cast(socket.socket, self.connection)
        while (left := until - time.monotonic()) > 0 and not self.server.closing.wait(min(left, 0.1)):
            with suppress(BlockingIOError):
                if not line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return

    def hang_up(self, *, reset: bool) -> None:
        """End the connection without another word; `reset` slams the receiver down."""
        self.close_connection = True
        line = cast(socket.socket, self.connection)
        with suppress(OSError):
            if reset:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(line.detach())
            else:
                line.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError, ValueError):  # ValueError: the line was detached on purpose
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline, self.request_version, self.command = "", "", ""
            self.send_error(414)
            return
        if not self.parse_request():
            return
        # A body of uncertain length would be taken for the next request.
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) > 1 or not all(map(str.isdecimal, lengths)):
            self.close_connection = True
            self.send_error(411 if "Transfer-Encoding" in self.headers else 400)
            return
        handler = Handler(self.rfile, self.wfile, self.get_stderr(), self.get_environ())
        handler.request_handler = self
        handler.run(self.server.get_app())  # type: ignore[arg-type]

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        super().send_error(code, message, explain)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """The journal tells more."""


class Server(ThreadedWSGIServer):
    """Listens on 127.0.0.1; port 0 lets the system choose."""

    request_queue_size = 128

    def __init__(self, port: int, app: Any, closing: threading.Event) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.closing = closing
        self.set_app(app)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
