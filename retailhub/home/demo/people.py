"""One login per role. The passwords follow from this installation's own secret, so that no two demos share them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from retailhub.core.access import Role
from retailhub.core.models import Membership, User


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    first_name: str
    last_name: str
    role: Role
    locations: tuple[str, ...] = ()
    """Codes of places; none means everywhere."""
    home: str = ""


LOGINS = (
    Login("manager", "Chloé", "Martin", Role.STORE_MANAGER, home="lyon"),
    Login("warehouse", "Somchai", "Jaidee", Role.WAREHOUSE, ("depot",), home="depot"),
    Login("buyer", "Marc", "Dubois", Role.BUYER),
    Login("accountant", "Lin", "Wei", Role.ACCOUNTANT),
    Login("admin", "Ada", "Keller", Role.ADMINISTRATOR),
)


def password_of(username: str) -> str:
    """Answer the demo password of a login: made from SECRET_KEY, the same at every start of this installation."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"demo login {username}".encode(), hashlib.sha256).digest()
    return f"{username}-{base64.b32encode(digest)[:8].decode().lower()}"


@transaction.atomic
def have_logins() -> None:
    """Have one person per role, able to log in."""
    for login in LOGINS:
        user, made = User.objects.get_or_create(
            username=login.username,
            defaults={
                "first_name": login.first_name,
                "last_name": login.last_name,
                "email": f"{login.username}@demo.invalid",
                "is_staff": True,
                "home_location": login.home,
            },
        )
        if made or not user.check_password(password_of(login.username)):
            user.set_password(password_of(login.username))
            user.save(update_fields=["password"])
        Membership.objects.get_or_create(
            user=user,
            role=login.role,
            defaults={"everywhere": not login.locations, "locations": list(login.locations)},
        )
