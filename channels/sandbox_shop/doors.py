"""The way into the API: who is calling, how often, what shall go wrong, and one shape for every answer."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.http.response import ResponseHeaders
from django.views.decorators.csrf import csrf_exempt

from channels.sandbox_shop import journal, reading
from channels.sandbox_shop.faults import Rule
from channels.sandbox_shop.refusals import Refusal
from channels.sandbox_shop.replay import Answer
from channels.sandbox_shop.server import CUT, HANG, MISHAP, RESET
from channels.sandbox_shop.shop import API_KEY, CONTROL_KEY, Shop, the_shop

log = logging.getLogger(__name__)

_MISHAPS = {"timeout_before": HANG, "timeout_after_commit": HANG, "reset_before": RESET, "reset_after_commit": RESET}


@dataclass(frozen=True)
class Call:
    """One call that was let in. `failing` n asks to leave every n-th entry of a batch undone (0: none)."""

    shop: Shop
    request: HttpRequest
    received_at: str
    failing: int = 0

    @cached_property
    def raw(self) -> bytes:
        try:
            return self.request.body
        except RequestDataTooBig as trouble:
            raise Refusal(413, "too_large", "The body is too large.") from trouble
        except UnreadablePostError as trouble:
            raise Refusal(400, "unreadable", "The body did not arrive whole.") from trouble

    @cached_property
    def data(self) -> dict[str, Any]:
        return reading.read_object(self.raw)

    @property
    def optional_data(self) -> dict[str, Any]:
        """The body, which may be left out."""
        return self.data if self.raw else {}

    @property
    def key(self) -> str:
        return reading.idempotency_key(self.request.headers.get("Idempotency-Key"))

    @property
    def optional_key(self) -> str | None:
        return self.key if "Idempotency-Key" in self.request.headers else None

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        """A whole number from the query string."""
        given = self.request.GET.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit() and len(given) <= 18):
            raise Refusal(400, "invalid_value", "Must be a whole number.", field=name)
        return reading.whole({name: int(given)}, name, least=least, most=most)


Handler = Callable[..., Answer]
View = Callable[..., HttpResponseBase]


def operation(name: str, handler: Handler) -> View:
    """A view of the API: key, rate limit, faults, then the handler."""

    def view(request: HttpRequest, **named: str) -> HttpResponseBase:
        shop, received_at = the_shop(), journal.received_now()
        headers: dict[str, str] = {}
        rule: Rule | None = None
        try:
            _let_in(request, "X-Api-Key", shop.secret(API_KEY))
            allowance = shop.bucket.take()
            headers = allowance.headers()
            if not allowance.passed:
                raise Refusal(429, "throttled", "Too many calls; see Retry-After.")
            rule = shop.faults.next_for(name)
            if not _before(shop, request, rule):
                response: HttpResponse = HttpResponse(status=500)  # never seen: the line breaks off
            else:
                failing = rule.every if rule is not None and rule.kind == "partial_failure" else 0
                response = _answered(handler(Call(shop, request, received_at, failing), **named))
                response = _after(request, rule, response)
        except Refusal as refusal:
            response = _refused(refusal)
        for header, value in headers.items():
            response.headers.setdefault(header, value)
        _note(shop, name, received_at, rule, response)
        return response

    return csrf_exempt(view)


def control(handler: Handler) -> View:
    """A view of the control desk: its own key, from this machine only, and nothing ever goes wrong."""

    def view(request: HttpRequest, **named: str) -> HttpResponseBase:
        shop = the_shop()
        try:
            if not ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback:
                raise Refusal(403, "not_here", "The control desk is only open from this machine.")
            _let_in(request, "X-Control-Key", shop.secret(CONTROL_KEY))
            return _answered(handler(Call(shop, request, journal.received_now()), **named))
        except Refusal as refusal:
            return _refused(refusal)

    return csrf_exempt(view)


def by_method(**views: View) -> View:
    """One address, one view for each method."""

    def view(request: HttpRequest, **named: str) -> HttpResponseBase:
        chosen = views.get(request.method or "")
        if chosen is None:
            refusal = Refusal(405, "method_not_allowed", f"Use {' or '.join(sorted(views))} here.")
            return _refused(refusal, Allow=", ".join(sorted(views)))
        return chosen(request, **named)

    return csrf_exempt(view)


def _let_in(request: HttpRequest, header: str, key: str) -> None:
    given = request.headers.get(header, "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), key.encode()):
        raise Refusal(401, "unauthorised", f"The {header} header is missing or wrong.")


def _before(shop: Shop, request: HttpRequest, rule: Rule | None) -> bool:
    """Whether the handler shall run at all."""
    if shop.latency:
        shop.closing.wait(shop.latency)
    if rule is None:
        return True
    if rule.kind == "429":
        told = {"Retry-After": f"{rule.seconds:g}"}
        raise Refusal(429, "throttled", "Too many calls; see Retry-After.", headers=told)
    if rule.kind == "500":
        raise Refusal(500, "internal_error", "Something went wrong here; nothing was done.")
    if rule.kind == "slow":
        shop.closing.wait(rule.seconds)
    if rule.kind in ("timeout_before", "reset_before"):
        request.META[MISHAP] = (_MISHAPS[rule.kind], rule.seconds)
        return False
    return True


def _after(request: HttpRequest, rule: Rule | None, response: HttpResponse) -> HttpResponse:
    """The answer, or what is left of it. What the handler did stays done."""
    if rule is None:
        return response
    if rule.kind == "500_after_commit":
        raise Refusal(500, "internal_error", "Something went wrong here.")
    if rule.kind in ("timeout_after_commit", "reset_after_commit"):
        request.META[MISHAP] = (_MISHAPS[rule.kind], rule.seconds)
    elif rule.kind == "cut_body":
        request.META[MISHAP] = (CUT, 0.0)
    elif rule.kind == "half_json":
        response.content = response.content[: len(response.content) // 2]
    return response


def _answered(answer: Answer) -> HttpResponse:
    response = JsonResponse(answer.payload, status=answer.status, json_dumps_params={"ensure_ascii": False})
    if answer.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _refused(refusal: Refusal, **headers: str) -> HttpResponse:
    response = JsonResponse(refusal.payload(), status=refusal.status)
    _set(response.headers, refusal.headers | headers)
    return response


def _set(headers: ResponseHeaders, told: Mapping[str, str]) -> None:
    for header, value in told.items():
        headers[header] = value


def _note(shop: Shop, name: str, received_at: str, rule: Rule | None, response: HttpResponse) -> None:
    told = {"operation": name, "status": response.status_code, "fault": None if rule is None else rule.kind}
    with shop.store.transaction() as db:
        journal.write(db, journal.REQUEST, told, at=received_at)
