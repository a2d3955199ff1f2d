"""A load generator that costs little: one thread, non-blocking sockets, requests made beforehand or one at a time."""

from __future__ import annotations

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 30.0


@dataclass
class Answer:
    """What came back for one request."""

    status: int
    body: bytes
    seconds: float


@dataclass
class Tally:
    """What a run of load came to."""

    seconds: float = 0.0
    uncounted: int = 0  # before and after
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def post(path: str, body: bytes, *, api_key: str, key: str) -> bytes:
    """Write a POST as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Api-Key {api_key}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Wire:
    """One keep-alive connection, at most one request on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = bytearray()
        self.unsent = b""
        self.length = -1
        self.body_at = 0
        self.began = 0.0

    def send(self, request: bytes) -> None:
        self.received.clear()
        self.length = -1
        self.began = time.perf_counter()
        try:
            sent = self.socket.send(request)
        except BlockingIOError:
            sent = 0
        self.unsent = request[sent:]

    def go_on(self) -> None:
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            return

    def receive(self) -> Answer | None:
        """Take what has come; answer the response once it is whole."""
        try:
            part = self.socket.recv(262_144)
        except BlockingIOError:
            return None
        if not part:
            raise ConnectionError("the server closed the connection")
        self.received += part
        if self.length < 0:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self.received[:end]).lower()
            at = head.find(b"content-length:")
            if at < 0:
                raise ConnectionError("the answer does not say how long it is")
            self.length = int(head[at + 15 :].split(b"\r", 1)[0])
            self.body_at = end + 4
        if len(self.received) < self.body_at + self.length:
            return None
        body = bytes(self.received[self.body_at : self.body_at + self.length])
        return Answer(int(self.received[9:12]), body, time.perf_counter() - self.began)

    def close(self) -> None:
        self.socket.close()


def drive(
    port: int,
    make: Callable[[], bytes],
    *,
    connections: int,
    seconds: float,
    warm_up: float = 0.5,
    look_at: Callable[[Answer], None] | None = None,
) -> Tally:
    """Keep one request going on each connection for so many seconds after the warm-up; answer what came back."""
    tally = Tally()
    wires = [_Wire(port) for _ in range(connections)]
    by_number = {wire.socket.fileno(): wire for wire in wires}
    poll = select.epoll()
    begin = time.perf_counter() + warm_up
    end = begin + seconds
    try:
        for wire in wires:
            wire.send(make())
            poll.register(wire.socket, select.EPOLLIN | (select.EPOLLOUT if wire.unsent else 0))
        # What is under way at the end is waited for: it must not disturb whoever measures next.
        underway = len(wires)
        while underway and time.perf_counter() < end + PATIENCE:
            for number, event in poll.poll(1.0):
                wire = by_number[number]
                if event & select.EPOLLOUT and wire.unsent:
                    wire.go_on()
                    if not wire.unsent:
                        poll.modify(number, select.EPOLLIN)
                if not event & ~select.EPOLLOUT:
                    continue
                answer = wire.receive()
                if answer is None:
                    continue
                answered = wire.began + answer.seconds
                if begin <= answered <= end:
                    tally.statuses[answer.status] += 1
                    tally.latencies.append(answer.seconds)
                    if look_at:
                        look_at(answer)
                else:
                    tally.uncounted += 1
                if answered > end:
                    underway -= 1
                    continue
                wire.send(make())
                if wire.unsent:
                    poll.modify(number, select.EPOLLIN | select.EPOLLOUT)
    finally:
        poll.close()
        for wire in wires:
            wire.close()
    tally.seconds = seconds
    return tally


# More at once than the web server accepts would only test its backlog; whoever is left comes as soon as one has left.
MOST_WIRES = 1_000


def all_at_once(port: int, requests: list[bytes], *, seconds: float = 120.0) -> list[Answer | None]:
    """Send the requests as one crowd, MOST_WIRES of them before reading; None where nothing came in time."""
    answers: list[Answer | None] = [None] * len(requests)
    waiting = deque(range(len(requests)))
    poll = select.epoll()
    end = time.perf_counter() + seconds
    wires: list[_Wire] = []
    try:
        wires.extend(_Wire(port) for _ in range(min(MOST_WIRES, len(requests))))
        by_number = {wire.socket.fileno(): wire for wire in wires}
        under_way: dict[int, int] = {}

        def send_next(wire: _Wire) -> None:
            under_way[wire.socket.fileno()] = index = waiting.popleft()
            wire.send(requests[index])

        for wire in wires:
            send_next(wire)
            poll.register(wire.socket, select.EPOLLIN)
        while under_way and (now := time.perf_counter()) < end:
            for number, _ in poll.poll(min(1.0, end - now)):
                wire = by_number[number]
                try:
                    answer = wire.receive()
                except ConnectionError:
                    answer = Answer(0, b"", time.perf_counter() - wire.began)
                if answer is None:
                    continue
                answers[under_way.pop(number)] = answer
                if waiting and answer.status:
                    send_next(wire)
                else:
                    poll.unregister(number)
    finally:
        poll.close()
        for wire in wires:
            wire.close()
    return answers
