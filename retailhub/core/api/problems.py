"""Every refusal of the API as `application/problem+json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from retailhub.core.errors import Offence
from retailhub.core.failures import domain_error, escaped, json_problem, problem, refusal_response

# DRF's own words for its own refusals, and ours, which clients may rely on.
_CODES = {
    "parse_error": "invalid",
    "permission_denied": "not_allowed",
    "authentication_failed": "bad_credentials",
    "error": "invalid",
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer every refusal as `application/problem+json`; None, for a fault of ours, lets Django log it and say 500."""
    set_rollback()
    refusal = domain_error(error)
    if refusal is not None:
        return refusal_response(refusal, error)
    if isinstance(error, Http404):
        error = drf.NotFound()
    elif isinstance(error, PermissionDenied):
        error = drf.PermissionDenied()
    elif isinstance(error, ModelError):
        error = drf.ValidationError(error.message_dict if hasattr(error, "error_dict") else error.messages)
    if isinstance(error, drf.APIException):
        return _of_rest_framework(error)
    return None


def _of_rest_framework(error: drf.APIException) -> HttpResponse:
    title = ""
    errors: list[dict[str, Any]] = []
    if isinstance(error, drf.ValidationError):
        errors = [offence.as_dict() for offence in _offences(error.detail, "")]
        unknown = any(entry["code"] == "unknown_field" for entry in errors)
        code, title = ("unknown_field" if unknown else "invalid"), "What was sent cannot be understood"
        detail = _summary(errors)
    else:
        codes = error.get_codes()
        code = codes if isinstance(codes, str) else "invalid"
        code, detail = _CODES.get(code, code), str(error.detail)
    response = json_problem(problem(status=error.status_code, code=code, detail=detail, title=title, errors=errors))
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _summary(errors: Sequence[Mapping[str, Any]]) -> str:
    if not errors:
        return "What was sent cannot be understood."
    first = f"{errors[0]['pointer'] or 'The body'}: {errors[0]['detail']}"
    return first if len(errors) == 1 else f"{first} (and {len(errors) - 1} more)"


def _offences(detail: Any, pointer: str) -> Iterator[Offence]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _offences(inner, pointer if name == "non_field_errors" else f"{pointer}/{escaped(name)}")
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        for index, inner in enumerate(detail):
            yield from _offences(inner, f"{pointer}/{index}")
    elif isinstance(detail, list):
        for inner in detail:
            yield from _offences(inner, pointer)
    else:
        yield Offence(pointer=pointer, code=getattr(detail, "code", None) or "invalid", detail=str(detail))
