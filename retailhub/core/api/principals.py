"""Who stands behind a request."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from retailhub.core.access import NOBODY, Principal, principal_of_key, principal_of_user
from retailhub.core.models import ApiKey


class KeyHolder:
    """The program behind an API key, where Django and DRF expect a user. It has no account and no password."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False
    pk = id = None

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    def __str__(self) -> str:
        return self.principal.actor

    def get_username(self) -> str:
        return self.principal.actor

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


def key_holder(key: ApiKey) -> KeyHolder:
    return KeyHolder(principal_of_key(key))


def principal_of(request: Request | HttpRequest) -> Principal:
    """Answer who asks: the holder of a key, a person, or nobody. Costs at most one query per request."""
    user = request.user
    if isinstance(user, KeyHolder):
        return user.principal
    return NOBODY if user is None else principal_of_user(user)
