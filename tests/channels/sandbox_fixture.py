"""A Sandbox shop for tests: its own process, a port from the kernel, a folder that goes away afterwards.

with running_shop() as shop:
    shop.add("MUG", quantity=5)
    shop.buy("MUG", 2)
    assert shop.stock() == {"MUG": 3}
"""

from __future__ import annotations

import json
import select
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from channels.connectors.base import AccountSettings

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0


def plain_client(**more: Any) -> httpx.Client:
    """A client for this machine: no proxies and no certificates, whose loading takes longer than most tests."""
    return httpx.Client(trust_env=False, timeout=10, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **more)


class ShopRefused(AssertionError):
    """The shop answered a helper with an error; `code` says which."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        try:
            self.error: dict[str, Any] = answer.json()["error"]
        except (ValueError, KeyError, TypeError):
            self.error = {}
        self.code: str = self.error.get("code", "")
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {answer.text[:500]}")


@dataclass
class RunningShop:
    """One shop and the keys to it. `http` calls the API as retailhub would; the helpers are the rest of the world."""

    name: str
    data: Path
    flags: list[str]
    process: subprocess.Popen[str]
    base_url: str = ""
    api_key: str = ""
    control_key: str = ""
    webhook_secret: str = ""
    http: httpx.Client = field(default_factory=plain_client)
    _desk: httpx.Client = field(default_factory=plain_client)

    @classmethod
    def start(cls, name: str, data: Path, flags: Sequence[str]) -> Self:
        shop = cls(name=name, data=data, flags=list(flags), process=_launch(name, data, [*flags, "--port", "0"]))
        shop._meet()
        return shop

    # --- as the connector sees it -----------------------------------------------------------------------------
    def account(self, **options: Any) -> AccountSettings:
        """What the Sandbox connector needs to call this shop."""
        return AccountSettings(
            base_url=self.base_url,
            credentials={"api_key": self.api_key, "webhook_secret": self.webhook_secret},
            options=options,
        )

    # --- the world outside ------------------------------------------------------------------------------------
    def add(self, sku: str, *, quantity: int = 0, price: str = "10.00", currency: str = "EUR", title: str = "") -> str:
        """Offer an article; answers its listing id."""
        entry = {"sku": sku, "title": title or sku, "price": price, "currency": currency}
        result = self._api("POST", "/api/listings/bulk", {"listings": [entry]})["results"][0]
        assert "listing_id" in result, result
        if quantity:
            self.set_quantity(result["listing_id"], quantity)
        return str(result["listing_id"])

    def buy(self, sku: str, quantity: int = 1, *, force: bool = False, **more: Any) -> dict[str, Any]:
        """Buy as a customer; raises ShopRefused with code `sold_out` when there is not enough."""
        return self.order([{"sku": sku, "quantity": quantity}], force=force, **more)

    def order(self, lines: Sequence[Mapping[str, Any]], *, force: bool = False, **more: Any) -> dict[str, Any]:
        """Place an order of several lines; answers the order as the API tells it."""
        customer = {"name": "Ada Buyer", "email": "ada@example.com"}
        return self._api("POST", "/api/orders", {"customer": customer, "lines": list(lines), "force": force} | more)

    def cancel(self, order_id: str, *, restock: bool = True) -> dict[str, Any]:
        return self._api("POST", f"/api/orders/{order_id}/cancel", {"restock": restock})

    def read_order(self, order_id: str) -> dict[str, Any]:
        return self._api("GET", f"/api/orders/{order_id}")

    def stock(self) -> dict[str, int]:
        """How many the shop shows, by SKU."""
        figures: dict[str, int] = {}
        after: str | None = "0"
        while after is not None:
            page = self._api("GET", f"/api/stock?after={after}")
            figures |= {entry["sku"]: entry["quantity"] for entry in page["stock"]}
            after = page["next_after"]
        return figures

    # --- the control desk -------------------------------------------------------------------------------------
    def script_faults(self, rules: Sequence[Mapping[str, Any]], *, seed: int = 0) -> None:
        """Replace the fault script: `[{"operation": "stock.bulk", "kind": "timeout_after_commit", "times": 1}]`."""
        self.control("POST", "/control/faults", {"rules": list(rules), "seed": seed})

    def calm_down(self) -> None:
        """End all scripted trouble: no faults, the right time, the limits this shop was started with."""
        self.control("POST", "/control/calm")

    def clear_faults(self) -> None:
        self.control("DELETE", "/control/faults")

    def log(self, *kinds: str, since: int = 0) -> list[dict[str, Any]]:
        """Journal entries of these kinds (all, when none is named), oldest first."""
        entries: list[dict[str, Any]] = []
        while True:
            page = self.control("GET", "/control/log", params={"since": since, "kind": list(kinds)})
            entries += page["entries"]
            if not page["more"]:
                return entries
            since = entries[-1]["seq"]

    def version_breaches(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Pairs of stock writes that took effect although a newer version had taken effect before: must be empty."""
        newest: dict[str, dict[str, Any]] = {}
        breaches = []
        for written in self.log("stock_write"):
            before = newest.get(written["listing_id"])
            if before is not None and written["version"] < before["version"]:
                breaches.append((before, written))
            newest[written["listing_id"]] = written
        return breaches

    def set_quantity(self, listing_id: str, quantity: int) -> None:
        """Change a figure behind everybody's back."""
        self.control("POST", f"/control/listings/{listing_id}", {"quantity": quantity})

    def rename(self, listing_id: str, sku: str) -> None:
        self.control("POST", f"/control/listings/{listing_id}", {"sku": sku})

    def remove(self, listing_id: str) -> None:
        self.control("POST", f"/control/listings/{listing_id}", {"removed": True})

    def edit_order(self, order_id: str, **change: Any) -> dict[str, Any]:
        """Change an order after the fact: `lines=[{"line_id": …, "quantity": …}]`, `status="…"`."""
        return self.control("POST", f"/control/orders/{order_id}", change)

    def stop_clock(self) -> None:
        self.control("POST", "/control/clock", {"stopped": True})

    def skew_clock(self, seconds: int) -> None:
        """Let the clock run, so much fast or slow; 0 sets it right again."""
        self.control("POST", "/control/clock", {"skew_seconds": seconds})

    def limit(self, *, per_second: int = 50, burst: int = 100, latency_ms: int = 0) -> None:
        self.control("POST", "/control/limits", {"per_second": per_second, "burst": burst, "latency_ms": latency_ms})

    def change_keys(self, **keys: str) -> None:
        """Change `api_key` or `webhook_secret` at the shop only, as if somebody had revoked the old one."""
        self.control("POST", "/control/credentials", keys)

    def register_webhook(self, url: str) -> None:
        self._api("PUT", "/api/webhook", {"url": url})

    def messages(self) -> dict[str, int]:
        """How many webhook messages are waiting, sent, dropped, dead."""
        told: dict[str, int] = self.control("GET", "/control/messages")["messages"]
        return told

    def wait_until_sent(self, seconds: float = 10.0) -> None:
        """Come back when no message is waiting any more."""
        until = time.monotonic() + seconds
        while self.messages()["waiting"]:
            assert time.monotonic() < until, f"messages still waiting: {self.messages()}"
            time.sleep(0.02)

    # --- its life ---------------------------------------------------------------------------------------------
    def kill(self) -> None:
        """End the process without warning. The shop's own truth stays in its folder."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """End the process politely; harmless when it has ended already."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def restart(self) -> None:
        """Start again at the same address with what was there before."""
        self.stop()
        port = self.base_url.rpartition(":")[2]
        self.process = _launch(self.name, self.data, [*self.flags, "--port", port])
        self._meet()

    def close(self) -> None:
        self.stop()
        self.http.close()
        self._desk.close()

    def control(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        answer = self._desk.request(
            method, self.base_url + path, json=body, params=params, headers={"X-Control-Key": self.control_key}
        )
        return _told(answer)

    def _api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return _told(self.http.request(method, path, json=body))

    def _meet(self) -> None:
        self.base_url = _heard_address(self.process)
        keys = json.loads((self.data / "shop.json").read_text())
        self.api_key, self.control_key = keys["api_key"], keys["control_key"]
        self.webhook_secret = keys["webhook_secret"]
        self.http.base_url = httpx.URL(self.base_url)
        self.http.headers["X-Api-Key"] = self.api_key


@contextmanager
def running_shop(
    name: str = "Sandbox A",
    *,
    data: Path | None = None,
    webhook_url: str | None = None,
    seed_demo: bool = False,
    rate: float = 2000,
    burst: int = 2000,
    latency_ms: float = 0,
    webhook_pause: float = 0.05,
    flags: Sequence[str] = (),
) -> Iterator[RunningShop]:
    """A running shop, ended when the block ends. Without `data` its folder is temporary."""
    with tempfile.TemporaryDirectory(prefix="sandbox-shop-") as folder:
        given = ["--rate", str(rate), "--burst", str(burst), "--latency-ms", str(latency_ms)]
        given += ["--webhook-pause", str(webhook_pause), *flags]
        if webhook_url:
            given += ["--webhook-url", webhook_url]
        if seed_demo:
            given.append("--seed-demo")
        shop = RunningShop.start(name, data or Path(folder), given)
        try:
            yield shop
        finally:
            shop.close()


def _launch(name: str, data: Path, flags: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "channels.sandbox_shop", "--name", name, "--data", str(data), "--die-with-parent"]
    return subprocess.Popen([*command, *flags], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _heard_address(process: subprocess.Popen[str]) -> str:
    """The address from the first line the shop prints."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else ""
    if " listens on http://" not in line:
        process.kill()
        process.wait(10)
        process.stdout.close()
        raise AssertionError(f"the Sandbox shop did not start: {line!r}")
    return line.rpartition(" ")[2].strip()


def _told(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise ShopRefused(answer)
    told: dict[str, Any] = answer.json()
    return told
