"""People and keys, and clients that speak for them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from django.conf import settings
from rest_framework.test import APIClient

from retailhub.core.access import SCOPES
from retailhub.core.models import ApiKey, Membership, User
from retailhub.core.services.keying import make_key
from tests.contract import hold_to_contract

_number = count(1)


def key_with(
    *scopes: str, locations: Sequence[str] | None = None, channel: str = "", name: str = "", **kwargs: Any
) -> tuple[ApiKey, str]:
    """Have a key with these scopes; none named: all."""
    return make_key(
        name=name or f"key {next(_number)}",
        scopes=scopes or list(SCOPES),
        locations=locations,
        channel=channel,
        **kwargs,
    )


def program(*scopes: str, **kwargs: Any) -> Program:
    """Answer a client that holds a key with these scopes; none named: all."""
    _, secret = key_with(*scopes, **kwargs)
    return Program(secret)


class Program(APIClient):
    """A program with an API key. Each call that writes gets a fresh Idempotency-Key unless one is given.

    Every answer is held against docs/openapi.yaml.
    """

    def __init__(self, secret: str = "") -> None:
        super().__init__(raise_request_exception=False)
        self.secret = secret
        if secret:
            self.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")

    def send(self, path: str, body: Any = None, *, key: str | None = "", method: str = "post", **headers: str) -> Any:
        """Write to an address below /api/v1; `key` None leaves the Idempotency-Key out."""
        if key is not None:
            headers["Idempotency-Key"] = key or f"test-{next(_number)}"
        return getattr(self, method)(f"/api/v1{path}", body, format="json", headers=headers)

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        path, urls = request["PATH_INFO"], getattr(settings, "ROOT_URLCONF", "")
        if path.startswith("/api/v1/") and urls == "retailhub.urls":
            hold_to_contract(request["REQUEST_METHOD"], path, response)
        return response

    def read(self, path: str, **query: Any) -> Any:
        return self.get(f"/api/v1{path}", query)


def person(role: str = "", *, locations: Sequence[str] | None = None, **kwargs: Any) -> User:
    """Have a person with this role at these locations, everywhere when none is named."""
    user = User.objects.create_user(f"person-{next(_number)}", password="a long password", is_staff=True, **kwargs)
    if role:
        Membership.objects.create(user=user, role=role, everywhere=locations is None, locations=list(locations or []))
    return user
