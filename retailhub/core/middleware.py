"""What happens to every request: a name for the logs, a name in the history, clean text, and honest outages."""

from __future__ import annotations

import io
import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pghistory
from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from retailhub.core.access import principal_of_user
from retailhub.core.failures import failure_response, problem_response
from retailhub.core.text import DirtyText, clean_text, without_traps

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_request_id: ContextVar[str] = ContextVar("request_id", default="-")
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class RequestIdMiddleware:
    """Gives each request an id, the caller's own if it is sane; it is in the answer and in every log line."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-Id", "")
        given = sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex
        _request_id.set(given)
        response = self.get_response(request)
        response["X-Request-Id"] = given
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 503 or 400 where a page failed because the database was away, was busy, or refused the text."""
        return failure_response(request, error)


def _forget_request_id(**_: object) -> None:
    _request_id.set("-")


# Not at the end of the middleware: Django logs refusals after all middleware has returned.
request_finished.connect(_forget_request_id, dispatch_uid="retailhub.request_id")


class RequestIdFilter(logging.Filter):
    """Lets log formats name the request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _request_id.get()
        return True


class HistoryMiddleware:
    """Stamps every history row that a writing request leaves with who asked, for which address, under which request id.

    Programs are known only once their key was read, which the API does later: `history_actor` is told then.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in _WRITING:
            return self.get_response(request)
        facts: dict[str, Any] = {"url": request.path[:300], "request_id": _request_id.get()}
        # Only a browser brings a session; looking at the user costs the query that the page needs anyway.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and hasattr(request, "user"):
            facts["actor"] = principal_of_user(request.user).actor
        with pghistory.context(**facts):
            return self.get_response(request)


def history_actor(actor: str) -> None:
    """Say who acts, for the history rows of this request; nothing happens outside a writing request."""
    pghistory.context(actor=actor)


class CleanInputMiddleware:
    """Gives views clean text: what queries and forms send is NFC and holds nothing invisible, as in the API's JSON.

    Characters that no document may hold are refused. Passwords stay as they were typed, and so do blanks: forms see to
    them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _measured(request):
            return _refused(request, 413, "too_large", "The body is larger than 8 MiB.")
        try:
            clean_text(request.path_info)
        except DirtyText:
            return _refused(request, 404, "not_found", "There is nothing here.")
        try:
            request.GET = _cleaned(request.GET)  # type: ignore[assignment]
            # The API reads JSON, which its parser cleans; reading a body here would take a raw webhook from its view.
            if request.method == "POST" and not request.path_info.startswith("/api/"):
                request.POST = _cleaned(request.POST)  # type: ignore[assignment]
        except _DirtyField as refusal:
            return _refused(request, 400, "invalid", str(refusal))
        return self.get_response(request)


class _DirtyField(Exception):
    """A field holds what no document may hold."""


def _cleaned(sent: QueryDict) -> QueryDict:
    """Answer what was sent, cleaned; the very same object where that changes nothing, as nearly always."""
    tidy = QueryDict(mutable=True, encoding=sent.encoding)
    for name, values in sent.lists():
        try:
            texts = [without_traps(str(value)) for value in values]
            tidy.setlist(without_traps(name), values if "password" in name else texts)
        except DirtyText as dirt:
            raise _DirtyField(f"The value of {_harmless(name)} cannot be used: {dirt}.") from dirt
    if tidy == sent:
        return sent
    tidy._mutable = False
    return tidy


def _measured(request: HttpRequest) -> bool:
    """Give a body that was sent without a length (chunked, or by HTTP/2) the length that Django goes by.

    Django takes it for empty otherwise, and an empty body means something to some verbs: cancel everything. Answers
    whether the body is small enough.
    """
    environ = request.META
    if request.method not in _WRITING or environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
        return True
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    body = environ["wsgi.input"].read(most + 1)
    environ["CONTENT_LENGTH"] = str(len(body))
    request._stream = io.BytesIO(body)
    return len(body) <= most


def _harmless(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:60])


def _refused(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    return problem_response(request, status=status, code=code, detail=detail)
