"""Is it alive, can it work, how does it go: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from retailhub.core.api.authentication import ApiKeyAuthentication
from retailhub.core.api.principals import principal_of
from retailhub.core.failures import problem
from retailhub.core.sql import rows

LOOPBACK = frozenset({"127.0.0.1", "::1"})


@never_cache
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; nothing else is looked at, so that a database outage restarts no web process."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether requests can be served: the database answers and its tables are of this release.

    The broker and the channels are reported but never make the answer a no: orders can be taken without them.
    """
    try:
        migrations = _unapplied()
        waiting = rows(
            "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM outbox_delivery WHERE state = 'waiting'"
        )
        overdue = max(0.0, round(float(waiting[0][0]), 1))
    except (DatabaseError, InterfaceError):
        return JsonResponse(
            {"status": "unavailable", "database": "unreachable"}, status=503, headers={"Retry-After": "5"}
        )
    if migrations:
        return JsonResponse(
            {"status": "unavailable", "database": "ok", "unapplied_migrations": migrations},
            status=503,
            headers={"Retry-After": "5"},
        )
    return JsonResponse(
        {"status": "ok", "database": "ok", "unapplied_migrations": 0, "outbox_overdue_seconds": overdue}
    )


class _Unapplied(Exception):
    """Keeps a figure other than none from being remembered."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(count)


@cache
def _all_applied() -> bool:
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _Unapplied(len(plan))
    return True


def _unapplied() -> int:
    try:
        _all_applied()  # asked until it is so; migrations are not undone under a running process
    except _Unapplied as answer:
        return answer.count
    return 0


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures for Prometheus, to the machine itself or to whoever holds `system:read`."""
    if not _from_this_machine(request):
        refusal = _refuse(request)
        if refusal:
            return refusal
    try:
        text = "".join(_lines())
    except (DatabaseError, InterfaceError):
        text = "# TYPE retailhub_up gauge\nretailhub_up 0\n"
    return HttpResponse(text, content_type="text/plain; version=0.0.4")


def _from_this_machine(request: HttpRequest) -> bool:
    # Behind a proxy on this machine everybody comes from the loopback; the proxy says so in a header.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not forwarded


def _refuse(request: HttpRequest) -> HttpResponse | None:
    from rest_framework.exceptions import AuthenticationFailed
    from rest_framework.request import Request

    try:
        holder = ApiKeyAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        holder = None
        known = False
    else:
        known = holder is not None or request.user.is_authenticated
    principal = holder[0].principal if holder else principal_of(request)
    if principal.may("system:read"):
        return None
    status, code = (403, "not_allowed") if known else (401, "not_authenticated")
    body = problem(status=status, code=code, detail="The figures are for this machine, or take the scope system:read.")
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    if status == 401:
        response["WWW-Authenticate"] = 'Api-Key realm="retailhub"'
    return response


# name, help, statement; every column but the last is a label
_FIGURES: tuple[tuple[str, str, str], ...] = (
    (
        "retailhub_outbox_deliveries",
        "Deliveries that wait or were given up.",
        "SELECT state, count(*) FROM outbox_delivery WHERE state <> 'done' GROUP BY state",
    ),
    (
        "retailhub_outbox_oldest_seconds",
        "Age of the oldest delivery that waits.",
        """SELECT coalesce(extract(epoch FROM now() - min(e.created_at)), 0) FROM outbox_delivery d
           JOIN outbox_outboxevent e ON e.id = d.event_id WHERE d.state = 'waiting'""",
    ),
    (
        "retailhub_inbox_messages",
        "Messages of channels that are pending or in quarantine.",
        """SELECT c.code AS channel, m.state, count(*) FROM channels_inboxmessage m
           JOIN channels_account a ON a.id = m.account_id JOIN orders_saleschannel c ON c.id = a.channel_id
           WHERE m.state IN ('pending', 'quarantined') GROUP BY 1, 2""",
    ),
    (
        "retailhub_inbox_oldest_seconds",
        "Age of the oldest pending message of a channel.",
        """SELECT c.code AS channel, extract(epoch FROM now() - min(m.received_at)) FROM channels_inboxmessage m
           JOIN channels_account a ON a.id = m.account_id JOIN orders_saleschannel c ON c.id = a.channel_id
           WHERE m.state = 'pending' GROUP BY 1""",
    ),
    (
        "retailhub_push_listings",
        "Listings whose stock figure is not in step with the channel.",
        """SELECT c.code AS channel, i.state, count(*) FROM channels_stockintent i
           JOIN channels_account a ON a.id = i.account_id JOIN orders_saleschannel c ON c.id = a.channel_id
           WHERE i.state <> 'idle' GROUP BY 1, 2""",
    ),
    (
        "retailhub_push_lag_seconds",
        "95th percentile, over the last 15 minutes, from a stock change to the channel's answer.",
        """SELECT c.code AS channel, percentile_cont(0.95) WITHIN GROUP (ORDER BY p.lag_ms) / 1000.0
           FROM channels_pushlog p JOIN channels_account a ON a.id = p.account_id
           JOIN orders_saleschannel c ON c.id = a.channel_id
           WHERE p.at > now() - interval '15 minutes' AND p.lag_ms IS NOT NULL GROUP BY 1""",
    ),
    (
        "retailhub_jobs",
        "Long jobs that wait or run.",
        "SELECT state, count(*) FROM core_job WHERE state IN ('waiting', 'running') GROUP BY state",
    ),
    (
        "retailhub_attention_open",
        "What needs a person.",
        "SELECT kind, count(*) FROM core_attention WHERE resolved_at IS NULL GROUP BY kind",
    ),
    (
        "retailhub_idempotency_keys",
        "Keys whose first call is running, or whose holder died.",
        "SELECT count(*) FROM core_idempotencykey WHERE state = 'running'",
    ),
)


def _lines() -> Iterator[str]:
    yield "# TYPE retailhub_up gauge\nretailhub_up 1\n"
    for name, text, statement in _FIGURES:
        yield f"# HELP {name} {text}\n# TYPE {name} gauge\n"
        with connection.cursor() as cursor:
            cursor.execute(statement)
            labels = [column.name for column in cursor.description[:-1]]
            for *values, figure in cursor.fetchall():
                yield f"{name}{_labelled(zip(labels, values, strict=True))} {float(figure):g}\n"


def _labelled(pairs: Iterable[tuple[str, Any]]) -> str:
    inner = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in pairs)
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
