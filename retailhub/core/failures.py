"""Refusals and failures as problem documents (RFC 9457) for programs, or as a plain page for people.

Knows Django but not the API framework, so that middleware and Django's own error handlers can use it too.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from psycopg import errors as pg

from retailhub.core.errors import DomainError, TryAgain
from retailhub.core.text import DirtyText

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RESERVED = frozenset({"type", "title", "status", "code", "detail", "errors"})
AWAY_SECONDS = 5


class PayloadTooLarge(DomainError):
    """The body is larger than 8 MiB."""

    code = "too_large"
    status = 413


class DatabaseAway(TryAgain):
    """The database cannot be reached right now; try again."""

    code = "database_away"
    retry_after = AWAY_SECONDS


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    title: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Answer the members of a problem document. Details that bear a reserved name are kept under `current_<name>`."""
    document: dict[str, Any] = {
        "type": f"urn:retailhub:problem:{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    for name, value in (details or {}).items():
        document[f"current_{name}" if name in RESERVED else name] = value
    if errors:
        document["errors"] = list(errors)
    return document


def problem_of(error: DomainError) -> dict[str, Any]:
    """Answer the problem document of a refusal."""
    title = (type(error).__doc__ or "").strip().split("\n")[0].rstrip(".")
    return problem(
        status=error.status,
        code=error.code,
        detail=error.detail,
        title=title,
        errors=[offence.as_dict() for offence in error.errors],
        details=error.details,
    )


def domain_error(error: BaseException) -> DomainError | None:
    """Answer the refusal a failure amounts to, when it is no fault of ours: busy, away, or text we cannot store."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, OperationalError | InterfaceError):
        cause = error.__cause__
        passing = pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable, pg.QueryCanceled
        return TryAgain() if isinstance(cause, passing) else DatabaseAway()
    if isinstance(error, InternalError) and isinstance(error.__cause__, pg.ReadOnlySqlTransaction):
        return DatabaseAway()
    if isinstance(error, DataError | DirtyText | UnicodeEncodeError):
        return _Unstorable(str(error) if isinstance(error, DirtyText) else None)
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge()
    return None


class _Unstorable(DomainError):
    """A value is too large, or holds a character that cannot be stored."""

    code = "invalid"
    status = 400


def refusal_response(refusal: DomainError, cause: BaseException | None = None) -> HttpResponse:
    """Answer the refusal; a 503 says when to come back."""
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("Answered %s: %s", refusal.status, refusal.detail, exc_info=cause or refusal)
    response = json_problem(problem_of(refusal))
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def json_problem(document: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(orjson.dumps(document, default=str), status=document["status"], content_type=CONTENT_TYPE)


def escaped(name: object) -> str:
    """Answer a member's name as a JSON pointer writes it."""
    return str(name).replace("~", "~0").replace("/", "~1")


# --- outside the API: Django's own handlers, told apart by the address ---------------------------------------------


# No template, no stylesheet, no database: it must come up when nothing else does.
_PLAIN_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | retailhub</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body {{ font: 1rem/1.5 Inter, system-ui, sans-serif; width: min(36rem, 90%); margin: 15vh auto }}
a {{ color: inherit }}</style>
</head><body><main><h1>{title}</h1><p>{detail}</p><p><a href="/">Home</a></p></main></body></html>"""


def for_programs(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def problem_response(
    request: HttpRequest, *, status: int, code: str, detail: str, retry_after: int | None = None
) -> HttpResponse:
    """Answer a problem document to a program, a plain page that says the same to a person."""
    if for_programs(request):
        response = json_problem(problem(status=status, code=code, detail=detail))
    else:
        title = HTTPStatus(status).phrase
        response = HttpResponse(
            _PLAIN_PAGE.format(title=title, detail=escape(detail)),
            status=status,
        )
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def failure_response(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Answer for a failure that is no fault of ours; None for the rest."""
    refusal = domain_error(error) if error is not None else None
    if refusal is None:
        return None
    if for_programs(request):
        return refusal_response(refusal, error)
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("Answered %s: %s", refusal.status, refusal.detail, exc_info=error)
    return problem_response(
        request,
        status=refusal.status,
        code=refusal.code,
        detail=refusal.detail,
        retry_after=getattr(refusal, "retry_after", None),
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return problem_response(request, status=413, code="too_large", detail=PayloadTooLarge().detail)
    detail = str(exception) if isinstance(exception, BadRequest) else "The request cannot be understood."
    return problem_response(request, status=400, code="invalid", detail=detail)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem_response(request, status=403, code="not_allowed", detail="You may not do this.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem_response(request, status=404, code="not_found", detail="There is nothing here.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nothing caught. Django calls this while it is being handled."""
    answer = failure_response(request, sys.exc_info()[1])
    if answer is not None:
        return answer
    return problem_response(
        request,
        status=500,
        code="internal_error",
        detail="Something went wrong on our side. Nothing was changed; the request id names it in our logs.",
    )
