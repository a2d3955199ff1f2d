from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.channels.sandbox_fixture import ROOT, running_shop

PARENT = """
import subprocess, sys, time
shop = subprocess.Popen([sys.executable, "-m", "channels.sandbox_shop", "--data", sys.argv[1], "--die-with-parent"],
                        stdout=subprocess.PIPE, text=True)
print(shop.pid, shop.stdout.readline().split()[-1], flush=True)
time.sleep(60)
"""


def test_the_shop_survives_a_kill_with_all_it_has_sold(tmp_path: Path) -> None:
    with running_shop(data=tmp_path) as shop:
        shop.add("MUG", quantity=5)
        order = shop.buy("MUG", 2)
        key = shop.api_key

        shop.kill()
        shop.restart()

        assert shop.api_key == key
        assert shop.stock() == {"MUG": 3}
        assert shop.read_order(order["id"]) == order


def test_the_shop_ends_when_asked_to() -> None:
    with running_shop() as shop:
        shop.script_faults([{"operation": "shop", "kind": "timeout_before", "seconds": 60}])
        with pytest.raises(httpx.ReadTimeout):
            shop.http.get("/api/shop", timeout=0.2)

        began = time.monotonic()
        shop.process.send_signal(signal.SIGTERM)

        assert shop.process.wait(5) == 0
        assert time.monotonic() - began < 5


def test_the_shop_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200

        parent.kill()
        parent.wait(5)

        until = time.monotonic() + 5
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < until, "the shop outlived its parent"
            time.sleep(0.05)


def test_the_note_with_the_keys_is_for_the_owner_only(tmp_path: Path) -> None:
    with running_shop(data=tmp_path / "shop") as shop:
        note = tmp_path / "shop" / "shop.json"
        assert json.loads(note.read_text())["base_url"] == shop.base_url
        for path in (tmp_path / "shop").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_demo_shop_has_something_to_sell(tmp_path: Path) -> None:
    with running_shop("Sandbox B", seed_demo=True, data=tmp_path) as shop:
        figures = shop.stock()
        assert len(figures) == 6
        assert shop.buy("MUG-BLUE")["number"] == "B-1001"

        shop.restart()

        assert shop.stock() == figures | {"MUG-BLUE": figures["MUG-BLUE"] - 1}


@pytest.mark.parametrize(
    "flags",
    [["--port", "70000"], ["--name", ""], ["--rate", "0"], ["--webhook-url", "http://example.com/"], ["--data"]],
)
def test_a_wrong_option_is_named(tmp_path: Path, flags: list[str]) -> None:
    command = [sys.executable, "-m", "channels.sandbox_shop", "--data", str(tmp_path), *flags]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, env=dict(os.environ))

    assert ended.returncode == 2
    assert ended.stderr
    assert "Traceback" not in ended.stderr
