"""Says with which logins the demo can be looked at."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from retailhub.core.models import User
from retailhub.home.demo.people import LOGINS, password_of


class Command(BaseCommand):
    help = "Print one login per role of the demo."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            self.stdout.write(
                "This installation is not a demo: people are made with createsuperuser and the People page."
            )
            return
        there = {user.username: user for user in User.objects.filter(username__in=[x.username for x in LOGINS])}
        self.stdout.write("Log in as:")
        for login in LOGINS:
            user = there.get(login.username)
            if user is None:
                continue
            told = password_of(login.username) if user.check_password(password_of(login.username)) else "(changed)"
            self.stdout.write(f"  {login.role.label:26} {login.username:11} {told}")
