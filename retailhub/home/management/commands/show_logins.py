"""Says who can log in: the demo's people, or how the first person is made."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from retailhub.core.models import User
from retailhub.home.demo.people import LOGINS, password_of


class Command(BaseCommand):
    help = "Print one login per role of the demo; without it, how the first person is made while there is none."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            if not User.objects.exists():
                self.stdout.write(
                    "Nobody can log in yet. Make the first person, who can make others on the page People:\n"
                    f"  DATA_DIR={shlex.quote(str(settings.DATA_DIR))} {shlex.quote(sys.executable)} "
                    "manage.py createsuperuser"
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
