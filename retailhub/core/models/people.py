"""People who work here and programs that hold keys."""

from __future__ import annotations

from typing import ClassVar

import pghistory
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from rest_framework_api_key.models import AbstractAPIKey

from retailhub.core.access import SCOPES, Role


# Who got which rights when, and from whom, is history. A log-in and the use of a key are not, and secrets never are.
@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange("username", "email", "is_active", "is_staff", "is_superuser")),
    pghistory.UpdateEvent("password", condition=pghistory.AnyChange("password")),
    pghistory.DeleteEvent(),
    fields=["username", "email", "is_active", "is_staff", "is_superuser"],
    model_name="UserEvent",
    append_only=True,
)
class User(AbstractUser):
    """A person who works here."""

    home_location = models.CharField(
        max_length=32, blank=True, help_text="Code of the location the home page starts with."
    )

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    model_name="MembershipEvent",
    append_only=True,
)
class Membership(models.Model):
    """A role a person has, at some locations or everywhere."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    everywhere = models.BooleanField(default=False)
    # Codes, not foreign keys: locations belong to a higher floor.
    locations = ArrayField(models.CharField(max_length=32), default=list, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role"], name="membership_one_per_user_and_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"

    def clean(self) -> None:
        if not self.everywhere and not self.locations:
            raise ValidationError({"locations": "Name the locations, or tick everywhere."})


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(
        condition=pghistory.AnyChange("name", "scopes", "locations", "channel", "revoked", "expiry_date")
    ),
    pghistory.DeleteEvent(),
    fields=["name", "prefix", "scopes", "locations", "channel", "revoked", "expiry_date"],
    model_name="ApiKeyEvent",
    append_only=True,
)
class ApiKey(AbstractAPIKey):
    """A key for a program: what it may do, where, for which channel, until when. The secret is shown once."""

    scopes = ArrayField(models.CharField(max_length=40), default=list)
    locations = ArrayField(models.CharField(max_length=32), null=True, blank=True, help_text="Empty: every location.")
    channel = models.CharField(max_length=32, blank=True, help_text="Code of the one channel this key speaks for.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractAPIKey.Meta):
        abstract = False
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(scopes__contained_by=sorted(SCOPES)), name="api_key_scopes_are_known"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(revoked=False), name="api_key_name_of_live_keys_is_unique"
            ),
        ]
