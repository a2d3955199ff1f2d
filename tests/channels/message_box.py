"""Somebody for the Sandbox shop to send its messages to: keeps what comes, and refuses on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Message:
    headers: dict[str, str]
    body: bytes


@dataclass
class MessageBox:
    """`answers` are the status codes of the next answers; 204 when there are none left."""

    url: str = ""
    messages: list[Message] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait_for(self, enough: Callable[[list[Message]], bool], seconds: float = 10.0) -> list[Message]:
        until = time.monotonic() + seconds
        while not enough(self.messages):
            assert time.monotonic() < until, f"only {len(self.messages)} messages came"
            time.sleep(0.01)
        return self.messages


@contextmanager
def listening() -> Iterator[MessageBox]:
    box = MessageBox()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            box.messages.append(Message({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(box.answers.pop(0) if box.answers else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    box.url = f"http://127.0.0.1:{server.server_port}/inbox"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
