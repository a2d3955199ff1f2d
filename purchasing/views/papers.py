"""Papers as pages show them: a PDF in a frame of our own, that nobody else frames and in which nothing runs."""

from __future__ import annotations

from typing import TypeVar

from django.http.response import HttpResponseBase

AnyAnswer = TypeVar("AnyAnswer", bound=HttpResponseBase)


def framed(answer: AnyAnswer, name: str) -> AnyAnswer:
    """Answer a PDF so that our own pages may frame it and nobody else; scripts in it have no way out."""
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["X-Frame-Options"] = "SAMEORIGIN"
    answer["Cache-Control"] = "private, no-store"
    # The browser's own viewer is an embedded object with styles of its own; nothing else may load or run.
    answer["Content-Security-Policy"] = (
        "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    return answer
