"""`Idempotency-Key` at the door of the API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from retailhub.core.api.parsing import TooDeep
from retailhub.core.api.principals import principal_of
from retailhub.core.api.rendering import to_json
from retailhub.core.errors import DomainError
from retailhub.core.failures import CONTENT_TYPE, problem_of
from retailhub.core.services.answering_once import (
    LONGEST_KEY,
    Answer,
    Call,
    KeyRequired,
    KeyUnusable,
    answer_once,
    in_one_transaction,
)

JSON = "application/json"
Body = tuple[int, Any]
"""What a view's work answers: a status and what is to be written as JSON."""


def answered_once(request: Request, work: Callable[[], Body], *, required: bool = True) -> HttpResponse:
    """Do the work once under the request's Idempotency-Key and answer it, or what was answered before.

    Call it after everything that decides whether the caller may ask at all. `required` False is for calls that come
    to the same when repeated: without a key they are simply done, in one transaction.
    """
    call = call_of(request, required=required)
    if call is None:
        return respond(in_one_transaction(lambda: written(*work())))
    return respond(answer_once(call=call, work=lambda: written(*work()), refused=refusal_answer))


def call_of(request: Request, *, required: bool) -> Call | None:
    """Answer who calls what with which content under which key. Raises KeyRequired or KeyUnusable."""
    sent = request.headers.get("Idempotency-Key")
    if sent is None or not sent.strip():
        if required:
            raise KeyRequired
        return None
    return call(request, key=usable(sent), content=request.data)


def call(request: Request, *, key: str, content: Any, part: str = "") -> Call:
    """Answer the call that this content is under this key; `part` tells a part of a call from the whole.

    What the caller may do counts as content: an answer is not given again to somebody with other rights under an old
    name, such as a new key or a person who has moved.
    """
    principal = principal_of(request)
    query = "" if part else request.META.get("QUERY_STRING", "")
    return Call(
        actor=principal.actor,
        route=f"{route_of(request)}{part}",
        key=key,
        fingerprint=fingerprint_of(content, f"{query}?{principal.rights}"),
    )


def usable(key: str) -> str:
    key = key.strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise KeyUnusable
    return key


def fingerprint_of(body: Any, more: str) -> str:
    """Answer the hash of the content as it was understood: the order of members and the spelling do not matter."""
    try:
        canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise TooDeep from error
    return hashlib.sha256(canonical + b"?" + more.encode()).hexdigest()


def route_of(request: Request) -> str:
    route = f"{request.method} {request.path}"
    return route if len(route) <= 200 else f"{route[:200]}#{hashlib.sha256(route.encode()).hexdigest()}"


def written(status: int, body: Any) -> Answer:
    return Answer(status=status, body=to_json(body), content_type=JSON)


def refusal_answer(refusal: DomainError) -> Answer:
    return Answer(status=refusal.status, body=to_json(problem_of(refusal)), content_type=CONTENT_TYPE)


def respond(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    if answer.replayed:
        response["Idempotency-Replayed"] = "true"
    return response
