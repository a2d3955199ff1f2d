"""Django's permission questions, answered from roles."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from retailhub.core.access import MODEL_SCOPES, principal_of_user


class RoleBackend(BaseBackend):
    """Answers Django's permission questions from roles, so that admin, pages and API share one table."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        app, _, codename = perm.partition(".")
        verb, _, model = codename.partition("_")
        scopes = MODEL_SCOPES.get(f"{app}.{model}")
        if scopes is None:
            return False
        return principal_of_user(user_obj).may(scopes[0] if verb == "view" else scopes[1])

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        principal = principal_of_user(user_obj)
        return any(
            principal.may(read) or principal.may(write)
            for label, (read, write) in MODEL_SCOPES.items()
            if label.startswith(f"{app_label}.")
        )
