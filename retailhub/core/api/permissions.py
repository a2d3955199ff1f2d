"""Default deny: a view says which scope each of its methods takes, or nobody gets in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from retailhub.core.access import SCOPES
from retailhub.core.api.principals import principal_of
from retailhub.core.errors import NotAllowed

if TYPE_CHECKING:
    # DRF's settings import this module while its views are being made
    from rest_framework.views import APIView

_READING = frozenset({"GET", "HEAD"})


def scope_for(view: APIView | type[APIView], method: str) -> str | None:
    """Answer the scope a method of the view takes: from `required_scopes`, else `read_scope` or `write_scope`."""
    method = "GET" if method == "HEAD" else method
    declared: Mapping[str, str] = getattr(view, "required_scopes", {})
    action = getattr(view, "action", None)
    scope = declared.get(action or "") or declared.get(method)
    if scope is None:
        scope = getattr(view, "read_scope" if method in _READING else "write_scope", None)
    return scope if scope in SCOPES else None


class HasScope(BasePermission):
    """Lets in who holds the declared scope anywhere; where he holds it is the business of `for_principal`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.user is None:
            return False  # DRF makes 401 of it, because nobody authenticated
        method = request.method or ""
        if method.lower() not in view.http_method_names or not hasattr(view, method.lower()):
            return True  # there is nothing to guard: the view answers 405
        scope = scope_for(view, method)
        if scope is None or not principal_of(request).may(scope):
            raise NotAllowed("This takes a scope that you do not have.", scope=scope)
        return True
