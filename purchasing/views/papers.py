"""Papers as pages show them: a PDF in a frame of our own, that nobody else frames and in which nothing runs."""

from __future__ import annotations

from typing import Any, TypeVar

from django.http.response import HttpResponseBase

from retailhub.core.pages import Dialog

AnyAnswer = TypeVar("AnyAnswer", bound=HttpResponseBase)


class LetterDialog(Dialog):
    """A dialog that shows the letter before it goes."""

    template_name = "purchasing/letter_page.html"
    partial_name = "purchasing/letter_dialog.html"

    def get_letter_url(self) -> str:
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(letter_url=self.get_letter_url(), **kwargs)


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
