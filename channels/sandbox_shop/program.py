"""The program around a shop: options, web framework, server, and a clean end."""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PARENT_DIED = 1  # PR_SET_PDEATHSIG


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox_shop", description="Run one Sandbox shop.")
    parser.add_argument("--name", default="Sandbox A", help="the shop's name, shown on its pages")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--data", type=Path, required=True, help="folder of the shop's own file")
    parser.add_argument("--webhook-url", help="where to send news; on this machine only")
    parser.add_argument("--seed-demo", action="store_true", help="begin with a few articles, if there are none")
    parser.add_argument("--api-key", help="made once and kept when left out")
    parser.add_argument("--control-key", help="made once and kept when left out")
    parser.add_argument("--webhook-secret", help="whsec_ and base64; made once and kept when left out")
    parser.add_argument("--webhook-pause", type=float, default=1.0, help="unit of the pause between attempts, seconds")
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second")
    parser.add_argument("--burst", type=int, default=100, help="calls at once")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="what every API call takes at least")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting thread ends (Linux)")
    options = parser.parse_args(arguments)
    if not (options.name.strip() and len(options.name) <= 60 and options.name.isprintable()):
        parser.error("--name must have 1 to 60 printable characters")
    if not 0 <= options.port <= 65535:
        parser.error("--port must lie between 0 and 65535")
    if options.rate <= 0 or options.burst < 1 or options.latency_ms < 0 or options.webhook_pause <= 0:
        parser.error("--rate, --burst and --webhook-pause must be positive")
    return options


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent goes; go at once if it has gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PARENT_DIED, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def web_application(page_key: str) -> Any:
    """Django with nothing but addresses, templates and form protection."""
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    here = Path(__file__).parent
    settings.configure(
        DEBUG=False,
        SECRET_KEY=page_key,
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF="channels.sandbox_shop.urls",
        MIDDLEWARE=[
            "channels.sandbox_shop.headers.safe_headers",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [here / "templates"]}],
        # Cookies do not know ports: without a name of its own two shops on one machine would share one.
        CSRF_COOKIE_NAME=f"sandbox_{hashlib.sha256(page_key.encode()).hexdigest()[:12]}",
        CSRF_COOKIE_HTTPONLY=True,
        CSRF_COOKIE_SAMESITE="Strict",
        CSRF_FAILURE_VIEW="channels.sandbox_shop.pages.expired_form",
        DATA_UPLOAD_MAX_MEMORY_SIZE=2 * 1024 * 1024,
        USE_TZ=True,
        USE_I18N=False,
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"django.request": {"level": "ERROR"}, "django.security": {"level": "ERROR"}},
        },
    )
    django.setup()
    return get_wsgi_application()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a shop until it is told to end (SIGTERM, SIGINT)."""
    parent = os.getppid()
    options = read_options(arguments)
    os.umask(0o077)  # the shop's file holds its keys
    closing = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: closing.set())
    if options.die_with_parent:
        die_with_parent(parent)

    from channels.sandbox_shop.demo import seed_demo
    from channels.sandbox_shop.refusals import Refusal
    from channels.sandbox_shop.server import Server
    from channels.sandbox_shop.shop import PAGE_KEY, Settings, Shop, open_shop

    try:
        shop = Shop(
            Settings(
                name=options.name.strip(),
                data=options.data,
                api_key=options.api_key,
                control_key=options.control_key,
                webhook_secret=options.webhook_secret,
                webhook_url=options.webhook_url,
                webhook_pause=options.webhook_pause,
                calls_per_second=options.rate,
                burst=options.burst,
                latency=options.latency_ms / 1000,
            )
        )
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.field}: {refusal.message}\n")
        return 2
    application = web_application(shop.secret(PAGE_KEY))
    open_shop(shop)
    if options.seed_demo:
        seed_demo(shop)
    server = Server(options.port, application, shop.closing)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    serving.start()
    shop.open_doors(server.url)
    sys.stdout.write(f"{shop.name} listens on {server.url}\n")
    sys.stdout.flush()
    closing.wait()
    shop.closing.set()
    server.shutdown()
    server.server_close()
    shop.close()
    return 0
